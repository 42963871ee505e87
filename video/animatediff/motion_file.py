"""Reading and writing motion checkpoints, in AnimateDiff's layout or as diffusers' folder.

Files are untrusted: safetensors is read as such; ``.ckpt`` and ``.pth`` through torch's
``weights_only`` reader, which runs no code of theirs.
"""

import json
import pickle
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import safetensors.torch
import torch
from safetensors import SafetensorError
from torch import Tensor

from common.atomic import atomic_path, write_json
from common.errors import InputError
from video.animatediff.motion_family import MotionFamily, family_of
from video.animatediff.motion_keys import (
    BLOCK_TABLE,
    attention_tables,
    block_tables,
    is_position_table,
    motion_weights,
    original_key,
    to_adapter,
    to_hotshot,
    to_original,
)

MAX_BYTES = 8 * 2**30
"""No motion checkpoint is larger; a whole U-Net with one is about 5 GB."""
ADAPTER_WEIGHTS = "diffusion_pytorch_model.safetensors"
FAMILY_KEY = "motion_family"
"""Metadata of adapters that this project writes."""


@dataclass(frozen=True, eq=False)
class MotionCheckpoint:
    """Motion modules, whatever they were stored as."""

    weights: dict[str, Tensor]
    """In diffusers' layout, without sinusoids."""
    family: MotionFamily
    tables: dict[str, Tensor] = field(default_factory=dict)
    """Sinusoids as they were stored, one a block, in diffusers' layout."""
    left_out: int = 0
    """Weights of the file that are of no motion module, such as those of a whole U-Net."""

    @property
    def num_parameters(self) -> int:
        """Weights in all."""
        return sum(value.numel() for value in self.weights.values())


def read_motion(path: Path) -> MotionCheckpoint:
    """Motion modules of a file in the original's layout, or of a diffusers folder.

    Raises:
        InputError: it cannot be read, is no motion module, or is of an unknown kind.
    """
    if path.is_dir():
        return _read_adapter(path)
    found = read_tensors(path)
    weights = motion_weights(found)
    try:
        family, left_out = family_of(weights), len(found) - len(weights)
        return MotionCheckpoint(to_adapter(weights), family, block_tables(weights), left_out)
    except InputError as wrong:
        raise InputError(f"{path}: {wrong}") from wrong


def write_original(checkpoint: MotionCheckpoint, path: Path) -> None:
    """Write a safetensors file in its family's layout, with the sinusoids its readers expect.

    Those that were read are written as they were.
    """
    weights = to_original(checkpoint.weights)
    if checkpoint.family.stores_tables:
        formula = position_tables(weights, checkpoint.family.num_stored)
        weights |= formula | attention_tables(checkpoint.tables, formula)
    if checkpoint.family.name == "hotshot_xl":
        weights = {to_hotshot(key): value for key, value in weights.items()}
    with atomic_path(path) as partial:
        safetensors.torch.save_file(own_memory(weights), partial)


def write_adapter(checkpoint: MotionCheckpoint, folder: Path) -> None:
    """Write a folder that diffusers' ``MotionAdapter.from_pretrained`` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    tables = {
        f"{block}{BLOCK_TABLE}": sinusoid_table(checkpoint.family.num_stored, channels)
        for block, channels in _blocks(checkpoint.weights).items()
    }
    # diffusers demands the first; no shape tells the second.
    said = {"format": "pt", FAMILY_KEY: checkpoint.family.name}
    with atomic_path(folder / ADAPTER_WEIGHTS) as partial:
        whole = own_memory(checkpoint.weights | tables | checkpoint.tables)
        safetensors.torch.save_file(whole, partial, said)
    write_json(folder / "config.json", adapter_config(checkpoint))


def adapter_config(checkpoint: MotionCheckpoint) -> dict[str, Any]:
    """``config.json`` of diffusers' ``MotionAdapter``."""
    blocks = {key.split(".motion_modules.")[0] for key in checkpoint.weights}
    levels = sorted(int(side.split(".")[1]) for side in blocks if side.startswith("down_blocks."))
    return {
        "_class_name": "MotionAdapter",
        "block_out_channels": [
            len(checkpoint.weights[f"down_blocks.{level}.motion_modules.0.norm.weight"])
            for level in levels
        ],
        "motion_layers_per_block": _count(checkpoint.weights, f"down_blocks.{levels[0]}"),
        "motion_max_seq_length": checkpoint.family.num_stored,
        "motion_mid_block_layers_per_block": 1,
        "motion_norm_num_groups": 32,
        "motion_num_attention_heads": 8,
        "use_motion_mid_block": "mid_block" in blocks,
    }


def _count(weights: Mapping[str, Tensor], side: str) -> int:
    return len({key.split(".motion_modules.")[1].split(".")[0] for key in weights
                if key.startswith(f"{side}.")})  # fmt: skip


def _read_adapter(folder: Path) -> MotionCheckpoint:
    tensors = read_tensors(folder / ADAPTER_WEIGHTS)
    try:
        plain = {original_key(key): value for key, value in tensors.items()
                 if not is_position_table(key)}  # fmt: skip
        config = json.loads((folder / "config.json").read_text(encoding="utf-8"))
        longest = int(config["motion_max_seq_length"])
        shown = plain | position_tables(plain, longest)
        family = family_of(shown, stated_family(folder / ADAPTER_WEIGHTS))
        tables = {key: value for key, value in tensors.items() if is_position_table(key)}
        return MotionCheckpoint(to_adapter(plain), family, tables if family.stores_tables else {})
    except InputError as wrong:
        raise InputError(f"{folder}: {wrong}") from wrong
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise InputError(f"{folder / 'config.json'} describes no adapter: {broken!r}") from broken


def stated_family(path: Path) -> str | None:
    """The family that a safetensors file says it is of, if this project wrote it."""
    try:
        with safetensors.safe_open(path, framework="pt") as file:
            return (file.metadata() or {}).get(FAMILY_KEY)
    except (OSError, SafetensorError) as broken:
        raise InputError(f"{path} cannot be read: {broken}") from broken


def read_tensors(path: Path) -> dict[str, Tensor]:
    """The tensors of an untrusted file, which runs no code.

    Raises:
        InputError: it is missing, damaged, too large or holds more than weights.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise InputError(f"{path} has {size:,} bytes; at most {MAX_BYTES:,} are read")
        if path.suffix == ".safetensors":
            return safetensors.torch.load_file(path)
        loaded = torch.load(path, map_location="cpu", weights_only=True)
    except (OSError, SafetensorError) as broken:
        raise InputError(f"{path} cannot be read: {broken}") from broken
    except (pickle.UnpicklingError, RuntimeError, EOFError, ValueError) as refused:
        raise InputError(
            f"{path} holds more than weights, or is damaged, and is not opened: {refused}"
        ) from refused
    return _tensors_in(path, loaded)


def _tensors_in(path: Path, loaded: Any) -> dict[str, Tensor]:
    """The weights of a loaded file, which may wrap them."""
    inner = loaded
    for wrapping in ("state_dict", "controlnet"):
        inner = inner.get(wrapping, inner) if isinstance(inner, dict) else inner
    if not isinstance(inner, dict):
        raise InputError(f"{path} holds a {type(inner).__name__}, no weights")
    return {str(key): value for key, value in inner.items() if isinstance(value, Tensor)}


def _blocks(adapter: Mapping[str, Tensor]) -> dict[str, int]:
    """Channels of every transformer block."""
    return {key.removesuffix(".norm1.weight"): len(value) for key, value in adapter.items()
            if key.endswith(".norm1.weight")}  # fmt: skip


def position_tables(original: Mapping[str, Tensor], length: int) -> dict[str, Tensor]:
    """The sinusoid of every attention in the original's layout."""
    return {
        key.removesuffix("to_q.weight") + "pos_encoder.pe": sinusoid_table(length, value.shape[1])
        for key, value in original.items() if key.endswith("to_q.weight")
    }  # fmt: skip


def sinusoid_table(length: int, channels: int) -> Tensor:
    """A sinusoid as it is stored: ``(1, length, channels)``."""
    from common.diffusion.frame_attention import sinusoid

    return sinusoid(torch.arange(length, dtype=torch.float32), channels)[None].contiguous()


def own_memory(weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Safetensors refuses tensors that share memory."""
    return {key: value.detach().clone().contiguous() for key, value in weights.items()}
