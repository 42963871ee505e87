"""What training gives away."""

import numpy as np
import pytest

from video.training.known_frames import KnownFrames, draw_known

SHAPE = (400, 5, 8, 6)


def masks(shape=SHAPE, **shares):
    settings = {"first": 0.0, "keys": 0.0, "region": 0.0} | shares
    return draw_known(KnownFrames(**settings), shape, np.random.default_rng(0))


def test_nothing_is_given():
    assert not masks().any()


def test_first_frames_are_given_whole():
    found = masks(first=1.0)
    assert found[:, :, 0].all()
    assert not found[:, :, 1:].any()


def test_key_frames_are_whole_frames_and_never_all():
    found = masks(keys=1.0)
    frames = found.reshape(400, 5, -1)
    assert (frames.min(-1) == frames.max(-1)).all()
    counts = frames[..., 0].sum(1)
    assert set(counts) == {0, 1, 2, 3, 4}


def test_regions_are_boxes_of_all_frames():
    found = 1 - masks(region=1.0)[:, 0]
    assert (found == found[:, :1]).all()
    for box in found[:, 0]:
        rows, columns = box.any(1), box.any(0)
        assert (box == np.outer(rows, columns)).all()
        assert rows.sum() >= 2
        assert columns.sum() >= 1


def test_shares_are_kept():
    found = masks(first=0.5, region=0.2)
    first = (found.reshape(400, 5, -1).min(-1) == [1, 0, 0, 0, 0]).all(1)
    # Four deviations of a binomial of 400.
    assert first.mean() == pytest.approx(0.5, abs=0.1)


def test_pictures_are_never_given_whole():
    assert not masks((50, 1, 8, 6), first=0.6, keys=0.4).any()


def test_shares_beyond_all_are_refused():
    with pytest.raises(ValueError, match=r"add up to 1\.2"):
        KnownFrames(first=0.6, keys=0.6, region=0.0)
