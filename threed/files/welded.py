"""Vertices that stand at the same place made one, for formats that need no seams."""

from dataclasses import dataclass

import numpy as np
from jaxtyping import Float, Int


@dataclass(frozen=True, eq=False)
class Distinct:
    """Different rows of an array, in the order in which they come first."""

    rows: Float[np.ndarray, "n c"]
    """float32."""
    of: Int[np.ndarray, " m"]
    """Which of them each given row is."""


def distinct(rows: np.ndarray) -> Distinct:
    """Rows of floats that differ in some bit of their float32 values; -0 is 0."""
    exact = np.ascontiguousarray(rows, dtype=np.float32) + np.float32(0)
    words = exact.view(f"V{exact.shape[1] * 4}").ravel()
    _, first, of = np.unique(words, return_index=True, return_inverse=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return Distinct(exact[first[order]], rank[of])
