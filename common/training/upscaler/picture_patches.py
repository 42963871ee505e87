"""Square patches of training pictures of any sizes, those with more to see more often."""

from collections.abc import Sequence

import numpy as np
from jaxtyping import UInt8

from common.errors import InputError
from common.training.pictures.picture_pools import WeightedPool

_NUM_TRIED = 2


def draw_patches(
    pools: Sequence[WeightedPool], size_px: int, count: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "b h w 4"]:
    """``count`` patches at even places: of two random ones, that with the larger contrast.

    Raises:
        InputError: a pool's pictures are smaller than a patch.
    """
    smallest = min(weighted.pool.size_px for weighted in pools)
    if smallest < size_px:
        raise InputError(f"patches of {size_px} px cannot be cut from pictures of {smallest} px")
    if count == 0:
        return np.empty((0, size_px, size_px, 4), np.uint8)
    weights = np.array([weighted.weight for weighted in pools])
    patches = []
    for index in rng.choice(len(pools), size=count, p=weights / weights.sum()):
        pool = pools[index].pool
        group = int(rng.integers(len(pool.count)))
        picture = pool.pick(group, int(rng.integers(pool.count[group])))
        tried = [_patch(picture, size_px, rng) for _ in range(_NUM_TRIED)]
        patches.append(max(tried, key=lambda patch: float(patch.std())))
    return np.stack(patches)


def _patch(
    picture: UInt8[np.ndarray, "y x 4"], size_px: int, rng: np.random.Generator
) -> UInt8[np.ndarray, "h w 4"]:
    top, left = 2 * rng.integers(0, (picture.shape[0] - size_px) // 2 + 1, 2)
    return np.asarray(picture[top : top + size_px, left : left + size_px])
