"""What moves in a clip, frame by frame: where the thing is, how large, how turned, how it changes.

Everything is measured from the pictures alone. Positions are in sides of the frame, x to the right
and y *up*; angles are counter-clockwise as seen. Pictures are looked at with their longer side at
64 px, and faint alpha (a decoder's haze) counts as nothing.
"""

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from common.errors import InputError
from common.judging.motion_changes import Changes, body_changes
from common.judging.motion_parts import PartTracks, part_tracks
from common.judging.motion_rotation import Registration, registered

WORKING_PX = 64
"""The longer side at which pictures are looked at: clips of all sizes are judged alike."""
FAINT, SOLID = 0.1, 0.9
"""Alpha up to the first counts as 0, from the second on as 1, linear between them."""
MIN_AREA = 0.002
"""Share of the frame that must be covered for anything to be there."""
MIN_SIDE_PX = 16
OUTSIDE = 0.01
"""Share of the opacity that may stick out of the box at each of its sides."""


@dataclass(frozen=True, eq=False)
class BodyTracks:
    """Moments of the silhouette in every frame. Where it is empty: of the frames around it."""

    present: Bool[Tensor, " f"]
    """Whether there is anything."""
    centroid: Float[Tensor, "f 2"]
    """Centre of opacity, x and y."""
    size: Float[Tensor, " f"]
    """Square root of the covered area."""
    width: Float[Tensor, " f"]
    """Of the box that leaves out 1 % of the opacity at each side."""
    height: Float[Tensor, " f"]
    lowest: Float[Tensor, " f"]
    """Bottom of that box: what stands on the ground."""
    orientation_deg: Float[Tensor, " f"]
    """Of the longer axis, in [-90, 90) in the first frame, unwrapped modulo 180 afterwards."""
    elongation: Float[Tensor, " f"]
    """0 for a disk or a square, towards 1 for a line; where it is 0, orientation means nothing."""


@dataclass(frozen=True, eq=False)
class MotionTracks:
    """All tracks of one clip."""

    body: BodyTracks
    registration: Registration
    """Frames against each other, turned in the picture's plane."""
    changes: Changes
    """What changes inside the moving, growing silhouette."""
    parts: PartTracks
    """Areas and places of its colours."""


def motion_tracks(clip: Float[Tensor, "4 f h w"]) -> MotionTracks:
    """The tracks of a clip of premultiplied RGBA in [-1, 1].

    Raises:
        InputError: what `looked_at` refuses, or nothing in any frame.
    """
    pictures = looked_at(clip)
    body = body_tracks(pictures)
    if not bool(body.present.any()):
        raise InputError(
            f"the clip's {len(pictures)} frames are empty: less than {MIN_AREA:.1%} of each is "
            "covered, so nothing can be tracked"
        )
    seen = filled_in(pictures, body.present)
    registration = registered(seen, body.centroid, body.size)
    return MotionTracks(
        body,
        registration,
        body_changes(seen, body.centroid, body.size),
        part_tracks(seen, body.centroid, body.size),
    )


def looked_at(clip: Float[Tensor, "4 f h w"]) -> Float[Tensor, "f 4 y x"]:
    """Frames at the working size, premultiplied in [0, 1], without faint alpha.

    Raises:
        InputError: fewer than two frames, a side below 16 px, or values that are no numbers.
    """
    num_frames, height, width = clip.shape[1:]
    if num_frames < 2 or min(height, width) < MIN_SIDE_PX:
        raise InputError(
            f"motion is measured in clips of at least 2 frames with sides of at least "
            f"{MIN_SIDE_PX} px, not in {num_frames} frames of {height} x {width}"
        )
    if not bool(clip.isfinite().all()):
        raise InputError("the clip has values that are infinite or no numbers; nothing can be seen")
    pictures = rearrange((clip.detach().float().cpu() + 1) / 2, "c f h w -> f c h w")
    scale = WORKING_PX / max(height, width)
    if scale != 1:
        sides = (max(1, round(height * scale)), max(1, round(width * scale)))
        mode = "area" if scale < 1 else "bilinear"
        pictures = F.interpolate(pictures, size=sides, mode=mode)
    alpha = pictures[:, 3:].clamp(0, 1)
    colours = (pictures[:, :3] / alpha.clamp_min(1e-3)).clamp(0, 1)
    solid = ((alpha - FAINT) / (SOLID - FAINT)).clamp(0, 1)
    return torch.cat([colours * solid, solid], 1)


def body_tracks(pictures: Float[Tensor, "f 4 y x"]) -> BodyTracks:
    """Zeroth, first and second moments of alpha and the box around it.

    With opacity a, area A = sum a and pixel centres p in sides of the frame: centroid
    m = sum a p / A, covariance C = sum a (p - m)(p - m)^T / A; the longer axis is at the angle
    0.5 atan2(2 Cxy, Cxx - Cyy), the elongation 1 - sqrt(smaller / larger eigenvalue of C).
    """
    alpha = pictures[:, 3]
    rows, columns = alpha.shape[1:]
    side = max(rows, columns)
    x = (torch.arange(columns) + 0.5) / side
    y = (rows - torch.arange(rows) - 0.5) / side
    area = alpha.sum((1, 2)) / side**2
    present = area >= MIN_AREA * rows * columns / side**2
    weights = alpha / alpha.sum((1, 2), keepdim=True).clamp_min(1e-6)
    across, along = weights.sum(1), weights.sum(2)
    centre_x, centre_y = across @ x, along @ y
    from_x, from_y = x - centre_x[:, None], y - centre_y[:, None]
    xx, yy = (across * from_x**2).sum(1), (along * from_y**2).sum(1)
    xy = torch.einsum("f y x, f y, f x -> f", weights, from_y, from_x)
    middle, spread = (xx + yy) / 2, (((xx - yy) / 2) ** 2 + xy**2).sqrt()
    smaller = (middle - spread).clamp_min(0)
    left, right = _quantiles(across)
    top, bottom = _quantiles(along)
    values = (
        torch.stack([centre_x, centre_y], 1),
        area.sqrt(),
        (right - left) / side,
        (bottom - top) / side,
        (rows - bottom) / side,
        torch.rad2deg(0.5 * torch.atan2(2 * xy, xx - yy)),
        1 - (smaller / (middle + spread).clamp_min(1e-9)).sqrt(),
    )
    centroid, size, width, height, lowest, turned, elongation = (
        filled_in(value, present) for value in values
    )
    return BodyTracks(
        present, centroid, size, width, height, lowest, unwrapped(turned, 180.0), elongation
    )


def filled_in(track: Float[Tensor, "f ..."], present: Bool[Tensor, " f"]) -> Tensor:
    """The track with absent frames taken from the nearest present one, the earlier of two."""
    there = torch.nonzero(present)[:, 0]
    if len(there) in (0, len(track)):
        return track
    distance = (torch.arange(len(track))[:, None] - there[None]).abs()
    return track[there[distance.argmin(1)]]


def unwrapped(degrees: Float[Tensor, " f"], period: float) -> Float[Tensor, " f"]:
    """Angles without jumps: every step is the shortest one modulo ``period``."""
    steps = degrees.diff()
    steps = steps - period * torch.round(steps / period)
    return degrees[0] + F.pad(steps.cumsum(0), (1, 0))


def _quantiles(
    density: Float[Tensor, "f n"],
) -> tuple[Float[Tensor, " f"], Float[Tensor, " f"]]:
    """Where the running sum over pixels passes `OUTSIDE` and 1 - `OUTSIDE`, in pixels."""
    running = F.pad(density.cumsum(1), (1, 0))
    found = []
    for share in (OUTSIDE, 1 - OUTSIDE):
        before = ((running < share).sum(1) - 1).clamp(0, density.shape[1] - 1)
        start = running.gather(1, before[:, None])[:, 0]
        inside = density.gather(1, before[:, None])[:, 0].clamp_min(1e-9)
        found.append(before + ((share - start) / inside).clamp(0, 1))
    return found[0], found[1]
