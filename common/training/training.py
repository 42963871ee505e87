"""What the train app asks of everything that can be trained."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import Tensor, nn

from common.config import Config
from common.pretrained.config import PretrainedPriorConfig
from common.shapes import Picture
from common.training.loop import Objective


@dataclass(frozen=True)
class Package:
    """A trained model as the zoo stores it."""

    kind: str
    model: nn.Module
    architecture: Config
    requires: dict[str, str]
    """Identity of each model it stands on, by kind."""


@dataclass(frozen=True)
class AdapterPackage:
    """Something small that other programs read too: one .safetensors file."""

    stem: str
    """Of the file's name."""
    model: nn.Module
    tensors: Mapping[str, Tensor]
    """Under the names of the layout; alive, of ``model``."""
    metadata: Mapping[str, str]


@dataclass(frozen=True)
class UNetPackage:
    """All weights of a checkpoint's U-Net: stored as a whole checkpoint."""

    model: nn.Module
    base: PretrainedPriorConfig
    """Where everything else of it is."""


AnyPackage = Package | AdapterPackage | UNetPackage
"""Whatever training may make."""


@runtime_checkable
class Training(Objective, Protocol):
    """An objective that can also be looked at, measured and packed."""

    def preview(self, model: Any) -> Picture:
        """What the (averaged) model does, on the same inputs every time."""
        ...

    def evaluate(self, model: Any) -> dict[str, float]:
        """Figures on held-out data, by name."""
        ...

    def package(self, model: Any) -> AnyPackage:
        """What to store of the (averaged) model: itself, or the part of it that is used later.

        Statistics are measured here. The package holds the same weights as ``model``, not copies.
        """
        ...
