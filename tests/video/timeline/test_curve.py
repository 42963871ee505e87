"""Curves between keys, and what of them is refused."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError
from scipy.interpolate import pchip_interpolate

from video.timeline.config import Timeline
from video.timeline.curve import Curve, PromptCurve

KEYS = st.dictionaries(st.integers(0, 30), st.floats(-9, 9), min_size=1, max_size=6)


def test_linear_curve_is_straight_between_keys_and_holds_outside():
    found = Curve(keys={2: 1.0, 6: 3.0}).values(9, None)
    np.testing.assert_allclose(found, [1, 1, 1, 1.5, 2, 2.5, 3, 3, 3], rtol=1e-15)


def test_held_curve_keeps_the_value_of_the_key_before():
    found = Curve(keys={2: 1.0, 6: 3.0, 7: 0.0}, interpolation="hold").values(9, None)
    assert found.tolist() == [1, 1, 1, 1, 1, 1, 3, 0, 0]


def test_smooth_curve_is_the_monotone_cubic():
    found = Curve(keys={0: 1.0, 4: 3.0, 8: 2.0}, interpolation="smooth").values(9, None)
    wanted = pchip_interpolate([0, 4, 8], [1, 3, 2], np.arange(9))
    np.testing.assert_allclose(found, wanted, rtol=1e-14)


@given(keys=KEYS, how=st.sampled_from(["linear", "smooth", "hold"]))
@settings(deadline=None, max_examples=60)
def test_curve_goes_through_its_keys_and_never_beyond(keys, how):
    found = Curve(keys=keys, interpolation=how).values(31, None)
    assert all(found[frame] == value for frame, value in keys.items())
    room = 1e-12 * max(map(abs, keys.values()))
    assert min(keys.values()) - room <= found.min() <= found.max() <= max(keys.values()) + room


@given(value=st.floats(-9, 9), how=st.sampled_from(["linear", "smooth", "hold"]))
@settings(deadline=None, max_examples=30)
def test_constant_curve_is_its_value_to_the_bit(value, how):
    keys = {0: value, 3: value, 7: value}
    assert set(Curve(keys=keys, interpolation=how).values(8, None).tolist()) == {value}


def test_track_goes_from_low_to_high_exactly():
    tracks = {"onset": np.array([0.0, 1.0, 0.25]), "mel 2": np.array([0.0, 0.5, 1.0])}
    found = Curve(track="onset", low=0.1, high=0.7).values(3, tracks)
    assert found[:2].tolist() == [0.1, 0.7]
    assert found[2] == pytest.approx(0.25)
    assert Curve(track="mel", band=2).values(3, tracks).tolist() == [0, 0.5, 1]


@pytest.mark.parametrize(("how", "wanted"), [
    ("linear", [0, 0.25, 0.5, 0.75, 1, 1.5, 2, 2]), ("hold", [0, 0, 0, 0, 1, 1, 2, 2]),
    ("smooth", [0, 0.15625, 0.5, 0.84375, 1, 1.5, 2, 2]),
])  # fmt: skip
def test_prompts_follow_each_other(how, wanted):
    curve = PromptCurve(keys={4: "a cat", 6: "a dog"}, interpolation=how)
    np.testing.assert_allclose(curve.places(8), wanted, rtol=1e-12)


@pytest.mark.parametrize(("keys", "message"), [
    ({}, "this has neither"), ({"keys": {0: 1.0}, "track": "onset"}, "this has both"),
    ({"track": "onset", "interpolation": "hold"}, "no effect with a track"),
    ({"keys": {0: 1.0}, "high": 3.0}, "for a track"), ({"track": "mel"}, "which band"),
    ({"track": "onset", "band": 1}, "both or neither"),
])  # fmt: skip
def test_curves_that_contradict_themselves_are_refused(keys, message):
    with pytest.raises(ValidationError, match=message):
        Curve(**keys)


def test_values_out_of_range_are_named_with_key_and_frame():
    with pytest.raises(ValidationError, match=r"size at frame 8 is 99; it goes from 0.05"):
        Timeline(size=Curve(keys={0: 1.0, 8: 99.0}))
    with pytest.raises(ValidationError, match=r"control_weights\.1 at high is 11"):
        Timeline(control_weights=(None, Curve(track="energy", high=11.0)))
