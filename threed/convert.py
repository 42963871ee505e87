"""Convert: a mesh file of any common format as an asset."""

from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import Field

from common.config import Config
from common.errors import InputError
from common.runs.app import Estimate
from threed.asset import Asset

if TYPE_CHECKING:
    import trimesh

SUFFIXES = (".obj", ".ply", ".stl", ".off", ".glb")
MAX_BYTES = 512 * 2**20
MAX_FACES = 2_000_000

_Z_UP_TO_Y_UP = np.array(
    [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]], dtype=np.float64
)

_LIBRARIES_BYTES = 350 * 2**20
"""Resident memory of the interpreter with torch and trimesh loaded; measured, rounded up."""

_BYTES_PER_INPUT_BYTE = 16
"""Peak memory of reading a text mesh, per byte of its file; measured on the bunny, rounded up."""


class Convert(Config):
    """Read a mesh file and write it as GLB."""

    name: Literal["convert"] = "convert"
    input: Path
    """Mesh to read: .obj, .ply, .stl, .off or .glb."""
    up: Literal["+y", "+z"] = "+y"
    """Which axis of the file points up; the GLB has +Y up as glTF demands."""
    fit: float | None = Field(None, gt=0, le=1000)
    """Scale and centre so that the longest side has this many metres; null keeps the size."""

    def check(self) -> None:
        """Refuse a file that cannot be read, before a run folder exists."""
        path = self.input
        if path.suffix.lower() not in SUFFIXES:
            raise InputError(f"{path}: reads {', '.join(SUFFIXES)}, not '{path.suffix}' files")
        if not path.is_file():
            raise InputError(f"{path}: there is no such file")
        size = path.stat().st_size
        if not 0 < size <= MAX_BYTES:
            raise InputError(f"{path}: has {size:,} bytes; between 1 and {MAX_BYTES:,} are read")

    def estimate(self) -> Estimate:
        """Memory by the size of the file."""
        size = self.input.stat().st_size
        sizes = {"method.input": f"{self.input} ({size:,} bytes)"}
        return Estimate(sizes, _LIBRARIES_BYTES + _BYTES_PER_INPUT_BYTE * size, 0)

    def make(self) -> Asset:
        """The mesh, upright and scaled as asked, with an explicit material."""
        mesh = read_mesh(self.input)
        if self.up == "+z":
            mesh.apply_transform(_Z_UP_TO_Y_UP)
        if self.fit is not None:
            longest = float(mesh.extents.max())
            if longest == 0:
                raise InputError(f"{self.input}: all vertices are one point; no size to fit")
            mesh.apply_translation(-mesh.bounds.mean(axis=0))
            mesh.apply_scale(self.fit / longest)
        _plain_material(mesh)
        return Asset(self.input.stem, mesh)


def read_mesh(path: Path) -> "trimesh.Trimesh":
    """The file's triangles as one mesh, with its colours, UVs and texture.

    Raises:
        InputError: nothing readable in it, no faces, too many, or vertices that are not numbers.
    """
    import trimesh

    try:
        mesh = trimesh.load_mesh(path, process=False)
    except Exception as error:  # trimesh's readers raise whatever their parsing runs into
        raise InputError(f"{path}: is not a readable mesh ({type(error).__name__}: {error})") from (
            error
        )
    faces = len(getattr(mesh, "faces", ()))
    if faces == 0:
        raise InputError(f"{path}: has no faces; a point cloud or scan must be meshed first")
    if faces > MAX_FACES:
        raise InputError(f"{path}: has {faces:,} faces; at most {MAX_FACES:,} are read")
    bad = int((~np.isfinite(mesh.vertices)).any(axis=1).sum())
    if bad:
        raise InputError(f"{path}: {bad} of {len(mesh.vertices)} vertices are not finite")
    if mesh.faces.min() < 0 or mesh.faces.max() >= len(mesh.vertices):
        raise InputError(f"{path}: a face names a vertex that is not there")
    return mesh


def _plain_material(mesh: "trimesh.Trimesh") -> None:
    """Replace the Phong material that trimesh makes of OBJ files by what their authors saw.

    A texture is the colour (OBJ's map_Kd replaces Kd, whereas glTF would multiply them), and a
    mesh without a material is light grey, not trimesh's 2 x 2 placeholder picture.
    """
    from trimesh.visual import TextureVisuals
    from trimesh.visual.material import PBRMaterial, SimpleMaterial, empty_material

    if not isinstance(mesh.visual, TextureVisuals):
        return
    visual: Any = mesh.visual
    if not isinstance(visual.material, SimpleMaterial):
        return
    image, placeholder = visual.material.image, empty_material().image
    missing = image is not None and (image.size, image.tobytes()) == (
        placeholder.size,
        placeholder.convert(image.mode).tobytes(),
    )
    factor = [204, 204, 204, 255] if missing else [255, 255, 255, 255]
    if image is None:
        factor = np.asarray(visual.material.diffuse).tolist()
    visual.material = PBRMaterial(
        baseColorTexture=None if missing else image,
        baseColorFactor=factor,
        metallicFactor=0.0,
        roughnessFactor=1.0,
    )
