"""What changes inside a silhouette once its moving and growing are taken away.

Frames are cut out about their centroids at the scale of their sizes. A thing that slides or grows
stays the same there; one that turns around changes all over and returns, one that talks changes at
its mouth, one that is squashed changes at its edge.
"""

import math
from dataclasses import dataclass
from functools import cache

import torch
import torch.nn.functional as F
from einops import einsum
from jaxtyping import Float
from torch import Tensor

from common.judging.motion_rotation import sampled

CELLS = 48
"""Side of the cut-outs."""
REACH = 1.25
"""From the centroid to the sides of a cut-out, in sizes."""


@dataclass(frozen=True, eq=False)
class Changes:
    """Where and when cut-outs differ, as mean squares over the body."""

    where: Float[Tensor, "y x"]
    """Variance over time at each place (y downwards), the mean of colours and alpha."""
    colour_power: Float[Tensor, " f"]
    """Energy of the colours' change in half cycles a clip (DCT-II); 0 of the constant."""
    alpha_power: Float[Tensor, " f"]
    """The same of alpha."""
    together: Float[Tensor, "f f"]
    """Covariance of frames over all places, with the mean over time taken away."""
    foremost: Float[Tensor, "f f"]
    """The same where most changes: places weighed by their variance."""


def body_changes(
    pictures: Float[Tensor, "f 4 y x"], centroid: Float[Tensor, "f 2"], size: Float[Tensor, " f"]
) -> Changes:
    """Changes of premultiplied frames in [0, 1].

    With the cut-outs q_t(x) of F frames less their mean over time, body area
    B = mean_t sum_x alpha_t(x) and the orthonormal DCT-II over time Q_k(x), the power is
    P_k = sum_x Q_k(x)^2 / (F B): over k it sums to the mean variance over time of the body's
    pixels. The covariance is G_ts = sum_x w(x) q_t(x) q_s(x) / B with w = 1, and with w the
    variance over 3 x 3 places in shares of its largest.
    """
    cut = cut_outs(pictures, centroid, size)
    num_frames = len(cut)
    body = cut[:, 3].sum((1, 2)).mean().clamp_min(1e-6)
    moving = cut - cut.mean(0)
    waves = einsum(dct_matrix(num_frames), moving, "k f, f c y x -> k c y x")
    power = waves.square().sum((2, 3)) / (num_frames * body)
    where = F.avg_pool2d(moving.square().mean((0, 1))[None], 3, 1, 1)[0]
    weights = where / where.max().clamp_min(1e-9)
    together = einsum(moving, moving, "t c y x, s c y x -> t s") / (4 * body)
    foremost = einsum(weights, moving, moving, "y x, t c y x, s c y x -> t s") / (4 * body)
    return Changes(where, power[:, :3].mean(1), power[:, 3], together, foremost)


def cut_outs(
    pictures: Float[Tensor, "f 4 h w"],
    centroid: Float[Tensor, "f 2"],
    size: Float[Tensor, " f"],
    turn_deg: Float[Tensor, " f"] | None = None,
    cells: int = CELLS,
) -> Float[Tensor, "f 4 y x"]:
    """Every frame about its centroid, `REACH` sizes to each side, ``cells`` places a side.

    With ``turn_deg`` each is turned back by so much (counter-clockwise turns are positive).
    """
    steps = ((torch.arange(cells) + 0.5) / cells * 2 - 1) * REACH
    offsets = torch.stack(torch.meshgrid(steps, -steps, indexing="xy"), -1)
    scaled = size[:, None, None, None] * offsets
    if turn_deg is not None:
        angles = torch.deg2rad(turn_deg)
        rows = (torch.stack([angles.cos(), -angles.sin()], 1),
                torch.stack([angles.sin(), angles.cos()], 1))  # fmt: skip
        scaled = einsum(torch.stack(rows, 1), scaled, "f i j, f y x j -> f y x i")
    return sampled(pictures, centroid[:, None, None] + scaled)


@cache
def dct_matrix(num_frames: int) -> Float[Tensor, "k f"]:
    """The orthonormal DCT-II: row k has k half cycles."""
    frames, cycles = torch.arange(num_frames) + 0.5, torch.arange(num_frames)
    waves = torch.cos(math.pi / num_frames * cycles[:, None] * frames) * math.sqrt(2 / num_frames)
    return torch.cat([torch.full((1, num_frames), num_frames**-0.5), waves[1:]])
