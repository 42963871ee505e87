"""Settings of ControlNets."""

from pathlib import Path

from pydantic import Field

from common.control.followed_config import FollowedConfig


class ControlConfig(FollowedConfig):
    """A ControlNet (Zhang et al. 2023) and the picture that it follows."""

    path: Path
    """The ControlNet's folder in diffusers' format: config.json and its safetensors."""
    variant: str | None = Field(None, pattern=r"^[A-Za-z0-9_-]+$")
    """Which weights of the folder, such as fp16."""
