"""The pitch of a sound by YIN (de Cheveigne and Kawahara 2002, J. Acoust. Soc. Am. 111(4))."""

import numpy as np
from jaxtyping import Float

_THRESHOLD = 0.15
"""Of the normalised difference, below which a lag is a period."""
_AT_ONCE = 256
"""Windows; it bounds memory."""


def pitches_hz(
    samples: Float[np.ndarray, " n"],
    sample_rate: int,
    centres: Float[np.ndarray, " f"],
    range_hz: tuple[float, float],
) -> Float[np.ndarray, " f"]:
    """The fundamental around each time, NaN where the sound has none.

    The lag ``tau`` whose difference ``d(tau) = sum_j (x_j - x_(j + tau))^2``, over its mean up to
    there, is the first minimum below a threshold (steps 2 to 5 of the paper).

    Args:
        samples: of one channel.
        sample_rate: Hz.
        centres: times in seconds.
        range_hz: lowest and highest fundamental that is looked for.
    """
    longest = int(np.ceil(sample_rate / range_hz[0])) + 2
    shortest = max(int(sample_rate / range_hz[1]), 2)
    width = 2 * longest
    span = width + longest
    padded = np.pad(samples.astype(np.float64), (span, span))
    begins = np.round(centres * sample_rate).astype(int) + span - span // 2
    begins = np.clip(begins, 0, len(padded) - span)
    found = [
        _pitches(padded[part[:, None] + np.arange(span)], width, shortest, sample_rate)
        for part in np.split(begins, range(_AT_ONCE, len(begins), _AT_ONCE))
    ]
    return np.concatenate(found)


def _pitches(
    windows: Float[np.ndarray, "f n"], width: int, shortest: int, sample_rate: int
) -> Float[np.ndarray, " f"]:
    differences = _normalised(windows, width)
    found = np.full(len(windows), np.nan)
    for row, curve in enumerate(differences):
        below = np.flatnonzero(curve[shortest:-1] < _THRESHOLD)
        if not len(below):
            continue
        lag = shortest + int(below[0])
        while lag + 1 < len(curve) - 1 and curve[lag + 1] < curve[lag]:
            lag += 1
        found[row] = sample_rate / (lag + _vertex(curve[lag - 1 : lag + 2]))
    return found


def _normalised(windows: Float[np.ndarray, "f n"], width: int) -> Float[np.ndarray, "f m"]:
    """The cumulative mean normalised difference of lags 0, 1, ... (equation 8)."""
    length = windows.shape[1]
    lags = length - width
    size = 2 ** int(np.ceil(np.log2(length + width)))
    spectrum = np.fft.rfft(windows, size)
    head = np.fft.rfft(windows[:, :width], size)
    products = np.fft.irfft(spectrum * head.conj(), size)[:, :lags]
    sums = np.cumsum(np.pad(windows**2, ((0, 0), (1, 0))), axis=1)
    energies = sums[:, width : width + lags] - sums[:, :lags]
    differences = np.maximum(energies[:, :1] + energies - 2 * products, 0)
    differences[:, 0] = 0
    means = np.cumsum(differences, axis=1) / np.maximum(np.arange(lags), 1)
    silent = energies[:, :1] < 1e-10 * width
    made = np.divide(differences, means, out=np.ones_like(differences), where=means > 0)
    return np.where(silent, 1.0, made)


def _vertex(values: Float[np.ndarray, " n"]) -> float:
    """Where a parabola through three values is lowest, against the middle one."""
    before, here, after = values
    bend = before - 2 * here + after
    return 0.0 if bend <= 0 else float(np.clip(0.5 * (before - after) / bend, -1, 1))
