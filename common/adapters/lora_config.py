"""Settings of LoRAs."""

from pathlib import Path

from pydantic import Field

from common.config import Config


class LoraConfig(Config):
    """A small change of a model's weights, kept in a file of its own (Hu et al. 2021)."""

    path: Path
    """A .safetensors file in kohya's, PEFT's or diffusers' layout."""
    scale: float = Field(1.0, ge=-10, le=10)
    """How much of the change is made; 0 leaves the model as it is."""
    text_scale: float | None = Field(None, ge=-10, le=10)
    """The same for the text encoders; null: ``scale``."""
