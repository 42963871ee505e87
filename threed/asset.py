"""An asset: what every method of the 3-D app ends in."""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import trimesh


@dataclass(frozen=True)
class Asset:
    """A mesh that is ready to be exported: +Y up, front +Z, metres."""

    name: str
    """Stem of its file name."""
    mesh: "trimesh.Trimesh"
    losses: tuple[str, ...] = ()
    """What its source held that it does not, a clause each."""
