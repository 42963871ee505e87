"""Which attention kernel the U-Net and the autoencoder use, and whether it can be had."""

import importlib.util
from typing import Any, assert_never

from common.diffusion.lean_attention import LeanAttention
from common.errors import InputError, missing_extra
from common.pretrained.checkpoint import Checkpoint
from common.pretrained.config import Attention


def check_attention(attention: Attention) -> None:
    """Refuse a kernel whose package is missing.

    Raises:
        InputError: naming what to install.
    """
    if attention == "xformers" and importlib.util.find_spec("xformers") is None:
        raise missing_extra("xformers", "cuda", "prior.compute.attention=xformers")


def check_kernel(checkpoint: Checkpoint, attention: Attention) -> None:
    """Refuse a kernel that a checkpoint's denoiser does not have.

    Raises:
        InputError: another one than sdpa for a transformer, or a missing package.
    """
    check_attention(attention)
    if not checkpoint.is_unet and attention != "sdpa":
        raise InputError(
            f"prior.compute.attention={attention} is for U-Nets; the transformer of "
            f"{checkpoint.path} has sdpa only"
        )


def set_attention(model: Any, attention: Attention, device: str) -> None:
    """Make every attention layer of a model of diffusers use one kernel.

    Raises:
        InputError: the kernel is not to be had on this device.
    """
    from diffusers.models import attention_processor as kernels

    check_attention(attention)
    match attention:
        case "sdpa":
            model.set_attn_processor(LeanAttention())
        case "plain":
            model.set_attn_processor(kernels.AttnProcessor())
        case "sliced":
            model.set_attn_processor(kernels.SlicedAttnProcessor(slice_size=1))
        case "xformers":
            if not device.startswith("cuda"):
                raise InputError(
                    f"prior.compute.attention=xformers has no kernels for device {device}: use "
                    "sdpa there"
                )
            model.set_attn_processor(kernels.XFormersAttnProcessor())
        case _:
            assert_never(attention)
