"""What all methods share that draw views together and lift them into a scene and a mesh."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from common.config import Config
from common.diffusion.guidance_config import CFG, Guidance
from common.diffusion.sampler_config import DPMSolverPP2M, Sampler
from threed.optimise.distil_options import DistilViews

if TYPE_CHECKING:
    from common.embedded.image_unet import View
    from threed.optimise.fit_options import FitOptions


class LiftedViews(Config):
    """The keys of every method that lifts views."""

    name: str
    num_views: int = Field(4, ge=2, le=8)
    """Views that are drawn together, evenly round the object, the front first."""
    size_px: int = Field(128, ge=64, le=256, multiple_of=8)
    """Side of the views."""
    sampler: Sampler = DPMSolverPP2M()
    """How noise becomes views."""
    guidance: Guidance = CFG(guidance_scale=4.0)
    """How strongly the views follow the prompt."""
    num_cells: int = Field(64, ge=16, le=256, multiple_of=2)
    """Cells of the scene along its longest side."""
    fit_steps: int = Field(200, ge=2, le=100_000, multiple_of=2)
    """Steps that fit the scene to the views, half of them on a grid of half as many cells."""
    distil: DistilViews = DistilViews(num_steps=0)
    """How the prior refines the scene between the views; none by default: it takes most of the time
    and changes neither fronts nor outlines for the better (`compare/distillation_full`)."""
    outline_steps: int = Field(100, ge=0, le=10_000)
    """Steps that move the mesh's vertices until its front has the outline of the front that is
    given or drawn; 0 leaves them where the scene has its surface."""
    surface: Literal["marching_cubes", "dual_contouring"] = "marching_cubes"
    """How the scene becomes triangles: with round edges, or sharp ones where it has them."""
    max_faces: int | None = Field(None, ge=100, le=2_000_000)
    """More triangles than this are merged; null keeps all that the grid gives."""
    texture_px: Literal[256, 512, 1024, 2048, 4096] = 1024
    """Side of the texture."""
    refine_steps: int = Field(0, ge=0, le=10_000)
    """Steps that bring renders of the mesh nearer to the views; 0 leaves the texture as baked."""

    @property
    def views(self) -> "tuple[View, ...]":
        """Where the drawn views look from."""
        from common.embedded.image_unet import FRONT, View

        turn = 360.0 / self.num_views
        return tuple(View(turn * index, FRONT.elevation_deg) for index in range(self.num_views))

    @property
    def fit(self) -> "FitOptions":
        """How the scene is fitted."""
        from threed.optimise.fit_options import FitOptions

        return FitOptions(num_cells=self.num_cells, steps=(self.fit_steps // 2,) * 2)

    @property
    def view_shape(self) -> tuple[int, int]:
        """Views that the prior sees together, and their side in pixels."""
        return self.num_views, self.size_px

    @property
    def num_scenes(self) -> int:
        """Scenes in memory together."""
        return 1

    @property
    def num_evaluations(self) -> int:
        """Steps of the whole run: of the sampler, the fit and the distillation."""
        return self.sampler.num_evaluations + self.fit_steps + self.distil.num_steps
