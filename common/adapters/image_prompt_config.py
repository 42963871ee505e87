"""Settings of image prompts."""

from pathlib import Path

from pydantic import Field

from common.config import Config


class ImagePromptConfig(Config):
    """Pictures that say what is to be drawn, beside the prompt or in its place (IP-Adapter)."""

    pictures: tuple[Path, ...] = Field(min_length=1, max_length=16)
    """One, or several of one thing: PNG, JPEG, WebP, BMP, TIFF or GIF."""
    scale: float = Field(1.0, ge=0, le=2)
    """How strongly they are followed; 0 leaves the prior as it is. With a prompt 0.5 to 0.8 leaves
    it some say."""


class IPAdapterConfig(ImagePromptConfig):
    """Image prompts of a checkpoint: an IP-Adapter and the picture encoder it was trained with."""

    path: Path
    """The adapter: one .safetensors file such as ip-adapter_sd15.safetensors, plain or plus."""
    image_encoder: Path
    """Folder of the CLIP picture encoder: config.json and model.safetensors."""
