"""What is in checkpoints and configs of clips, a line each, for ``run.py inspect`` and reports."""

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from common.diffusion.unet_coverage import KeyCoverage, coverage_lines, unet_coverage
from common.errors import InputError
from common.report.content import Column, Table
from video.animatediff.motion_family import MotionFamily, family_of, schedule_text
from video.animatediff.motion_file import FAMILY_KEY, read_tensors
from video.animatediff.motion_keys import BLOCK_TABLE, motion_weights
from video.animatediff.motion_lora import motion_lora_lines

_UNET = "UNet2DConditionModel"


def is_unet_config(path: Path) -> bool:
    """Whether a JSON file is the config of a 2-D U-Net of diffusers."""
    try:
        found = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return False
    return isinstance(found, dict) and found.get("_class_name") == _UNET


def described_unet(path: Path) -> list[str]:
    """What becomes of each key of a U-Net's config when it is lifted to clips."""
    config = json.loads(path.read_text(encoding="utf-8"))
    covered = unet_coverage(config)
    refused = [one.key for one in covered if one.verdict == "refused"]
    said = f"cannot be lifted: {', '.join(refused)}" if refused else "can be lifted to clips"
    return [f"{_UNET} of {len(covered)} keys; it {said}", *coverage_lines(covered)]


def described_motion(path: Path) -> list[str]:
    """Which motion module a safetensors file holds; nothing where it holds none."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as file:
            shapes = {key: file.get_slice(key).get_shape() for key in file.keys()}  # noqa: SIM118
            stated = (file.metadata() or {}).get(FAMILY_KEY)
    except (OSError, SafetensorError):
        return []
    return _described({key: torch.empty(s, device="meta") for key, s in shapes.items()}, stated)


def described_motion_pickle(path: Path) -> list[str]:
    """Which motion module a ``.ckpt`` holds, as AnimateDiff's are; nothing where it holds none.

    Its weights are read, by a reader that runs no code of the file's.
    """
    try:
        named = read_tensors(path)
    except InputError:
        return []
    found = _described(named, None)
    count = sum(tensor.numel() for tensor in named.values())
    return [*found, f"{len(named)} tensors, {count:,} numbers"] if found else []


def _described(named: Mapping[str, Tensor], stated: str | None) -> list[str]:
    """What tensors of these names and shapes are, among what is for clips."""
    if loras := motion_lora_lines(named):
        return loras
    if any("controlnet_cond_embedding." in key for key in named) and motion_weights(named):
        rgb = any(key.endswith("controlnet_cond_embedding.weight") for key in named)
        return [f"SparseCtrl encoder, {'rgb' if rgb else 'scribble'}"]
    weights = motion_weights(named)
    if not weights:
        return []
    try:
        layout = "diffusers' MotionAdapter" if any(
            key.endswith(BLOCK_TABLE) for key in weights) else "the original's"  # fmt: skip
        return [*family_lines(family_of(weights, stated)), f"layout: {layout}"]
    except InputError as other:
        return [str(other)]


def coverage_table(covered: Sequence[KeyCoverage]) -> Table:
    """The coverage of a U-Net's config, for a run's report."""
    rows = tuple((one.key, _cell(one.value), one.verdict, one.reason) for one in covered)
    columns = tuple(Column(name, align="left") for name in ("Key", "Value", "Verdict", "Why"))
    return Table("What became of the U-Net's config", columns, rows)


def family_lines(family: MotionFamily) -> list[str]:
    """What follows from a motion module's family."""
    return [
        f"motion module: {family.title}, trained on clips of up to {family.max_frames} frames"
        f"{', with one in the middle block' if family.in_middle else ''}",
        f"noise schedule of its training: {schedule_text(family.schedule)}; norms of residual "
        f"blocks: {family.resnet_norm_over}",
    ]


def _cell(value: Any) -> str:
    return str(list(value) if isinstance(value, tuple) else value)
