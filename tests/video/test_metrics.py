"""Figures of clips with known answers."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import linalg, ndimage

from common.errors import InputError
from video.metrics import (
    clip_metrics,
    flow_px,
    frechet_distance,
    seam,
    smoothness,
    temporal_flickering,
    warp_error,
)

SIZE = 64


def texture(shift=(0.0, 0.0), seed=0):
    """A smooth random picture in bytes, moved by rows and columns around its edges."""
    rng = np.random.default_rng(seed)
    plain = ndimage.gaussian_filter(rng.random((SIZE, SIZE)), 3, mode="wrap")
    plain = (plain - plain.min()) / np.ptp(plain)
    moved = ndimage.shift(plain, shift, order=3, mode="grid-wrap")
    return np.repeat((20 + 200 * moved.clip(0, 1)).round().astype(np.uint8)[..., None], 3, 2)


def sliding(speed, num_frames=5):
    return np.stack([texture((0.0, speed * step)) for step in range(num_frames)])


def test_still_is_smooth_and_does_not_flicker_or_move():
    found = clip_metrics(
        ["temporal_flickering", "smoothness", "warp_error", "flow_px"], sliding(0.0)
    )
    assert found == {"temporal_flickering": 1, "smoothness": 1, "warp_error": 0, "flow_px": 0}


@given(up=st.integers(0, 60))
def test_flickering_is_that_of_the_changes(up):
    """Brightness to and fro by ``up``: every step is ``up``."""
    frames = np.full((6, 8, 8, 3), 100, np.uint8)
    frames[1::2] += np.uint8(up)
    assert temporal_flickering(frames) == pytest.approx(1 - up / 255)


@pytest.mark.parametrize("speed", [1.0, 2.0, 3.0])
def test_flow_is_the_speed_and_what_only_moves_has_no_warp_error(speed):
    frames = sliding(speed)
    # What enters at the edges has no flow: the largest 5 % may be off by a quarter of a pixel.
    assert flow_px(frames) == pytest.approx(speed, abs=0.25 + 0.1 * speed)
    plain = (np.diff(frames.astype(float), axis=0) ** 2).mean() / 255**2
    assert warp_error(frames) < 0.05 * plain


def test_jolts_are_less_smooth_than_even_motion():
    even = sliding(1.0, 7)
    jolting = np.stack([texture((0.0, at)) for at in (0, 0, 2, 2, 4, 4, 6)])
    assert smoothness(even) > 0.995
    assert 1 - smoothness(jolting) > 3 * (1 - smoothness(even))


def test_noise_between_frames_is_a_warp_error():
    rng = np.random.default_rng(1)
    still = sliding(0.0).astype(float)
    noisy = (still + rng.normal(0, 10, still.shape)).clip(0, 255).round().astype(np.uint8)
    # Differences of two noises in grey: 2 (10 / 255)^2 sum of squared weights, less what flow fits.
    weights = 0.2126**2 + 0.7152**2 + 0.0722**2
    expected = 2 * (10 / 255) ** 2 * weights
    assert 0.3 * expected < warp_error(noisy) < 1.05 * expected


def test_loop_closes_and_a_one_way_clip_does_not():
    steps = 2 * np.pi * np.arange(8) / 8
    loop = np.stack([texture((2 * np.sin(at), 2 * np.cos(at))) for at in steps])
    assert seam(loop) == pytest.approx(1, abs=0.1)
    assert seam(sliding(1.0, 8)) > 3


def test_distance_of_normal_sets_has_its_closed_form():
    rng = np.random.default_rng(0)
    one = rng.normal(size=(4000, 3)) * (1.0, 2.0, 0.5)
    other = rng.normal(size=(4000, 3)) * (2.0, 2.0, 0.5) + (1.0, 0.0, 0.0)
    # (1)^2 for the means and (2 - 1)^2 for the deviations; sampling errors of 4,000.
    assert frechet_distance(one, other) == pytest.approx(2.0, abs=0.15)
    assert frechet_distance(one, one) == pytest.approx(0.0, abs=1e-6)


def test_distance_of_moved_features_is_the_square_of_the_way():
    rows = np.random.default_rng(0).normal(size=(40, 5))
    away = np.array([1.0, -2.0, 0.5, 0.0, 3.0])
    # Equal covariances cancel, to rounding.
    assert frechet_distance(rows, rows + away) == pytest.approx(away @ away, rel=1e-9)


@pytest.mark.parametrize(("first", "second"), [(60, 45), (6, 4), (60, 4)])
def test_distance_is_that_of_the_matrix_root(first, second):
    """Against scipy's root of the product, for more and for fewer rows than features."""
    rng = np.random.default_rng(1)
    one = rng.normal(size=(first, 8)) @ rng.normal(size=(8, 8))
    other = rng.normal(size=(second, 8)) + 0.5
    covariances = np.cov(one.T), np.cov(other.T)
    root = np.real(linalg.sqrtm(covariances[0] @ covariances[1]))
    away = one.mean(0) - other.mean(0)
    expected = away @ away + sum(map(np.trace, covariances)) - 2 * np.trace(root)
    # scipy's root of a singular matrix is good to about the root of rounding.
    assert frechet_distance(one, other) == pytest.approx(expected, rel=1e-5)


def test_distance_does_not_depend_on_the_order():
    rng = np.random.default_rng(2)
    one, other = rng.normal(size=(12, 6)), rng.normal(size=(9, 6)) + 1
    found = frechet_distance(one, other)
    assert frechet_distance(other, one) == pytest.approx(found, rel=1e-9)
    mixed = frechet_distance(rng.permutation(one), rng.permutation(other))
    assert mixed == pytest.approx(found, rel=1e-9)


@pytest.mark.parametrize(("call", "message"), [
    (lambda: temporal_flickering(sliding(1.0, 1)), "2 frames or more; the clip has 1"),
    (lambda: smoothness(sliding(1.0, 2)), "3 frames or more; the clip has 2"),
    (lambda: clip_metrics(["seam"], np.zeros((4, 8, 8, 4), np.uint8)), "background"),
    (lambda: frechet_distance(np.zeros((1, 2)), np.zeros((3, 2))), "not 1 and 3"),
])  # fmt: skip
def test_what_has_no_figure_is_refused(call, message):
    with pytest.raises(InputError, match=message):
        call()
