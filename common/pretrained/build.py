"""From a config to a pretrained prior: the models filled, set up and joined."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from torch import nn

from common.adapters.lora import add_loras
from common.control.read import read_followed
from common.diffusion.lean_unet import make_lean
from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.prior import PriorSpec
from common.diffusion.token_merging import merge_tokens
from common.errors import InputError
from common.pretrained.attention import check_kernel, set_attention
from common.pretrained.checkpoint import Checkpoint, check_size, read_checkpoint
from common.pretrained.clip_encoding import ClipEncoder
from common.pretrained.config import ComputeConfig, PretrainedPriorConfig, SizeConditionConfig
from common.pretrained.control_config import ControlConfig
from common.pretrained.controlnet import Control, read_control
from common.pretrained.dit.build import build_transformer_prior
from common.pretrained.dit.prior import TransformerPrior
from common.pretrained.fit import Models, build_skeletons, load_tokenizers
from common.pretrained.ip_adapter import ImagePrompts, read_image_prompts
from common.pretrained.latent_coder import LatentCoder
from common.pretrained.latent_scale import latent_scale
from common.pretrained.offload import check_offload, offload_models
from common.pretrained.prior import PretrainedPrior
from common.pretrained.text_conditioning import TextConditioner
from common.pretrained.weights import fill
from common.pretrained.words import words_of_encoders


def build_pretrained_prior(
    config: PretrainedPriorConfig,
    size: tuple[int, ...],
    device: str = "cpu",
    num_frames: int = 1,
) -> PretrainedPrior | TransformerPrior:
    """The prior of a checkpoint for pictures of ``(height, width)``.

    What ControlNets follow has a picture for each of ``num_frames`` rows, or one for all.

    Raises:
        InputError: the checkpoint is wrong, or cannot draw or compute what is asked for.
    """
    check_offload(config.compute.offload, device)
    checkpoint = read_checkpoint(config)
    check_size(checkpoint, size)
    check_kernel(checkpoint, config.compute.attention)
    models = build_skeletons(checkpoint, config.clip_skip)
    set_up(checkpoint, models, config.compute, device)
    tokenizers = load_tokenizers(checkpoint, models)
    waits_at = device if config.compute.offload == "none" else "cpu"
    _fill(checkpoint, models, config.compute, waits_at)
    if checkpoint.is_unet:
        make_lean(models.denoiser)
    spec = spec_of(checkpoint, models, size)
    coder = LatentCoder(
        models.autoencoder, latent_scale(models.autoencoder.config), config.compute.decode_batch
    )
    if not checkpoint.is_unet:
        check_transformer_settings(checkpoint, config)
        _offload(models, (), config.compute, device)
        return build_transformer_prior(checkpoint, models, tokenizers, config, coder, spec)
    add_loras(models.by_name, config.loras)
    words = words_of_encoders(config.embeddings, models, tokenizers)
    encoders = tuple(map(ClipEncoder, tokenizers, models.text_encoders, words))
    prior = PretrainedPrior(
        models.denoiser,
        TextConditioner(
            encoders, checkpoint.family, config.clip_skip, checkpoint.zero_empty_prompt
        ),
        coder,
        spec,
        size_ids(config.size_condition, size) if checkpoint.family == "sdxl" else None,
        [
            _control(one, checkpoint, config.compute, (num_frames, *size), device, waits_at)
            for one in config.controls
        ],
        _image_prompts(config, models, device),
    )
    if config.compute.token_merging is not None:
        height, width = spec.latent_shape[-2:]
        merge_tokens(models.denoiser, config.compute.token_merging.ratio, (height, width))
    _offload(models, [one.model for one in prior.controls], config.compute, device)
    return prior.computing(config.compute.feature_cache, config.compute.compile)


def build_unet_prior(
    config: PretrainedPriorConfig, size: tuple[int, ...], device: str = "cpu", num_frames: int = 1
) -> PretrainedPrior:
    """The prior of a checkpoint that has a U-Net, as ``build_pretrained_prior``.

    Raises:
        InputError: also if its denoiser is a transformer, or models are to come and go.
    """
    if config.compute.offload != "none":
        raise InputError("prior.compute.offload is for drawing pictures: leave it out here")
    prior = build_pretrained_prior(config, size, device, num_frames)
    if not isinstance(prior, PretrainedPrior):
        raise only_of_unets(config)
    return prior


def check_transformer_settings(checkpoint: Checkpoint, config: PretrainedPriorConfig) -> None:
    """Refuse adapters and switches that are only for U-Nets.

    Raises:
        InputError: naming the keys.
    """
    adapters = ("loras", "embeddings", "controls", "image_prompt")
    switches = ("feature_cache", "token_merging", "compile")
    keys = [f"prior.{key}" for key in adapters if getattr(config, key)]
    keys += [f"prior.compute.{key}" for key in switches if getattr(config.compute, key)]
    if keys and not checkpoint.is_unet:
        raise InputError(
            f"{' and '.join(keys)}: only for U-Nets, and {checkpoint.path} has a transformer"
        )


def only_of_unets(config: PretrainedPriorConfig) -> InputError:
    """What to say where a checkpoint with a U-Net is needed."""
    return InputError(
        f"{config.path} has a transformer, and what is asked for needs a U-Net: use Stable "
        "Diffusion 1.x, 2.x or XL"
    )


def _control(
    config: ControlConfig,
    checkpoint: Checkpoint,
    compute: ComputeConfig,
    size: tuple[int, ...],
    device: str,
    waits_at: str,
) -> Control:
    """A ControlNet with its weights, and what it follows in frames of ``(f, h, w)``."""
    model = load_control(config.path, config.variant, checkpoint, compute, waits_at)
    return Control(model, read_followed(config, size).on(device, torch_dtype(compute)))


def load_control(
    path: Path, variant: str | None, checkpoint: Checkpoint, compute: ComputeConfig, device: str
) -> Any:
    """A ControlNet for a checkpoint's U-Net, with its weights.

    Raises:
        InputError: files are missing, wrong, or of a ControlNet for another U-Net.
    """
    component, model = read_control(path, variant, checkpoint)
    set_attention(model, compute.attention, device)
    fill(model, component, torch_dtype(compute), device)
    make_lean(model)
    return model


def _image_prompts(
    config: PretrainedPriorConfig, models: Models, device: str
) -> ImagePrompts | None:
    if config.image_prompt is None:
        return None
    dtype = torch_dtype(config.compute)
    return read_image_prompts(config.image_prompt, models.denoiser, dtype, device)


def spec_of(checkpoint: Checkpoint, models: Models, size: tuple[int, ...]) -> PriorSpec:
    """Shapes, schedule and prediction for pictures of a size."""
    cell = checkpoint.downsampling
    return PriorSpec(
        (models.autoencoder.config["latent_channels"], size[0] // cell, size[1] // cell),
        models.autoencoder.config["out_channels"],
        build_noise_schedule(checkpoint.schedule_at(size)),
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


def dtypes_of(
    checkpoint: Checkpoint, models: Models, compute: ComputeConfig
) -> tuple[torch.dtype, ...]:
    """Of all models: float32 in place of float16 for those that overflow in it.

    These are T5, and an autoencoder whose config says so.
    """
    asked = torch_dtype(compute)
    overflows = {"T5EncoderModel"}
    if models.autoencoder.config["force_upcast"]:
        overflows.add("AutoencoderKL")
    return tuple(
        torch.float32 if asked == torch.float16 and part.model_class in overflows else asked
        for part in checkpoint.components
    )


def set_up(checkpoint: Checkpoint, models: Models, compute: ComputeConfig, device: str) -> None:
    """Attention kernels and tiling; it changes the models."""
    kept = (models.denoiser,) if checkpoint.is_unet else ()  # transformers have their own kernel
    for model in (*kept, models.autoencoder):
        set_attention(model, compute.attention, device)
    if compute.vae_tiling:
        models.autoencoder.enable_tiling()


def _offload(
    models: Models, controls: Sequence[nn.Module], compute: ComputeConfig, device: str
) -> None:
    """Let models wait on the CPU: the encoders first, as they are used first."""
    order = (*models.text_encoders, models.denoiser, models.autoencoder)
    offload_models(order, controls, compute.offload, device)


def _fill(checkpoint: Checkpoint, models: Models, compute: ComputeConfig, device: str) -> None:
    dtypes = dtypes_of(checkpoint, models, compute)
    for component, model, dtype in zip(checkpoint.components, models.all, dtypes, strict=True):
        fill(model, component, dtype, device)
