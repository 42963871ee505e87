"""Distances of sets of clips with known answers."""

import numpy as np
import pytest

from video.evaluation.set_distance import CHANGE, clip_rows, set_distances


def walks(seed, num_clips=24, num_frames=8):
    """Features of clips that go on from frame to frame, as random walks."""
    rng = np.random.default_rng(seed)
    first = rng.normal(size=(num_clips, 1, 6))
    return first + 0.2 * rng.normal(size=(num_clips, num_frames, 6)).cumsum(1)


def distances(real, drawn, seed=0):
    return set_distances(real, drawn, seed, 199)


def test_features_are_the_mean_and_the_mean_change():
    clip = np.array([[[0.0, 1.0], [3.0, 1.0], [3.0, 1.0]]])
    changes = CHANGE * np.sqrt([9 / 2, 0])
    np.testing.assert_allclose(clip_rows(clip), [[2.0, 1.0, *changes]])


def test_equal_sets_are_not_apart_in_whatever_order():
    real = walks(0)
    for name, found in distances(real, np.random.default_rng(1).permutation(real)).items():
        # To rounding, of traces of about 10.
        assert found.value == pytest.approx(0, abs=1e-9), name
        assert found.p_value == 1
        assert found.floor > 0.01


def test_moved_features_are_apart_by_the_square_of_the_way():
    real, way = walks(0), np.array([1.0, 0.0, -2.0, 0.0, 0.5, 0.0])
    found = distances(real, real + way)
    assert found["fvd"].value == pytest.approx(way @ way, rel=1e-9)
    assert found["fvd_frames"].value == pytest.approx(way @ way, rel=1e-9)
    assert found["fvd_changes"].value == pytest.approx(0, abs=1e-9)
    assert found["fvd"].lo < way @ way < found["fvd"].hi
    assert found["fvd"].p_value == 1 / 200
    # The floor is of how clips vary, wherever both sets are.
    assert found["fvd"].floor == pytest.approx(distances(real, real)["fvd"].floor, rel=1e-6)


def test_clips_of_one_source_are_as_far_apart_as_the_floor():
    near = [distances(walks(seed), walks(seed + 100))["fvd"] for seed in range(6)]
    ratios = [one.value / one.floor for one in near]
    assert np.mean(ratios) == pytest.approx(1, abs=0.25)
    assert min(one.p_value for one in near) > 0.01


def test_frames_in_no_order_change_more_and_show_the_same():
    real = walks(0)
    found = distances(real, np.stack([np.random.default_rng(1).permutation(c) for c in real]))
    assert found["fvd_frames"].value == pytest.approx(0, abs=1e-9)
    assert found["fvd_changes"].value > 5 * found["fvd_changes"].floor
    # Another shuffling of the same clips is about as far.
    shuffled = found["fvd_changes"].shuffled
    assert found["fvd_changes"].value == pytest.approx(shuffled, rel=0.3)


def test_stills_change_less():
    real = walks(0)
    still = np.repeat(real.mean(1, keepdims=True), real.shape[1], 1)
    found = distances(real, still)
    assert found["fvd_frames"].value == pytest.approx(0, abs=1e-9)
    rows = clip_rows(real)[:, 6:]
    # Stills have zeros alone: their distance is the mean square of changes.
    expected = (rows.mean(0) ** 2).sum() + rows.var(0, ddof=1).sum()
    assert found["fvd_changes"].value == pytest.approx(expected, rel=1e-9)


def test_direction_of_time_is_not_seen():
    real = walks(0)
    assert distances(real, real[:, ::-1])["fvd"].value == pytest.approx(0, abs=1e-9)


def test_interval_holds_the_mean_distance_of_such_sets():
    """Of 20 intervals of 95 %, at most 3 miss it with a chance of 98 %."""
    found = [distances(walks(s), 0.4 + walks(s + 50), s)["fvd"] for s in range(20)]
    mean = np.mean([one.value for one in found])
    assert sum(not one.lo <= mean <= one.hi for one in found) <= 3


def test_seed_repeats_to_the_bit():
    assert distances(walks(0), walks(1), 3) == distances(walks(0), walks(1), 3)
    assert distances(walks(0), walks(1), 3) != distances(walks(0), walks(1), 4)
