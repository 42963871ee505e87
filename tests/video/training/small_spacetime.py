"""Training a small spacetime DiT on clips whose frames climb, with untrained frozen models."""

from dataclasses import dataclass

import numpy as np
import torch

from common.embedded.autoencoder import Autoencoder
from common.embedded.text_encoder import TextEncoder
from common.training.frames.frame_batch import FrameBatch, first_frame
from common.training.loop_config import LearningRate, LoopConfig
from common.zoo.models import Loaded
from tests.common.training.small_training import ARCHITECTURE
from tests.common.zoo.small_zoo import TEXT
from tests.video.causal_autoencoder.small_causal import random_causal
from tests.video.spacetime_dit.small_dit import SIZES
from video.training.spacetime_dit_trainer import SpacetimeDiTTraining, TrainSpacetimeDiT

NUM_FRAMES = 4
LOOP = LoopConfig(
    num_steps=6, batch_size=4, ema_decay=0.9, precision="float32",
    learning_rate=LearningRate(peak=5e-3, warmup_steps=2),
)  # fmt: skip


@dataclass(frozen=True)
class Steps:
    """Clips whose frames are constants that climb, or fall, as the prompt says, from any start."""

    def draw(self, count: int, rng: np.random.Generator) -> FrameBatch:
        return self._batch(rng.normal(size=count), rng.integers(2, size=count))

    def pictures(self, count: int, rng: np.random.Generator) -> FrameBatch:
        return first_frame(self.draw(count, rng))

    def held_out(self) -> FrameBatch:
        return self._batch(np.linspace(-1, 1, 8), np.arange(8) % 2)

    def _batch(self, starts: np.ndarray, falls: np.ndarray) -> FrameBatch:
        times = np.tile(np.arange(NUM_FRAMES, dtype=np.float32), (len(starts), 1))
        signs = 1.0 - 2.0 * falls[:, None]
        levels = (starts[:, None] + signs * times)[:, None, :, None, None]
        latents = np.broadcast_to(levels, (len(starts), 4, NUM_FRAMES, 8, 8)).astype(np.float32)
        prompts = tuple("falls" if fall else "grows" for fall in falls)
        return FrameBatch(latents.copy(), prompts, (None,) * len(starts), times)


def small(**changes: object) -> tuple[TrainSpacetimeDiT, SpacetimeDiTTraining]:
    """The method, and its training."""
    settings = {"architecture": SIZES, "frames_at_once": NUM_FRAMES, "loop": LOOP} | changes
    config = TrainSpacetimeDiT(**settings)
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        models = {"autoencoder": Autoencoder(ARCHITECTURE), "text_encoder": TextEncoder(TEXT)}
    if config.architecture.coding == "causal":
        models["causal_autoencoder"] = random_causal()
    frozen = {
        kind: Loaded(model.eval().requires_grad_(False), kind[0] * 64)
        for kind, model in models.items()
    }
    return config, SpacetimeDiTTraining(config, Steps(), frozen, 0, "cpu")
