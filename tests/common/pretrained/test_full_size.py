"""The real architectures at full size: files with true headers and no data on disk."""

import json
import struct
from math import prod

import pytest
import torch
from diffusers import AutoencoderKL, UNet2DConditionModel
from transformers import CLIPTextConfig, CLIPTextModel, CLIPTextModelWithProjection

from common.pretrained.config import ComputeConfig, PretrainedPriorConfig
from common.pretrained.memory import pretrained_need
from tests.common.pretrained.tiny_pipelines import tokenizer

CLIP_L = {"hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12,
          "num_attention_heads": 12, "projection_dim": 768, "vocab_size": 49408}  # fmt: skip
CLIP_G = {"hidden_size": 1280, "intermediate_size": 5120, "num_hidden_layers": 32,
          "num_attention_heads": 20, "projection_dim": 1280, "vocab_size": 49408,
          "hidden_act": "gelu"}  # fmt: skip
VAE = {"block_out_channels": [128, 256, 512, 512], "layers_per_block": 2, "sample_size": 512,
       "down_block_types": ["DownEncoderBlock2D"] * 4,
       "up_block_types": ["UpDecoderBlock2D"] * 4}  # fmt: skip
SD15_UNET = {"cross_attention_dim": 768, "sample_size": 64}
SDXL_UNET = {
    "sample_size": 128, "block_out_channels": [320, 640, 1280],
    "down_block_types": ["DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"],
    "up_block_types": ["CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"],
    "transformer_layers_per_block": [1, 2, 10], "attention_head_dim": [5, 10, 20],
    "cross_attention_dim": 2048, "use_linear_projection": True,
    "addition_embed_type": "text_time", "addition_time_embed_dim": 256,
    "projection_class_embeddings_input_dim": 2816,
}  # fmt: skip
SCHEDULER = {"_class_name": "DDIMScheduler", "beta_schedule": "scaled_linear",
             "beta_start": 0.00085, "beta_end": 0.012}  # fmt: skip


def store(folder, name, values, model, dtype):
    """A model's config, and a file of its size that holds a header and a hole."""
    place = folder / name
    place.mkdir(parents=True)
    kind = type(model).__name__
    of_text = kind.startswith("CLIP")
    own = {"architectures": [kind]} if of_text else {"_class_name": kind}
    (place / "config.json").write_text(json.dumps(values | own))
    header, end, width = {}, 0, {"F32": 4, "F16": 2}[dtype]
    for key, tensor in model.state_dict().items():
        start, end = end, end + width * prod(tensor.shape)
        header[key] = {"dtype": dtype, "shape": list(tensor.shape), "data_offsets": [start, end]}
    text = json.dumps(header).encode()
    text += b" " * (-len(text) % 8)
    stem = "model" if of_text else "diffusion_pytorch_model"
    with (place / f"{stem}.safetensors").open("wb") as file:
        file.write(struct.pack("<Q", len(text)) + text)
        file.truncate(8 + len(text) + end)


def stored(folder, family, dtype="F32"):
    """A checkpoint of a family's published architecture; its folder."""
    parts = {"unet": ["diffusers", "UNet2DConditionModel"], "vae": ["diffusers", "AutoencoderKL"],
             "text_encoder": ["transformers", "CLIPTextModel"],
             "tokenizer": ["transformers", "CLIPTokenizer"]}  # fmt: skip
    name = "StableDiffusionPipeline"
    with torch.device("meta"):
        values = SD15_UNET if family == "sd15" else SDXL_UNET
        store(folder, "unet", values, UNet2DConditionModel(**values), dtype)
        store(folder, "vae", VAE, AutoencoderKL(**VAE), dtype)
        store(folder, "text_encoder", CLIP_L, CLIPTextModel(CLIPTextConfig(**CLIP_L)), dtype)
        if family == "sdxl":
            name = "StableDiffusionXLPipeline"
            parts["text_encoder_2"] = ["transformers", "CLIPTextModelWithProjection"]
            parts["tokenizer_2"] = ["transformers", "CLIPTokenizer"]
            model = CLIPTextModelWithProjection(CLIPTextConfig(**CLIP_G))
            store(folder, "text_encoder_2", CLIP_G, model, dtype)
    for part in parts:
        if part.startswith("tokenizer"):
            tokenizer().save_pretrained(folder / part)
    (folder / "scheduler").mkdir()
    (folder / "scheduler/scheduler_config.json").write_text(json.dumps(SCHEDULER))
    (folder / "model_index.json").write_text(json.dumps(parts | {"_class_name": name}))
    return folder


# Parameters as published: U-Net, autoencoder, text encoders.
PUBLISHED = {
    "sd15": (859_520_964, 83_653_863, 123_060_480),
    "sdxl": (2_567_463_684, 83_653_863, 123_060_480, 694_659_840),
}


@pytest.mark.slow
@pytest.mark.parametrize("family", PUBLISHED)
def test_full_size_checkpoint_is_read_and_estimated(tmp_path, family):
    folder, total = stored(tmp_path, family), sum(PUBLISHED[family])
    config = PretrainedPriorConfig(path=str(folder))
    need = pretrained_need(config, (256, 256), 1)
    assert need.weights_bytes == 4 * total
    assert need.reading_bytes == 0
    # Decoding 256 px: the last level has 256 and 128 channels, 64 and 32 MiB a tensor.
    assert 128 * 2**20 < need.activation_bytes < 1024 * 2**20
    half = config.model_copy(update={"compute": ComputeConfig(dtype="bfloat16")})
    lean = pretrained_need(half, (256, 256), 1)
    assert lean.weights_bytes == 2 * total
    assert lean.activation_bytes == pytest.approx(need.activation_bytes / 2, rel=0.02)
