"""Sound: reading WAV, FLAC, MP3 and the sound of videos, resampling, fitting, writing WAV."""

import io
import math
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np
from jaxtyping import Float

from common.errors import InputError
from common.media.completeness import check_whole
from common.media.containers import opened
from common.media.sources import FileKind, file_kind
from common.media.targets import explained_write_errors, written_whole

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import InputContainer

MAX_DURATION_S = 1_800.0
_EXACT_LENGTH: tuple[FileKind, ...] = ("wav", "flac")
"""Formats whose header states the number of samples."""
_SAMPLE_RATES_HZ = (1_000, 384_000)


@dataclass(frozen=True)
class Audio:
    """Sound: ``samples`` is mono or stereo, float32, full scale at -1 and 1."""

    samples: Float[np.ndarray, "c n"]
    sample_rate: int
    """In Hz."""

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return self.samples.shape[1] / self.sample_rate


def read_audio(
    path: Path,
    *,
    sample_rate: int | None = None,
    num_channels: Literal[1, 2] | None = None,
    allow_silence: bool = False,
    max_duration_s: float = MAX_DURATION_S,
) -> Audio:
    """Read a sound file, or the sound of a video, with its exact length.

    Args:
        path: WAV, FLAC, MP3, AAC, Ogg, MP4 or WebM. MP3's encoder padding is removed where the
            file states it.
        sample_rate: resample to this, in Hz; None keeps the file's.
        num_channels: 1 averages the channels, 2 doubles mono; None keeps mono and stereo. More
            than two channels are mixed to stereo first.
        allow_silence: accept a file in which every sample is zero.
        max_duration_s: refuse longer files.

    Raises:
        InputError: missing, empty, damaged, cut off, no sound, no samples, not finite, only
            silence, or too long.
    """
    kind = file_kind(path)
    check_whole(path, kind)
    with opened(path, kind) as container:
        if not container.streams.audio:
            raise InputError(f"{path}: has no sound")
        stream = container.streams.audio[0]
        stated = stream.duration if kind in _EXACT_LENGTH else None
        parts = list(_decoded(path, container, stream, max_duration_s))
        rate = stream.codec_context.sample_rate
        expected = round(stated * stream.time_base * rate) if stated and stream.time_base else 0
    samples = np.concatenate(parts, axis=1) if parts else np.zeros((1, 0), np.float32)
    if samples.shape[1] == 0:
        raise InputError(f"{path}: has no sound samples")
    if samples.shape[1] < expected:
        raise InputError(f"{path}: is cut off: {samples.shape[1]} of {expected} samples are there")
    if not np.isfinite(samples).all():
        raise InputError(f"{path}: holds samples that are no numbers")
    if not allow_silence and not samples.any():
        raise InputError(f"{path}: is silent: every sample is zero")
    audio = _with_channels(Audio(samples, rate), num_channels)
    return audio if sample_rate is None else resample(audio, sample_rate)


def resample(audio: Audio, sample_rate: int) -> Audio:
    """The same sound at another rate: ``ceil(n * new / old)`` samples, band-limited, no delay."""
    if not _SAMPLE_RATES_HZ[0] <= sample_rate <= _SAMPLE_RATES_HZ[1]:
        low, high = _SAMPLE_RATES_HZ
        raise InputError(f"sample_rate must be between {low} and {high} Hz, not {sample_rate}")
    if sample_rate == audio.sample_rate:
        return audio
    from scipy.signal import resample_poly

    shared = math.gcd(sample_rate, audio.sample_rate)
    up, down = sample_rate // shared, audio.sample_rate // shared
    resampled = resample_poly(audio.samples.astype(np.float64), up, down, axis=1)
    return Audio(resampled.astype(np.float32), sample_rate)


def fit_audio(audio: Audio, duration_s: float) -> Audio:
    """Cut the sound, or fill it with silence, to a length (rounded to a sample)."""
    wanted = round(duration_s * audio.sample_rate)
    missing = max(0, wanted - audio.samples.shape[1])
    return Audio(np.pad(audio.samples[:, :wanted], ((0, 0), (0, missing))), audio.sample_rate)


def write_wav(path: Path, audio: Audio) -> None:
    """Write a 32-bit float WAV, which holds the samples exactly."""
    from scipy.io import wavfile

    encoded = io.BytesIO()
    wavfile.write(encoded, audio.sample_rate, np.ascontiguousarray(audio.samples.T))
    with written_whole(path, ".wav") as partial, explained_write_errors(path):
        partial.write_bytes(encoded.getvalue())


def _decoded(
    path: Path, container: "InputContainer", stream: "AudioStream", max_duration_s: float
) -> Iterator[Float[np.ndarray, "c n"]]:
    """Float samples of each packet; more than two channels mixed to stereo by FFmpeg's matrix."""
    import av

    rate = stream.codec_context.sample_rate
    layout = "mono" if stream.codec_context.channels == 1 else "stereo"
    converter = av.AudioResampler(format="fltp", layout=layout, rate=rate)
    count = 0
    for frame in container.decode(stream):
        frame.pts = None  # gaps and overlaps of time stamps must not add or drop samples
        for converted in converter.resample(frame):
            count += converted.samples
            if count > max_duration_s * rate:
                raise InputError(f"{path}: lasts more than {max_duration_s:g} s; cut it first")
            yield converted.to_ndarray()
    for converted in converter.resample(None):
        yield converted.to_ndarray()


def _with_channels(audio: Audio, num_channels: int | None) -> Audio:
    samples = audio.samples
    if num_channels == 1 and samples.shape[0] == 2:
        samples = samples.mean(axis=0, keepdims=True, dtype=np.float32)
    elif num_channels == 2 and samples.shape[0] == 1:
        samples = np.repeat(samples, 2, axis=0)
    return Audio(samples, audio.sample_rate)
