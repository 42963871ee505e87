"""Fits the network that hears mouths to speech whose phonemes' times are known.

    python -m video.training.speech_fit [models folder]

learns from the utterances of ``prepare/speech``, prints how well it hears voices and sentences
that it never met, and stores ``speech_mouth``.
"""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.embedded.mouth import MOUTH, MOUTH_RATE_HZ
from common.media.audio import Audio, resample
from common.seeding import stream_seed
from common.training.emoji.npm_package import default_cache
from common.training.initial_weights import initial_weights
from common.training.talking.speech_mouth import mouths_said
from common.training.talking.speech_set import Utterance, load_speech
from common.zoo.models import ZOO
from common.zoo.storage import Manifest, save_model
from video.sound.agreement import best_lag, correlation
from video.sound.features import ANALYSIS_HZ, log_bands
from video.sound.mouth import (
    KIND,
    SpeechMouth,
    SpeechMouthArchitecture,
    frame_means,
    mouths_heard,
)

NUM_STEPS = 1_600
_BATCH, _LENGTH = 16, 200
"""Pieces of two seconds."""
_PEAK_RATE = 4e-3
_LOUDER, _FLOOR = 0.15, 0.45
"""What is heard gets softer by up to so much, and noise up to so loud; 1 is 50 dB."""
_FPS = 8.0
_WEIGHTS = (4.0, 1.0, 1.0)
"""Of errors: the opening is what is seen most."""


class Lesson(NamedTuple):
    """An utterance as the network hears it, and the mouth that says it."""

    bands: Float[np.ndarray, "m t"]
    mouths: Float[np.ndarray, "3 t"]


def lesson_of(said: Utterance, num_bands: int) -> Lesson:
    """What is heard and seen of an utterance."""
    bands = log_bands(heard_samples(said), said.duration_s, MOUTH_RATE_HZ, num_bands)
    mouths = mouths_said(said.phonemes, said.duration_s)
    count = min(bands.shape[1], mouths.shape[1])
    return Lesson(bands[:, :count], mouths[:, :count])


def heard_samples(said: Utterance) -> Float[np.ndarray, " n"]:
    """The sound at the rate of analysis."""
    return resample(Audio(said.sound[None], said.sample_rate), ANALYSIS_HZ).samples[0]


def fit(
    lessons: Sequence[Lesson], architecture: SpeechMouthArchitecture, num_steps: int = NUM_STEPS
) -> SpeechMouth:
    """The network that hears the lessons' mouths, in noise and softly too."""
    with initial_weights(0, "speech mouth"):
        model = SpeechMouth(architecture)
    rng = np.random.default_rng(stream_seed(0, 0, "speech pieces"))
    optimizer = torch.optim.AdamW(model.parameters(), lr=_PEAK_RATE, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.OneCycleLR(
        optimizer, _PEAK_RATE, num_steps + 1, pct_start=0.1
    )
    weights = torch.tensor(_WEIGHTS)[:, None]
    for _ in range(num_steps):
        bands, mouths = _pieces(lessons, rng)
        loss = (weights * (model(bands) - mouths) ** 2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        schedule.step()
    return model.eval().requires_grad_(False)


def _pieces(
    lessons: Sequence[Lesson], rng: np.random.Generator
) -> tuple[Float[Tensor, "b m t"], Float[Tensor, "b 3 t"]]:
    """Pieces of utterances, made softer and laid under noise; before and after there is silence."""
    heard, seen = [], []
    for index in rng.integers(len(lessons), size=_BATCH).tolist():
        bands, mouths = lessons[index]
        begin = int(rng.integers(-20, max(bands.shape[1] - _LENGTH + 20, 1)))
        at = np.arange(begin, begin + _LENGTH)
        inside = (at >= 0) & (at < bands.shape[1])
        own = np.clip(at, 0, bands.shape[1] - 1)
        loud = np.where(inside, bands[:, own], 0) - rng.uniform(0, _LOUDER)
        floor = rng.uniform(-0.2, _FLOOR) + rng.normal(0, 0.04, loud.shape)
        heard.append(np.clip(np.maximum(loud, floor), 0, 1))
        seen.append(mouths[:, own])  # at both ends it is at rest
    return torch.from_numpy(np.stack(heard)).float(), torch.from_numpy(np.stack(seen)).float()


def figures_of(model: SpeechMouth, held_out: Sequence[Utterance]) -> dict[str, float]:
    """Correlation with the mouths that say held-out utterances, in frames of 8 a second.

    Mean over utterances, of opening, width and rounding; ``lag``: where that of the opening is
    largest, in frames that what is heard comes late, mean of absolute values.
    """
    rows, lags = [], []
    for said in held_out:
        count = int(said.duration_s * _FPS)
        heard = mouths_heard(model, heard_samples(said), said.duration_s)
        true = mouths_said(said.phonemes, said.duration_s)
        pair = [frame_means(one, MOUTH_RATE_HZ, count, _FPS) for one in (heard, true)]
        rows.append([correlation(*rows_) for rows_ in zip(*pair, strict=True)])
        lags.append(abs(best_lag(pair[0][0], pair[1][0])))
    means = dict(zip(MOUTH, np.mean(rows, 0).tolist(), strict=True))
    return {f"correlation/{name}": value for name, value in means.items()} | {
        "lag": float(np.mean(lags))
    }


def fit_speech_mouth(
    trained: Sequence[Utterance], held_out: Sequence[Utterance], folder: Path
) -> Manifest:
    """Fit and store, with figures of held-out utterances."""
    sizes = SpeechMouthArchitecture()
    model = fit([lesson_of(said, sizes.num_bands) for said in trained], sizes)
    return save_model(
        folder, KIND, model.state_dict(), "int8", kind=KIND,
        architecture=sizes.model_dump(mode="json"), requires={},
        figures=figures_of(model, held_out),
    )  # fmt: skip


def main(folder: Path) -> None:
    """Fit to the prepared speech, and print the figures."""
    cache = default_cache()
    trained, held_out = load_speech(cache, "train"), load_speech(cache, "held_out")
    print(dict(fit_speech_mouth(trained, held_out, folder).figures))  # noqa: T201


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else ZOO)
