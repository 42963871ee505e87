"""Convert: a mesh or Gaussians, from a file of any common format, as an asset."""

from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from pydantic import Field

from common.config import Config
from common.errors import InputError
from common.runs.app import Estimate
from threed.asset import Asset
from threed.conversion.options import Cleaning, Meshing

if TYPE_CHECKING:
    import trimesh

    from threed.scenes.gaussian_cloud import GaussianCloud

_Z_UP_TO_Y_UP = np.array(
    [[1, 0, 0, 0], [0, 0, 1, 0], [0, -1, 0, 0], [0, 0, 0, 1]], dtype=np.float64
)

_LIBRARIES_BYTES = 350 * 2**20
"""Resident memory of the interpreter with torch and trimesh loaded; measured, rounded up."""

_BYTES_PER_INPUT_BYTE = 16
"""Peak memory of reading a text mesh, per byte of its file; measured on the bunny, rounded up."""

_BYTES_PER_NODE = 200
"""Of the grid that Gaussians are meshed on."""

TexturePx = Literal[256, 512, 1024, 2048, 4096]


class Convert(Config):
    """Read a mesh, Gaussians or a checkpoint of nerfstudio, and write what `export` names."""

    name: Literal["convert"] = "convert"
    input: Path
    """A mesh (.obj, .ply, .stl, .off, .glb, .gltf or .usdz), Gaussians (.ply, .splat, .spz, or
    .glb with KHR_gaussian_splatting), or nerfstudio's step-*.ckpt of splatfacto, nerfacto or
    extrude (`ns-train extrude`)."""
    up: Literal["+y", "+z"] = "+y"
    """Which axis of the file points up; the asset has +Y up as glTF demands."""
    axes: str | None = Field(None, pattern=r"^[RLUDFB]{3}$")
    """Axes of a file of Gaussians, such as RUB (x right, y up, z backward); null for what it
    states, or its format's usual ones."""
    fit: float | None = Field(None, gt=0, le=1000)
    """Scale and centre so that the longest side has this many metres; null keeps the size. Of
    Gaussians, the box of their centres."""
    cleaning: Cleaning | None = None
    """Weld, drop specks, cut where surfaces branch, close holes ({} for the defaults); null leaves
    a mesh as it is."""
    max_faces: int | None = Field(None, ge=100, le=2_000_000)
    """More faces than this are merged, which cleans first; null keeps all."""
    texture_px: TexturePx | None = None
    """Side of a texture to make, on good texture coordinates of its own or on new ones; null makes
    none, but where one got lost on the way, of 1024."""
    meshing: Meshing | None = None
    """Turn Gaussians into a textured mesh too ({} for the defaults), for the formats of meshes."""
    dataset: Path | None = None
    """The folder of the dataset (transforms.json) that a checkpoint was trained on, to put the
    scene where that dataset's cameras see it; null leaves it in the training world."""

    def check(self) -> None:
        """Refuse a file that cannot be read, before a run folder exists."""
        from threed.conversion.sources import check_source

        kind = check_source(self.input, self.axes)
        if kind == "mesh" and self.meshing is not None:
            raise InputError(f"{self.input}: is a mesh already; meshing is for Gaussians")
        if kind != "mesh" and self.cleaning is not None:
            raise InputError(f"{self.input}: holds no mesh to clean; what meshing makes is clean")
        if kind != "checkpoint" and self.dataset is not None:
            raise InputError(f"{self.input}: is no checkpoint; dataset is for step-*.ckpt files")

    @property
    def kind(self) -> Literal["mesh", "gaussians", "checkpoint"]:
        """What the file holds."""
        from threed.conversion.sources import kind_of

        return kind_of(self.input)

    def estimate(self) -> Estimate:
        """Memory by the size of the file."""
        size = self.input.stat().st_size
        sizes = {"method.input": f"{self.input} ({size:,} bytes)"}
        memory = _LIBRARIES_BYTES + _BYTES_PER_INPUT_BYTE * size
        if self.meshing is not None:
            cells = self.meshing.num_cells
            sizes["method.meshing"] = f"{cells} cells along the longest side"
            memory += _BYTES_PER_NODE * cells**3
        return Estimate(sizes, memory, 0)

    def make(self) -> Asset:
        """What the file holds, upright and scaled as asked, with an explicit material."""
        if self.kind == "mesh":
            return self._mesh()
        from threed.conversion.scene_asset import scene_asset

        return scene_asset(self)

    def placed(self, cloud: "GaussianCloud") -> "GaussianCloud":
        """A cloud upright and scaled as asked."""
        import torch

        from threed.scenes.similarity import moved_cloud

        if self.up == "+z":
            cloud = moved_cloud(cloud, torch.from_numpy(_Z_UP_TO_Y_UP[:3, :3].copy()))
        if self.fit is None:
            return cloud
        low, high = cloud.means.amin(0).double(), cloud.means.amax(0).double()
        longest = float((high - low).max())
        if longest == 0:
            raise InputError(f"{self.input}: all Gaussians are at one point; no size to fit")
        scale = self.fit / longest
        turn = torch.eye(3, dtype=torch.float64)
        return moved_cloud(cloud, turn, scale=scale, shift=-scale * (low + high) / 2)

    def _mesh(self) -> Asset:
        from threed.conversion.tidy_mesh import tidied
        from threed.material import plain_material
        from threed.mesh_files import read_mesh

        read = read_mesh(self.input)
        mesh = plain_material(self.placed_mesh(read.mesh))
        tidy = tidied(mesh, self.cleaning, self.max_faces, self.texture_px)
        return Asset(self.input.stem, tidy.mesh, (*read.losses, *tidy.losses), notes=tidy.notes)

    def placed_mesh(self, mesh: "trimesh.Trimesh") -> "trimesh.Trimesh":
        """A mesh upright and scaled as asked, in place."""
        if self.up == "+z":
            mesh.apply_transform(_Z_UP_TO_Y_UP)
        if self.fit is not None:
            longest = float(mesh.extents.max())
            if longest == 0:
                raise InputError(f"{self.input}: all vertices are one point; no size to fit")
            mesh.apply_translation(-mesh.bounds.mean(axis=0))
            mesh.apply_scale(self.fit / longest)
        return mesh
