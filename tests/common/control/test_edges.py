import math

import numpy as np
import pytest
from scipy import ndimage

from common.control.edges import SOFT_SIGMA_PX, canny, soft_edges


def disk(size: int = 64, radius: float = 18.0) -> np.ndarray:
    """How much of each pixel a disk in the middle covers."""
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    return np.clip(radius - np.hypot(x, y) + 0.5, 0, 1).astype(np.float32)


@pytest.mark.parametrize("channels", [3, 4])
def test_canny_draws_the_outline_of_a_disk_one_pixel_wide(channels):
    cover = disk()
    lines = canny(np.repeat(cover[..., None], channels, axis=-1))

    y, x = np.nonzero(lines)
    # Canny's own accuracy: the nearest pixel to the edge, or the one beside it.
    assert np.abs(np.hypot(x - 31.5, y - 31.5) - 18.0).max() <= 1.0
    assert 90 <= len(y) <= 140, "once round: 2 pi 18 = 113 pixels"
    assert ndimage.label(lines, np.ones((3, 3)))[1] == 1, "one closed line"


def test_a_black_thing_has_its_outline_from_its_transparency():
    picture = np.zeros((64, 64, 4), np.float32)
    picture[..., 3] = disk()
    assert canny(picture).sum() > 90
    assert not canny(picture[..., :3]).any()


def test_colours_within_the_thing_make_lines_and_the_outline_stays_single():
    cover = disk()
    colour = np.where(np.arange(64) < 32, 0.2, 0.9).astype(np.float32)
    picture = np.concatenate([np.repeat((cover * colour)[..., None], 3, -1), cover[..., None]], -1)

    lines = canny(picture)

    assert lines[20:44, 30:34].any(1).all(), "the border of the two colours"
    outline = lines[:, :26] | lines[:, 38:][:, ::-1]
    y, _ = np.nonzero(outline[24:40])
    assert len(y) <= 2 * 16, "one pixel a row and side"


def test_soft_edges_of_a_step_are_gaussian_with_the_step_as_height():
    picture = np.zeros((9, 60, 3), np.float32)
    picture[:, 30:, 1] = 0.5

    made = soft_edges(picture)

    at = np.arange(60) - 29.5
    expected = 0.5 * np.exp(-(at**2) / (2 * SOFT_SIGMA_PX**2))
    # The filter samples the Gaussian's derivative at whole pixels; 3 % at this sigma.
    np.testing.assert_allclose(made[4], expected, atol=0.03 * 0.5)
    assert made[4].max() == pytest.approx(0.5 * math.exp(-(0.5**2) / 2 / 1.5**2), abs=0.015)


def test_soft_edges_reach_no_more_than_one():
    checks = (np.indices((32, 32)).sum(0) // 4 % 2).astype(np.float32)
    made = soft_edges(np.repeat(checks[..., None], 3, -1))
    assert 0.5 < made.max() <= 1.0
    assert not soft_edges(np.full((8, 8, 4), 0.7, np.float32)).any()
