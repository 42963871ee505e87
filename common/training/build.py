"""From a training config to what the loop trains, and what it will take."""

from pathlib import Path
from typing import assert_never

from common.runs.app import Estimate
from common.training.autoencoder_trainer import TrainAutoencoder, build_autoencoder, open_training
from common.training.train_config import Method
from common.training.training import Training

_LIBRARIES_BYTES = 700 * 2**20
_COPIES = 5
"""Float32 copies of the weights: trained, averaged, gradient and two moments."""


def build_training(method: Method, cache: Path, seed: int, device: str) -> Training:
    """Open the data and build the model.

    Raises:
        InputError: data that the method needs is not prepared.
    """
    match method:
        case TrainAutoencoder():
            return open_training(method, cache, seed, device)
        case _:
            assert_never(method)


def training_estimate(method: Method) -> Estimate:
    """Sizes, memory and steps."""
    match method:
        case TrainAutoencoder():
            model = build_autoencoder(method.architecture, 0)
            # Activations of the blocks, most of them at a quarter and at half of the side.
            numbers = 40 * method.architecture.middle_channels * (method.size_px // 4) ** 2
        case _:
            assert_never(method)
    num_weights = sum(weight.numel() for weight in model.parameters())
    batch = method.loop.batch_size
    sizes = {
        "parameters": f"{num_weights:,}",
        "batch_size": f"{batch} x {method.loop.num_accumulated}",
        "samples": f"{batch * method.loop.num_accumulated * method.loop.num_steps:,}",
    }
    memory = _LIBRARIES_BYTES + 4 * (_COPIES * num_weights + batch * numbers)
    return Estimate(sizes, memory, method.loop.num_steps)
