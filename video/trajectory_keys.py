"""Where the thing in a clip is to be: keys on the clip's frames, and a smooth way between them."""

import math
from collections.abc import Mapping, Sequence

import numpy as np
import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from common.config import Config

_PLACES = {"right": (0,), "down": (1,), "size": (2, 3), "turn_deg": (4,)}
"""Where a track has what a timeline's curves tell."""


class TrajectoryKey(Config):
    """Where the thing is in one frame, against where it is in the first."""

    frame: int = Field(ge=1)
    """Which frame, counted from 0."""
    right: float = Field(0.0, ge=-4, le=4)
    """How far it has gone to the right, in shorter sides of the picture."""
    down: float = Field(0.0, ge=-4, le=4)
    """How far it has gone down, in the same measure."""
    size: float = Field(1.0, ge=0.05, le=20)
    """How many times as large it is."""
    turn_deg: float = Field(0.0, ge=-3600, le=3600)
    """How far it has turned in the picture's plane, clockwise."""


def check_keys(keys: Sequence[TrajectoryKey], num_frames: int) -> None:
    """Refuse keys out of order or beyond the clip.

    Raises:
        ValueError: with the frames.
    """
    frames = [key.frame for key in keys]
    if frames != sorted(set(frames)):
        raise ValueError(f"keys of trajectory are at frames {frames}; let them rise")
    if frames and frames[-1] >= num_frames:
        raise ValueError(
            f"a key of trajectory is at frame {frames[-1]}, and the clip has {num_frames}: frames "
            f"0 to {num_frames - 1}"
        )


def track_with(
    keys: Sequence[TrajectoryKey], moves: Mapping[str, Float[np.ndarray, " f"]], num_frames: int
) -> Float[Tensor, "1 f 5"]:
    """The track through the keys with curves of a timeline laid over it.

    Ways and turns add up, sizes multiply, each against the curve's own first frame.
    """
    track = track_of(keys, num_frames)
    for name, values in moves.items():
        told = torch.from_numpy(values)
        if name == "size":
            told = told.log()
        elif name == "turn_deg":
            told = torch.deg2rad(told)
        for place in _PLACES[name]:
            track[0, :, place] += (told - told[0]).float()
    return track


def track_of(keys: Sequence[TrajectoryKey], num_frames: int) -> Float[Tensor, "1 f 5"]:
    """The track (`common.embedded.trajectory.Tracks`) through the keys.

    Monotone cubics between keys (Fritsch and Carlson 1980), which never overshoot; after the last
    key the thing stays. Sizes are interpolated in their logarithm.
    Without keys it stays where it is.
    """
    from scipy.interpolate import PchipInterpolator

    rows = [(0.0, 0.0, 0.0, 0.0, 0.0)] + [
        (key.right, key.down, *[math.log(key.size)] * 2, math.radians(key.turn_deg)) for key in keys
    ]
    if not keys:
        return torch.zeros(1, num_frames, len(rows[0]))
    frames = [0, *(key.frame for key in keys)]
    at = np.minimum(np.arange(num_frames), frames[-1])
    return torch.from_numpy(PchipInterpolator(frames, np.array(rows))(at)).float()[None]
