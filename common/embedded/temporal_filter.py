"""Motion-compensated temporal filtering: what jitters between frames is taken out of a clip.

A clip that began with its moved first frame ``m`` differs from it by what was drawn, ``d``. Seen
from the moving thing, what was drawn on purpose (a turn, a mouth that opens) changes over several
frames, and what was left of the noise from frame to frame. So the clip is ``m + W h W^-1 d``: ``W``
moves as ``m`` does, and ``h`` is the maximally flat half-band filter of five taps, whose response
at ``w`` radians a frame is ``(10 + 8 cos w - 2 cos 2 w) / 16``: 0.98 for a period of eight frames,
3/4 for four, 0 for two. Filtering along motion: Ohm 1994, IEEE Trans. Image Processing 3(5). The
mouths of a face that is told to talk are in ``m``, and nothing is drawn over them, nor where any of
them is in another frame.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from common.embedded.mouth import Talk
from common.embedded.moves import (
    Tracks,
    at_rest,
    centres_of,
    frames_moved,
    in_motion,
    moved,
)
from common.embedded.planned_clips import PlannedClips, decoded_frame
from common.shapes import Clips, Images

_TAPS = (-1 / 16, 4 / 16, 10 / 16, 4 / 16, -1 / 16)
_REACH = len(_TAPS) // 2
_JOINED_OVER = 8
"""Frames over which what was drawn runs from a frame of an earlier clip into that of a new one."""


_CLEAR = 4.0
"""Where a told mouth changes a colour by the inverse of this, nothing is drawn over it."""


class Lead(NamedTuple):
    """The moved first frames that clips began with."""

    first: Images
    """Clean latents of the first frames."""
    tracks: Tracks
    """How they move."""
    looped: bool = False
    """Whether the first frame follows the last."""
    talk: Talk | None = None
    """The mouths of faces that talk."""
    joined: bool = False
    """Whether the first frame was drawn before, in the clip that this one goes on with."""

    def of(self, row: int) -> "Lead":
        """Of one clip."""
        own = slice(row, row + 1)
        talk = None if self.talk is None else self.talk.of(row)
        return self._replace(first=self.first[own], tracks=self.tracks[own], talk=talk)


@torch.no_grad()
def decoded_clips(
    prior: PlannedClips,
    latents: Float[Tensor, "b z f y x"],
    lead: Lead | None,
    part: slice = slice(None),
) -> Float[Tensor, "b c g h w"]:
    """Latents to premultiplied RGBA clips, not clamped; without jitter if they had a lead.

    Clips too short for the filter stay as they are.

    Args:
        prior: that decodes.
        latents: of whole clips.
        lead: what they began with.
        part: the frames that are wanted; parts join without a seam.
    """
    count = latents.shape[2]
    begin, end, _ = part.indices(count)
    if lead is None or count <= _REACH:
        return prior.decode(latents[:, :, begin:end])
    first = decoded_frame(prior, lead.first)
    centres = centres_of(first)
    frames = _around(begin, end, count, lead.looped)
    tracks = lead.tracks[:, frames]
    quiet = moved(first, tracks)
    moving = quiet
    if lead.talk is not None:
        moving = frames_moved(lead.talk.frames(first, frames), tracks, centres)
    drawn = prior.decode(latents[:, :, frames]) - prior.decode(prior.encode(moving))
    if lead.talk is not None:
        # Nothing was drawn over the first frame, whose latents have no other mouth.
        drawn[:, :, [place for place, frame in enumerate(frames) if frame == 0]] = 0
    resting = at_rest(drawn, tracks, centres)
    if lead.joined:
        assert begin == 0, "what goes on with another clip is joined to it from its begin on"
        resting = joined(resting)
    before = 0 if lead.looped or begin > 0 else _REACH
    after = 0 if lead.looped or end < count else _REACH
    kept = smoothed(_longer(resting, before, after))
    own = slice(_REACH - before, _REACH - before + end - begin)
    over = in_motion(kept, tracks[:, own], centres)
    if lead.talk is None:
        return quiet[:, :, own] + over
    told = (_CLEAR * (moving - quiet)[:, :, own].abs().amax(1, keepdim=True)).clamp(max=1)
    near = repeat(lead.talk.reach(first), "b 1 h w -> b 1 f h w", f=len(frames))
    reach = (frames_moved(near, tracks, centres)[:, :, own] + 1) / 2
    return moving[:, :, own] + (1 - torch.maximum(told, reach)) * over  # what a mouth does is known


def joined(clips: Clips) -> Clips:
    """Frames that run out of the first one, which belongs to another clip, without a step.

    What they would have in its place is told by a line through the next four. The difference to
    that is added to later frames, less and less. Clips too short for it stay as they are.
    """
    if clips.shape[2] < 5:
        return clips
    near, far = clips[:, :, 1:3].mean(2), clips[:, :, 3:5].mean(2)  # 1.5 and 3.5 frames away
    step = clips[:, :, 0] - torch.lerp(near, far, -0.75)
    share = (1 - torch.arange(clips.shape[2]).to(clips) / _JOINED_OVER).clamp(min=0)
    share[0] = 0  # it stays
    return clips + step[:, :, None] * share[:, None, None]


def smoothed(clips: Clips) -> Float[Tensor, "b c g h w"]:
    """The filter over frames; twice two frames fewer are left."""
    weights = torch.tensor(_TAPS).to(clips)[None, None, :, None, None]
    channels = clips.shape[1]
    return F.conv3d(clips, weights.expand(channels, -1, -1, -1, -1), groups=channels)


def _around(begin: int, end: int, count: int, looped: bool) -> list[int]:
    """The frames that the filter sees to give those from ``begin`` to ``end``."""
    around = range(begin - _REACH, end + _REACH)
    if looped:
        return [frame % count for frame in around]
    # At the clip's ends it goes on with its own frames, so that there must be some.
    low, high = max(begin - _REACH, 0), min(end + _REACH, count)
    return list(range(low, high))


def _longer(clips: Clips, before: int, after: int) -> Float[Tensor, "b c g h w"]:
    """Clips that go on before their first frame as their negative about it, then mirrored.

    So the first frame, which may have been given, stays as it is.
    """
    parts = [clips]
    if before:
        early = list(range(before, 0, -1))
        parts.insert(0, 2 * clips[:, :, :1] - clips[:, :, early])
    if after:
        parts.append(clips[:, :, list(range(-2, -2 - after, -1))])
    return torch.cat(parts, 2)
