"""Low-rank changes of every linear and convolutional layer of a network, to be trained.

Hu et al. 2021 (arXiv 2106.09685): a weight ``W`` becomes ``W + B A``; of a convolution, ``A`` is a
convolution to ``rank`` channels and ``B`` one of 1 x 1 behind it (LoCon). ``B`` begins at zero. The
changed weights are made before the network is called, not its features: on a small network that
costs less, and is what it will be when the change is merged. All ``B`` lie on each other in one
tensor, and ``A`` of one length in one: a network of hundreds of layers is stored under few names.
"""

from collections.abc import Mapping
from typing import Any, NamedTuple

import torch
from jaxtyping import Float
from torch import Tensor, nn


class LowRankPair(NamedTuple):
    """``A`` and ``B`` of one layer."""

    down: Float[Tensor, "r ..."]
    up: Float[Tensor, "o r"]

    def change(self) -> Float[Tensor, "o ..."]:
        """``B A`` in the shape of the weight."""
        made = self.up @ self.down.flatten(1)
        return made.unflatten(1, self.down.shape[1:])


class LowRankChanges(nn.Module):
    """Changes of all linear and convolutional layers of a U-Net, which is only looked at."""

    def __init__(self, network: nn.Module, rank: int):
        super().__init__()
        layers: dict[str, Any] = {
            name: layer
            for name, layer in network.named_modules()
            if isinstance(layer, nn.Linear | nn.Conv2d)
        }
        self._rank = rank
        self._shapes = {name: tuple(layer.weight.shape) for name, layer in layers.items()}
        self._of_length: dict[str, list[str]] = {}
        for name, layer in layers.items():
            self._of_length.setdefault(str(layer.weight[0].numel()), []).append(name)
        self.down = nn.ParameterDict({
            length: nn.Parameter(torch.randn(len(names) * rank, int(length)) / int(length) ** 0.5)
            for length, names in self._of_length.items()
        })  # fmt: skip
        self.up = nn.Parameter(torch.zeros(sum(s[0] for s in self._shapes.values()), rank))

    def pairs(self) -> dict[str, LowRankPair]:
        """``A`` and ``B`` of each layer by its name, as parts of what is trained."""
        downs = {
            name: down
            for length, names in self._of_length.items()
            for name, down in zip(names, self.down[length].split(self._rank), strict=True)
        }
        ups = self.up.split([shape[0] for shape in self._shapes.values()])
        return {
            name: LowRankPair(downs[name].unflatten(1, shape[1:]), up)
            for (name, shape), up in zip(self._shapes.items(), ups, strict=True)
        }

    def forward(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The network's weights by name, those that change as they become; in float32."""
        changed = dict(weights)
        for name, pair in self.pairs().items():
            weight = weights[f"{name}.weight"]
            with torch.autocast(weight.device.type, enabled=False):
                made = weight + pair.change()
            if made.ndim == 4:
                made = made.contiguous(memory_format=torch.channels_last)
            changed[f"{name}.weight"] = made
        return changed
