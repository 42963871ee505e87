"""From a checkpoint's models to the prior of a transformer."""

from typing import Any

from common.diffusion.prior import PriorSpec
from common.pretrained.checkpoint import Checkpoint
from common.pretrained.clip_encoding import ClipEncoder
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.dit.flux import Flux, FluxText
from common.pretrained.dit.pixart import PixArt, PixArtText
from common.pretrained.dit.prior import Denoiser, ReadsPrompts, TransformerPrior
from common.pretrained.dit.sd3 import SD3, SD3Text
from common.pretrained.fit import Models
from common.pretrained.latent_coder import LatentCoder
from common.pretrained.t5_encoding import T5Encoder


def denoiser_of(checkpoint: Checkpoint, models: Models, config: PretrainedPriorConfig) -> Denoiser:
    """The transformer, told as its family is told; it may be without weights."""
    match checkpoint.family:
        case "pixart":
            return PixArt(models.denoiser, checkpoint.downsampling)
        case "sd3":
            return SD3(models.denoiser)
        case "flux":
            return Flux(models.denoiser, config.embedded_guidance)
        case _:
            raise TypeError(f"{checkpoint.family} is no family of transformers")


def reader_of(
    checkpoint: Checkpoint, models: Models, tokenizers: tuple[Any, ...], clip_skip: int
) -> ReadsPrompts:
    """The text encoders of a family at work."""
    texts, tokens = models.text_encoders, checkpoint.t5_tokens
    clips = tuple(map(ClipEncoder, tokenizers[:2], texts[:2]))
    match checkpoint.family:
        case "pixart":
            return PixArtText(T5Encoder(tokenizers[0], texts[0], tokens, hides_padding=True))
        case "sd3":
            t5 = None
            if len(texts) == 3:
                t5 = T5Encoder(tokenizers[2], texts[2], tokens, hides_padding=False)
            width = models.denoiser.config["joint_attention_dim"]
            return SD3Text(clips, t5, tokens, width, clip_skip)
        case "flux":
            return FluxText(
                clips[0], T5Encoder(tokenizers[1], texts[1], tokens, hides_padding=False)
            )
        case _:
            raise TypeError(f"{checkpoint.family} is no family of transformers")


def build_transformer_prior(
    checkpoint: Checkpoint,
    models: Models,
    tokenizers: tuple[Any, ...],
    config: PretrainedPriorConfig,
    coder: LatentCoder,
    spec: PriorSpec,
) -> TransformerPrior:
    """The prior of models that have their weights."""
    text = reader_of(checkpoint, models, tokenizers, config.clip_skip)
    return TransformerPrior(denoiser_of(checkpoint, models, config), text, coder, spec)
