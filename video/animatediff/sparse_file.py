"""Reading and writing SparseCtrl encoders, in AnimateDiff's layout or as diffusers' folder.

The two differ in the names of the motion modules alone; everything else is a ControlNet's.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import safetensors.torch
from torch import Tensor

from common.atomic import atomic_path, write_json
from common.errors import InputError
from video.animatediff.motion_file import (
    ADAPTER_WEIGHTS,
    own_memory,
    position_tables,
    read_tensors,
    sinusoid_table,
)
from video.animatediff.motion_keys import is_position_table, to_adapter, to_original

SparseKind = Literal["rgb", "scribble"]
MAX_FRAMES = 32
"""Frames of the sinusoids."""
_EMBEDDING = "controlnet_cond_embedding."


@dataclass(frozen=True, eq=False)
class SparseCheckpoint:
    """An encoder, whatever it was stored as."""

    weights: dict[str, Tensor]
    """In diffusers' layout, without sinusoids."""
    kind: SparseKind
    """rgb takes latents of pictures, scribble takes pixels."""

    @property
    def motion(self) -> dict[str, Tensor]:
        """The weights of its motion modules."""
        return {key: value for key, value in self.weights.items() if _is_motion(key)}

    @property
    def control(self) -> dict[str, Tensor]:
        """The weights of its ControlNet."""
        return {key: value for key, value in self.weights.items() if not _is_motion(key)}


def read_sparse(path: Path) -> SparseCheckpoint:
    """The encoder of a file in the original's layout, or of a diffusers folder.

    Raises:
        InputError: it cannot be read, or is no SparseCtrl encoder.
    """
    state = read_tensors(path / ADAPTER_WEIGHTS if path.is_dir() else path)
    plain = {
        key.removeprefix("module.").removeprefix("controlnet."): value
        for key, value in state.items()
        if not is_position_table(key)
    }
    kind = _kind(path, plain)
    moving = {key: value for key, value in plain.items() if _is_motion(key)}
    still = {key: value for key, value in plain.items() if not _is_motion(key)}
    if not moving:
        raise InputError(
            f"{path} has no motion modules: it is a ControlNet of pictures; put it under "
            "prior.controls"
        )
    if any(".temporal_transformer." in key for key in moving):
        moving = to_adapter(moving)
    return SparseCheckpoint(still | moving, kind)


def write_sparse_original(checkpoint: SparseCheckpoint, path: Path) -> None:
    """Write a safetensors file in the original's layout, with the sinusoids its readers expect."""
    moving = to_original(checkpoint.motion)
    moving |= position_tables(moving, MAX_FRAMES)
    with atomic_path(path) as partial:
        safetensors.torch.save_file(own_memory(checkpoint.control | moving), partial)


def write_sparse_folder(checkpoint: SparseCheckpoint, folder: Path) -> None:
    """Write a folder that diffusers' ``SparseControlNetModel.from_pretrained`` reads."""
    folder.mkdir(parents=True, exist_ok=True)
    blocks = {
        key.removesuffix(".norm1.weight"): len(value)
        for key, value in checkpoint.motion.items()
        if key.endswith(".norm1.weight")
    }
    tables = {
        f"{block}.pos_embed.pe": sinusoid_table(MAX_FRAMES, channels)
        for block, channels in blocks.items()
    }
    with atomic_path(folder / ADAPTER_WEIGHTS) as partial:
        safetensors.torch.save_file(own_memory(checkpoint.weights | tables), partial)
    write_json(folder / "config.json", sparse_config(checkpoint))


def sparse_config(checkpoint: SparseCheckpoint) -> dict[str, Any]:
    """``config.json`` of diffusers' ``SparseControlNetModel``, as for Stable Diffusion 1.5."""
    weights, rgb = checkpoint.weights, checkpoint.kind == "rgb"
    levels = sorted({int(key.split(".")[1]) for key in weights if key.startswith("down_blocks.")})
    attended = [f"down_blocks.{level}.attentions.0.norm.weight" in weights for level in levels]
    resnets = {key.split(".")[3] for key in weights if key.startswith("down_blocks.0.resnets.")}
    text = next(value for key, value in weights.items() if key.endswith("attn2.to_k.weight"))
    return {
        "_class_name": "SparseControlNetModel",
        "in_channels": weights["conv_in.weight"].shape[1],
        "conditioning_channels": 4 if rgb else 3,
        "block_out_channels": [
            weights[f"down_blocks.{level}.resnets.0.conv1.weight"].shape[0] for level in levels
        ],
        "down_block_types": [
            "CrossAttnDownBlockMotion" if one else "DownBlockMotion" for one in attended
        ],
        "layers_per_block": len(resnets),
        "cross_attention_dim": text.shape[1],
        "attention_head_dim": 8,
        "motion_num_attention_heads": 8,
        "motion_max_seq_length": MAX_FRAMES,
        "concat_conditioning_mask": True,
        "use_simplified_condition_embedding": rgb,
    }


def described_sparse(checkpoint: SparseCheckpoint) -> str:
    """One line on what it is."""
    count = sum(value.numel() for value in checkpoint.weights.values())
    return f"SparseCtrl {checkpoint.kind}, {count:,} parameters, {len(checkpoint.weights)} weights"


def _kind(path: Path, weights: Mapping[str, Tensor]) -> SparseKind:
    if f"{_EMBEDDING}weight" in weights:
        return "rgb"
    if f"{_EMBEDDING}conv_in.weight" in weights:
        return "scribble"
    if path.is_dir() and (path / "config.json").is_file():
        found = json.loads((path / "config.json").read_text(encoding="utf-8"))
        title = found.get("_class_name", "a model of no name") if isinstance(found, dict) else "?"
        raise InputError(f"{path} is {title}; a SparseCtrl encoder is wanted")
    example = next(iter(weights), "nothing")
    raise InputError(
        f"{path} is no SparseCtrl encoder: it has no '{_EMBEDDING}...' (its first weight is "
        f"'{example}')"
    )


def _is_motion(key: str) -> bool:
    return ".motion_modules." in key
