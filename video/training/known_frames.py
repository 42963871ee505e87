"""What the training of a spacetime DiT gives away of its clips."""

import numpy as np
from jaxtyping import Float32
from pydantic import Field, model_validator

from common.config import Config


class KnownFrames(Config):
    """Shares of the clips that have something given; the others have nothing."""

    first: float = Field(0.4, ge=0, le=1)
    """The first frame."""
    keys: float = Field(0.1, ge=0, le=1)
    """Any frames, each as likely as not, but never all."""
    region: float = Field(0.05, ge=0, le=1)
    """What lies outside of a box, in all frames."""

    @model_validator(mode="after")
    def _shares_fit(self) -> "KnownFrames":
        total = self.first + self.keys + self.region
        if total > 1:
            raise ValueError(f"first, keys and region add up to {total:g}; they share the clips")
        return self


def draw_known(
    config: KnownFrames, shape: tuple[int, int, int, int], rng: np.random.Generator
) -> Float32[np.ndarray, "b 1 f h w"]:
    """1 where cells of clips ``(b, f, h, w)`` are given; a single frame is never given whole."""
    count, frames, height, width = shape
    found = np.zeros((count, 1, frames, height, width), np.float32)
    for one in found:
        chance = rng.random()
        if chance < config.region:
            one[:] = 1
            one[..., _span(height, rng), _span(width, rng)] = 0
        elif frames > 1 and chance < config.region + config.first:
            one[:, 0] = 1
        elif frames > 1 and chance < config.region + config.first + config.keys:
            given = rng.random(frames) < 0.5
            given[rng.integers(frames)] = False
            one[:, given] = 1
    return found


def _span(size: int, rng: np.random.Generator) -> slice:
    """Between a quarter and all of an axis."""
    length = int(rng.integers(max(size // 4, 1), size + 1))
    start = int(rng.integers(size - length + 1))
    return slice(start, start + length)
