"""Kit pictures with their depth and normals, framed around the thing as the estimator sees it.

Each sample is moved, scaled, mirrored and painted anew: the kit's light and colours are few, and
emoji and drawings have others.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, UInt8
from torch import Tensor

from common.control.estimated_maps import SIZE_PX, VISIBLE
from common.control.geometry_maps import unit_vectors
from common.embedded.geometry_estimator import REDUCTION
from common.shapes import Images
from common.training.kit.kit_truths import DEPTH, NORMALS, KitTruthSet
from common.training.pictures.augmentation import chance
from common.training.pictures.thing_frames import (
    box_of,
    painted,
    random_frames,
    seen_in,
    unit_pictures,
)


class Sample(NamedTuple):
    """Framed pictures and what is true of them."""

    pictures: Images
    """Premultiplied, in [-1, 1]."""
    nearness: Float[Tensor, "b y x"]
    """The depth map as large as the estimator's, 0 where empty."""
    normals: Float[Tensor, "b 3 y x"]
    """Unit vectors where there is a thing."""
    there: Bool[Tensor, "b y x"]
    """Where picture and truth both have the thing."""


@dataclass(frozen=True)
class GeometrySource:
    """Pictures and truths row by row, one array of each category after the other."""

    pixels: tuple[UInt8[np.ndarray, "_ h w 4"], ...]
    truths: tuple[UInt8[np.ndarray, "_ h w 5"], ...]

    def __len__(self) -> int:
        return sum(map(len, self.pixels))

    def row(self, row: int) -> tuple[UInt8[np.ndarray, "h w 4"], UInt8[np.ndarray, "h w 5"]]:
        """A picture and its truth."""
        for pixels, truths in zip(self.pixels, self.truths, strict=True):
            if row < len(pixels):
                return np.asarray(pixels[row]), np.asarray(truths[row])
            row -= len(pixels)
        raise IndexError(row)

    def draw(self, count: int, rng: np.random.Generator, generator: torch.Generator) -> Sample:
        """Rows at random, framed at random and painted anew."""
        pairs = [self.row(int(row)) for row in rng.integers(0, len(self), count)]
        boxes = torch.tensor([box_of(pixels) for pixels, _ in pairs], dtype=torch.float32)
        pictures = unit_pictures(np.stack([pixels for pixels, _ in pairs]))
        truths = unit_pictures(
            np.stack([truth[..., [DEPTH, *_NORMAL_CHANNELS]] for _, truth in pairs])
        )
        mirrored = chance(count, 0.5, generator)
        frames = random_frames(boxes, mirrored.flatten(), generator)
        pictures = seen_in(pictures, frames, SIZE_PX, "bilinear")
        truths = seen_in(truths, frames, SIZE_PX // REDUCTION, "nearest")
        sample = truth_sample(painted(pictures, generator), truths)
        normals = torch.where(mirrored, sample.normals * _MIRROR, sample.normals)
        return sample._replace(normals=normals)


_NORMAL_CHANNELS = tuple(range(NORMALS.start, NORMALS.stop))
_MIRROR = torch.tensor([-1.0, 1.0, 1.0])[:, None, None]


def geometry_source(sets: Sequence[KitTruthSet]) -> GeometrySource:
    """The prepared pictures of a part."""
    return GeometrySource(tuple(one.pixels for one in sets), tuple(one.truths for one in sets))


def truth_sample(pictures: Images, truths: Float[Tensor, "b 4 y x"]) -> Sample:
    """Premultiplied pictures in [0, 1] with smaller depth and normal maps in [0, 1]."""
    normals = unit_vectors(truths[:, 1:] * 2 - 1)
    there = (truths[:, 0] > 0) & (F.avg_pool2d(pictures[:, 3], REDUCTION) > VISIBLE)
    return Sample(pictures * 2 - 1, truths[:, 0], normals, there)
