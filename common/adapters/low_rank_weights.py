"""Low-rank changes of every linear and convolutional layer of a network, to be trained.

Hu et al. 2021 (arXiv 2106.09685): a weight ``W`` becomes ``W + B A``; of a convolution, ``A`` is a
convolution to ``rank`` channels and ``B`` one of 1 x 1 behind it (LoCon). ``B`` begins at zero. The
changed weights are made before the network is called, not its features: on a small network that
costs less, and is what it will be when the change is merged. The names are those of kohya's files.
"""

from collections.abc import Mapping
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

_PREFIX = "lora_unet_"


class LowRankPair(nn.Module):
    """``A`` and ``B`` of one layer."""

    def __init__(self, weight: Float[Tensor, "..."], rank: int):
        super().__init__()
        inner = weight[0].numel()
        self.lora_down = nn.Parameter(torch.randn(rank, *weight.shape[1:]) / inner**0.5)
        self.lora_up = nn.Parameter(torch.zeros(len(weight), rank))

    def change(self) -> Float[Tensor, "..."]:
        """``B A`` in the shape of the weight."""
        made = self.lora_up @ self.lora_down.flatten(1)
        return made.unflatten(1, self.lora_down.shape[1:])


class LowRankChanges(nn.Module):
    """Changes of all linear and convolutional layers of a U-Net, which is only looked at."""

    def __init__(self, network: nn.Module, rank: int):
        super().__init__()
        self._weights = {
            name: f"{_PREFIX}{name.replace('.', '_')}"
            for name, layer in network.named_modules()
            if isinstance(layer, nn.Linear | nn.Conv2d)
        }
        self.layers = nn.ModuleDict(
            {
                joined: LowRankPair(network.get_submodule(name).weight, rank)  # type: ignore[arg-type]
                for name, joined in self._weights.items()
            }
        )

    def forward(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The network's weights by name, those that change as they become; in float32."""
        changed = dict(weights)
        for name, joined in self._weights.items():
            pair: Any = self.layers[joined]
            weight = weights[f"{name}.weight"]
            with torch.autocast(weight.device.type, enabled=False):
                made = weight + pair.change()
            if made.ndim == 4:
                made = made.contiguous(memory_format=torch.channels_last)
            changed[f"{name}.weight"] = made
        return changed
