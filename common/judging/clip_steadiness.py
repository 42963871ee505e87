"""How steady a clip is: flicker, whether it stays the same thing, and how much it moves.

None of these is high or low by itself: a still has no flicker and never changes. They are compared
with the same figures of real clips of the same size in which the same things move.
"""

from collections.abc import Callable
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.embedded.judge import on_backgrounds
from common.errors import InputError
from common.judging.judging import BACKGROUNDS
from common.judging.motion_changes import CELLS, REACH, cut_outs
from common.judging.motion_rotation import registered
from common.judging.motion_tracks import body_tracks, filled_in, looked_at
from common.shapes import Images

FLICKER_CELLS = 128
"""Side of the cut-outs in which flicker is looked for: about a pixel each at 128 px."""

PictureFeatures = Callable[[Images], Float[Tensor, "b d"]]
"""What tells things apart, such as ``lambda pictures: look(judge, pictures).features``."""


class MotionMagnitude(NamedTuple):
    """How much moves over a clip."""

    path: float
    """How far the thing's points go as it moves, grows and turns in the plane, in sizes (square
    roots of its area)."""
    change: float
    """How much it changes otherwise: root mean square over its area, from frame to frame, of
    colours and alpha in [0, 1] once moving, growing and turning are taken away, summed over the
    clip."""


class MotionSteps(NamedTuple):
    """`MotionMagnitude` from frame to frame; they sum up to it."""

    path: Float[Tensor, " g"]
    change: Float[Tensor, " g"]


def temporal_flicker(clip: Float[Tensor, "4 f h w"]) -> float:
    """How far colours jump to and fro between neighbouring frames, of colours in [0, 1].

    A place flickers at frame t as far as its colour x is above, or below, both neighbours:

        r_t = minmod(x_t - x_{t-1}, x_t - x_{t+1}),   flicker = sum |r| / (2 sum alpha),

    where minmod is the one nearer to 0, and 0 where the signs differ; sums go over frames and
    places, colours are the mean over channels and `BACKGROUNDS`. What grows brighter, fades, or is
    passed by an edge goes one way at a time and does not flicker. Frames are compared about their
    centroids at the scale of their sizes, as they stand or turned back, whichever flickers less,
    so that moving, growing and turning in the plane cost nothing. A thing whose brightness goes to
    and fro by +a and -a has flicker a.

    Raises:
        InputError: fewer than three frames, or what `looked_at` refuses.
    """
    if clip.shape[1] < 3:
        raise InputError(f"flicker is seen in 3 frames or more, this clip has {clip.shape[1]}")
    small = looked_at(clip)
    body = body_tracks(small)
    if not bool(body.present.any()):
        return 0.0
    seen = filled_in(small, body.present)
    turn_deg = registered(seen, body.centroid, body.size).turn_deg
    frames = rearrange((clip.detach().float().cpu().clamp(-1, 1) + 1) / 2, "c f h w -> f c h w")
    jumps = []
    for turns in (None, turn_deg):
        cut = cut_outs(frames, body.centroid, body.size, turns, FLICKER_CELLS)
        jumps.append(_jumps(cut))
        area = cut[1:-1, 3].sum()
    return float(torch.minimum(*jumps).sum() / (2 * area.clamp_min(1.0)))


def subject_consistency(clip: Float[Tensor, "4 f h w"], features: PictureFeatures) -> float:
    """Whether every frame shows the same thing, by cosines of features, in [-1, 1].

    The mean over frames t > 0 of (cos(f_t, f_0) + cos(f_t, f_{t-1})) / 2, as in VBench (Huang et
    al. 2024).

    Args:
        clip: premultiplied RGBA in [-1, 1].
        features: of pictures in the same form; they need not be of length 1.

    Raises:
        InputError: fewer than two frames.
    """
    if clip.shape[1] < 2:
        raise InputError(f"consistency is of 2 frames or more, this clip has {clip.shape[1]}")
    return mean_likeness(features(rearrange(clip, "c f h w -> f c h w")))


def mean_likeness(features: Float[Tensor, "f d"]) -> float:
    """Mean cosine of the frames' features with those of the first and of the previous frame."""
    found = F.normalize(features.double(), dim=1)
    to_first = found[1:] @ found[0]
    to_previous = (found[1:] * found[:-1]).sum(1)
    return float((to_first + to_previous).mean() / 2)


def motion_magnitude(clip: Float[Tensor, "4 f h w"]) -> MotionMagnitude:
    """How far things go and how much they change.

    Raises:
        InputError: what `looked_at` refuses.
    """
    steps = motion_steps(clip)
    return MotionMagnitude(float(steps.path.sum()), float(steps.change.sum()))


def motion_steps(clip: Float[Tensor, "4 f h w"]) -> MotionSteps:
    """How far things go, and how much they change, from each frame to the next.

    A similarity that moves the centroid by v sizes, turns by w and grows by a factor exp(g) moves
    the points of a body with mean squared radius q (in sizes) by sqrt(|v|^2 + q (w^2 + g^2)), root
    mean square; the path is the sum over frames. Turns count by the share of the difference between
    two frames that they explain.

    Raises:
        InputError: what `looked_at` refuses.
    """
    small = looked_at(clip)
    body = body_tracks(small)
    if not bool(body.present.any()):
        return MotionSteps(torch.zeros(clip.shape[1] - 1), torch.zeros(clip.shape[1] - 1))
    seen = filled_in(small, body.present)
    registration = registered(seen, body.centroid, body.size)
    cut = cut_outs(seen, body.centroid, body.size)
    turned_back = cut_outs(seen, body.centroid, body.size, registration.turn_deg)
    away = body.centroid.diff(dim=0).square().sum(1) / (body.size[1:] * body.size[:-1])
    growth = body.size.log().diff()
    upright, turned = (
        1 - matrix.diagonal(1) for matrix in (registration.upright, registration.turned)
    )
    explained = (1 - turned / upright.clamp_min(1e-3)).clamp(0, 1)
    turns = torch.deg2rad(registration.turn_deg.diff()) * explained
    radius = _mean_squared_radius(cut)
    path = (away + radius * (growth**2 + turns**2)).sqrt()
    return MotionSteps(path, torch.minimum(_steps(cut), _steps(turned_back)))


def _jumps(cut: Float[Tensor, "f 4 y x"]) -> Float[Tensor, " g"]:
    """Sum over places of |minmod| of every frame but the first and last."""
    total = torch.zeros(len(cut) - 2)
    for colour in BACKGROUNDS:
        behind = torch.tensor(colour).repeat(len(cut), 1)
        seen = (on_backgrounds(cut * 2 - 1, behind) + 1) / 2
        before, after = seen[1:-1] - seen[:-2], seen[1:-1] - seen[2:]
        nearer = torch.minimum(before.abs(), after.abs())
        jumps = torch.where(before * after > 0, nearer, 0.0)
        total = total + jumps.mean(1).sum((1, 2)) / len(BACKGROUNDS)
    return total


def _steps(cut: Float[Tensor, "f 4 y x"]) -> Float[Tensor, " g"]:
    """Root mean square over the body of the difference between neighbouring frames."""
    area = cut[:, 3].sum((1, 2)).mean().clamp_min(1e-6)
    return (cut.diff(dim=0).square().mean(1).sum((1, 2)) / area).sqrt()


def _mean_squared_radius(cut: Float[Tensor, "f 4 y x"]) -> float:
    """Mean over the body of the squared distance from its centroid, in sizes."""
    place = ((torch.arange(CELLS) + 0.5) / CELLS * 2 - 1) * REACH
    squares = place[:, None] ** 2 + place[None] ** 2
    alpha = cut[:, 3].mean(0)
    return float((alpha * squares).sum() / alpha.sum().clamp_min(1e-6))
