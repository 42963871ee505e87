"""Writes what a decoder and a U-Net are counted to need, and what running them takes, in bytes."""

import json
import sys
from collections.abc import Callable
from typing import Any

import torch

from common.pretrained.activation_memory import peak_activation_bytes
from common.runs.memory import peak_bytes, reset_peak
from tests.common.pretrained.tiny_pipelines import autoencoder, unet

_LEVELS = {
    "block_out_channels": [32, 32],
    "norm_num_groups": 8,
    "down_block_types": ["DownEncoderBlock2D"] * 2,
    "up_block_types": ["UpDecoderBlock2D"] * 2,
    "mid_block_add_attention": False,
}


def main() -> None:
    """One pair of numbers a model: counted, grown."""
    torch.manual_seed(0)
    pairs = [
        _measured(lambda: autoencoder(**_LEVELS), _decode),
        _measured(lambda: unet(32), _predict),
    ]
    sys.stdout.write(json.dumps(pairs))


def _measured(build: Callable[[], Any], call: Callable[[Any, str], Any]) -> tuple[int, int]:
    with torch.device("meta"):
        skeleton = build()
    counted = peak_activation_bytes(skeleton, lambda: call(skeleton, "meta"))
    model = build()
    with torch.inference_mode():
        call(model, "cpu")  # what is made once, like threads and plans, is not counted
        reset_peak()
        before = peak_bytes()
        call(model, "cpu")
        return counted, peak_bytes() - before


def _decode(model: Any, device: str) -> Any:
    return model.decode(torch.zeros(1, 4, 128, 128, device=device))


def _predict(model: Any, device: str) -> Any:
    latents, times = torch.zeros(2, 4, 96, 96, device=device), torch.zeros(2, device=device)
    return model(latents, times, torch.zeros(2, 77, 32, device=device))


if __name__ == "__main__":
    main()
