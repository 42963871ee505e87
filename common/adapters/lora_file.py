"""LoRA files: which layers of which model are changed, and by what.

A LoRA (Hu et al. 2021, arXiv 2106.09685) adds ``(alpha / rank) B A`` to a layer's weight. kohya's
layout calls the matrices ``lora_down`` (A) and ``lora_up`` (B), PEFT's ``lora_A`` and ``lora_B``;
convolutions may have a third between them, ``lora_mid`` (LyCORIS: LoCon's Tucker form).
"""

import re
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

from jaxtyping import Float
from torch import Tensor

from common.adapters.adapter_file import read_stored
from common.adapters.lora_alphas import StoredAlphas, stored_alphas
from common.errors import InputError

Component = Literal["unet", "text_encoder", "text_encoder_2"]
"""Models of a pipeline that a LoRA may change."""

MAX_FILE_BYTES = 8 * 2**30
_PREFIXES: Mapping[str, Component] = {
    "lora_unet_": "unet",
    "lora_te_": "text_encoder",
    "lora_te1_": "text_encoder",
    "lora_te2_": "text_encoder_2",
}
_PART = re.compile(
    r"(?P<layer>.+?)"
    r"(?:\.lora_(?P<kohya>down|up|mid)\.weight"
    r"|\.lora_(?P<peft>A|B)(?:\.default)?\.weight"
    r"|[._]lora(?:_linear_layer)?\.(?P<old>down|up)\.weight"
    r"|\.(?P<alpha>alpha))"
)
_ROLES = {"A": "down", "B": "up"}
_OTHER_KINDS = {
    "hada_": "LoHa", "lokr_": "LoKr", "dora_scale": "DoRA", "oft_": "OFT", "diff": "full weights",
    "lora_magnitude_vector": "DoRA",
}  # fmt: skip
_OF_PROCESSOR = re.compile(r"\.processor\.(to_q|to_k|to_v|to_out)$")
_OLD_TEXT = {"to_q": "q_proj", "to_k": "k_proj", "to_v": "v_proj", "to_out": "out_proj"}


@dataclass(frozen=True, eq=False)
class LoraLayer:
    """The change of one layer."""

    name: str
    """As the file has it: dotted, or joined with underscores."""
    joined: bool
    """Whether underscores join the path."""
    down: Float[Tensor, "..."]
    """``rank x in``, of a convolution ``rank x in x h x w``."""
    up: Float[Tensor, "..."]
    """``out x rank``, of a convolution with two axes of length 1 more."""
    mid: Float[Tensor, "..."] | None
    """``rank x rank x h x w``."""
    alpha: float
    """The rank, where the file says nothing."""

    @property
    def rank(self) -> int:
        """Columns of ``up``."""
        return int(self.up.shape[1])


def read_lora(path: Path) -> dict[Component, list[LoraLayer]]:
    """The changes of a file by the model that they are for.

    Raises:
        InputError: missing, damaged, no safetensors, of another kind, incomplete, or no numbers.
    """
    tensors, alphas = _tensors(path)
    parts: dict[tuple[Component, str, bool], dict[str, Tensor]] = defaultdict(dict)
    for key, tensor in tensors.items():
        component, name, joined, role = lora_part(path, key)
        parts[component, name, joined][role] = tensor
    if not parts:
        raise InputError(f"{path} holds no tensors")
    found: dict[Component, list[LoraLayer]] = {}
    for (component, name, joined), roles in parts.items():
        layer = _layer(path, name, joined, roles)
        if "alpha" not in roles:
            layer = replace(layer, alpha=alphas.of(component, name, layer.rank))
        found.setdefault(component, []).append(layer)
    return found


def _tensors(path: Path) -> tuple[dict[str, Tensor], StoredAlphas]:
    """All tensors, and what the file's metadata says of alphas."""
    stored = read_stored(path, "a LoRA", MAX_FILE_BYTES)
    try:
        return stored.tensors, stored_alphas(stored.metadata)
    except ValueError as broken:
        raise InputError(f"{path} is no safetensors file, or damaged: {broken}") from None


def lora_part(path: Path, key: str) -> tuple[Component, str, bool, str]:
    """Of a tensor's name: model, layer, whether its path is joined, and which matrix it is.

    Raises:
        InputError: it is no name of a LoRA that is read.
    """
    match = _PART.fullmatch(key)
    if match is None:
        kinds = [kind for mark, kind in _OTHER_KINDS.items() if mark in key]
        what = f"{kinds[0]}, which is not read" if kinds else "no part of a LoRA"
        raise InputError(
            f"{path}: '{key}' is {what}; LoRA and LoCon in kohya's or PEFT's layout are"
        )
    role = match["kohya"] or match["old"] or _ROLES.get(match["peft"] or "", "alpha")
    layer = match["layer"]
    for prefix, component in _PREFIXES.items():
        if layer.startswith(prefix):
            return component, layer.removeprefix(prefix), True, role
    first, _, rest = layer.partition(".")
    if first not in get_args(Component) or not rest:
        raise InputError(
            f"{path}: '{key}' is of none of the models {', '.join(get_args(Component))}: the LoRA "
            "is for a model of another family"
        )
    of: Component = first  # type: ignore[assignment]
    return of, _without_processor(rest, of), False, role


def _without_processor(layer: str, component: Component) -> str:
    """Layers were named by their attention processors before diffusers 0.22."""
    layer = _OF_PROCESSOR.sub(lambda m: f".{m[1]}", layer.removesuffix("_lora"))
    if component == "unet":
        return layer
    place, _, last = layer.rpartition(".")
    return f"{place}.{_OLD_TEXT.get(last, last)}" if place else layer


def _layer(path: Path, name: str, joined: bool, roles: Mapping[str, Tensor]) -> LoraLayer:
    missing = [role for role in ("down", "up") if role not in roles]
    if missing:
        raise InputError(f"{path}: '{name}' has no {' and no '.join(missing)} matrix")
    down, up, mid = roles["down"].float(), roles["up"].float(), roles.get("mid")
    rank = up.shape[1] if up.ndim > 1 else -1
    if down.ndim not in (2, 4) or up.ndim not in (2, 4) or down.shape[0] != rank:
        raise InputError(
            f"{path}: '{name}' has matrices of {tuple(down.shape)} and {tuple(up.shape)}: the "
            "first axis of one is the second of the other, its rank"
        )
    for one in (down, up, *([] if mid is None else [mid])):
        if not bool(one.isfinite().all()):
            raise InputError(f"{path}: '{name}' holds values that are no numbers")
    alpha = float(roles["alpha"].float().reshape(-1)[0]) if "alpha" in roles else float(rank)
    return LoraLayer(name, joined, down, up, None if mid is None else mid.float(), alpha)
