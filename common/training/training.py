"""What the train app asks of everything that can be trained."""

from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

from torch import nn

from common.config import Config
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


@runtime_checkable
class Training(Objective, Protocol):
    """An objective that can also be looked at, measured and packed."""

    def preview(self, model: Any) -> Picture:
        """What the (averaged) model does, on the same inputs every time."""
        ...

    def evaluate(self, model: Any) -> dict[str, float]:
        """Figures on held-out data, by name."""
        ...

    def package(self, model: Any) -> Package:
        """What to store of the (averaged) model: itself, or the part of it that is used later.

        Statistics are measured here. The package holds the same weights as ``model``, not copies.
        """
        ...
