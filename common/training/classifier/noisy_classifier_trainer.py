"""Training the classifier of noised latents (Dhariwal and Nichol 2021, arXiv 2105.05233)."""

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field
from torch import Tensor

from common.config import Config
from common.embedded.class_names import ClassNames, load_class_names
from common.embedded.noisy_classifier import (
    ClassLogits,
    NoisyClassifier,
    NoisyClassifierArchitecture,
)
from common.embedded.prior import embedded_schedule
from common.media.contact_sheet import picture_sheet
from common.media.pixels import to_picture
from common.seeding import generators_for, randn, stream_seed
from common.shapes import Picture, Timesteps
from common.training.classifier.labelled_latents import (
    UNSAID,
    Labelled,
    LabelledSource,
    open_labelled,
)
from common.training.denoising import noised_at_random
from common.training.initial_weights import initial_weights, on_device
from common.training.loop_config import LearningRate, LoopConfig
from common.training.noise_times import NoiseTimes, UniformTimes
from common.training.training import Package
from common.zoo.models import ZOO, Loaded, load_autoencoder

_MEASURED_TIMES = (0.0, 0.25, 0.5, 0.75, 0.9)
_BATCH = 128
_NUM_PREVIEWED = 6
"""Pictures of a preview, each at every measured time."""


class TrainNoisyClassifier(Config):
    """The classifier of noised latents of the embedded autoencoder."""

    name: Literal["noisy_classifier"] = "noisy_classifier"
    architecture: NoisyClassifierArchitecture = NoisyClassifierArchitecture()
    """Sizes of the model; how many classes there are follows from their names."""
    models_dir: Path | None = None
    """Folder of the autoencoder whose latents it reads; null is the zoo."""
    times: NoiseTimes = UniformTimes()
    """Which noise levels are visited."""
    kit_share: float = Field(0.6, ge=0, le=1)
    """Share of the samples that are kit objects; the others are emoji."""
    animated_share: float = Field(0.4, ge=0, le=1)
    """Share of the emoji samples that are a moment of an animation, where there is one."""
    colour_weight: float = Field(1.0, ge=0)
    """Of the cross entropy of colours, beside that of things."""
    loop: LoopConfig = LoopConfig(
        num_steps=2400, batch_size=128, ema_decay=0.995, weight_decay=0.05,
        learning_rate=LearningRate(peak=2e-3, warmup_steps=100),
    )  # fmt: skip
    """How long and in which steps to train."""


class NoisyClassifierTraining:
    """The losses and figures of a noisy classifier.

    State: the classifier in training, its latents and those that are held out.
    """

    def __init__(
        self,
        config: TrainNoisyClassifier,
        names: ClassNames,
        source: LabelledSource,
        autoencoder: Loaded,
        seed: int,
        device: str,
    ):
        self._config, self._names, self._source = config, names, source
        self._autoencoder, self._seed, self._device = autoencoder, seed, device
        self._schedule = embedded_schedule()
        self._held_out = source.held_out()
        self._sizes = config.architecture.model_copy(update={
            "num_whats": len(names.whats), "num_colours": len(names.colours),
            "names_sha256": names.digest,
        })  # fmt: skip
        with initial_weights(seed, "noisy classifier"):
            self._model = on_device(NoisyClassifier(self._sizes), device)

    @property
    def model(self) -> Any:
        """The classifier in training."""
        return self._model

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Cross entropy of what is shown, and of the colours of kit objects."""
        config = self._config
        rng = np.random.default_rng(stream_seed(self._seed, draw, "labelled latents"))
        batch = self._source.draw(config.loop.batch_size, rng)
        clean = torch.from_numpy(batch.latents).to(self._device)
        seed = stream_seed(self._seed, draw, "diffusion noise")
        noised = noised_at_random(clean, config.times, self._schedule, seed)
        latents = self._schedule.add_noise(*noised)
        logits = forward(latents, self._schedule.alpha(noised.timesteps))
        what = F.cross_entropy(logits.what.float(), self._classes(batch.what))
        coloured = F.cross_entropy(
            logits.colour.float(), self._classes(batch.colour), ignore_index=UNSAID,
            reduction="sum",
        )  # fmt: skip
        colour = coloured / max(int((batch.colour != UNSAID).sum()), 1)
        return {"loss": what + config.colour_weight * colour, "what": what, "colour": colour}

    @torch.no_grad()
    def evaluate(self, model: Any) -> dict[str, float]:
        """Shares that are told right at each measured time, 0 clean to 1 noise."""
        figures = {}
        for name, batch in self._held_out.items():
            for time in _MEASURED_TIMES:
                logits = self._logits(model, batch, time)
                right = logits.what.argmax(1).cpu().numpy() == batch.what
                figures[f"{name}_at_{time:g}/right"] = float(right.mean())
                told = batch.colour != UNSAID
                if told.any():
                    right = logits.colour.argmax(1).cpu().numpy() == batch.colour
                    figures[f"{name}_at_{time:g}/colour"] = float(right[told].mean())
        return figures

    def _logits(self, model: Any, batch: Labelled, time: float) -> ClassLogits:
        """Of a whole held-out set at one time, from the same noise every time."""
        found = []
        for start in range(0, len(batch.latents), _BATCH):
            latents, timesteps = self._noised(batch, range(start, start + _BATCH), time)
            found.append(model(latents, self._schedule.alpha(timesteps)))
        return ClassLogits(*(torch.cat(parts) for parts in zip(*found, strict=True)))

    def _noised(
        self, batch: Labelled, rows: range, time: float
    ) -> tuple[Float[Tensor, "b z y x"], Timesteps]:
        clean = torch.from_numpy(batch.latents[rows.start : rows.stop]).to(self._device)
        places = range(rows.start, rows.start + len(clean))
        noise = randn(tuple(clean.shape[1:]), generators_for(0, places, "evaluation noise"))
        timesteps = self._schedule.timesteps(torch.full((len(clean),), time)).to(clean)
        return self._schedule.add_noise(clean, noise.to(clean), timesteps), timesteps

    @torch.no_grad()
    def preview(self, model: Any) -> Picture:
        """Held-out kit objects with more and more noise, and what they are taken for."""
        batch = self._held_out["kit"]
        step = max(len(batch.what) // _NUM_PREVIEWED, 1)
        some = Labelled(*(part[::step][:_NUM_PREVIEWED] for part in batch))
        shown, said = [], []
        for row in range(len(some.what)):
            for time in _MEASURED_TIMES:
                latents, timesteps = self._noised(some, range(row, row + 1), time)
                logits = model(latents, self._schedule.alpha(timesteps))
                colour = self._names.colours[int(logits.colour.argmax())][0]
                said.append(f"{colour} {self._names.whats[int(logits.what.argmax())][0]}")
                shown.append(to_picture(self._autoencoder.model.decode(latents)[0].clamp(-1, 1)))
        return picture_sheet(shown, captions=said, num_columns=len(_MEASURED_TIMES))

    def package(self, model: Any) -> Package:
        """The classifier and the autoencoder whose latents it reads."""
        return Package(
            "noisy_classifier", model, self._sizes, {"autoencoder": self._autoencoder.identity}
        )

    def _classes(self, numbers: np.ndarray) -> Tensor:
        return torch.from_numpy(numbers).to(self._device)


def open_noisy_classifier_training(
    config: TrainNoisyClassifier, cache: Path, seed: int, device: str
) -> NoisyClassifierTraining:
    """Load the autoencoder, encode the pictures (once) and build the classifier.

    Raises:
        InputError: the autoencoder is missing or data is not prepared.
    """
    autoencoder, names = load_autoencoder(config.models_dir or ZOO, device), load_class_names()
    source = open_labelled(
        names, autoencoder, cache, device, config.kit_share, config.animated_share
    )
    return NoisyClassifierTraining(config, names, source, autoencoder, seed, device)
