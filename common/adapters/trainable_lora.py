"""A LoRA that learns: low-rank changes of a frozen network's attention, there only while wanted.

Hu et al. 2021 (arXiv 2106.09685): a linear layer gives ``W h + B A h``. The network is not changed:
for the length of a context, hooks add the second term. ``B`` starts at 0, so the first call gives
what the network alone gives.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from common.errors import InputError

_LAYERS = ("to_q", "to_k", "to_v", "to_out.0")
"""Ends of the names of attention's projections, as diffusers has them."""


class TrainableLora:
    """State: two matrices a layer. Not for two threads at once, as hooks are the network's."""

    def __init__(self, network: nn.Module, rank: int, generator: torch.Generator):
        layers = {
            name: layer
            for name, layer in network.named_modules()
            if isinstance(layer, nn.Linear) and name.endswith(_LAYERS)
        }
        if not layers:
            raise InputError("the network has no attention projections that a LoRA could change")
        self._layers = layers
        self._changes: dict[str, tuple[Float[Tensor, "r i"], Float[Tensor, "o r"]]] = {}
        for name, layer in layers.items():
            down = torch.randn(rank, layer.in_features, generator=generator) / rank
            up = torch.zeros(layer.out_features, rank)
            device = layer.weight.device
            self._changes[name] = (
                down.to(device).requires_grad_(), up.to(device).requires_grad_()
            )  # fmt: skip

    @property
    def weights(self) -> list[Tensor]:
        """All matrices, float32: what an optimizer steps."""
        return [matrix for pair in self._changes.values() for matrix in pair]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The network with its change, for as long as the context lasts."""
        hooks = []
        for name, layer in self._layers.items():
            down, up = self._changes[name]

            def after(
                module: nn.Module, given: Any, made: Tensor, down: Tensor = down, up: Tensor = up
            ) -> Tensor:
                return made + ((given[0].to(down) @ down.T) @ up.T).to(made)

            hooks.append(layer.register_forward_hook(after))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()
