"""How far two sets of clips are apart: a Frechet video distance on the judge's features.

Of a clip with features ``f_t`` of its frames these are the mean ``m`` over frames, and the root
mean square ``c`` of ``f_{t+1} - f_t``, feature by feature, times `CHANGE`; the distance is that of
the normal distributions with the sets' means and covariances (`video.metrics.frechet_distance`). It
is not comparable with distances on I3D (Unterthiner et al. 2018), and knows no direction of time.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from common.seeding import stream_seed
from video.metrics import frechet_distance

CHANGE = 5.0
"""Weight of changes: with it both halves vary alike over true clips of the object kit."""

LEVEL = 0.95

Looks = Float[np.ndarray, "n f d"]
"""Features of the frames of clips."""
Rows = Float[np.ndarray, "n k"]
"""Features of clips."""


@dataclass(frozen=True)
class SetDistance:
    """A distance, and what it can be held against; all for these numbers of clips."""

    value: float
    lo: float
    """Of the interval in which the distance of other such clips, as many, lies: bootstrap over
    clips, moved to the value, since resamples repeat clips and are farther apart."""
    hi: float
    floor: float
    """What clips of one source would have that vary as much: the mean distance when the clips of
    both, with the same mean, are dealt out at random to sets of the same sizes."""
    p_value: float
    """That the clips are of one source: the share of ways to deal them out, as they are, in which
    the sets are at least as far apart; the found one counts as one."""
    shuffled: float
    """Of the real clips to themselves with their frames in random order."""


def set_distances(
    real: Looks, drawn: Looks, seed: int, num_resamples: int
) -> dict[str, SetDistance]:
    """``fvd`` on all features; ``fvd_frames`` on ``m`` alone, ``fvd_changes`` on ``c`` alone."""
    mixed = _shuffled(real, seed)
    rows = [_parts(looks) for looks in (real, drawn, mixed)]
    return {
        name: _distance(*(one[name] for one in rows), seed=seed, num_resamples=num_resamples)
        for name in rows[0]
    }


def clip_rows(looks: Looks) -> Rows:
    """The features of clips: ``m`` and `CHANGE` times ``c``."""
    steps = np.diff(looks, axis=1)
    changes = np.sqrt((steps**2).mean(1))
    return np.concatenate([looks.mean(1), CHANGE * changes], 1)


def _parts(looks: Looks) -> Mapping[str, Rows]:
    rows, half = clip_rows(looks), looks.shape[-1]
    return {"fvd": rows, "fvd_frames": rows[:, :half], "fvd_changes": rows[:, half:]}


def _distance(
    real: Rows, drawn: Rows, shuffled: Rows, *, seed: int, num_resamples: int
) -> SetDistance:
    value = frechet_distance(real, drawn)
    rng = np.random.default_rng(stream_seed(seed, 0, "resampled clips"))
    resampled = np.array([
        frechet_distance(_again(real, rng), _again(drawn, rng)) for _ in range(num_resamples)
    ])  # fmt: skip
    lo, hi = np.quantile(resampled - resampled.mean(), [(1 - LEVEL) / 2, (1 + LEVEL) / 2])
    dealt = _dealt(real, drawn, seed, num_resamples)
    floor = _dealt(real - real.mean(0), drawn - drawn.mean(0), seed, num_resamples).mean()
    # Equal sets are apart by rounding alone, whichever way they are dealt out.
    reached = int((dealt >= value - 1e-9).sum())
    return SetDistance(
        value, max(value + float(lo), 0.0), value + float(hi), float(floor),
        (1 + reached) / (1 + num_resamples), frechet_distance(real, shuffled),
    )  # fmt: skip


def _dealt(real: Rows, drawn: Rows, seed: int, num_resamples: int) -> Float[np.ndarray, " r"]:
    """Distances of sets of the same sizes, dealt out from both at random."""
    every, size = np.concatenate([real, drawn]), len(real)
    rng = np.random.default_rng(stream_seed(seed, 0, "dealt clips"))
    found = []
    for _ in range(num_resamples):
        order = rng.permutation(len(every))
        found.append(frechet_distance(every[order[:size]], every[order[size:]]))
    return np.array(found)


def _again(rows: Rows, rng: np.random.Generator) -> Rows:
    return rows[rng.integers(0, len(rows), len(rows))]


def _shuffled(looks: Looks, seed: int) -> Looks:
    """Each clip's frames in an order of its own."""
    rng = np.random.default_rng(stream_seed(seed, 0, "shuffled frames"))
    return np.stack([rng.permutation(one) for one in looks])
