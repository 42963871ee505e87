"""Motion-compensated temporal filtering: what jitters between frames is taken out of a clip.

A clip that began with its moved first frame ``m`` differs from it by what was drawn, ``d``. Seen
from the moving thing, what was drawn on purpose (a turn, a mouth that opens) changes over several
frames, and what was left of the noise from frame to frame. So the clip is ``m + W h W^-1 d``: ``W``
moves as ``m`` does, and ``h`` is the maximally flat half-band filter of five taps, whose response
at ``w`` radians a frame is ``(10 + 8 cos w - 2 cos 2 w) / 16``: 0.98 for a period of eight frames,
3/4 for four, 0 for two. Filtering along motion: Ohm 1994, IEEE Trans. Image Processing 3(5).
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor

from common.embedded.frame_prior import FramePrior
from common.embedded.moves import Tracks, at_rest, centres_of, in_motion, moved
from common.shapes import Clips, Images

_TAPS = (-1 / 16, 4 / 16, 10 / 16, 4 / 16, -1 / 16)
_REACH = len(_TAPS) // 2


class Lead(NamedTuple):
    """The moved first frames that clips began with."""

    first: Images
    """Clean latents of the first frames."""
    tracks: Tracks
    """How they move."""


def moved_pictures(prior: FramePrior, lead: Lead) -> Clips:
    """The moved first frames themselves."""
    return moved(prior.pictures.decode(lead.first).clamp(-1, 1), lead.tracks)


@torch.no_grad()
def decoded_clips(
    prior: FramePrior, latents: Float[Tensor, "b z f y x"], lead: Lead | None
) -> Clips:
    """Latents to premultiplied RGBA clips, not clamped; without jitter if they had a lead.

    Clips too short for the filter stay as they are.
    """
    if lead is None or latents.shape[2] <= _REACH:
        return prior.decode(latents)
    moving = moved_pictures(prior, lead)
    centres = centres_of(moving[:, :, 0])
    drawn = prior.decode(latents) - prior.decode(prior.encode(moving))
    kept = smoothed(at_rest(drawn, lead.tracks, centres))
    return moving + in_motion(kept, lead.tracks, centres)


def smoothed(clips: Clips) -> Clips:
    """The filter over frames. The first frame stays as it is: it may have been given.

    The clip goes on beyond its first frame as its negative about that one, and beyond its last as
    its mirror image.
    """
    early, late = range(_REACH, 0, -1), range(-2, -2 - _REACH, -1)
    before = 2 * clips[:, :, :1] - clips[:, :, list(early)]
    longer = torch.cat([before, clips, clips[:, :, list(late)]], 2)
    weights = torch.tensor(_TAPS).to(clips)[None, None, :, None, None]
    channels = clips.shape[1]
    return F.conv3d(longer, weights.expand(channels, -1, -1, -1, -1), groups=channels)
