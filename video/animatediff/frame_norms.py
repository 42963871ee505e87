"""Group norms whose statistics span the frames of a clip, as the first AnimateDiff was trained."""

from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from typing import Any

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor, nn


@contextmanager
def frames_normed_together(unet: Any, num_frames: int) -> Iterator[None]:
    """The norms of a U-Net's residual blocks and of its end, over all frames of each clip.

    The norms before spatial attention are left alone: AnimateDiff folds frames into the batch
    there.

    Args:
        unet: of diffusers, fed with the frames of clips one after the other.
        num_frames: of a clip; 1 changes nothing.
    """
    norms = list(_norms(unet)) if num_frames > 1 else []
    before = [norm.__dict__.get("forward") for norm in norms]  # their class's, or one put in
    for norm in norms:
        norm.forward = partial(_over_frames, norm, num_frames)  # type: ignore[method-assign]
    try:
        yield
    finally:
        for norm, own in zip(norms, before, strict=True):
            del norm.forward
            if own is not None:
                norm.forward = own  # type: ignore[method-assign]


def _norms(unet: Any) -> Iterator[nn.GroupNorm]:
    from diffusers.models.resnet import ResnetBlock2D

    for module in unet.modules():
        if isinstance(module, ResnetBlock2D):
            yield module.norm1
            yield module.norm2
    if unet.conv_norm_out is not None:
        yield unet.conv_norm_out


def _over_frames(
    norm: nn.GroupNorm, num_frames: int, features: Float[Tensor, "bf c h w"]
) -> Float[Tensor, "bf c h w"]:
    clips = rearrange(features, "(b f) c h w -> b c f h w", f=num_frames)
    normed = F.group_norm(clips, norm.num_groups, norm.weight, norm.bias, norm.eps)
    return rearrange(normed, "b c f h w -> (b f) c h w")
