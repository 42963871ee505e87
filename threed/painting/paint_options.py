"""Which views a mesh is painted from, in which order, and what is followed."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

from pydantic import Field, model_validator

from common.config import Config
from common.control.kinds import MeshKind

if TYPE_CHECKING:
    from common.embedded.image_unet import View

Way = Literal["synchronised", "progressive", "projected"]


@dataclass(frozen=True)
class Round:
    """Views that are painted together."""

    views: "tuple[View, ...]"
    strength: float = 1.0
    """Share of the steps that is taken; below 1 they begin from what the surface shows already,
    spread to where it shows nothing."""


class PaintControl(Config):
    """A picture of the bare mesh that the views follow."""

    kind: MeshKind = "normals"
    """What it shows of the mesh: normals, depth, segmentation (its outline), canny or soft_edge
    (edges of its normals and outline)."""
    weight: float = Field(1.0, ge=0, le=10)
    """How much of the ControlNet's features is added; 0 is no control."""
    interval: tuple[float, float] = (0.0, 1.0)
    """It acts only at these diffusion times, 0 clean to 1 noise."""
    path: Path | None = None
    """The ControlNet's folder in diffusers' format, for prior.name=pretrained; the embedded prior
    has one for all kinds."""
    variant: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]+$")
    """Which weights of that folder, such as fp16."""

    @model_validator(mode="after")
    def _interval_is_ordered(self) -> "PaintControl":
        low, high = self.interval
        if not 0 <= low < high <= 1:
            raise ValueError(f"interval must be 0 <= low < high <= 1, got [{low}, {high}]")
        return self


class ExtraView(Config):
    """A view that is painted later, given what others show."""

    azimuth_deg: float = Field(ge=-360, le=360)
    """0 looks at the front, 90 at the object's left side."""
    elevation_deg: float = Field(ge=-90, le=90)
    """90 looks from straight above."""


def rounds_of(
    way: Way, num_views: int, extra: tuple[ExtraView, ...], strength: float
) -> tuple[Round, ...]:
    """The ring together, or one by one from the front; then the other views, one by one.

    One by one, views alternate sides, so that each new one has a painted neighbour.

    Args:
        way: progressive goes one by one.
        num_views: of the ring.
        extra: the others.
        strength: of the others.
    """
    from common.embedded.image_unet import FRONT, View

    turn = 360.0 / num_views
    ring = [View(turn * index, FRONT.elevation_deg) for index in range(num_views)]
    later = [Round((View(one.azimuth_deg, one.elevation_deg),), strength) for one in extra]
    if way == "progressive":
        ring.sort(key=lambda one: (min(one.azimuth_deg, 360 - one.azimuth_deg), one.azimuth_deg))
        return (*(Round((view,)) for view in ring), *later)
    return (Round(tuple(ring)), *later)
