"""Checkpoints in the shapes of PixArt, Stable Diffusion 3 and FLUX.1, small and random."""

import torch
from diffusers import (
    DPMSolverMultistepScheduler,
    FlowMatchEulerDiscreteScheduler,
    FluxPipeline,
    FluxTransformer2DModel,
    PixArtAlphaPipeline,
    PixArtSigmaPipeline,
    PixArtTransformer2DModel,
    SD3Transformer2DModel,
    StableDiffusion3Pipeline,
)
from transformers import CLIPTextModelWithProjection, T5Config, T5EncoderModel, T5Tokenizer

from tests.common.pretrained.tiny_pipelines import autoencoder, shaken, text_encoder, tokenizer

WIDTH = 32
"""Of T5's states."""


def t5_tokenizer():
    """All small letters and a few words."""
    words = ["▁a", "▁red", "▁cat", "▁in", "▁the", "▁house", "▁dog", "▁"]
    signs = [*"abcdefghijklmnopqrstuvwxyz0123456789,.!?<>()[]:"]
    pieces = [(word, -float(place)) for place, word in enumerate(words, 1)]
    pieces += [(sign, -20.0) for sign in signs]
    marks = [("<pad>", 0.0), ("</s>", 0.0), ("<unk>", 0.0)]
    return T5Tokenizer(vocab=[*marks, *pieces], extra_ids=0, model_max_length=512)


def t5(words):
    """Two gated layers, as those of T5 v1.1."""
    return T5EncoderModel(T5Config(
        vocab_size=len(words), d_model=WIDTH, d_kv=8, d_ff=48, num_layers=2, num_heads=4,
        feed_forward_proj="gated-gelu",
    ))  # fmt: skip


def sixteen_channels():
    """The autoencoder of the flows: 16 channels, a shift, no convolutions at the latent."""
    return autoencoder(
        latent_channels=16, shift_factor=0.0609, scaling_factor=1.5305,
        use_quant_conv=False, use_post_quant_conv=False,
    )  # fmt: skip


def pixart(pipeline=PixArtSigmaPipeline, **changes):
    """As PixArt: predicts the noise and a variance."""
    words = t5_tokenizer()
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        sizes = {
            "num_attention_heads": 4, "attention_head_dim": 12, "num_layers": 2, "in_channels": 4,
            "out_channels": 8, "cross_attention_dim": 48, "caption_channels": WIDTH,
            "sample_size": 8, "use_additional_conditions": False,
        }  # fmt: skip
        return pipeline(
            transformer=shaken(PixArtTransformer2DModel(**sizes | changes), 2),
            text_encoder=shaken(t5(words), 3), tokenizer=words, vae=shaken(autoencoder(), 1),
            scheduler=DPMSolverMultistepScheduler(beta_start=0.0001, beta_end=0.02),
        )  # fmt: skip


def pixart_alpha():
    """As PixArt-alpha at 1024 px, which is told the picture's size."""
    return pixart(PixArtAlphaPipeline, sample_size=128, use_additional_conditions=None)


def sd3(with_t5=True):
    """As Stable Diffusion 3: two CLIPs and a T5."""
    first, second, third = tokenizer(), tokenizer("!"), t5_tokenizer()
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        transformer = SD3Transformer2DModel(
            sample_size=8, num_layers=2, attention_head_dim=8, num_attention_heads=4,
            joint_attention_dim=64, caption_projection_dim=32, pooled_projection_dim=20 + 12,
            pos_embed_max_size=12, in_channels=16, out_channels=16, qk_norm="rms_norm",
            dual_attention_layers=(0,),
        )  # fmt: skip
        encoder = T5EncoderModel(T5Config(
            vocab_size=len(third), d_model=64, d_kv=8, d_ff=48, num_layers=2, num_heads=4,
            feed_forward_proj="gated-gelu",
        ))  # fmt: skip
        projected = CLIPTextModelWithProjection
        return StableDiffusion3Pipeline(
            transformer=shaken(transformer, 2), vae=shaken(sixteen_channels(), 1),
            text_encoder=shaken(text_encoder(first, 24, projected, projection=20), 3),
            text_encoder_2=shaken(text_encoder(second, 32, projected, "gelu", 12), 4),
            text_encoder_3=shaken(encoder, 5) if with_t5 else None,
            tokenizer=first, tokenizer_2=second, tokenizer_3=third if with_t5 else None,
            scheduler=FlowMatchEulerDiscreteScheduler(shift=3.0),
        )  # fmt: skip


def flux(guidance_embeds=True):
    """As FLUX.1 dev, or schnell without ``guidance_embeds``."""
    first, second = tokenizer(), t5_tokenizer()
    settings = {"use_dynamic_shifting": True, "base_shift": 0.5, "max_shift": 1.15}
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        transformer = FluxTransformer2DModel(
            in_channels=64, num_layers=1, num_single_layers=2, attention_head_dim=16,
            num_attention_heads=2, joint_attention_dim=WIDTH, pooled_projection_dim=24,
            guidance_embeds=guidance_embeds, axes_dims_rope=(4, 6, 6),
        )  # fmt: skip
        return FluxPipeline(
            transformer=shaken(transformer, 2), vae=shaken(sixteen_channels(), 1),
            text_encoder=shaken(text_encoder(first, 24), 3), tokenizer=first,
            text_encoder_2=shaken(t5(second), 4), tokenizer_2=second,
            scheduler=FlowMatchEulerDiscreteScheduler(**settings if guidance_embeds else {}),
        )  # fmt: skip
