"""One vector of numbers for how a clip moves.

Every number is a difference over time: two clips of different things that move alike look alike
here, and of a repeated still all numbers are the same whatever it shows, so that nothing can be
told from a single frame or from how it is framed. Lengths are in sizes of the thing, times in
shares of the clip.
"""

import math

import torch
from einops import einsum
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.judging.motion_changes import CELLS, REACH, Changes, dct_matrix
from common.judging.motion_parts import PartTracks
from common.judging.motion_rotation import Registration
from common.judging.motion_tracks import BodyTracks, motion_tracks

NUM_FRAMES = 16
"""Of longer clips as many frames are taken, evenly spaced from the first to the last."""
NUM_WAVES = 5
BANDS = ((1, 2), (2, 3), (3, 4), (4, 5), (5, 7), (7, 10), (10, 16))
"""Half cycles a clip, each band without its end."""
LAGS = (1, 2, 3, 4, 6, 8, 11, 14)
TURN_LAGS = (1, 2, 4, 8, 15)
_SMALL = 0.02
"""Where coefficients go over from counting in proportion to counting by their logarithm."""

_TRACKS = (
    "right", "up", "log size", "log width", "log height", "lowest", "turn", "stretch along",
    "stretch aslant",
)  # fmt: skip
_BAND_NAMES = tuple(f"{low}-{high - 1}" for low, high in BANDS)


def feature_names() -> tuple[str, ...]:
    """What each number of `motion_features` is."""
    waves = (*(f"wave {number}" for number in range(1, NUM_WAVES + 1)), "rest", "roughness")
    return (
        *(f"{track}: {wave}" for track in _TRACKS for wave in waves),
        *(f"{kind} change: {band}" for kind in ("colour", "alpha") for band in _BAND_NAMES),
        "change: all", *(f"change: lag {lag}" for lag in LAGS),
        *(f"{kind} unlike: lag {lag}" for kind in ("upright", "turned") for lag in TURN_LAGS),
        "change: peak", "change: share of the body", "change: height", "change: aside",
        "change: spread",
        *(f"{kind} mode {mode}: {what}" for kind in ("common", "foremost") for mode in (1, 2)
          for what in ("share", *_BAND_NAMES)),
        *(f"part {kind}: {band}" for kind in ("shares", "across", "along") for band in _BAND_NAMES),
        "part shares: largest", "absent",
    )  # fmt: skip


def motion_features(clip: Float[Tensor, "4 f h w"]) -> Float[Tensor, " d"]:
    """The numbers of a clip of premultiplied RGBA in [-1, 1]; `feature_names` says which.

    Raises:
        InputError: fewer than 16 frames, or what `motion_tracks` refuses.
    """
    num_frames = clip.shape[1]
    if num_frames < NUM_FRAMES:
        raise InputError(
            f"motions are told from {NUM_FRAMES} frames or more, this clip has {num_frames}"
        )
    if num_frames > NUM_FRAMES:
        chosen = torch.linspace(0, num_frames - 1, NUM_FRAMES).round().long()
        clip = clip[:, chosen]
    tracks = motion_tracks(clip)
    return torch.cat([
        *(_series(one) for one in _body_series(tracks.body, tracks.registration)),
        _change_features(tracks.changes),
        _likeness_features(tracks.registration),
        _place_features(tracks.changes),
        _mode_features(tracks.changes.together), _mode_features(tracks.changes.foremost),
        _part_features(tracks.parts),
        1 - tracks.body.present.float().mean()[None],
    ])  # fmt: skip


def _body_series(body: BodyTracks, registration: Registration) -> list[Float[Tensor, " f"]]:
    """The tracks in the order of `_TRACKS`, without their scale.

    Orientation is the vector e (cos 2a, sin 2a) with the elongation e: it never jumps, and is
    0 where there is no longer axis.
    """
    mean_size = body.size.mean()
    twice = torch.deg2rad(2 * body.orientation_deg)
    return [
        body.centroid[:, 0] / mean_size, body.centroid[:, 1] / mean_size,
        body.size.log(), body.width.clamp_min(1e-3).log(), body.height.clamp_min(1e-3).log(),
        body.lowest / mean_size, torch.deg2rad(registration.turn_deg),
        body.elongation * twice.cos(), body.elongation * twice.sin(),
    ]  # fmt: skip


def _series(track: Float[Tensor, " f"]) -> Float[Tensor, " 7"]:
    """First five DCT coefficients c of a track, the energy of the rest, and its roughness.

    Coefficients are asinh(c / 0.02), the rest is log10 of its root. Roughness is von Neumann's
    ratio: mean squared step over twice the variance, near 0 of smooth tracks, about 1 of noise.
    """
    away = track - track.mean()
    waves = dct_matrix(len(track)) @ away / math.sqrt(len(track))
    rest = 0.5 * torch.log10(waves[NUM_WAVES + 1 :].square().sum() + 1e-6)
    variance = away.square().mean()
    roughness = 0.5 * track.diff().square().mean() / (variance + 1e-5)
    return torch.cat([
        torch.asinh(waves[1 : NUM_WAVES + 1] / _SMALL), torch.stack([rest, roughness])
    ])  # fmt: skip


def _change_features(changes: Changes) -> Float[Tensor, " 23"]:
    """Energies by band, and the squared distance of frames by how far apart they are."""
    products = changes.together
    squares = products.diagonal()
    distance = (squares[:, None] + squares[None] - 2 * products).clamp_min(0)
    overall = distance.mean()
    lagged = torch.stack([distance.diagonal(lag).mean() for lag in LAGS])
    return torch.cat([
        _bands(changes.colour_power), _bands(changes.alpha_power),
        torch.log10(overall + 1e-6)[None], lagged / (overall + 1e-5),
    ])  # fmt: skip


def _likeness_features(registration: Registration) -> Float[Tensor, " 10"]:
    """How unlike frames are by how far apart they are, as they stand and turned to fit."""
    unlike = (
        1 - matrix.diagonal(lag).mean() - (1 - matrix.diagonal().mean())
        for matrix in (registration.upright, registration.turned)
        for lag in TURN_LAGS
    )
    return torch.stack(list(unlike))


def _place_features(changes: Changes) -> Float[Tensor, " 5"]:
    """Where change is: its peak, how much of the body it covers, its centre and its spread."""
    where = changes.where
    total = where.sum()
    cells_of_body = (CELLS / (2 * REACH)) ** 2
    place = ((torch.arange(CELLS) + 0.5) / CELLS * 2 - 1) * REACH
    weights = where / (total + 0.01)
    x, y = weights.sum(0) @ place, -(weights.sum(1) @ place)
    spread = weights.sum(0) @ place**2 + weights.sum(1) @ place**2 - x**2 - y**2
    covered = total**2 / (where.square().sum() * cells_of_body + 1e-7)
    peak = torch.log10(where.max() + 1e-6)
    return torch.stack([peak, covered, y, x.abs(), spread.clamp_min(0).sqrt()])


def _mode_features(products: Float[Tensor, "f f"]) -> Float[Tensor, " 16"]:
    """The two strongest patterns of change: their share of all, and how fast each goes."""
    values, modes = torch.linalg.eigh(products.double())  # in float32 a still's are denormal
    values, modes = values.float(), modes.float()
    total = values.clamp_min(0).sum() + 1e-5
    shares = values[[-1, -2]].clamp_min(0) / total
    waves = (dct_matrix(len(products)) @ modes[:, [-1, -2]]).square()
    parts = [torch.cat([shares[i : i + 1], shares[i] * _summed(waves[:, i])]) for i in range(2)]
    return torch.cat(parts)


def _part_features(parts: PartTracks) -> Float[Tensor, " 22"]:
    """Energies by band of the parts' shares and of where they lie, summed over the parts."""
    tracks = (parts.shares, parts.places[..., 0], parts.places[..., 1])
    matrix = dct_matrix(len(parts.shares)) / math.sqrt(len(parts.shares))
    powers = [einsum(matrix, one, "k f, f p -> k p").square().sum(1) for one in tracks]
    largest = torch.log10(parts.shares.std(0, correction=0).max() + 1e-4)
    return torch.cat([*(_bands(power) for power in powers), largest[None]])


def _bands(power: Float[Tensor, " f"]) -> Float[Tensor, " 7"]:
    return torch.log10(_summed(power) + 1e-7)


def _summed(power: Float[Tensor, " f"]) -> Float[Tensor, " 7"]:
    return torch.stack([power[low:high].sum() for low, high in BANDS])
