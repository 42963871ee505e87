"""What a sound does in each frame of a clip: how loud it is, in which bands, and where it begins.

Frame ``i`` is the time from ``i / fps`` to ``(i + 1) / fps``.
"""

import math
from itertools import pairwise

import numpy as np
from jaxtyping import Float

from common.media.audio import Audio

ANALYSIS_HZ = 22_050
"""Rate at which spectra and pitches are found."""
_WINDOW = 512
_STEP_S = 0.005
"""Longest time between spectra, of which each frame has a whole number."""
_FINE_BANDS = 40
_LOWEST_HZ, _HIGHEST_HZ = 30.0, 8_000.0
_COMPRESSION = 1e4
"""Of band powers, against the loudest: beginnings are heard down to 40 dB below it."""
_SOFTEST = 1e-5
"""Of band powers, against the loudest, that logarithms tell apart."""
_APART_S = 0.03
"""Beginnings are at least so far from each other."""
_LEAST_RISE = 0.2
"""Mean rise of logarithms over bands from which on something begins."""
_LEAST_SHARE = 0.1
"""The same, as a share of the steepest rise: noise rises and falls too."""
_AT_ONCE = 4_096
"""Spectra; it bounds memory."""


def energies(audio: Audio, num_frames: int, fps: float) -> Float[np.ndarray, " f"]:
    """Root mean square of each frame's samples, over all channels; full scale is 1."""
    bounds = np.round(np.arange(num_frames + 1) * audio.sample_rate / fps).astype(int)
    count = audio.samples.shape[1]
    found = np.zeros(num_frames)
    for frame, (begin, end) in enumerate(pairwise(bounds.tolist())):
        part = audio.samples[:, begin : min(end, count)].astype(np.float64)
        found[frame] = math.sqrt((part**2).sum() / (audio.samples.shape[0] * (end - begin)))
    return found


def band_levels(
    samples: Float[np.ndarray, " n"], num_frames: int, fps: float, num_bands: int
) -> Float[np.ndarray, "m f"]:
    """Root of the mean power in each mel band and frame, of one channel at `ANALYSIS_HZ`."""
    powers = _band_powers(samples, num_frames, fps, num_bands)
    return np.sqrt(powers.reshape(num_frames, -1, num_bands).mean(1)).T


def log_bands(
    samples: Float[np.ndarray, " n"], duration_s: float, rate_hz: float, num_bands: int
) -> Float[np.ndarray, "m t"]:
    """Logarithms of mel bands, ``rate_hz`` times a second: 1 is the loudest, 0 is 50 dB below it.

    Of one channel at `ANALYSIS_HZ`; at least one is given, however short the time.
    """
    count = max(int(duration_s * rate_hz + 1e-6), 1)
    powers = _band_powers(samples, count, rate_hz, num_bands)
    means = powers.reshape(count, -1, num_bands).mean(1).T
    loudest = means.max()
    shares = means / loudest if loudest > 0 else means
    return np.log10(shares + _SOFTEST) / -math.log10(_SOFTEST) + 1


def onsets(
    samples: Float[np.ndarray, " n"], num_frames: int, fps: float
) -> Float[np.ndarray, " f"]:
    """How much begins in each frame: the spectral flux at its peaks, 0 elsewhere.

    The rise of the logarithms of mel bands from one spectrum to the next but one, where they rise
    (Boeck and Widmer 2013, DAFx-13, without their filter against vibrato). Each spectrum is that of
    the samples up to a time, so that what begins is not seen before it does.
    """
    from scipy.ndimage import maximum_filter1d

    powers = _band_powers(samples, num_frames, fps, _FINE_BANDS)
    loudest = powers.max()
    if loudest == 0:
        return np.zeros(num_frames)
    levels = np.pad(np.log1p(_COMPRESSION * powers / loudest), ((2, 0), (0, 0)))
    flux = np.maximum(levels[2:] - levels[:-2], 0).mean(1)
    steps = len(flux) // num_frames
    reach = max(round(_APART_S * fps * steps), 1)
    peaks = flux == maximum_filter1d(flux, 2 * reach + 1, mode="constant")
    least = max(_LEAST_RISE, _LEAST_SHARE * flux.max())
    heard = np.where(peaks & (flux >= least), flux, 0)
    return heard.reshape(num_frames, steps).max(1)


def _band_powers(
    samples: Float[np.ndarray, " n"], num_frames: int, fps: float, num_bands: int
) -> Float[np.ndarray, "t m"]:
    """Powers in mel bands of windows that end at equal steps, a whole number in each frame."""
    from transformers.audio_utils import mel_filter_bank

    steps = math.ceil(1 / (fps * _STEP_S))
    ends = np.round(np.arange(1, num_frames * steps + 1) * ANALYSIS_HZ / (fps * steps)).astype(int)
    padded = np.pad(samples, (_WINDOW, max(int(ends[-1]) - len(samples), 0)))
    filters = mel_filter_bank(
        _WINDOW // 2 + 1, num_bands, _LOWEST_HZ, _HIGHEST_HZ, ANALYSIS_HZ, mel_scale="slaney"
    )
    window = np.hanning(_WINDOW + 1)[:-1]
    found = []
    for part in np.split(ends, range(_AT_ONCE, len(ends), _AT_ONCE)):
        rows = padded[part[:, None] + np.arange(_WINDOW)].astype(np.float64)
        found.append(np.abs(np.fft.rfft(rows * window)) ** 2 @ filters)
    return np.concatenate(found)
