"""Motion LoRAs, which turn a motion module's motion into another, and AnimateDiff's domain adapter.

Both add ``scale B A`` to the projections of attentions and store no alpha: motion LoRAs to those
over frames, the domain adapter (of version 3) to those of the U-Net itself.
"""

import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from torch import Tensor, nn

from common.adapters.lora_file import LoraLayer
from common.adapters.lora_merge import Lora, check_loras, merge_loras
from common.errors import InputError
from video.animatediff.motion_file import MotionCheckpoint, read_tensors
from video.animatediff.motion_keys import adapter_key
from video.motion_config import MotionLora

_PART = re.compile(
    r"(?P<layer>.+?)(?:"
    r"\.processor\.(?P<old>to_q|to_k|to_v|to_out)_lora\.(?P<old_role>down|up)"
    r"|\.(?P<new>to_q|to_k|to_v|to_out(?:\.0)?)"
    r"(?:\.lora\.(?P<lora_role>down|up)|\.lora_(?P<peft>A|B)(?:\.default)?)"
    r")\.weight"
)
_ROLES = {"A": "down", "B": "up"}
_MIDDLE = "mid_block."
_SHOWN = 3


def motion_lora_lines(named: Mapping[str, Tensor]) -> list[str]:
    """What tensors of these names are, if all are parts of a motion LoRA or domain adapter."""
    matches = {key: _PART.fullmatch(key) for key in named}
    if not named or not all(matches.values()):
        return []
    layers = {match["layer"] for match in matches.values() if match is not None}
    over_frames = [layer for layer in layers if "motion_modules" in layer]
    ranks = sorted({min(tensor.shape) for tensor in named.values() if tensor.ndim > 1})
    rank = f"rank {' or '.join(map(str, ranks))}"
    if len(over_frames) == len(layers):
        return [f"motion LoRA of {len(layers)} attentions, {rank}; for method.motion.loras"]
    if over_frames or not all("processor" in key for key in named):
        return []
    return [
        f"LoRA of {len(layers)} attentions of a U-Net, {rank}, as AnimateDiff's domain adapter; "
        "for method.motion.domain_adapter"
    ]


def with_motion_loras(
    checkpoint: MotionCheckpoint, loras: Sequence[MotionLora]
) -> tuple[MotionCheckpoint, list[str]]:
    """Motion modules with the changes of motion LoRAs, ``W + scale B A``.

    Changes of the middle block are left out where the module has none (LoRAs of version 2 on
    modules of versions 1 and 3), which is noted.

    Raises:
        InputError: a file is damaged, no motion LoRA, or for other modules.
    """
    weights, notes = dict(checkpoint.weights), []
    has_middle = any(key.startswith(_MIDDLE) for key in weights)
    for lora in loras:
        layers = {_motion_weight(lora.path, layer.name): layer for layer in _layers(lora.path)}
        middle = [name for name in layers if name.startswith(_MIDDLE)]
        if middle and not has_middle:
            layers = {name: layer for name, layer in layers.items() if name not in middle}
            notes.append(
                f"{lora.path} changes {len(middle)} weights of the middle block, which "
                f"{checkpoint.family.title} has not; they are left out"
            )
        _check_places(lora.path, layers, weights)
        for name, layer in layers.items():
            if lora.scale != 0:
                change = (layer.up.double() @ layer.down.double()) * lora.scale
                weights[name] = (weights[name].double() + change).to(weights[name].dtype)
    return replace(checkpoint, weights=weights), notes


def domain_lora(adapter: MotionLora) -> Lora:
    """The domain adapter, as a LoRA of the U-Net.

    Raises:
        InputError: the file is damaged, or a motion LoRA.
    """
    layers = _layers(adapter.path)
    of_motion = [layer.name for layer in layers if ".motion_modules." in layer.name]
    if of_motion:
        raise InputError(
            f"{adapter.path} changes motion modules ({of_motion[0]}): it is a motion LoRA; put it "
            "under method.motion.loras"
        )
    return Lora(adapter.path, {"unet": layers}, adapter.scale, adapter.scale)


def check_domain_adapter(unet: nn.Module, adapter: MotionLora) -> None:
    """Refuse an adapter that does not fit; the U-Net may be without weights."""
    check_loras({"unet": unet}, [domain_lora(adapter)])


def add_domain_adapter(unet: nn.Module, adapter: MotionLora) -> None:
    """Add the adapter to a U-Net's weights."""
    merge_loras({"unet": unet}, [domain_lora(adapter)])


def _layers(path: Path) -> list[LoraLayer]:
    parts: dict[str, dict[str, Tensor]] = defaultdict(dict)
    for key, tensor in read_tensors(path).items():
        match = _PART.fullmatch(key.removeprefix("module.").removeprefix("unet."))
        if match is None:
            raise InputError(f"{path}: '{key}' is no part of a LoRA of attentions")
        projection = (match["old"] or match["new"]).removesuffix(".0")
        role = match["old_role"] or match["lora_role"] or _ROLES[match["peft"]]
        parts[f"{match['layer']}.{projection}"][role] = tensor.float()
    if not parts:
        raise InputError(f"{path} holds no tensors")
    return [_layer(path, name, roles) for name, roles in parts.items()]


def _layer(path: Path, name: str, roles: Mapping[str, Tensor]) -> LoraLayer:
    if set(roles) != {"down", "up"}:
        raise InputError(f"{path}: '{name}' has one matrix ({', '.join(roles)}), not down and up")
    down, up = roles["down"], roles["up"]
    if down.ndim != 2 or up.ndim != 2 or up.shape[1] != down.shape[0]:
        raise InputError(
            f"{path}: '{name}' has matrices of {tuple(down.shape)} and {tuple(up.shape)}: the "
            "first axis of one is the second of the other, its rank"
        )
    if not bool(down.isfinite().all() and up.isfinite().all()):
        raise InputError(f"{path}: '{name}' holds values that are no numbers")
    return LoraLayer(name, False, down, up, None, float(up.shape[1]))


def _motion_weight(path: Path, layer: str) -> str:
    """The weight's name in diffusers' layout."""
    if ".motion_modules." not in layer:
        raise InputError(
            f"{path} changes '{layer}', which is no motion module: a domain adapter goes under "
            "method.motion.domain_adapter, other LoRAs under prior.loras"
        )
    name = re.sub(r"\.to_out$", ".to_out.0", layer) + ".weight"
    return adapter_key(name) if ".temporal_transformer." in name else name


def _check_places(
    path: Path, layers: Mapping[str, LoraLayer], weights: Mapping[str, Tensor]
) -> None:
    lost = [name for name in layers if name not in weights]
    if lost:
        raise InputError(
            f"{path}: {len(lost)} of {len(layers)} weights are not in these motion modules, such "
            f"as {', '.join(lost[:_SHOWN])}: it is for another family"
        )
    for name, layer in layers.items():
        made, wanted = (layer.up.shape[0], layer.down.shape[1]), tuple(weights[name].shape)
        if made != wanted:
            raise InputError(
                f"{path}: the change of '{name}' is {made}, and the module's weight is {wanted}: "
                "it is for another family"
            )
