"""What the embedded prior of several frames, or views, is told of each sample."""

from dataclasses import dataclass, replace

from common.diffusion.frame_curves import FrameNumbers
from common.embedded.classifying import Classes
from common.embedded.prior import EmbeddedCond
from common.embedded.travelled_rows import frame_rows
from common.shapes import Images


@dataclass(frozen=True)
class FramesCond:
    """What the lifted U-Net is told."""

    rows: EmbeddedCond
    """Of each frame that is seen together, the frames of a sample one after the other."""
    first: Images | None = None
    """Clean latents of the first frames, if they are given."""
    hidden: bool = False
    """Whether the other frames do not see it: what guidance on the first frame moves away from."""
    of_clip: bool = False
    """Whether ``rows`` are of all frames of the clip, which then differ."""
    classes: Classes | None = None
    """Of each sample, where a classifier is at hand and one prompt is said of all frames."""

    def without_pictures(self) -> "FramesCond":
        """The same without the pictures of an image prompt."""
        return replace(self, rows=replace(self.rows, seen=None))

    def seen_together(self, frames: FrameNumbers, num_frames: int) -> EmbeddedCond:
        """The rows of the clip's frames that are seen together."""
        if not self.of_clip:
            return self.rows
        return frame_rows(self.rows, frames, num_frames)
