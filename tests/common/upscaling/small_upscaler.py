"""A real upscaler with random weights everywhere, small enough to take milliseconds."""

from pathlib import Path

import torch

from common.embedded.upscaler import Upscaler, UpscalerArchitecture
from common.zoo.storage import save_model

SIZES = UpscalerArchitecture(channels=8, num_blocks=2)


def small_upscaler() -> Upscaler:
    """The same one every time."""
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        model = Upscaler(SIZES)
        for weight in model.parameters():
            torch.nn.init.normal_(weight, std=0.1)
    return model.eval().requires_grad_(False)


def store_upscaler(folder: Path) -> None:
    """Put it into a folder, as the zoo has it."""
    save_model(
        folder, "upscaler", small_upscaler().state_dict(), "float32", kind="upscaler",
        architecture=SIZES.model_dump(mode="json"), requires={}, figures={},
    )  # fmt: skip
