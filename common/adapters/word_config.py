"""Settings of learnt words."""

from pathlib import Path

from pydantic import Field

from common.config import Config


class WordConfig(Config):
    """A word with vectors of its own (textual inversion, Gal et al. 2022, arXiv 2208.01618)."""

    path: Path
    """A .safetensors file: the word and its vectors (diffusers), or emb_params, clip_l and clip_g
    (AUTOMATIC1111, ComfyUI)."""
    word: str | None = Field(None, min_length=1, max_length=100)
    """What stands for it in prompts; null is the file's own, or else the file's name."""
