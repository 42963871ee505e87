"""Samples of frames that belong together, as the trainers of frame layers take them."""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

import numpy as np
from jaxtyping import Float32

from common.embedded.image_unet import View


@dataclass(frozen=True)
class FrameBatch:
    """Clips, or views of objects."""

    latents: Float32[np.ndarray, "b c f h w"]
    prompts: tuple[str, ...]
    views: tuple[tuple[View, ...] | None, ...]
    """Of each sample, the view of each frame; None leaves them open."""
    times: Float32[np.ndarray, "b f"]
    """When each frame is, counted in frames."""


@runtime_checkable
class FrameSource(Protocol):
    """Where samples come from."""

    def draw(self, count: int, rng: np.random.Generator) -> FrameBatch:
        """Samples at random, with captions in either language."""
        ...

    def held_out(self) -> FrameBatch:
        """Samples that are never trained on, always the same ones, with plain English captions."""
        ...
