"""Settings of the pretrained prior: where the checkpoint is, and how its models compute."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.adapters.image_prompt_config import IPAdapterConfig
from common.adapters.lora_config import LoraConfig
from common.adapters.word_config import WordConfig
from common.config import Config
from common.diffusion.compute_config import UNetComputeConfig
from common.pretrained.control_config import ControlConfig

Dtype = Literal["float32", "bfloat16", "float16"]
Attention = Literal["sdpa", "plain", "sliced", "xformers"]
Offload = Literal["none", "model", "sequential"]


class TokenMergingConfig(Config):
    """Let self-attention see fewer tokens (ToMe for SD, Bolya and Hoffman 2023)."""

    ratio: float = Field(0.5, gt=0, le=0.75)
    """Of the tokens at the latents' own size that are averaged into others."""


class ComputeConfig(UNetComputeConfig):
    """How the models of a checkpoint compute: time and memory against rounding."""

    dtype: Dtype = "float32"
    """Of weights and features; latents stay float32. float16 leaves an autoencoder that says it
    overflows (force_upcast), and T5, in float32."""
    attention: Attention = "sdpa"
    """In the U-Net and the autoencoder. sdpa is torch's fused kernel, plain the textbook formula,
    sliced the same one head at a time (least memory), xformers needs CUDA and its package.
    Transformers have sdpa only."""
    offload: Offload = "none"
    """What waits in the machine's memory until the GPU uses it: whole models in turn (model), or
    each layer (sequential: the least memory, many times slower). For pictures, on CUDA."""
    vae_tiling: bool = False
    """Decode and encode in overlapping tiles of the autoencoder's own size: memory no longer grows
    with the picture, which changes a little."""
    token_merging: TokenMergingConfig | None = None
    """Merge tokens before self-attention at the latents' own size; null merges none. For pictures,
    of checkpoints that attend there: Stable Diffusion 1.x and 2.x, not XL."""
    decode_batch: int = Field(1, ge=1, le=1024)
    """Pictures that the autoencoder takes together, where several are decoded or encoded."""


class SizeConditionConfig(Config):
    """What SDXL is told of the size of the picture it draws, as it was of its training pictures."""

    original_size_px: tuple[int, int] | None = None
    """Height and width before any scaling; small ones ask for blur. null: the picture's."""
    crop_top_left_px: tuple[int, int] = (0, 0)
    """Rows and columns cut off at the top and left; 0, 0 asks for a centred object."""
    target_size_px: tuple[int, int] | None = None
    """Height and width after scaling; null: the picture's."""


class PretrainedPriorConfig(Config):
    """Stable Diffusion 1.x to 3.5, PixArt or FLUX.1, a folder in diffusers' format or one file."""

    name: Literal["pretrained"] = "pretrained"
    path: str = Field(min_length=1, max_length=1000)
    """The checkpoint's folder, the one with model_index.json, or its id on the Hugging Face hub; or
    one .safetensors file of Stable Diffusion or FLUX.1 as they were published."""
    components: Path | None = None
    """With a single file: a folder of its family in diffusers' format. Its configs, tokenizers and
    scheduler are used, and its weights only for models that the file leaves out."""
    allow_download: bool = False
    """Let a hub id be downloaded; otherwise it must be in the hub's cache already."""
    revision: str | None = Field(None, pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]*$")
    """Branch, tag or commit of a hub id; null is its main branch."""
    variant: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]+$")
    """Which weights of the folder, such as fp16 for diffusion_pytorch_model.fp16.safetensors."""
    clip_skip: int = Field(0, ge=0, le=100)
    """Last layers of the text encoders that are left out, for prompt and negative prompt alike.
    Where 1 means none (AUTOMATIC1111), subtract 1."""
    loras: tuple[LoraConfig, ...] = Field((), max_length=32)
    """Changes of the U-Net and the text encoders; several add up."""
    embeddings: tuple[WordConfig, ...] = Field((), max_length=32)
    """Learnt words for prompts (textual inversion)."""
    controls: tuple[ControlConfig, ...] = Field((), max_length=8)
    """ControlNets and the pictures that they follow; several add up."""
    image_prompt: IPAdapterConfig | None = None
    """An IP-Adapter and the pictures that say what is drawn, beside the prompt or in its place."""
    embedded_guidance: float = Field(3.5, ge=0, le=100)
    """The guidance scale that FLUX.1 dev is told, as it was when it was distilled; the scale that
    combines two predictions is guidance.guidance_scale, 1 for these models."""
    size_condition: SizeConditionConfig = SizeConditionConfig()
    """What SDXL is told of the picture's size."""
    compute: ComputeConfig = ComputeConfig()
    """How the models compute."""
