"""How well two tracks of frames agree, and how late one follows the other."""

import numpy as np
from jaxtyping import Float


def correlation(one: Float[np.ndarray, " f"], other: Float[np.ndarray, " f"]) -> float:
    """Pearson's coefficient; 0 where either never changes."""
    if one.std() < 1e-9 or other.std() < 1e-9:
        return 0.0
    return float(np.corrcoef(one, other)[0, 1])


def best_lag(one: Float[np.ndarray, " f"], other: Float[np.ndarray, " f"], most: int = 4) -> int:
    """The delay of ``one`` against ``other``, in frames, at which they correlate most.

    Positive where ``one`` comes later; at most ``most`` frames either way.
    """
    found = {}
    for lag in range(-most, most + 1):
        late = one[max(lag, 0) : len(one) + min(lag, 0)]
        early = other[max(-lag, 0) : len(other) + min(-lag, 0)]
        found[lag] = correlation(late, early)
    return max(found, key=lambda lag: found[lag])
