"""Where the parts of a long clip meet, and how large the steps between frames are there."""

from collections.abc import Collection

import numpy as np
from jaxtyping import Float
from torch import Tensor

from common.diffusion.frame_windows import FrameWindows
from common.diffusion.noise_schedule import NoiseSchedule
from common.diffusion.prior import PredictionType
from common.diffusion.sampler_config import Sampler
from common.diffusion.samplers import build_scheduler
from common.errors import InputError
from video.long_video import LongVideo

NEAR = 2
"""Steps on either side of a border with which it is compared."""


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


def steps_at(steps: Float[Tensor, " g"], borders: Collection[int]) -> tuple[float, float]:
    """The mean step between frames across borders, and inside of windows beside them.

    Steps beside are the `NEAR` before and after each border that cross none: what changes unevenly
    is compared with how it changes just there.

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
            pairs.append((float(steps[at]), float(np.mean(beside))))
    if not pairs:
        raise InputError(
            f"a clip of {len(steps) + 1} frames has no border with frames inside of windows beside "
            "it: use a longer clip or longer windows"
        )
    return float(np.mean([one for one, _ in pairs])), float(np.mean([one for _, one in pairs]))
