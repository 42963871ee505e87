"""How things in clips move as a whole: tracks of affine maps that take the first frame to each.

Gauss-Newton on the squared difference of pictures with Levenberg's damping (Lucas and Kanade 1981),
frame after frame. A frame begins at the centroid and the area of what is visible, and at the turn
that the frames before it lead to.
"""

from typing import NamedTuple

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.embedded.moves import NUM_MOVES, Tracks, centres_of, moved_about
from common.embedded.trajectory import Told
from common.shapes import Clips, Images

_SIDE_PX = 32
_STEPS = 10
_DAMPING = 1e-2
_NUDGES = (0.01, 0.01, 0.02, 0.02, 0.03)
"""What each move is changed by to see what it does: about a third of a pixel."""
_LITTLE = 1e-3
"""Share of a clip's energy that is no change to speak of."""
_PULL = 1e-3
"""Weight of the stretches: what is as well explained without them has none."""


class _First(NamedTuple):
    pictures: Images
    centres: Float[Tensor, "b 2"]


@torch.no_grad()
def registered(clips: Clips) -> Told:
    """Tracks of premultiplied RGBA clips in [-1, 1], and what they leave unexplained."""
    small = _small(clips)
    first = _First(small[:, :, 0], centres_of(small[:, :, 0]))
    tracks = torch.zeros(len(clips), clips.shape[2], NUM_MOVES)
    for frame in range(1, clips.shape[2]):
        before = tracks[:, max(frame - 2, 0)]
        guess = 2 * tracks[:, frame - 1] - before
        guess[:, :2], guess[:, 2:4] = _by_moments(first.pictures, small[:, :, frame])
        tracks[:, frame] = _fitted(first, small[:, :, frame], guess, tracks[:, frame - 1])
    return Told(tracks, unexplained(small, tracks))


def unexplained(clips: Clips, tracks: Tracks) -> Float[Tensor, " b"]:
    """``sum (clip - moved first frame)^2 / sum (clip - first frame)^2`` over the later frames.

    In [0, 1]; a clip that hardly changes has 1, as no move explains it.
    """
    first, later = clips[:, :, 0], clips[:, :, 1:]
    made = moved_about(first, tracks, centres_of(first))[:, :, 1:]
    missed = ((made - later) ** 2).sum((1, 2, 3, 4))
    changed = ((first[:, :, None] - later) ** 2).sum((1, 2, 3, 4))
    little = _LITTLE * ((later + 1) ** 2).sum((1, 2, 3, 4)).clamp(min=1e-6)
    return ((missed + little) / (changed + little)).clamp(0, 1)


def _small(clips: Clips) -> Float[Tensor, "b c f y x"]:
    flat = rearrange(clips, "b c f h w -> (b f) c h w")
    small = torch.nn.functional.interpolate(flat, size=(_SIDE_PX, _SIDE_PX), mode="area")
    return rearrange(small, "(b f) c h w -> b c f h w", b=len(clips))


def _by_moments(first: Images, frame: Images) -> tuple[Float[Tensor, "b 2"], Float[Tensor, "b 2"]]:
    """The way of the centroid of what is visible, and half the logarithm of its area's growth."""
    (here, area), (there, grown) = _moments(first), _moments(frame)
    growth = (grown / area).log() / 2
    return there - here, growth[:, None].expand(-1, 2).clone()


def _moments(pictures: Images) -> tuple[Float[Tensor, "b 2"], Float[Tensor, " b"]]:
    alpha = ((pictures[:, 3] + 1) / 2).clamp(min=1e-6)
    places = (torch.arange(_SIDE_PX) + 0.5) / _SIDE_PX
    area = alpha.sum((1, 2))
    right, down = (alpha.sum(1) @ places) / area, (alpha.sum(2) @ places) / area
    return torch.stack([right, down], 1), area


def _fitted(
    first: _First, frame: Images, guess: Float[Tensor, "b 5"], before: Float[Tensor, "b 5"]
) -> Float[Tensor, "b 5"]:
    """The better of two fits, from the guess and from where the frame before was."""
    fits = [_descended(first, frame, start) for start in (guess, before)]
    errors = [_errors(_difference(first, frame, fit), fit) for fit in fits]
    return torch.where((errors[0] <= errors[1])[:, None], fits[0], fits[1])


def _descended(first: _First, frame: Images, start: Float[Tensor, "b 5"]) -> Float[Tensor, "b 5"]:
    at, off = start.clone(), _difference(first, frame, start)
    damping = torch.full((len(start),), _DAMPING)
    for _ in range(_STEPS):
        slopes = torch.stack([
            (_difference(first, frame, at + nudge * torch.eye(NUM_MOVES)[move]) - off) / nudge
            for move, nudge in enumerate(_NUDGES)
        ], -1)  # fmt: skip
        curvature = slopes.mT @ slopes
        pulled = torch.diag(torch.tensor([0, 0, _PULL, _PULL, 0]) * off.shape[1])
        scale = curvature.diagonal(dim1=1, dim2=2) + 1e-3
        step = torch.linalg.solve(
            curvature + pulled + torch.diag_embed(damping[:, None] * scale),
            (slopes.mT @ off[..., None])[..., 0] + at @ pulled,
        )
        tried = at - step.clamp(-0.3, 0.3)
        tried[:, 2:4] = tried[:, 2:4].clamp(-2, 2)
        found = _difference(first, frame, tried)
        better = (_errors(found, tried) < _errors(off, at))[:, None]
        at, off = torch.where(better, tried, at), torch.where(better, found, off)
        damping = torch.where(better[:, 0], damping / 3, damping * 5)
    return at


def _difference(first: _First, frame: Images, moves: Float[Tensor, "b 5"]) -> Float[Tensor, "b n"]:
    made = moved_about(first.pictures, moves[:, None], first.centres)[:, :, 0]
    return rearrange(made - frame, "b c h w -> b (c h w)")


def _errors(off: Float[Tensor, "b n"], moves: Float[Tensor, "b 5"]) -> Float[Tensor, " b"]:
    return (off**2).sum(1) + _PULL * off.shape[1] * (moves[:, 2:4] ** 2).sum(1)
