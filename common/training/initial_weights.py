"""Untrained models: weights that depend on the seed alone, in the layout that trains fastest."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

import torch
from torch import nn

from common.seeding import generator_for

Model = TypeVar("Model", bound=nn.Module)


@contextmanager
def initial_weights(seed: int, purpose: str) -> Iterator[None]:
    """Modules built in the block draw their weights from the seed; torch's own state comes back."""
    with torch.random.fork_rng(devices=[]):
        torch.default_generator.set_state(generator_for(seed, 0, f"{purpose} weights").get_state())
        yield


def on_device(model: Model, device: str) -> Model:
    """The model on its device, its convolutions channels last, which run up to twice as fast."""
    model.to(device)
    for weight in model.parameters():
        if weight.ndim == 4:
            weight.data = weight.data.contiguous(memory_format=torch.channels_last)
    return model
