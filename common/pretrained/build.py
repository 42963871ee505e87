"""From a config to a pretrained prior: the models filled, set up and joined."""

from typing import Any

import torch

from common.adapters.lora import add_loras
from common.control.read import read_followed
from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.prior import PriorSpec
from common.diffusion.token_merging import merge_tokens
from common.pretrained.attention import set_attention
from common.pretrained.checkpoint import Checkpoint, check_size, read_checkpoint
from common.pretrained.config import ComputeConfig, PretrainedPriorConfig, SizeConditionConfig
from common.pretrained.control_config import ControlConfig
from common.pretrained.controlnet import Control, read_control
from common.pretrained.fit import Models, build_skeletons, load_tokenizers
from common.pretrained.ip_adapter import ImagePrompts, read_image_prompts
from common.pretrained.latent_scale import latent_scale
from common.pretrained.prior import PretrainedPrior
from common.pretrained.text_conditioning import TextConditioner, TextEncoder
from common.pretrained.weights import fill


def build_pretrained_prior(
    config: PretrainedPriorConfig,
    size: tuple[int, ...],
    device: str = "cpu",
    num_frames: int = 1,
) -> PretrainedPrior:
    """The prior of a checkpoint for pictures of ``(height, width)``.

    What ControlNets follow has a picture for each of ``num_frames`` rows, or one for all.

    Raises:
        InputError: the checkpoint is wrong, or cannot draw or compute what is asked for.
    """
    checkpoint = read_checkpoint(config)
    check_size(checkpoint, size)
    models = build_skeletons(checkpoint, config.clip_skip)
    spec = spec_of(checkpoint, models, size)
    set_up(models, config.compute, device)
    tokenizers = load_tokenizers(checkpoint, models)
    _fill(checkpoint, models, config.compute, device)
    add_loras(models.by_name, config.loras)
    encoders = tuple(map(TextEncoder, tokenizers, models.text_encoders))
    text = TextConditioner(
        encoders, checkpoint.family, config.clip_skip, checkpoint.zero_empty_prompt
    )
    prior = PretrainedPrior(
        models.unet,
        models.autoencoder,
        text,
        spec,
        latent_scale(models.autoencoder.config),
        size_ids(config.size_condition, size) if checkpoint.family == "sdxl" else None,
        config.compute.decode_batch,
        [
            _control(one, checkpoint, config.compute, (num_frames, *size), device)
            for one in config.controls
        ],
        _image_prompts(config, models, device),
    )
    if config.compute.token_merging is not None:
        height, width = spec.latent_shape[-2:]
        merge_tokens(models.unet, config.compute.token_merging.ratio, (height, width))
    return prior.computing(config.compute.feature_cache, config.compute.compile)


def _control(
    config: ControlConfig,
    checkpoint: Checkpoint,
    compute: ComputeConfig,
    size: tuple[int, ...],
    device: str,
) -> Control:
    """A ControlNet with its weights, and what it follows in frames of ``(f, h, w)``."""
    component, model = read_control(config, checkpoint)
    set_attention(model, compute.attention, device)
    dtype = torch_dtype(compute)
    fill(model, component, dtype, device)
    return Control(model, read_followed(config, size).on(device, dtype))


def _image_prompts(
    config: PretrainedPriorConfig, models: Models, device: str
) -> ImagePrompts | None:
    if config.image_prompt is None:
        return None
    dtype = torch_dtype(config.compute)
    return read_image_prompts(config.image_prompt, models.unet, dtype, device)


def spec_of(checkpoint: Checkpoint, models: Models, size: tuple[int, ...]) -> PriorSpec:
    """Shapes, schedule and prediction for pictures of a size."""
    cell = checkpoint.downsampling
    return PriorSpec(
        (models.unet.config["in_channels"], size[0] // cell, size[1] // cell),
        models.autoencoder.config["out_channels"],
        build_noise_schedule(checkpoint.schedule),
        checkpoint.prediction,
    )


def size_ids(config: SizeConditionConfig, size: tuple[int, ...]) -> tuple[int, ...]:
    """The six numbers that SDXL is told (Podell et al. 2023, arXiv 2307.01952, section 2.2)."""
    original, target = config.original_size_px or size, config.target_size_px or size
    return (*original, *config.crop_top_left_px, *target)


def torch_dtype(compute: ComputeConfig) -> torch.dtype:
    """Of the U-Net and the text encoders."""
    return {
        "float32": torch.float32,
        "bfloat16": torch.bfloat16,
        "float16": torch.float16,
    }[compute.dtype]


def autoencoder_dtype(compute: ComputeConfig, autoencoder: Any) -> torch.dtype:
    """Of the autoencoder: float32 in place of float16 if its config says that it overflows."""
    if compute.dtype == "float16" and autoencoder.config["force_upcast"]:
        return torch.float32
    return torch_dtype(compute)


def set_up(models: Models, compute: ComputeConfig, device: str) -> None:
    """Attention kernels and tiling; it changes the models."""
    for model in (models.unet, models.autoencoder):
        set_attention(model, compute.attention, device)
    if compute.vae_tiling:
        models.autoencoder.enable_tiling()


def _fill(checkpoint: Checkpoint, models: Models, compute: ComputeConfig, device: str) -> None:
    dtype = torch_dtype(compute)
    for component, model in zip(checkpoint.components, models.all, strict=True):
        of_autoencoder = model is models.autoencoder
        own = autoencoder_dtype(compute, model) if of_autoencoder else dtype
        fill(model, component, own, device)
