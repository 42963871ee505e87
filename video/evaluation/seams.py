"""Where the parts of a long clip meet, and how large the steps between frames are there."""

from collections.abc import Collection
from statistics import fmean
from typing import NamedTuple

from jaxtyping import Float
from torch import Tensor

from common.diffusion.frame_windows import FrameWindows
from common.diffusion.noise_schedule import NoiseSchedule
from common.diffusion.prediction_type import PredictionType
from common.diffusion.sampler_config import Sampler
from common.diffusion.samplers import build_scheduler
from common.errors import InputError
from video.long_video import LongVideo

NEAR = 2
"""Steps on either side of a border with which it is compared."""


class StepsAt(NamedTuple):
    """Mean steps from frame to frame."""

    across: float
    """From a window into the next."""
    beside: float
    """The `NEAR` before and after each of these that cross no border: what changes unevenly is
    compared with how it changes just there."""
    inside: float
    """All that cross no border."""


def segment_borders(method: LongVideo, prompt: str) -> tuple[int, ...]:
    """The frames before which a segment ends and the next one begins."""
    return tuple(segment.begin for segment in method.segments(prompt)[1:])


def window_borders(
    windows: FrameWindows,
    sampler: Sampler,
    schedule: NoiseSchedule,
    prediction: PredictionType,
) -> tuple[int, ...]:
    """The frames before which a window begins or ends, as windows lie in the last evaluation.

    That is where frames get their detail; windows that are shifted lay elsewhere before.
    """
    scheduler = build_scheduler(sampler, schedule, prediction)
    found: set[int] = set()
    for window in windows.at(float(scheduler.timesteps[-1])):
        found |= {int(window[0]), int(window[-1]) + 1}
    return tuple(sorted(found - {windows.first, windows.num_frames}))


def steps_at(steps: Float[Tensor, " g"], borders: Collection[int]) -> StepsAt:
    """Mean steps between frames across borders, beside them, and inside of windows anywhere.

    Args:
        steps: from each frame to the next, in any units.
        borders: frames before which a window begins or ends.

    Raises:
        InputError: no border in the clip, or none with a step beside it.
    """
    across = [border - 1 for border in sorted(set(borders)) if 0 < border <= len(steps)]
    pairs = []
    for at in across:
        near = range(max(at - NEAR, 0), min(at + NEAR + 1, len(steps)))
        beside = [float(steps[place]) for place in near if place not in across]
        if beside:
            pairs.append((float(steps[at]), fmean(beside)))
    if not pairs:
        raise InputError(
            f"a clip of {len(steps) + 1} frames has no border with frames inside of windows beside "
            "it: use a longer clip or longer windows"
        )
    inside = [float(step) for place, step in enumerate(steps) if place not in across]
    return StepsAt(fmean(one for one, _ in pairs), fmean(one for _, one in pairs), fmean(inside))
