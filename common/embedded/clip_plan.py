"""What is known of a clip from its prompt, before it is drawn."""

from dataclasses import dataclass

from common.embedded.framing import Framing
from common.embedded.moves import Tracks
from common.embedded.trajectory import Trajectories


@dataclass(frozen=True)
class ClipPlan:
    """Each part may be missing."""

    framing: Framing | None = None
    """Where first frames have their things."""
    trajectories: Trajectories | None = None
    """How these move as a whole."""
    tracks: Tracks | None = None
    """How they are to move, whatever the prompt tells: one track, for every sample."""
    noise: float | None = None
    """Noise level ``sigma / alpha`` to begin at, in square roots of the share of a clip's change
    that the move leaves unexplained; None begins with noise alone."""


NOTHING_KNOWN = ClipPlan()
"""Clips begin with pictures as large as the frame, and with noise."""
