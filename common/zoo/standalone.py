"""Small models of the zoo that stand on no other."""

from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from torch import nn

from common.config import Config
from common.zoo.models import architecture_of, ready
from common.zoo.storage import load_model

A = TypeVar("A", bound=Config)
M = TypeVar("M", bound=nn.Module)


def load_standalone(folder: Path, kind: str, sizes: type[A], build: Callable[[A], M]) -> M:
    """The model in evaluation mode, on the CPU.

    Args:
        folder: of the models.
        kind: of the model, which its files are named by.
        sizes: the config of its architecture.
        build: the model of such sizes, untrained.

    Raises:
        InputError: it is missing or damaged.
    """
    stored = load_model(folder, kind, kind)
    model: M = ready(
        build(architecture_of(sizes, stored.manifest.architecture)), stored, "cpu"
    ).model
    return model
