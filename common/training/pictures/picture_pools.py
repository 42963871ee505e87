"""Where training pictures come from: mapped arrays of pictures, in groups that belong together.

A group is what should be drawn equally often as another: one emoji still, one animation with all
its frames, one object with all its views. Drawing takes a pool by weight, a group of it, then a
picture of the group, each with equal chance.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from jaxtyping import Int64, UInt8

from common.errors import InputError


@dataclass(frozen=True)
class PicturePool:
    """Pictures of one size with premultiplied alpha, in groups of neighbouring rows."""

    shards: tuple[UInt8[np.ndarray, "_ h w 4"], ...]
    """Arrays, mapped from disk."""
    shard_of: Int64[np.ndarray, " n"]
    """The shard of each group."""
    first: Int64[np.ndarray, " n"]
    """Its first row there."""
    count: Int64[np.ndarray, " n"]
    """How many rows it has."""

    def __post_init__(self) -> None:
        """Refuse a pool without pictures, which could not be drawn from."""
        if not len(self.count) or int(self.count.min()) < 1:
            raise InputError("a pool of pictures has at least one group and no empty group")

    @property
    def size_px(self) -> int:
        """The side of the square pictures."""
        return int(self.shards[0].shape[1])

    def pick(self, group: int, member: int) -> UInt8[np.ndarray, "h w 4"]:
        """Picture ``member`` of a group."""
        return self.shards[self.shard_of[group]][self.first[group] + member]


@dataclass(frozen=True)
class WeightedPool:
    """A pool and how often it is drawn from, relative to the others."""

    pool: PicturePool
    weight: float


def draw_pictures(
    pools: Sequence[WeightedPool], count: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "b h w 4"]:
    """``count`` pictures, drawn independently of each other.

    Raises:
        InputError: the pools' pictures differ in size.
    """
    sizes = {weighted.pool.size_px for weighted in pools}
    if len(sizes) != 1:
        raise InputError(f"pictures that are drawn together need one size, not {sorted(sizes)}")
    weights = np.array([weighted.weight for weighted in pools])
    chosen = rng.choice(len(pools), size=count, p=weights / weights.sum())
    places = rng.random((count, 2))
    pictures = []
    for index, (u, v) in zip(chosen, places, strict=True):
        pool = pools[index].pool
        group = int(u * len(pool.count))
        pictures.append(pool.pick(group, int(v * pool.count[group])))
    return np.stack(pictures)


def pool_of_rows(pixels: UInt8[np.ndarray, "_ h w 4"], rows: Sequence[int]) -> PicturePool:
    """A pool in which each of ``rows`` is a group of its own."""
    first = np.array(rows, dtype=np.int64)
    return PicturePool((pixels,), np.zeros_like(first), first, np.ones_like(first))
