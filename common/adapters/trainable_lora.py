"""A LoRA that learns: low-rank changes of a frozen network's attention, there only while wanted."""

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn

from common.adapters.low_rank import LowRank, LowRankConfig


class TrainableLora:
    """A network with a low-rank change. State: the network, and the matrices of the change."""

    def __init__(self, network: nn.Module, rank: int, generator: torch.Generator):
        self._network = network
        self.change = LowRank(network, LowRankConfig(rank=rank), generator, spread="rank")

    @property
    def weights(self) -> list[Tensor]:
        """All matrices, float32: what an optimizer steps."""
        return [matrix for pair in self.change.matrices.values() for matrix in pair]

    @contextmanager
    def applied(self) -> Iterator[None]:
        """The network with its change, for as long as the context lasts."""
        with self.change.applied(self._network):
            yield
