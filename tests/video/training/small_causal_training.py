"""Training a small causal autoencoder on blobs that move evenly, or jump in the middle."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
import torch

from common.embedded.autoencoder import Autoencoder
from common.training.loop_config import LearningRate, LoopConfig
from common.zoo.models import Loaded
from tests.common.training.small_training import ARCHITECTURE
from tests.video.causal_autoencoder.small_causal import SIZES
from video.training.causal_autoencoder_trainer import (
    CausalAutoencoderTraining,
    TrainCausalAutoencoder,
)

LOOP = LoopConfig(
    num_steps=6, batch_size=4, ema_decay=0.9, precision="float32",
    learning_rate=LearningRate(peak=5e-3, warmup_steps=2),
)  # fmt: skip


def waves(count: int, rng: np.random.Generator, side: int = 8) -> np.ndarray:
    """Latents that go to and fro within every four frames, by as much as their place says."""
    heights = rng.normal(size=(count, 4, 1, side, side))
    when = np.sin(np.arange(9) * np.pi / 2)[None, None, :, None, None]
    return (heights * when).astype(np.float32)


@dataclass(frozen=True)
class Waves:
    """Nothing of it is left if every fourth frame is kept: they are all zero."""

    @property
    def measured(self) -> Mapping[str, np.ndarray]:
        return {"waves": waves(6, np.random.default_rng(1))}

    def draw(self, size_px: int, count: int, rng: np.random.Generator) -> np.ndarray:
        return waves(count, rng, size_px // 16)


def small(**changes: object) -> tuple[TrainCausalAutoencoder, CausalAutoencoderTraining]:
    """The method, and its training."""
    settings = {"architecture": SIZES, "loop": LOOP, "pixel_crops": 2} | changes
    config = TrainCausalAutoencoder(**settings)
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        autoencoder = Autoencoder(ARCHITECTURE).eval().requires_grad_(False)
    return config, CausalAutoencoderTraining(
        config, Waves(), Loaded(autoencoder, "a" * 64), 0, "cpu"
    )
