"""What is known of a clip from its prompt, before it is drawn."""

from dataclasses import dataclass, replace

from common.diffusion.frame_curves import FrameNumbers
from common.embedded.framing import Framing
from common.embedded.mouth import MouthFinder, Mouths, Talk
from common.embedded.moves import Tracks
from common.embedded.trajectory import Trajectories
from common.shapes import Images


@dataclass(frozen=True, eq=False)
class ClipPart:
    """Which part of a longer clip is drawn."""

    begin: int
    """Its first frame, of those since the prompt began to be told; not 0."""
    anchor: Images | None = None
    """Clean latents of the frame with which it began: that one moves, in place of the part's own
    first, so that what is drawn and coded again and again does not wear off. None: the part's own
    first frame moves on."""


@dataclass(frozen=True)
class ClipPlan:
    """Each part may be missing."""

    framing: Framing | None = None
    """Where first frames have their things."""
    trajectories: Trajectories | None = None
    """How these move as a whole."""
    part: ClipPart | None = None
    """The part of a longer clip that is drawn; None: it is drawn from its first frame on."""
    tracks: Tracks | None = None
    """How they are to move, whatever the prompt tells: one track, for every sample."""
    unexplained: float | None = None
    """Share of a clip's change that such a track misses, where that is known."""
    noise: float | None = None
    """Noise level ``sigma / alpha`` to begin at, in square roots of the share of a clip's change
    that the move leaves unexplained; None begins with noise alone."""
    finder: MouthFinder | None = None
    """Finds the mouths of faces."""
    mouths: Mouths | None = None
    """What the face in the clip has in every frame; None: the mouth that is drawn."""

    def of_frames(self, frames: FrameNumbers) -> "ClipPlan":
        """The plan of some frames of the clip, drawn as one of their own."""
        tracks = None if self.tracks is None else self.tracks[:, frames]
        return replace(
            self,
            tracks=None if tracks is None else tracks - tracks[:, :1],
            mouths=None if self.mouths is None else self.mouths[frames],
        )

    def talks(self, first: Images) -> Talk | None:
        """How the faces in these first frames (clean latents) talk, if that is told."""
        if self.finder is None or self.mouths is None:
            return None
        return Talk(self.finder(first.float()), self.mouths)


NOTHING_KNOWN = ClipPlan()
"""Clips begin with pictures as large as the frame, and with noise."""
