"""Frame rates as exact fractions, and the regular grid behind a file's rounded time stamps.

Files store times in ticks (1/1000 s in WebM and WebP, 1/100 s in GIF), so the frames of a constant
rate look uneven by up to one tick, and formats that drop repeated frames have gaps of several
periods. ``fit_rate`` finds the rate whose grid ``s / rate`` all times lie on.
"""

import math
from collections.abc import Sequence
from fractions import Fraction
from itertools import pairwise

import numpy as np

from common.errors import InputError

Fps = int | float | Fraction
"""A frame rate as users write it."""
MIN_FPS, MAX_FPS = 0.05, 240.0
_NTSC = Fraction(1000, 1001)


def as_rate(fps: Fps) -> Fraction:
    """The exact frame rate that a number stands for.

    23.976, 29.97, 59.94 and the like mean ``n * 1000/1001``, as everywhere in video; any other
    number is its nearest fraction with a denominator of at most 1001 (12.5 is 25/2).

    Raises:
        InputError: outside 0.05 to 240 frames/s.
    """
    if not MIN_FPS <= fps <= MAX_FPS:
        raise InputError(f"fps must be between {MIN_FPS} and {MAX_FPS:g}, not {float(fps):g}")
    if isinstance(fps, Fraction):
        return fps
    ntsc = round(fps / float(_NTSC)) * _NTSC
    # 0.005 is the rounding of two digits (29.97); whole numbers are never meant as NTSC.
    if fps != round(fps) and ntsc > 20 and abs(fps - float(ntsc)) <= 0.005:
        return ntsc
    return Fraction(fps).limit_denominator(1001)


def whole_ticks(num_frames: int, rate: Fraction, ticks_per_s: int) -> list[int]:
    """How many ticks each frame is shown: its true start and end, each rounded to a tick.

    Errors do not add up: every frame starts within half a tick of its true time.
    """
    starts = [round(index * ticks_per_s / rate) for index in range(num_frames + 1)]
    return [end - start for start, end in pairwise(starts)]


def fit_rate(
    times: Sequence[Fraction], end: Fraction | None, tick: Fraction, hints: Sequence[Fraction]
) -> Fraction | None:
    """The rate whose grid all frames start on, within a tick; None when there is none.

    A rate that explains the times exactly goes before one that needs the tick's slack, and one
    that explains the end of the last frame before one that does not.

    Args:
        times: start of each frame in seconds, rising from 0.
        end: end of the last frame in seconds, where the file says it.
        tick: the unit that the file rounds times to, in seconds.
        hints: rates to try first, such as the one that the container claims.
    """
    starts = np.array(times, dtype=np.float64)
    for hint in hints:
        if _on_grid(starts, hint, float(tick)):
            return hint
    ended = [*times, end] if end is not None else []
    for slack in (Fraction(0), tick):
        for points in (ended, times):
            found = _search(points, slack, tick) if len(points) > 1 else None
            if found is not None:
                return found
    return None


def _search(points: Sequence[Fraction], slack: Fraction, tick: Fraction) -> Fraction | None:
    """Try every number of periods that the points' span may have, fewest first."""
    starts = np.array(points, dtype=np.float64)
    span = points[-1]
    shortest = min(after - before for before, after in pairwise(points))
    fewest = max(len(points) - 1, math.floor(span / (shortest + tick)))
    # A period of one tick would explain any times.
    most = math.ceil(span / max(shortest - tick, shortest / 2, 2 * tick))
    for periods in _promising(starts, range(fewest, most + 1), float(slack)):
        low, high = periods / (span + slack), periods / max(span - slack, span / 2)
        for rate in _plain_rates(low, high) if slack else [low]:
            if _on_grid(starts, rate, float(slack)):
                return rate
    return None


def _promising(starts: np.ndarray, candidates: range, slack: float) -> list[int]:
    """Those numbers of periods that nearly explain the first frames: all at once, most fail."""
    few = starts[:32]
    rates = np.array(candidates)[:, None] / starts[-1]
    near = np.abs(few - np.rint(few * rates) / rates) <= 2 * slack + 1e-6
    return [candidates[index] for index in near.all(axis=1).nonzero()[0]]


def grid_slots(times: Sequence[Fraction], rate: Fraction) -> list[int]:
    """The grid position that each time is nearest to."""
    return [round(time * rate) for time in times]


def shown_at(starts: Sequence[Fraction], duration: Fraction, rate: Fraction) -> list[int]:
    """Which frame is on the screen at the times ``k / rate``, for every k within the clip.

    Args:
        starts: exact start of each frame in seconds, rising from 0.
        duration: end of the last frame, in seconds.
        rate: the rate to sample at. The result has ``round(duration * rate)`` entries, at least 1.
    """
    picks, current = [], 0
    for index in range(max(1, round(duration * rate))):
        while current + 1 < len(starts) and starts[current + 1] <= index / rate:
            current += 1
        picks.append(current)
    return picks


def _on_grid(starts: np.ndarray, rate: Fraction, slack: float) -> bool:
    slots = np.rint(starts * float(rate))
    # 1e-6 s covers float64 and containers that round the tick itself.
    near = np.abs(starts - slots / float(rate)) <= slack + 1e-6
    return bool(near.all() and (np.diff(slots) > 0).all())


def _plain_rates(low: Fraction, high: Fraction) -> list[Fraction]:
    """Rates between two bounds: a whole one, an NTSC one, the simplest fraction, the middle."""
    middle = (low + high) / 2
    named = [Fraction(round(middle)), round(middle / _NTSC) * _NTSC]
    simple = next(
        (
            Fraction(numerator, denominator)
            for denominator in range(2, 1002)
            if (numerator := math.ceil(low * denominator)) <= high * denominator
        ),
        middle,
    )
    return [*(rate for rate in named if low <= rate <= high), simple, middle]
