"""From a Stable Diffusion checkpoint and a motion module to a prior of clips."""

from typing import Any

import torch

from common.diffusion.frame_attention import NormOver
from common.diffusion.lifted_unet import FrameLayers, LiftedUNet
from common.errors import InputError
from common.pretrained.build import build_pretrained_prior, torch_dtype
from common.pretrained.check import check_pretrained
from common.pretrained.checkpoint import read_checkpoint
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.fit import build_skeletons
from video.animatediff.clip_prior import AnimateDiffPrior, ClipSettings
from video.animatediff.motion_family import MotionFamily
from video.animatediff.motion_file import read_motion
from video.animatediff.motion_layers import frame_layers_of
from video.animatediff.motion_lora import (
    add_domain_adapter,
    check_domain_adapter,
    with_motion_loras,
)
from video.motion_config import MotionModuleConfig

Size = tuple[int, int, int]
"""Frames, height and width."""


def check_animatediff(
    config: PretrainedPriorConfig, motion: MotionModuleConfig, size: Size
) -> list[str]:
    """Refuse what cannot be drawn; of the checkpoint's weights only headers are read.

    Returns:
        Notes: what the motion module replaces.

    Raises:
        InputError: checkpoint or motion module are wrong or do not fit, or too many frames.
    """
    check_pretrained(config, size[1:], num_frames=size[0])
    checkpoint = read_checkpoint(config)
    unet = build_skeletons(checkpoint, config.clip_skip).unet
    _, family, notes = _layers(motion, unet, size[0])
    if motion.domain_adapter is not None:
        check_domain_adapter(unet, motion.domain_adapter)
    if family.schedule == checkpoint.schedule:
        return notes
    return [
        *notes,
        f"{family.title} was trained on the noise schedule {_shown(family.schedule)}, which takes "
        f"the place of the checkpoint's {_shown(checkpoint.schedule)}",
    ]


def build_animatediff_prior(
    config: PretrainedPriorConfig, motion: MotionModuleConfig, size: Size, device: str = "cpu"
) -> AnimateDiffPrior:
    """The prior of clips of ``(frames, height, width)``.

    Raises:
        InputError: as ``check_animatediff``.
    """
    pictures = build_pretrained_prior(config, size[1:], device, size[0])
    layers, family, _ = _layers(motion, pictures.unet, size[0])
    if motion.domain_adapter is not None:
        add_domain_adapter(pictures.unet, motion.domain_adapter)
    torch.nn.Module.to(layers, device, torch_dtype(config.compute))
    joint = motion.norms == "original" and family.resnet_norm_over == "joint"
    settings = ClipSettings(size[0], family.schedule, motion.scale, joint)
    return AnimateDiffPrior(pictures, LiftedUNet(pictures.unet, layers), settings)


def _shown(schedule: Any) -> str:
    return f"{schedule.name} {schedule.beta_start:g} to {schedule.beta_end:g}"


def _layers(
    motion: MotionModuleConfig, unet: Any, num_frames: int
) -> tuple[FrameLayers, MotionFamily, list[str]]:
    checkpoint, notes = with_motion_loras(read_motion(motion.path), motion.loras)
    longest = checkpoint.family.max_frames
    if num_frames > longest:
        raise InputError(
            f"{motion.path} is {checkpoint.family.title}, trained on clips of up to {longest} "
            f"frames; num_frames is {num_frames}"
        )
    norm_over: NormOver = "joint" if motion.norms == "diffusers" else "per_frame"
    return frame_layers_of(checkpoint, unet, norm_over), checkpoint.family, notes
