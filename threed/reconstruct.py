"""Reconstruct: posed pictures of an object (`transforms.json`) as a scene and a mesh."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from pydantic import Field

from common.config import BY_NAME, Config
from common.runs.app import Estimate
from threed.conversion.options import Meshing

if TYPE_CHECKING:
    from threed.optimise.fit_options import FitOptions
    from threed.optimise.gaussian_options import GaussianFit

TexturePx = Literal[256, 512, 1024, 2048, 4096]

_LIBRARIES_BYTES = 900 * 2**20
_BYTES_PER_PIXEL = 40
"""Of the pictures: four numbers, kept twice, and the rays of the voxel fit."""
_BYTES_PER_NODE = 400
"""Of a field: values, gradients, moments and the sums of four threads."""
_BYTES_PER_GAUSSIAN = 4000
"""With 27 harmonics, gradients, moments, and what one picture keeps for going backward."""


class FittedGaussians(Config):
    """A cloud of 3-D Gaussians."""

    name: Literal["gaussians"] = "gaussians"
    num_steps: int = Field(1500, ge=1, le=100_000)
    """Pictures that are compared, one a step."""
    degree: int = Field(2, ge=0, le=3)
    """Of the colours' harmonics: 0 is the same colour from everywhere."""
    num_gaussians: int = Field(3000, ge=4, le=1_000_000)
    """At the start, on the visual hull."""
    max_gaussians: int = Field(8000, ge=4, le=1_000_000)
    """Never more than these."""

    @property
    def fit(self) -> "GaussianFit":
        """How they are fitted."""
        from threed.optimise.gaussian_options import GaussianFit

        return GaussianFit(
            num_steps=self.num_steps, degree=self.degree, num_gaussians=self.num_gaussians,
            max_gaussians=self.max_gaussians, degree_every=max(self.num_steps // 5, 1),
            refine_until=4 * self.num_steps // 5,
        )  # fmt: skip

    @property
    def scene_bytes(self) -> int:
        """Memory of the fit."""
        return _BYTES_PER_GAUSSIAN * self.max_gaussians


class FittedVoxels(Config):
    """Density and colour on a grid."""

    name: Literal["voxel_nerf"] = "voxel_nerf"
    num_steps: int = Field(200, ge=2, le=100_000, multiple_of=2)
    """Half of them on a grid of half as many cells."""
    num_cells: int = Field(64, ge=16, le=256, multiple_of=2)
    """Along the longest side of the object."""
    rays_per_step: int = Field(4096, ge=1, le=1_000_000)
    """Pixels that are compared in a step."""

    @property
    def fit(self) -> "FitOptions":
        """How it is fitted."""
        from threed.optimise.fit_options import FitOptions

        return FitOptions(
            num_cells=self.num_cells, steps=(self.num_steps // 2,) * 2,
            rays_per_step=self.rays_per_step,
        )  # fmt: skip

    @property
    def scene_bytes(self) -> int:
        """Memory of the fit."""
        return _BYTES_PER_NODE * self.num_cells**3


FittedScene = Annotated[FittedGaussians | FittedVoxels, BY_NAME]


class Reconstruct(Config):
    """Fit a scene to pictures whose cameras are known, and mesh it."""

    name: Literal["reconstruct"] = "reconstruct"
    input: Path
    """The folder of a dataset with `transforms.json` (nerfstudio, instant-ngp, Blender), or the
    JSON file: pinhole cameras, pictures of one size in which the object is cut out."""
    outline: Literal["alpha", "mask"] = "alpha"
    """What cuts the object out: the pictures' transparency, or each frame's mask_path, white where
    the object is."""
    picture_px: int = Field(256, ge=16, le=2048)
    """Pictures whose longer side has more pixels are scaled down to this."""
    hold_out: int = Field(8, ge=0, le=1000)
    """Every so manieth picture is not fitted but compared with; 0 fits all of them."""
    scene: FittedScene = FittedGaussians()
    """What is fitted: gaussians or voxel_nerf."""
    meshing: Meshing | None = Meshing()
    """How the scene becomes a textured mesh; null for Gaussians alone."""
    max_faces: int | None = Field(None, ge=100, le=2_000_000)
    """More triangles than this are merged; null keeps all that the grid gives."""
    texture_px: TexturePx = 1024
    """Side of the texture."""

    def check(self) -> None:
        """Refuse a dataset that cannot be fitted, before a run folder exists."""
        from threed.capture.posed_object import check_capture

        check_capture(self)

    def estimate(self) -> Estimate:
        """Memory by the pictures and the scene."""
        from threed.nerfstudio.transforms import read_transforms
        from threed.texturing.picture_size import size_within

        posed = read_transforms(self.input)
        height, width = size_within(posed.cameras, self.picture_px)
        sizes = {"method.input": f"{len(posed)} pictures, fitted at {width} x {height}"}
        memory = _LIBRARIES_BYTES + _BYTES_PER_PIXEL * len(posed) * height * width
        memory += self.scene.scene_bytes
        if self.meshing is not None:
            memory += _BYTES_PER_NODE * self.meshing.num_cells**3
        return Estimate(sizes, memory, self.scene.num_steps)
