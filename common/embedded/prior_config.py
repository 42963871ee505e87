"""Settings of the embedded prior."""

from pathlib import Path
from typing import Literal

from pydantic import Field

from common.adapters.image_prompt_config import ImagePromptConfig
from common.adapters.lora_config import LoraConfig
from common.adapters.word_config import WordConfig
from common.config import Config
from common.diffusion.compute_config import UNetComputeConfig
from common.embedded.control_config import EmbeddedControlConfig


class EmbeddedComputeConfig(UNetComputeConfig):
    """How an embedded denoiser computes: time against rounding and reuse."""

    dtype: Literal["float32", "bfloat16"] = "float32"
    """Of products and convolutions in the denoiser (autocast); weights and latents stay float32.
    bfloat16 is faster where the processor multiplies it (AMX, AVX-512 BF16, CUDA), else slower."""


class EmbeddedPriorConfig(Config):
    """The small models that come with Extrude: emoji and everyday things on transparent ground."""

    name: Literal["embedded"] = "embedded"
    models_dir: Path | None = None
    """Folder of the autoencoder, text encoder and image U-Net; null is the zoo of Extrude."""
    loras: tuple[LoraConfig, ...] = Field((), max_length=32)
    """Changes of the image U-Net; several add up."""
    embeddings: tuple[WordConfig, ...] = Field((), max_length=32)
    """Learnt words for prompts (textual inversion)."""
    controls: tuple[EmbeddedControlConfig, ...] = Field((), max_length=8)
    """Pictures that the embedded ControlNet follows; several add up."""
    image_prompt: ImagePromptConfig | None = None
    """Pictures that say what is drawn, beside the prompt or in its place: it may then be empty."""
    few_steps: int | None = Field(None, ge=1, le=1000)
    """Draw pictures, clips and views in 1, 2, 4 or 8 steps with guidance folded in: sampler ddim
    with as many steps, guidance_scale 1. null is the U-Net as it is."""
    compute: EmbeddedComputeConfig = EmbeddedComputeConfig()
    """How the U-Net computes, where pictures and clips are drawn."""
    trajectory_noise: float | None = Field(1.0, gt=0, le=1000)
    """Of clips: the first frame, moved as the prompt tells (or as a clip that is followed, or drawn
    anew, moves), begins them under noise of this many times the root of the share of the change
    that the move leaves unexplained. Less keeps more of it; null begins with noise alone."""
