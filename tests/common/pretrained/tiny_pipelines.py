"""Checkpoints in the shapes of SD 1.5, SD 2.1 and SDXL, small and random, made by diffusers."""

from pathlib import Path

import torch
from diffusers import (
    AutoencoderKL,
    DDIMScheduler,
    EulerDiscreteScheduler,
    PNDMScheduler,
    StableDiffusionPipeline,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from tokenizers.pre_tokenizers import ByteLevel
from transformers import (
    CLIPTextConfig,
    CLIPTextModel,
    CLIPTextModelWithProjection,
    CLIPTokenizer,
)

SD_BETAS = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
MERGES = ["r e", "re d</w>", "c a", "ca t</w>", "d o", "do g</w>", "i n</w>", "t h", "th e</w>"]
SIZE = (64, 80)
"""Pixels; latents are 8 x 10, which the U-Net's two levels halve to 4 x 5."""


def tokenizer(pad_token="<|endoftext|>"):
    """CLIP's tokenizer with all bytes and a few words."""
    signs = sorted(ByteLevel.alphabet())
    words = [*signs, *(f"{sign}</w>" for sign in signs), *(m.replace(" ", "") for m in MERGES)]
    names = [*words, "<|startoftext|>", "<|endoftext|>"]
    return CLIPTokenizer(
        vocab={name: number for number, name in enumerate(names)},
        merges=[tuple(merge.split()) for merge in MERGES],
        pad_token=pad_token, model_max_length=77,
    )  # fmt: skip


def text_encoder(words, width=32, cls=CLIPTextModel, act="quick_gelu", projection=24):
    """Three layers that read 77 tokens."""
    return cls(CLIPTextConfig(
        vocab_size=len(words), hidden_size=width, intermediate_size=2 * width,
        num_hidden_layers=3, num_attention_heads=4, max_position_embeddings=77, hidden_act=act,
        projection_dim=projection, bos_token_id=words.bos_token_id,
        eos_token_id=words.eos_token_id, pad_token_id=words.pad_token_id,
    ))  # fmt: skip


def autoencoder(**changes):
    """Four levels, as the real ones, in few channels."""
    sizes = {
        "block_out_channels": [8, 8, 16, 16], "norm_num_groups": 4, "sample_size": 64,
        "down_block_types": ["DownEncoderBlock2D"] * 4, "up_block_types": ["UpDecoderBlock2D"] * 4,
    }  # fmt: skip
    return AutoencoderKL(**sizes | changes)


def unet(features, **changes):
    """Two levels, attention on the inner one."""
    sizes = {
        "block_out_channels": (16, 32), "layers_per_block": 1, "sample_size": 8,
        "down_block_types": ("DownBlock2D", "CrossAttnDownBlock2D"),
        "up_block_types": ("CrossAttnUpBlock2D", "UpBlock2D"),
        "cross_attention_dim": features, "norm_num_groups": 8, "attention_head_dim": 4,
    }  # fmt: skip
    return UNet2DConditionModel(**sizes | changes)


def shaken(model, seed):
    """Every weight moved: as made, many are 0 or 1, and a wrong one would not be seen."""
    generator = torch.Generator().manual_seed(seed)
    with torch.no_grad():
        for weight in model.parameters():
            weight += 0.05 * torch.randn(weight.shape, generator=generator)
    return model.eval()


def sd_pipeline(words, scheduler, act="quick_gelu", **unet_changes):
    """A Stable Diffusion pipeline of random models."""
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        return StableDiffusionPipeline(
            vae=shaken(autoencoder(), 1), unet=shaken(unet(32, **unet_changes), 2),
            text_encoder=shaken(text_encoder(words, act=act), 3), tokenizer=words,
            scheduler=scheduler, safety_checker=None, feature_extractor=None, image_encoder=None,
            requires_safety_checker=False,
        )  # fmt: skip


def sd15():
    """As Stable Diffusion 1.5: predicts the noise."""
    scheduler = PNDMScheduler(**SD_BETAS, skip_prk_steps=True, steps_offset=1)
    return sd_pipeline(tokenizer(), scheduler)


def sd21():
    """As Stable Diffusion 2.1: predicts v, linear projections, heads by level."""
    scheduler = DDIMScheduler(
        **SD_BETAS, prediction_type="v_prediction", clip_sample=False, set_alpha_to_one=False,
        steps_offset=1,
    )  # fmt: skip
    return sd_pipeline(
        tokenizer("!"), scheduler, "gelu", use_linear_projection=True, attention_head_dim=[2, 4],
        upcast_attention=True,
    )  # fmt: skip


def sdxl():
    """As Stable Diffusion XL: two text encoders, sizes and a pooled state."""
    first, second = tokenizer(), tokenizer("!")
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        models = {
            "vae": shaken(autoencoder(scaling_factor=0.13025), 1),
            "text_encoder": shaken(text_encoder(first), 3),
            "text_encoder_2": shaken(
                text_encoder(second, 48, CLIPTextModelWithProjection, "gelu", 40), 4
            ),
            "unet": shaken(unet(
                32 + 48, use_linear_projection=True, addition_embed_type="text_time",
                addition_time_embed_dim=8, transformer_layers_per_block=[1, 2],
                projection_class_embeddings_input_dim=40 + 6 * 8, attention_head_dim=[2, 4],
            ), 2),
        }  # fmt: skip
    scheduler = EulerDiscreteScheduler(**SD_BETAS, timestep_spacing="leading", steps_offset=1)
    return StableDiffusionXLPipeline(
        **models, tokenizer=first, tokenizer_2=second, scheduler=scheduler, add_watermarker=False
    )


def store(pipeline, folder: Path) -> Path:
    """Save a pipeline as safetensors; its folder."""
    pipeline.save_pretrained(folder, safe_serialization=True)
    return folder
