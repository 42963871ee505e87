"""An asset: what every method of the 3-D app ends in."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trimesh

    from threed.scenes.gaussian_cloud import GaussianCloud


@dataclass(frozen=True, eq=False)
class Asset:
    """What is ready to be exported, +Y up, front +Z, metres: a mesh, Gaussians, or both."""

    name: str
    """Stem of its file name."""
    mesh: "trimesh.Trimesh | None"
    losses: tuple[str, ...] = ()
    """What its source held that it does not, a clause each."""
    cloud: "GaussianCloud | None" = None
    notes: tuple[str, ...] = ()
    """What was done to it, a sentence each."""
    metrics: Mapping[str, float] = field(default_factory=dict)
    """Figures of its making, by name, for the report and for comparisons."""
