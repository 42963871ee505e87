"""The mouth that says a sound: opening, width and rounding, heard in its mel bands.

A small residual network of convolutions over time, which hears 0.16 s before and after. It was
taught by speech whose phonemes' times are known (`video/training/speech_fit.py`).
"""

from collections.abc import Mapping
from functools import cache as cached
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.embedded.mouth import MOUTH, MOUTH_RATE_HZ
from common.zoo.models import ZOO
from common.zoo.standalone import load_standalone
from video.sound.features import log_bands

KIND = "speech_mouth"
_DILATIONS = (1, 2, 4)
_SECONDS_AT_ONCE = 60.0
_AROUND_S = 0.5
"""Heard on both sides of a part: more than the network sees, so that parts join."""


class SpeechMouthArchitecture(Config):
    """Sizes of the network."""

    num_bands: int = Field(40, ge=1)
    """Mel bands."""
    channels: int = Field(56, ge=8)
    """Of the features."""


class SpeechMouth(nn.Module):
    """Logarithms of mel bands to mouths, `MOUTH_RATE_HZ` times a second."""

    def __init__(self, architecture: SpeechMouthArchitecture):
        super().__init__()
        self.architecture = architecture
        channels = architecture.channels
        self.enter = nn.Conv1d(architecture.num_bands, channels, 5, padding=2)
        self.blocks = nn.ModuleList(
            nn.Conv1d(channels, channels, 5, padding=2 * dilation, dilation=dilation)
            for dilation in _DILATIONS
        )
        self.leave = nn.Conv1d(channels, len(MOUTH), 1)

    def forward(self, bands: Float[Tensor, "b m t"]) -> Float[Tensor, "b 3 t"]:
        """Bands as `log_bands` has them to opening, width and rounding from 0 to 1."""
        features = self.enter(bands)
        for block in self.blocks:
            features = features + block(F.silu(features))
        return torch.sigmoid(self.leave(F.silu(features)))


@cached
def load_speech_mouth(folder: Path = ZOO) -> SpeechMouth:
    """The trained network.

    Raises:
        InputError: it is missing or damaged.
    """
    return load_standalone(folder, KIND, SpeechMouthArchitecture, SpeechMouth)


@torch.inference_mode()
def mouths_heard(
    model: SpeechMouth, samples: Float[np.ndarray, " n"], duration_s: float
) -> Float[np.ndarray, "3 t"]:
    """The mouth `MOUTH_RATE_HZ` times a second.

    Args:
        model: that hears.
        samples: of one channel at `ANALYSIS_HZ`.
        duration_s: that is wanted; where the sound has ended there is silence.
    """
    bands = log_bands(samples, duration_s, MOUTH_RATE_HZ, model.architecture.num_bands)
    count, step = bands.shape[1], round(_SECONDS_AT_ONCE * MOUTH_RATE_HZ)
    around = round(_AROUND_S * MOUTH_RATE_HZ)
    parts = []
    for begin in range(0, count, step):
        first = max(begin - around, 0)
        part = torch.from_numpy(bands[None, :, first : begin + step + around]).float()
        parts.append(model(part)[0, :, begin - first :][:, :step].numpy())
    return np.concatenate(parts, 1)


def mouth_tracks(
    samples: Float[np.ndarray, " n"], num_frames: int, fps: float
) -> Mapping[str, Float[np.ndarray, " f"]]:
    """The means over each frame's time of opening, width and rounding, by name."""
    heard = mouths_heard(load_speech_mouth(), samples, num_frames / fps)
    return dict(zip(MOUTH, frame_means(heard, MOUTH_RATE_HZ, num_frames, fps), strict=True))


def frame_means(
    values: Float[np.ndarray, "m t"], rate_hz: float, num_frames: int, fps: float
) -> Float[np.ndarray, "m f"]:
    """Means over frames of values that each hold for ``1 / rate_hz``, the last to the end.

    A value that lies in two frames counts in both by its share of time.
    """
    sums = np.cumsum(np.pad(values.astype(np.float64), ((0, 0), (1, 0))), 1)
    places = np.arange(num_frames + 1) / fps * rate_hz
    known = values.shape[1]
    at = np.arange(known + 1)
    every = [np.interp(places, at, row) for row in sums]
    beyond = np.maximum(places - known, 0)
    whole = np.array(every) + beyond * values[:, -1:]
    return np.diff(whole, axis=1) * (fps / rate_hz)
