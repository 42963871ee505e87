"""A running average of a model's weights, which samples better than the last weights.

After ``n`` steps the decay is ``min(decay, (1 + n) / (10 + n))``: early on the average follows the
weights closely instead of remembering the initialisation.
"""

import copy

import torch
from torch import nn


class Ema:
    """The averaged copy of a model: ``average <- d average + (1 - d) model``.

    State: ``model``, a copy without gradients that can be used like the original.
    """

    def __init__(self, model: nn.Module, decay: float):
        self.decay = decay
        self.model = copy.deepcopy(model).eval().requires_grad_(False)

    @torch.no_grad()
    def update(self, model: nn.Module, step: int) -> None:
        """Take in the weights after optimizer step ``step``, counted from 1; buffers are copied."""
        decay = min(self.decay, (1 + step) / (10 + step))
        averaged: list[torch.Tensor] = list(self.model.parameters())
        torch._foreach_lerp_(averaged, list(model.parameters()), 1 - decay)
        for kept, new in zip(self.model.buffers(), model.buffers(), strict=True):
            kept.copy_(new)
