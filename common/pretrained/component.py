"""One model of a checkpoint as its files describe it: its config, and its weights' headers."""

import inspect
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.json_files import read_object
from common.pretrained.weight_files import WeightFiles, read_weight_files
from common.pretrained.weight_names import ModelClass


@dataclass(frozen=True)
class Component:
    """What is known of a model without reading its weights."""

    folder: Path
    model_class: ModelClass
    config: Mapping[str, Any]
    """As the file says it; keys that are left out have the class's defaults."""
    weights: WeightFiles

    @property
    def config_file(self) -> Path:
        """Where the config was read from."""
        return self.folder / "config.json"

    @property
    def is_text_encoder(self) -> bool:
        """Whether it is a model of transformers (CLIP, T5) rather than of diffusers."""
        return of_transformers(self.model_class)


def of_transformers(model_class: ModelClass) -> bool:
    """Whether a class is one of transformers rather than of diffusers."""
    return model_class.startswith(("CLIP", "T5"))


def read_component(
    folder: Path,
    model_class: ModelClass,
    variant: str | None,
    also_stated: tuple[str, ...] = (),
) -> Component:
    """Read a model's config and its weights' headers.

    Args:
        folder: of the model.
        model_class: that its config must state, or say nothing.
        variant: of its weights.
        also_stated: other names of the class that configs have.

    Raises:
        InputError: files are missing, damaged, or of another class.
    """
    config = read_config(folder, model_class, also_stated)
    stem = "model" if of_transformers(model_class) else "diffusion_pytorch_model"
    return Component(folder, model_class, config, read_weight_files(folder, stem, variant))


def read_config(
    folder: Path, model_class: ModelClass, also_stated: tuple[str, ...] = ()
) -> dict[str, Any]:
    """A model's config, which must state the class, or say nothing.

    Raises:
        InputError: it is missing, damaged, or of another class.
    """
    path = folder / "config.json"
    config = read_object(path)
    stated = config.get("_class_name") or config.get("architectures") or model_class
    if stated not in (model_class, [model_class], *also_stated):
        raise InputError(f"{path} is of {str(stated)[:80]}, where a {model_class} belongs")
    return config


def arguments_of(model_class: ModelClass) -> Mapping[str, inspect.Parameter]:
    """The keys that a config of one of diffusers' models can have, with their defaults."""
    import diffusers

    parameters = dict(inspect.signature(getattr(diffusers, model_class).__init__).parameters)
    parameters.pop("self")
    return parameters


def unknown_keys(component: Component) -> list[str]:
    """Keys of the config that its class does not know, and that thus have no effect."""
    if component.is_text_encoder:
        return []  # transformers keeps keys of every kind of model in one config
    known = arguments_of(component.model_class)
    return sorted(key for key in component.config if key[:1] != "_" and key not in known)
