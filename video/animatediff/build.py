"""From a Stable Diffusion checkpoint and a motion module to a prior of clips."""

from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from common.control.followed_config import FollowedConfig
from common.control.read import read_followed
from common.diffusion.frame_attention import NormOver
from common.diffusion.frame_windows import FrameWindows
from common.diffusion.inflation import inflate
from common.diffusion.lifted_unet import FrameLayers, compile_lifted
from common.diffusion.shared_text import SharedText
from common.diffusion.unet_coverage import check_coverage
from common.errors import InputError
from common.generation.picture_switches import refuse_offload
from common.media.fitting import Fit
from common.pretrained.build import build_unet_prior, only_of_unets, torch_dtype
from common.pretrained.check import check_pretrained
from common.pretrained.checkpoint import read_checkpoint
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.fit import build_skeletons
from common.pretrained.prior import PretrainedPrior
from video.animatediff.clip_prior import AnimateDiffPrior, ClipSettings
from video.animatediff.motion_family import MotionFamily, schedule_text
from video.animatediff.motion_file import read_motion
from video.animatediff.motion_layers import frame_layers_of
from video.animatediff.motion_lora import (
    add_domain_adapter,
    check_domain_adapter,
    with_motion_loras,
)
from video.animatediff.sparse_control import SparseControl, build_sparse
from video.animatediff.sparse_file import read_sparse
from video.motion_config import MotionModuleConfig, SparseControlConfig

Size = tuple[int, int, int]
"""Frames, height and width."""


def check_animatediff(
    config: PretrainedPriorConfig,
    motion: MotionModuleConfig,
    size: Size,
    num_followed: int | None = None,
    inpaints: bool = False,
) -> list[str]:
    """Refuse what cannot be drawn; of the checkpoint's weights only headers are read.

    Args:
        config: of the checkpoint.
        motion: of its motion module.
        size: frames that are drawn together, height and width.
        num_followed: frames of the whole clip, in which controls are followed, if there are more.
        inpaints: whether part of a given clip is drawn anew.

    Returns:
        Notes: what the motion module replaces.

    Raises:
        InputError: checkpoint or motion module are wrong or do not fit, or too many frames.
    """
    refuse_offload(config, "clips")
    check_pretrained(config, size[1:], num_frames=num_followed or size[0], inpaints=inpaints)
    checkpoint = read_checkpoint(config)
    if not checkpoint.is_unet:
        raise only_of_unets(config)
    unet = build_skeletons(checkpoint, config.clip_skip).denoiser
    check_coverage(unet.config)
    _, family, notes = _layers(motion, unet, size[0])
    if config.compute.compile and _joint_norms(motion, family):
        raise InputError(
            f"prior.compute.compile compiles residual blocks by themselves, and those of "
            f"{family.title} are normed over all frames: leave compile out"
        )
    if motion.domain_adapter is not None:
        check_domain_adapter(unet, motion.domain_adapter)
    for one in motion.sparse_controls:
        for key in one.key_frames:
            _key_picture(key.input, size[1:], one.fit)
        build_sparse(read_sparse(one.path), unet)
    if family.schedule == checkpoint.schedule:
        return notes
    return [
        *notes,
        f"{family.title} was trained on the noise schedule {schedule_text(family.schedule)}, which "
        f"takes the place of the checkpoint's {schedule_text(checkpoint.schedule)}",
    ]


def build_animatediff_prior(
    config: PretrainedPriorConfig,
    motion: MotionModuleConfig,
    size: Size,
    device: str = "cpu",
    windows: FrameWindows | None = None,
    repeats_noise: bool = False,
    num_followed: int | None = None,
) -> AnimateDiffPrior:
    """The prior of clips of ``(frames, height, width)``.

    Args:
        config: of the checkpoint.
        motion: of its motion module.
        size: of clips.
        device: where it computes.
        windows: in which longer clips are drawn.
        repeats_noise: whether all windows begin with the same noise.
        num_followed: frames that controls are followed in, where segments make a longer clip.

    Raises:
        InputError: as ``check_animatediff``.
    """
    together = size[0] if windows is None else windows.length
    pictures = build_unet_prior(config, size[1:], device, num_followed or size[0])
    layers, family, _ = _layers(motion, pictures.unet, together)
    if motion.domain_adapter is not None:
        add_domain_adapter(pictures.unet, motion.domain_adapter)
    torch.nn.Module.to(layers, device, torch_dtype(config.compute))
    joint = _joint_norms(motion, family)
    settings = ClipSettings(size[0], family.schedule, motion.scale, joint, windows, repeats_noise)
    lifted = inflate(pictures.unet, layers).lifted
    text = SharedText(pictures.unet)
    if config.compute.compile:
        compile_lifted(lifted, device)
    sparse = [
        _sparse_control(one, pictures, size[1:], motion, device) for one in motion.sparse_controls
    ]
    return AnimateDiffPrior(pictures, lifted, settings, text, sparse)


def _joint_norms(motion: MotionModuleConfig, family: MotionFamily) -> bool:
    """Whether residual blocks are normed over all frames."""
    return motion.norms == "original" and family.resnet_norm_over == "joint"


@torch.no_grad()
def _sparse_control(
    config: SparseControlConfig,
    pictures: PretrainedPrior,
    size: tuple[int, int],
    motion: MotionModuleConfig,
    device: str,
) -> SparseControl:
    """An encoder with its pictures: encoded for rgb, as they are for scribble."""
    checkpoint = read_sparse(config.path)
    parts = build_sparse(checkpoint, pictures.unet, _norm_over(motion))
    dtype = next(pictures.unet.parameters()).dtype
    model, layers = (torch.nn.Module.to(part, device, dtype) for part in parts)
    shown = {key.frame: _key_picture(key.input, size, config.fit) for key in config.key_frames}
    if checkpoint.kind == "rgb":
        shown = {
            frame: pictures.encode(2 * one[None].to(device) - 1)[0] for frame, one in shown.items()
        }
    return SparseControl(model, layers, checkpoint.kind, shown, config.weight, config.interval)


def _key_picture(path: Path, size: tuple[int, int], fit: Fit) -> Float[Tensor, "3 h w"]:
    """A picture at the clip's size, in [0, 1]; transparency is black."""
    return read_followed(FollowedConfig(image=path, fit=fit), size).pictures[0]


def _norm_over(motion: MotionModuleConfig) -> NormOver:
    return "joint" if motion.norms == "diffusers" else "per_frame"


def _layers(
    motion: MotionModuleConfig, unet: Any, num_frames: int
) -> tuple[FrameLayers, MotionFamily, list[str]]:
    checkpoint, notes = with_motion_loras(read_motion(motion.path), motion.loras)
    longest = checkpoint.family.max_frames
    if num_frames > longest:
        raise InputError(
            f"{motion.path} is {checkpoint.family.title}, trained on clips of up to {longest} "
            f"frames; num_frames is {num_frames}. method.windows draws longer clips"
        )
    layers = frame_layers_of(checkpoint, unet, _norm_over(motion))
    return layers, checkpoint.family, notes
