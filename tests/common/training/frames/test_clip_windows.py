from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from common.training.frames.clip_windows import STRIDE_WEIGHTS, draw_window


@given(st.integers(16, 120), st.integers(0, 2**32))
def test_window_is_evenly_spaced_inside_the_animation(num_available, seed):
    window = draw_window(num_available, np.random.default_rng(seed))
    assert window.shape == (16,)
    assert window[0] >= 0
    assert window[-1] < num_available
    steps = set(np.diff(window).tolist())
    assert len(steps) == 1
    assert steps <= {1, 2, 3, 4}


@given(st.integers(2, 40), st.integers(1, 4), st.integers(0, 2**32))
def test_window_that_just_fits_takes_the_whole_animation(num_frames, stride, seed):
    available = (num_frames - 1) * stride + 1
    windows = [
        draw_window(available, np.random.default_rng(seed + i), num_frames) for i in range(20)
    ]
    assert max(window[1] - window[0] for window in windows) <= stride
    for window in windows:
        if window[1] - window[0] == stride:
            assert window[0] == 0
            assert window[-1] == available - 1


def test_strides_and_starts_occur_as_often_as_stated():
    rng = np.random.default_rng(0)
    windows = [draw_window(72, rng) for _ in range(9000)]
    strides = Counter(int(window[1] - window[0]) for window in windows)
    total = sum(STRIDE_WEIGHTS.values())
    for stride, weight in STRIDE_WEIGHTS.items():
        # Five standard deviations of a share of 9000 draws are below 0.027.
        assert strides[stride] / 9000 == pytest.approx(weight / total, abs=0.027)
    starts = Counter(int(window[0]) for window in windows if window[1] - window[0] == 3)
    # 27 starts alike in about 4000 draws: 148 each, with a deviation of 12.
    assert sorted(starts) == list(range(27))
    assert 80 < min(starts.values()) <= max(starts.values()) < 220


def test_short_animation_takes_the_strides_that_fit():
    rng = np.random.default_rng(0)
    assert {int(np.diff(draw_window(45, rng))[0]) for _ in range(100)} == {1, 2}
    assert {int(np.diff(draw_window(46, rng))[0]) for _ in range(100)} == {1, 2, 3}


def test_animation_that_is_too_short_is_refused():
    with pytest.raises(InputError, match="16 frames does not fit into 15"):
        draw_window(15, np.random.default_rng(0))
