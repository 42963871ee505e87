"""Several views of one object at once, as the view layers' training takes them."""

from dataclasses import dataclass

import numpy as np
from einops import rearrange

from common.embedded.image_unet import View
from common.training.frames.frame_batch import FrameBatch
from common.training.kit.orbit_parts import NUM_FRONTS
from common.training.pictures.latent_sets import LatentSet
from common.training.pictures.subjects import draw_caption, plain_caption

NUM_HELD_OUT = 96
FRONT_SHARE = 0.5
"""Share of the samples whose first view is near the front, as a given picture mostly is."""


@dataclass(frozen=True)
class ViewSource:
    """Objects seen from many sides, and held-out ones to measure on."""

    orbits: LatentSet
    measured: LatentSet
    num_views: int
    chinese_share: float
    """Share of the captions that are Chinese."""

    def draw(self, count: int, rng: np.random.Generator) -> FrameBatch:
        """Objects at random, each from different sides in any order."""
        rows = rng.integers(len(self.orbits.subjects), size=count).tolist()
        places = [self._places(rng) for _ in rows]
        prompts = [
            draw_caption(
                self.orbits.subjects[row], "zh" if rng.random() < self.chinese_share else "en", rng
            )
            for row in rows
        ]
        return _batch(self.orbits, rows, places, prompts)

    def _places(self, rng: np.random.Generator) -> list[int]:
        order: list[int] = rng.permutation(self.orbits.latents.shape[1]).tolist()
        if rng.random() < FRONT_SHARE:
            front = int(rng.integers(NUM_FRONTS))
            order = [front, *(place for place in order if place != front)]
        return order[: self.num_views]

    def held_out(self) -> FrameBatch:
        """Held-out instances from evenly spaced sides, the front first, with plain captions."""
        subjects, available = self.measured.subjects, self.measured.latents.shape[1]
        count = min(NUM_HELD_OUT, len(subjects))
        rows = np.linspace(0, len(subjects) - 1, count).round().astype(int).tolist()
        places = (np.arange(self.num_views) * available // self.num_views).tolist()
        prompts = [plain_caption(subjects[row]) for row in rows]
        return _batch(self.measured, rows, [places] * count, prompts)


def _batch(
    orbits: LatentSet, rows: list[int], places: list[list[int]], prompts: list[str]
) -> FrameBatch:
    pairs = list(zip(rows, places, strict=True))
    latents = np.stack([orbits.latents[row][some] for row, some in pairs]).astype(np.float32)
    views = tuple(
        tuple(View(*map(float, orbits.views[row, place])) for place in some) for row, some in pairs
    )
    times = np.zeros(latents.shape[:2], np.float32)
    return FrameBatch(
        np.ascontiguousarray(rearrange(latents, "b f z y x -> b z f y x")),
        tuple(prompts), views, times,
    )  # fmt: skip
