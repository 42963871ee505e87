"""Convert: a mesh file of any common format as an asset."""

from pathlib import Path
from typing import Literal

import numpy as np
from pydantic import Field

from common.config import Config
from common.errors import InputError
from common.runs.app import Estimate
from threed.asset import Asset

_Z_UP_TO_Y_UP = np.array(
    [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]], dtype=np.float64
)

_LIBRARIES_BYTES = 350 * 2**20
"""Resident memory of the interpreter with torch and trimesh loaded; measured, rounded up."""

_BYTES_PER_INPUT_BYTE = 16
"""Peak memory of reading a text mesh, per byte of its file; measured on the bunny, rounded up."""


class Convert(Config):
    """Read a mesh file and write it as GLB, and in any other format that `export` names."""

    name: Literal["convert"] = "convert"
    input: Path
    """Mesh to read: .obj, .ply, .stl, .off, .glb, .gltf or .usdz."""
    up: Literal["+y", "+z"] = "+y"
    """Which axis of the file points up; the GLB has +Y up as glTF demands."""
    fit: float | None = Field(None, gt=0, le=1000)
    """Scale and centre so that the longest side has this many metres; null keeps the size."""

    def check(self) -> None:
        """Refuse a file that cannot be read, before a run folder exists."""
        from threed.mesh_files import check_mesh_file

        check_mesh_file(self.input)

    def estimate(self) -> Estimate:
        """Memory by the size of the file."""
        size = self.input.stat().st_size
        sizes = {"method.input": f"{self.input} ({size:,} bytes)"}
        return Estimate(sizes, _LIBRARIES_BYTES + _BYTES_PER_INPUT_BYTE * size, 0)

    def make(self) -> Asset:
        """The mesh, upright and scaled as asked, with an explicit material."""
        from threed.material import plain_material
        from threed.mesh_files import read_mesh

        read = read_mesh(self.input)
        mesh = read.mesh
        if self.up == "+z":
            mesh.apply_transform(_Z_UP_TO_Y_UP)
        if self.fit is not None:
            longest = float(mesh.extents.max())
            if longest == 0:
                raise InputError(f"{self.input}: all vertices are one point; no size to fit")
            mesh.apply_translation(-mesh.bounds.mean(axis=0))
            mesh.apply_scale(self.fit / longest)
        return Asset(self.input.stem, plain_material(mesh), read.losses)
