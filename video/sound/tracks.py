"""A sound as a clip follows it: cut to its length, and tracks of it from 0 to 1."""

import math
from dataclasses import dataclass

import numpy as np
from jaxtyping import Float

from common.errors import InputError
from common.media.audio import Audio, fit_audio, read_audio, resample
from video.sound.config import SoundConfig
from video.sound.features import ANALYSIS_HZ, band_levels, energies, onsets
from video.sound.mouth import mouth_tracks
from video.sound.pitch import pitches_hz
from video.timeline.curve import FrameTracks

_HEARD = 1e-3
"""A band that never gets louder than this, against the loudest, is silent."""


@dataclass(frozen=True, eq=False)
class Sound:
    """What a clip follows and is heard with."""

    audio: Audio
    """As long as the clip."""
    tracks: FrameTracks
    """Of the frames that are drawn."""


def read_sound(config: SoundConfig, num_frames: int, fps: float) -> Sound:
    """The sound of a clip.

    Args:
        config: where it is, and how it is read.
        num_frames: of the clip.
        fps: its frames a second.

    Raises:
        InputError: the file has no sound, is empty, damaged, silent, too long or holds values that
            are no numbers; the part that is wanted is empty or silent; or its length is another one
            and is to be exact.
    """
    audio = fitted(config, read_audio(config.path), num_frames, fps)
    return Sound(audio, sound_tracks(config, audio, num_frames, fps))


def fitted(config: SoundConfig, audio: Audio, num_frames: int, fps: float) -> Audio:
    """The part of a sound that a clip has, as long as the clip."""
    first = round(config.start_s * audio.sample_rate)
    part = Audio(audio.samples[:, first:], audio.sample_rate)
    if part.samples.shape[1] == 0:
        raise InputError(
            f"{config.path} lasts {audio.duration_s:.3f} s; sound.start_s {config.start_s:g} is "
            "beyond its end"
        )
    duration_s = num_frames / fps
    if config.length == "exact" and abs(part.duration_s - duration_s) > 1 / fps:
        wanted = max(round(part.duration_s * fps), 1)
        raise InputError(
            f"{config.path} lasts {part.duration_s:.3f} s from {config.start_s:g} s on, and the "
            f"clip {duration_s:.3f} s: set num_frames={wanted}, or sound.length to fit or repeat"
        )
    if config.length == "repeat" and part.duration_s < duration_s:
        times = math.ceil(duration_s / part.duration_s)
        part = Audio(np.tile(part.samples, times), part.sample_rate)
    made = fit_audio(part, duration_s)
    if not made.samples.any():
        raise InputError(
            f"{config.path} is silent from {config.start_s:g} s on for the {duration_s:.3f} s of "
            "the clip: choose another sound.start_s"
        )
    return made


def sound_tracks(config: SoundConfig, audio: Audio, num_frames: int, fps: float) -> FrameTracks:
    """Every track of a fitted sound, by name.

    Onset, energy and mel bands are shares of their own largest value; pitch is its place in
    ``pitch_hz`` on a logarithmic scale, held where the sound has none, and 0 before it first has;
    the mouth that says the sound is in ``mouth_open``, ``mouth_width`` and ``mouth_round``.
    """
    mono = Audio(audio.samples.mean(axis=0, keepdims=True, dtype=np.float32), audio.sample_rate)
    samples = resample(mono, ANALYSIS_HZ).samples[0]
    bands = band_levels(samples, num_frames, fps, config.mel_bands)
    loudest = bands.max()
    found = {
        "onset": onsets(samples, num_frames, fps),
        "energy": energies(audio, num_frames, fps),
        **{
            f"mel {number}": band if band.max() > _HEARD * loudest else np.zeros(num_frames)
            for number, band in enumerate(bands)
        },
    }
    sigma = config.smoothing_ms / 1000 * fps
    tracks = {name: _share(_smoothed(values, sigma)) for name, values in found.items()}
    centres = (np.arange(num_frames) + 0.5) / fps
    pitches = _held(pitches_hz(samples, ANALYSIS_HZ, centres, config.pitch_hz))
    low, high = np.log(config.pitch_hz)
    place = np.where(pitches > 0, (np.log(np.maximum(pitches, 1)) - low) / (high - low), 0)
    found = {"pitch": place, **mouth_tracks(samples, num_frames, fps)}
    return tracks | {name: np.clip(_smoothed(one, sigma), 0, 1) for name, one in found.items()}


def _smoothed(values: Float[np.ndarray, " f"], sigma: float) -> Float[np.ndarray, " f"]:
    from scipy.ndimage import gaussian_filter1d

    return np.asarray(gaussian_filter1d(values, sigma, mode="nearest")) if sigma > 0 else values


def _share(values: Float[np.ndarray, " f"]) -> Float[np.ndarray, " f"]:
    largest = values.max()
    return values / largest if largest > 0 else values


def _held(pitches: Float[np.ndarray, " f"]) -> Float[np.ndarray, " f"]:
    """The last pitch where there is none now, 0 before the first."""
    places = np.maximum.accumulate(np.where(np.isnan(pitches), -1, np.arange(len(pitches))))
    return np.where(places < 0, 0, pitches[np.maximum(places, 0)])
