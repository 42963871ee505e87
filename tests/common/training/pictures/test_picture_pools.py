import numpy as np
import pytest

from common.errors import InputError
from common.training.emoji.emoji_clips import EmojiClip, EmojiClips
from common.training.pictures.picture_pools import (
    PicturePool,
    WeightedPool,
    draw_pictures,
    pool_of_rows,
)
from common.training.pictures.picture_sources import clip_pool


def numbered(count: int, first: int = 0, side: int = 2) -> np.ndarray:
    """Pictures whose every value is their number."""
    values = np.arange(first, first + count, dtype=np.uint8)
    return np.broadcast_to(values[:, None, None, None], (count, side, side, 4)).copy()


def shares(pictures: np.ndarray) -> dict[int, float]:
    numbers, counts = np.unique(pictures[:, 0, 0, 0], return_counts=True)
    return dict(zip(numbers.tolist(), (counts / len(pictures)).tolist(), strict=True))


def test_groups_are_equally_likely_whatever_their_length():
    clips = EmojiClips(
        (EmojiClip("a", 0, 0, 1, 40), EmojiClip("b", 1, 1, 9, 360), EmojiClip("x", 1, 0, 1, 40)),
        (numbered(1), numbered(10, first=100)),
    )
    pool = clip_pool(clips, frozenset({"a", "b"}))
    found = shares(draw_pictures([WeightedPool(pool, 1.0)], 4000, np.random.default_rng(0)))
    # 4000 draws of a fair coin: 5 standard deviations are 0.04.
    assert found[0] == pytest.approx(0.5, abs=0.04)
    assert set(found) == {0, *range(101, 110)}, "clip x is not among the keys"
    assert max(found[n] for n in range(101, 110)) < 0.09


def test_pools_are_drawn_by_weight():
    pools = [
        WeightedPool(pool_of_rows(numbered(3), [0, 2]), 3.0),
        WeightedPool(pool_of_rows(numbered(1, first=9), [0]), 1.0),
    ]
    found = shares(draw_pictures(pools, 4000, np.random.default_rng(1)))
    assert set(found) == {0, 2, 9}
    assert found[9] == pytest.approx(0.25, abs=0.035)


def test_drawing_depends_on_the_generator_alone():
    pool = WeightedPool(pool_of_rows(numbered(50), range(50)), 1.0)
    first = draw_pictures([pool], 20, np.random.default_rng(5))
    assert np.array_equal(first, draw_pictures([pool], 20, np.random.default_rng(5)))
    assert not np.array_equal(first, draw_pictures([pool], 20, np.random.default_rng(6)))


def test_pools_of_different_sizes_are_refused():
    pools = [WeightedPool(pool_of_rows(numbered(1, side=s), [0]), 1.0) for s in (2, 4)]
    with pytest.raises(InputError, match=r"\[2, 4\]"):
        draw_pictures(pools, 1, np.random.default_rng(0))


def test_empty_pool_is_refused():
    empty = np.zeros(0, dtype=np.int64)
    with pytest.raises(InputError, match="at least one group"):
        PicturePool((numbered(1),), empty, empty, empty)
