"""How much memory drawing from a checkpoint takes, from its headers alone."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from common.diffusion.compiled import laid_out_bytes
from common.diffusion.lean_unet import make_lean
from common.pretrained.activation_memory import peak_activation_bytes
from common.pretrained.attention import set_attention
from common.pretrained.build import dtypes_of, set_up, size_ids, spec_of, torch_dtype
from common.pretrained.checkpoint import Checkpoint, check_size, read_checkpoint
from common.pretrained.component import Component
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.controlnet import read_control
from common.pretrained.dit.build import denoiser_of
from common.pretrained.dit.told import told_shape
from common.pretrained.fit import Models, build_skeletons
from common.pretrained.ip_adapter import ImagePromptNeed, image_prompt_need
from common.pretrained.offload import Work, device_bytes, num_bytes
from common.pretrained.text_conditioning import Text
from common.pretrained.weights import DTYPES


@dataclass(frozen=True)
class PretrainedNeed:
    """What a run needs beside the libraries."""

    latent_shape: tuple[int, ...]
    image_channels: int
    weights_bytes: int
    """Of all models, in the type they compute in."""
    reading_bytes: int
    """More than that at the end of reading: a tensor while it is converted."""
    activation_bytes: int
    """The most that drawing a batch, or decoding, has beside the weights."""
    offloaded_bytes: int | None = None
    """The most on the GPU, where models come to it in turn; None where they stay together."""

    @property
    def peak_bytes(self) -> int:
        """The most at once, in the memory where the weights are."""
        if self.offloaded_bytes is not None:
            return self.weights_bytes + self.reading_bytes
        return self.weights_bytes + max(self.reading_bytes, self.activation_bytes)


def pretrained_need(
    config: PretrainedPriorConfig, size: tuple[int, ...], together: int, decoded: int = 1
) -> PretrainedNeed:
    """The memory of drawing pictures of ``(height, width)``, ``together`` at a time.

    Args:
        config: of the checkpoint.
        size: of a picture.
        together: pictures that are drawn at a time.
        decoded: pictures that are decoded at a time; frames of clips are by ``decode_batch``.

    Raises:
        InputError: the checkpoint is wrong, or cannot draw what is asked for.
    """
    checkpoint = read_checkpoint(config)
    check_size(checkpoint, size)
    models = build_skeletons(checkpoint, config.clip_skip)
    controls = [read_control(one.path, one.variant, checkpoint) for one in config.controls]
    compute = config.compute
    if compute.attention == "xformers":  # as lean as torch's kernel, and not there on meta
        compute = compute.model_copy(update={"attention": "sdpa"})
    set_up(checkpoint, models, compute, "meta")
    if checkpoint.is_unet:
        make_lean(models.denoiser)
    for _, control in controls:
        set_attention(control, compute.attention, "meta")
        make_lean(control)
        torch.nn.Module.to(control, torch_dtype(compute))
    dtypes = dtypes_of(checkpoint, models, config.compute)
    for model, dtype in zip(models.all, dtypes, strict=True):
        torch.nn.Module.to(model, dtype)  # diffusers' own warns of nothing
    shown = _of_image_prompt(config, models)
    spec = spec_of(checkpoint, models, size)
    latents = torch.empty(together, *spec.latent_shape, device="meta")
    nets = [model for _, model in controls]
    denoising = (
        _of_unet(models, nets, config, latents, size)
        if checkpoint.is_unet
        else _of_transformer(checkpoint, models, config, latents)
    )
    decoding = _of_decoding(models, latents[:1].expand(decoded, -1, -1, -1))
    work = [
        *(Work((text,)) for text in models.text_encoders),
        Work((models.denoiser,), denoising),
        Work((models.autoencoder,), decoding),
    ]
    laid_out = laid_out_bytes(num_bytes(models.denoiser), compute.compile)
    offloaded = shown.kept_bytes + device_bytes(work, nets, compute.offload)
    return PretrainedNeed(
        latent_shape=spec.latent_shape,
        image_channels=spec.image_channels,
        weights_bytes=shown.kept_bytes + laid_out + sum(num_bytes(m) for m in (*models.all, *nets)),
        reading_bytes=max(
            shown.passing_bytes,
            _reading_bytes(checkpoint.components, dtypes),
            _reading_bytes([c for c, _ in controls], [torch_dtype(compute)] * len(controls)),
        ),
        activation_bytes=max(denoising, decoding),
        offloaded_bytes=None if compute.offload == "none" else offloaded,
    )


def _of_image_prompt(config: PretrainedPriorConfig, models: Models) -> ImagePromptNeed:
    if config.image_prompt is None:
        return ImagePromptNeed(0, 0)
    bytes_each = torch.empty((), dtype=torch_dtype(config.compute)).element_size()
    return image_prompt_need(config.image_prompt, models.denoiser, bytes_each)


def _of_unet(
    models: Models,
    controls: Sequence[Any],
    config: PretrainedPriorConfig,
    latents: Tensor,
    size: tuple[int, ...],
) -> int:
    dtype, count = torch_dtype(config.compute), len(latents)
    seen = latents.new_empty(count, models.denoiser.config["in_channels"], *latents.shape[2:])
    tokens = models.text_encoders[0].config.max_position_embeddings
    features = sum(model.config.hidden_size for model in models.text_encoders)
    states = torch.empty(count, tokens, features, dtype=dtype, device="meta")
    told = None
    if len(models.text_encoders) == 2:
        pooled = models.text_encoders[1].config.projection_dim
        ids = size_ids(config.size_condition, size)
        told = {
            "text_embeds": torch.empty(count, pooled, dtype=dtype, device="meta"),
            "time_ids": torch.empty(count, len(ids), device="meta"),
        }
    times, image = torch.empty(count, device="meta"), torch.empty(count, 3, *size, device="meta")
    given = {"encoder_hidden_states": states, "added_cond_kwargs": told}

    def run() -> None:
        parts = [
            one(
                latents.to(dtype),
                times,
                controlnet_cond=image.to(dtype),
                return_dict=False,
                **given,
            )
            for one in controls
        ]
        down, middle = parts[0] if parts else (None, None)
        models.denoiser(
            seen.to(dtype), times, down_block_additional_residuals=down,
            mid_block_additional_residual=middle, **given,
        )  # fmt: skip

    return peak_activation_bytes(torch.nn.ModuleList([models.denoiser, *controls]), run)


def _of_transformer(
    checkpoint: Checkpoint, models: Models, config: PretrainedPriorConfig, latents: Tensor
) -> int:
    dtype, count = torch_dtype(config.compute), len(latents)
    told = told_shape(checkpoint, models.denoiser, models.text_encoders)
    pooled, mask = None, None
    if told.pooled is not None:
        pooled = torch.empty(count, told.pooled, dtype=dtype, device="meta")
    if checkpoint.family == "pixart":
        mask = torch.empty(count, told.tokens, dtype=torch.bool, device="meta")
    states = torch.empty(count, told.tokens, told.features, dtype=dtype, device="meta")
    text = Text(states, mask, pooled)
    denoiser = denoiser_of(checkpoint, models, config)
    times = torch.empty(count, device="meta")
    return peak_activation_bytes(
        models.denoiser, lambda: denoiser.predict(latents.to(dtype), times, text)
    )


def _of_decoding(models: Models, latents: Tensor) -> int:
    decoder = models.autoencoder
    return peak_activation_bytes(decoder, lambda: decoder.decode(latents.to(decoder.dtype)))


def _reading_bytes(components: Sequence[Component], dtypes: Sequence[torch.dtype]) -> int:
    """The largest tensor that is converted."""
    return max(
        (
            tensor.num_bytes
            for component, dtype in zip(components, dtypes, strict=True)
            for tensor in component.weights.tensors.values()
            if DTYPES.get(tensor.dtype, dtype) != dtype
        ),
        default=0,
    )
