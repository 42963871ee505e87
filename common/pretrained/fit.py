"""Whether the models of a checkpoint belong together and are of the kind that can be drawn from."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from torch import nn

from common.adapters.lora_file import Component
from common.errors import InputError
from common.pretrained.checkpoint import TRANSFORMER_PATCH, Checkpoint
from common.pretrained.dit.told import check_transformer
from common.pretrained.prompt_chunks import load_tokenizer
from common.pretrained.skeleton import build_skeleton

_NOT_FED = {
    "class_embed_type": "class labels",
    "num_class_embeds": "class labels",
    "encoder_hid_dim_type": "another text encoder's states",
    "encoder_hid_dim": "another text encoder's states",
    "time_cond_proj_dim": "the guidance scale, as latent consistency models are",
}
"""What a U-Net with such a key must be told beside the prompt; nothing here tells it."""
_NUM_TIME_IDS = 6


@dataclass(frozen=True)
class Models:
    """The models of a checkpoint: without weights at first, then the same objects with them."""

    denoiser: Any
    """The U-Net or transformer."""
    autoencoder: Any
    text_encoders: tuple[Any, ...]

    @property
    def all(self) -> tuple[nn.Module, ...]:
        """In the order of ``Checkpoint.components``."""
        return (self.denoiser, self.autoencoder, *self.text_encoders)

    @property
    def by_name(self) -> dict[Component, nn.Module]:
        """Those that LoRAs may change."""
        names: tuple[Component, ...] = ("text_encoder", "text_encoder_2")
        return {"unet": self.denoiser, **dict(zip(names, self.text_encoders, strict=False))}


def build_skeletons(checkpoint: Checkpoint, clip_skip: int = 0) -> Models:
    """The models on the meta device, checked against their files and each other.

    Raises:
        InputError: files of other models, models that do not fit, or layers that are not there.
    """
    denoiser, autoencoder, *texts = map(build_skeleton, checkpoint.components)
    models = Models(denoiser, autoencoder, tuple(texts))
    if checkpoint.is_unet:
        _check_unet(checkpoint, models)
        _check_features(checkpoint, models)
    else:
        check_transformer(checkpoint, denoiser, models.text_encoders)
    _check_latents(checkpoint, models)
    _check_layers(checkpoint, models, clip_skip)
    return models


def load_tokenizers(checkpoint: Checkpoint, models: Models) -> tuple[Any, ...]:
    """The tokenizer of each text encoder.

    Raises:
        InputError: one is damaged, or does not belong to its text encoder.
    """
    tokenizers = tuple(load_tokenizer(folder, kind) for folder, kind in checkpoint.tokenizers)
    for (folder, kind), tokenizer, model in zip(
        checkpoint.tokenizers, tokenizers, models.text_encoders, strict=True
    ):
        known = model.config.vocab_size
        length = model.config.max_position_embeddings if kind == "clip" else 1
        if len(tokenizer) > known:
            raise InputError(
                f"{folder} has {len(tokenizer):,} tokens and its text encoder knows {known:,}: "
                "they belong to other checkpoints"
            )
        if tokenizer.pad_token_id is None or tokenizer.model_max_length < length:
            raise InputError(
                f"{folder} pads with {tokenizer.pad_token} to {tokenizer.model_max_length} tokens, "
                f"and its text encoder reads {length}"
            )
    return tokenizers


def _check_unet(checkpoint: Checkpoint, models: Models) -> None:
    path, config = checkpoint.denoiser.config_file, models.denoiser.config
    for key, what in _NOT_FED.items():
        if config[key] is not None:
            raise InputError(
                f"{path}: {key} is {config[key]!r}: this U-Net is also told {what}, which the "
                "pretrained prior does not do"
            )
    _expect(path, config, "time_embedding_type", "positional")
    _expect(path, config, "attention_type", "default")
    sdxl = checkpoint.family == "sdxl"
    _expect(path, config, "addition_embed_type", "text_time" if sdxl else None)
    if sdxl:
        pooled = models.text_encoders[-1].config.projection_dim
        told = pooled + _NUM_TIME_IDS * config["addition_time_embed_dim"]
        _expect(path, config, "projection_class_embeddings_input_dim", told)


def _check_latents(checkpoint: Checkpoint, models: Models) -> None:
    denoiser, latents = models.denoiser.config, models.autoencoder.config["latent_channels"]
    folded = TRANSFORMER_PATCH**2 if checkpoint.family == "flux" else 1
    if not checkpoint.takes_mask:
        _expect(checkpoint.denoiser.config_file, denoiser, "in_channels", latents * folded)
    variances = 2 if checkpoint.family == "pixart" else 1
    wanted = (None,) if checkpoint.family == "flux" else (latents, latents * variances)
    if denoiser["out_channels"] not in (*wanted, latents * folded):
        _expect(checkpoint.denoiser.config_file, denoiser, "out_channels", latents)
    scale, path = models.autoencoder.config["scaling_factor"], checkpoint.autoencoder.config_file
    if not isinstance(scale, int | float) or not scale > 0:
        raise InputError(f"{path}: scaling_factor is {scale!r}, not a positive number")
    for key in ("latents_mean", "latents_std"):
        values = models.autoencoder.config[key]
        if values is not None and (not isinstance(values, list) or len(values) != latents):
            raise InputError(f"{path}: {key} needs a number for each of {latents} channels")


def _check_features(checkpoint: Checkpoint, models: Models) -> None:
    features = sum(model.config.hidden_size for model in models.text_encoders)
    asked = models.denoiser.config["cross_attention_dim"]
    if set(asked if isinstance(asked, list | tuple) else [asked]) != {features}:
        raise InputError(
            f"{checkpoint.denoiser.config_file}: cross_attention_dim is {asked}, and the text "
            f"encoders make {features} features: they belong to other checkpoints"
        )


def _check_layers(checkpoint: Checkpoint, models: Models, clip_skip: int) -> None:
    if clip_skip and checkpoint.family in ("pixart", "flux"):
        raise InputError(
            f"prior.clip_skip is {clip_skip}, and {checkpoint.path} uses no states of CLIP's "
            "layers: leave it out"
        )
    for component, model in zip(checkpoint.text_encoders, models.text_encoders, strict=True):
        if component.model_class == "T5EncoderModel":
            continue
        used = model.config.num_hidden_layers - (checkpoint.family in ("sdxl", "sd3"))
        if clip_skip >= used:
            raise InputError(
                f"prior.clip_skip is {clip_skip}, and {component.folder} has {used} layers that "
                f"can be used: leave out at most {used - 1}"
            )
        if component.config.get("use_attention_mask"):
            raise InputError(f"{component.config_file}: use_attention_mask is not supported")


def _expect(path: Any, config: Mapping[str, Any], key: str, wanted: Any) -> None:
    if config[key] != wanted:
        raise InputError(f"{path}: {key} is {config[key]!r}; here it must be {wanted!r}")
