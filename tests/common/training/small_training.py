"""A real autoencoder, small enough that a training step takes milliseconds."""

import numpy as np
import torch

from common.embedded.autoencoder import AutoencoderArchitecture
from common.training.autoencoder.autoencoder_trainer import (
    AutoencoderTraining,
    TrainAutoencoder,
    to_unit_range,
)
from common.training.loop_config import LearningRate, LoopConfig
from common.training.pictures.picture_pools import WeightedPool, pool_of_rows

ARCHITECTURE = AutoencoderArchitecture(
    latent_channels=4, coarse_channels=16, middle_channels=16, fine_channels=8,
    encoder_blocks=(1, 1), decoder_blocks=(1, 1, 1),
)  # fmt: skip


def disks(count: int, size_px: int = 64) -> np.ndarray:
    """Premultiplied RGBA pictures of one coloured disk each, uint8."""
    rng = np.random.default_rng(0)
    y, x = np.mgrid[:size_px, :size_px] / size_px
    pictures = np.zeros((count, size_px, size_px, 4), np.uint8)
    for picture in pictures:
        center, radius = rng.uniform(0.35, 0.65, 2), rng.uniform(0.15, 0.35)
        inside = (y - center[0]) ** 2 + (x - center[1]) ** 2 < radius**2
        picture[inside] = [*rng.integers(0, 256, 3), 255]
    return pictures


def small_autoencoder(**loop: object) -> tuple[TrainAutoencoder, AutoencoderTraining]:
    """The method and its training on disks."""
    settings = LoopConfig(
        **{
            "num_steps": 8, "batch_size": 4, "learning_rate": LearningRate(warmup_steps=2),
            **loop,
        }
    )  # fmt: skip
    method = TrainAutoencoder(architecture=ARCHITECTURE, size_px=64, loop=settings)
    pixels = disks(12)
    pool = WeightedPool(pool_of_rows(pixels, range(8)), 1.0)
    held_out = {"disks": to_unit_range(pixels[8:], "cpu") * 2 - 1}
    return method, AutoencoderTraining(method, (pool,), held_out, 0, "cpu")


def same_bits(a: dict[str, torch.Tensor], b: dict[str, torch.Tensor]) -> bool:
    """Whether two sets of weights are equal to the last bit."""
    return a.keys() == b.keys() and all(torch.equal(a[key], b[key]) for key in a)
