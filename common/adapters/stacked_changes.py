"""Low-rank changes of every linear layer of a network, those of one shape in two tensors.

The same change as `low_rank_weights`, ``W + B A`` (Hu et al. 2021, arXiv 2106.09685), for networks
of many small layers: ``A`` and the transpose of ``B`` of all layers of a shape lie on each other,
row on row, so that a stored change has a scale for each row of either and few names. ``B`` begins
at zero.
"""

from collections.abc import Mapping

import torch
from einops import einsum, rearrange
from jaxtyping import Float
from torch import Tensor, nn


class StackedChanges(nn.Module):
    """Changes of all linear layers of a network, which is only looked at."""

    def __init__(self, network: nn.Module, rank: int):
        super().__init__()
        self._names: dict[str, list[str]] = {}
        for name, layer in network.named_modules():
            if isinstance(layer, nn.Linear):
                shape = f"{layer.in_features}_to_{layer.out_features}"
                self._names.setdefault(shape, []).append(name)
        down, up = {}, {}
        for shape, names in self._names.items():
            inner, outer = map(int, shape.split("_to_"))
            down[shape] = nn.Parameter(torch.randn(len(names) * rank, inner) / inner**0.5)
            up[shape] = nn.Parameter(torch.zeros(len(names) * rank, outer))
        self.down, self.up = nn.ParameterDict(down), nn.ParameterDict(up)

    def forward(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The network's weights by name, those that change as they become; in float32."""
        changed = dict(weights)
        for shape, names in self._names.items():
            with torch.autocast(self.down[shape].device.type, enabled=False):
                changes = self._changes(shape, len(names))
                for name, change in zip(names, changes.unbind(0), strict=True):
                    changed[f"{name}.weight"] = weights[f"{name}.weight"] + change
        return changed

    def _changes(self, shape: str, count: int) -> Float[Tensor, "n o i"]:
        """``B A`` of each layer of a shape."""
        down, up = (
            rearrange(stacked[shape], "(n r) d -> n r d", n=count)
            for stacked in (self.down, self.up)
        )
        return einsum(up, down, "n r o, n r i -> n o i")
