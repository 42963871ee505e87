"""How a mesh is painted: the keys of every method that paints one."""

from typing import TYPE_CHECKING, Literal

from pydantic import Field

from common.config import Config
from common.diffusion.guidance_config import CFG
from common.diffusion.sampler_config import DPMSolverPP2M, Sampler
from threed.painting.paint_options import ExtraView, PaintControl, Way, rounds_of

if TYPE_CHECKING:
    from threed.painting.paint import PaintOptions
    from threed.texturing.view_colours import ViewWeights

NEVER = 2.0
"""A diffusion time that no step reaches."""


class Painting(Config):
    """Views of a mesh drawn by the prior, and projected onto its texture."""

    way: Way = "synchronised"
    """synchronised draws the ring of views together and lets them agree on the surface at every
    step; projected draws them together without that; progressive draws one after the other, each
    given what the surface shows already."""
    num_views: int = Field(4, ge=1, le=8)
    """Views of the ring, evenly round the mesh, the front first."""
    extra_views: tuple[ExtraView, ...] = Field((
        ExtraView(azimuth_deg=0.0, elevation_deg=80.0),
        ExtraView(azimuth_deg=0.0, elevation_deg=-60.0),
    ), max_length=32)  # fmt: skip
    """Views that are painted after the ring, one by one, given what the surface shows already."""
    extra_strength: float = Field(0.5, gt=0, le=1)
    """Share of the steps that extra views take: they begin from what the surface shows, spread to
    where it shows nothing; 1 draws that anew."""
    size_px: int = Field(128, ge=64, le=1024, multiple_of=8)
    """Side of the views."""
    sampler: Sampler = DPMSolverPP2M()
    """How noise becomes views."""
    guidance: CFG = CFG(guidance_scale=4.0)
    """How strongly the views follow the prompt."""
    controls: tuple[PaintControl, ...] = Field((PaintControl(),), max_length=4)
    """What the views follow of the mesh; several add up."""
    sync_until: float = Field(0.2, ge=0, le=1)
    """Of synchronised: views agree at diffusion times from this on, 0 clean to 1 noise."""
    cosine_power: float = Field(4.0, ge=0, le=32)
    """A view's weight at a point is the cosine between normal and viewing direction to this
    power."""
    border_px: float = Field(3.0, ge=0, le=64)
    """Pixels nearer than this to an outline count the less the nearer they are."""
    upscale: Literal[1, 2, 4] = 2
    """How much larger the views are made by the upscaler before they are projected."""
    delight: bool | None = None
    """Take off the light that the prior draws things in, so that the texture is albedo and shines
    in no viewer twice; null does so with the embedded prior, whose light is known."""
    texture_px: Literal[256, 512, 1024, 2048, 4096] = 1024
    """Side of the texture; where part of one is kept, it has that one's."""

    @property
    def options(self) -> "PaintOptions":
        """How views are painted."""
        from threed.painting.paint import PaintOptions

        rounds = rounds_of(self.way, self.num_views, self.extra_views, self.extra_strength)
        until = self.sync_until if self.way == "synchronised" else NEVER
        return PaintOptions(
            rounds, self.sampler, self.guidance, until, self.size_px, self.view_weights
        )

    @property
    def supersample(self) -> int:
        """Samples along each side of a texel: beyond 2048 texels are finer than any view."""
        return 1 if self.texture_px > 2048 else 2

    @property
    def view_weights(self) -> "ViewWeights":
        """How well a view sees a point."""
        from threed.texturing.view_colours import ViewWeights

        return ViewWeights(cosine_power=self.cosine_power, border_px=self.border_px)

    @property
    def largest_group(self) -> int:
        """Views in memory together; a later one has the front beside it."""
        return max(2, 1 if self.way == "progressive" else self.num_views)

    @property
    def num_evaluations(self) -> int:
        """Steps of the sampler over all rounds."""
        from common.diffusion.given import num_taken

        rounds = rounds_of(self.way, self.num_views, self.extra_views, self.extra_strength)
        return sum(num_taken(self.sampler, one.strength) for one in rounds)
