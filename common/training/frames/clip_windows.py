"""Which frames of a longer animation make a training clip."""

import numpy as np
from jaxtyping import Int64

from common.errors import InputError

STRIDE_WEIGHTS = {1: 1.0, 2: 2.0, 3: 4.0, 4: 2.0}
"""How often each stride is drawn, relative to the others that fit.

The emoji move at 24 frames a second and clips are shown at 8, so a stride of 3 is life; 1 and 2
are slower, 4 is faster.
"""


def draw_window(
    num_available: int, rng: np.random.Generator, num_frames: int = 16
) -> Int64[np.ndarray, " f"]:
    """The numbers of the frames of one clip, evenly spaced, in order, all different.

    The rule: a stride of 1 to 4 by `STRIDE_WEIGHTS` among those at which ``num_frames`` frames fit
    (46 frames hold 16 at stride 3, 61 at stride 4), then any start alike. A window never goes past
    the end and round: where an animation is no loop, that would be a cut.

    Raises:
        InputError: fewer frames than asked for.
    """
    fitting = [s for s in STRIDE_WEIGHTS if (num_frames - 1) * s < num_available]
    if not fitting:
        raise InputError(f"a clip of {num_frames} frames does not fit into {num_available}")
    weights = np.array([STRIDE_WEIGHTS[s] for s in fitting])
    stride = int(rng.choice(fitting, p=weights / weights.sum()))
    start = int(rng.integers(num_available - (num_frames - 1) * stride))
    return start + stride * np.arange(num_frames, dtype=np.int64)
