"""Putting LoRAs into models: their changes are added to the weights, once.

Merged weights cost nothing while sampling, and several LoRAs add up. The sum is computed in
float32 and rounded once to the weights' type.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from einops import einsum
from jaxtyping import Float
from torch import Tensor, nn

from common.adapters.lora_file import Component, LoraLayer
from common.adapters.lora_names import current_layer, diffusers_joined, joined_names
from common.errors import InputError

_SHOWN = 3


@dataclass(frozen=True, eq=False)
class Lora:
    """What a file holds, and how much of it is wanted."""

    path: Path
    layers: Mapping[Component, Sequence[LoraLayer]]
    scale: float
    text_scale: float

    def scale_of(self, component: Component) -> float:
        """For one of the models."""
        return self.scale if component == "unet" else self.text_scale


def merge_loras(models: Mapping[Component, nn.Module], loras: Sequence[Lora]) -> None:
    """Add the changes of all files to the models' weights.

    Nothing is changed unless every layer of every file has found its place.

    Args:
        models: by the names that LoRA files use.
        loras: those with a scale of 0 are checked and leave the weights as they are to the bit.

    Raises:
        InputError: layers that the models do not have, or of other sizes, with file and layer.
    """
    changes: dict[nn.Parameter, list[tuple[float, LoraLayer]]] = {}
    for lora, component, weight, layer in _places(models, loras):
        if (scale := lora.scale_of(component)) != 0:
            changes.setdefault(weight, []).append((scale, layer))
    with torch.no_grad():
        for weight, parts in changes.items():
            total = weight.detach().float()
            for scale, layer in parts:
                total = total + scale * change_of(layer, weight.shape).to(total.device)
            weight.copy_(total.to(weight.dtype))


def check_loras(models: Mapping[Component, nn.Module], loras: Sequence[Lora]) -> None:
    """Refuse what ``merge_loras`` would; the models may be without weights (on meta)."""
    for _ in _places(models, loras):
        pass


def _places(
    models: Mapping[Component, nn.Module], loras: Sequence[Lora]
) -> Iterator[tuple[Lora, Component, nn.Parameter, LoraLayer]]:
    for lora in loras:
        for component, layers in lora.layers.items():
            if component not in models:
                raise InputError(
                    f"{lora.path} changes the model {component}, which is not there "
                    f"({', '.join(models)} can be changed): it is for another family"
                )
            for weight, layer in placed(lora.path, component, models[component], layers):
                yield lora, component, weight, layer


def placed(
    path: Path, component: Component, model: nn.Module, layers: Sequence[LoraLayer]
) -> list[tuple[nn.Parameter, LoraLayer]]:
    """The weight that each layer of a file changes.

    Raises:
        InputError: some have no place in the model, or another size.
    """
    known = {
        name: module
        for name, module in model.named_modules()
        if isinstance(module, nn.Linear | nn.Conv2d)
    }
    bare = [name for name in known if not name.startswith("text_model.")]
    joined = joined_names([*known, *(f"text_model.{name}" for name in bare)])
    per_block = getattr(getattr(model, "config", None), "layers_per_block", 2)
    found, lost = [], []
    for layer in layers:
        name = layer.name
        if layer.joined:
            own = diffusers_joined(name, per_block if isinstance(per_block, int) else 2)
            name = joined.get(own, joined.get(f"{own}_0", name))
        place = current_layer(name, known)
        if place is None:
            lost.append(layer.name)
            continue
        module: Any = known[place]
        _check_size(path, component, layer, module.weight.shape)
        found.append((module.weight, layer))
    if lost:
        raise InputError(
            f"{path}: {len(lost)} of {len(layers)} layers of its {component} are not in this "
            f"model, such as {', '.join(lost[:_SHOWN])}: it is for another family"
        )
    return found


def change_of(layer: LoraLayer, shape: Sequence[int]) -> Float[Tensor, "..."]:
    """``(alpha / rank) B A`` in the shape of the weight that it is added to."""
    down, up = layer.down, layer.up.flatten(1)
    if layer.mid is not None:
        made = einsum(up, layer.mid, down.flatten(1), "o p, p q h w, q i -> o i h w")
    else:
        made = (up @ down.flatten(1)).view(up.shape[0], *down.shape[1:])
    return layer.alpha / layer.rank * made.reshape(tuple(shape))


def _check_size(path: Path, component: Component, layer: LoraLayer, shape: Sequence[int]) -> None:
    inner = layer.down if layer.mid is None else layer.mid
    made = (layer.up.shape[0], layer.down.shape[1], *inner.shape[2:])
    wanted = tuple(shape)
    # A 1 x 1 convolution and a linear layer hold the same numbers.
    if tuple(side for side in made if side != 1) == tuple(side for side in wanted if side != 1):
        return
    raise InputError(
        f"{path}: the change of {component}'s '{layer.name}' is {made}, and the model's weight is "
        f"{wanted}: it is for another family"
    )
