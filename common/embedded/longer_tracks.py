"""Moves told for a short clip, carried on: what comes back goes round, all else there and back."""

import math

import torch
from jaxtyping import Float
from torch import Tensor

from common.embedded.moves import Tracks

_TURN = 4
"""Which of a track's values is an angle."""
_CLOSED = 1.5
"""The last step of a loop, back to its begin, in largest steps of the others."""


def longer_tracks(tracks: Tracks, num_frames: int, looped: bool) -> Float[Tensor, "b g 5"]:
    """Tracks of ``num_frames`` frames that go on at about the speed they were told.

    A thing that ends where it began (it hopped, or turned right round) begins again; one that does
    not (it slid, or grew) goes back the way it came.

    Args:
        tracks: as told.
        num_frames: of the clip.
        looped: whether the clip's first frame follows its last; the speed is then changed a little,
            so that whole rounds fit.
    """
    return torch.stack([_longer(one, num_frames, looped) for one in tracks])


def _longer(track: Float[Tensor, "f 5"], num_frames: int, looped: bool) -> Float[Tensor, "g 5"]:
    last = len(track) - 1
    end = torch.zeros_like(track[0])
    end[_TURN] = 2 * math.pi * torch.round(track[-1, _TURN] / (2 * math.pi))
    steps = (track[1:] - track[:-1]).norm(dim=1)
    largest, gap = float(steps.max()), float((end - track[-1]).norm())
    if largest == 0 or gap > _CLOSED * largest:
        along = _phase(num_frames, 2.0 * last, looped).to(track) % (2 * last)
        return _between(track, last - (along - last).abs())
    period = last + gap / largest
    along = _phase(num_frames, period, looped).to(track)
    rounds, within = (along / period).floor(), along % period
    # The way back to the begin takes what is left of the period.
    rest = ((within - last) / max(period - last, 1e-6)).clamp(0, 1)[:, None]
    found = torch.lerp(_between(track, within.clamp(max=last)), end.expand(num_frames, -1), rest)
    return found + rounds[:, None] * end


def _phase(num_frames: int, period: float, looped: bool) -> Float[Tensor, " g"]:
    """Where in the told clip each frame is, counted on over rounds, which are whole in a loop."""
    frames = torch.arange(num_frames, dtype=torch.float32)
    if looped:
        frames = frames * (max(round(num_frames / period), 1) * period / num_frames)
    return frames


def _between(track: Float[Tensor, "f 5"], at: Float[Tensor, " g"]) -> Float[Tensor, "g 5"]:
    """A track at fractional frames."""
    low = at.floor().long().clamp(0, len(track) - 2)
    return torch.lerp(track[low], track[low + 1], (at - low)[:, None])
