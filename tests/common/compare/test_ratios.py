"""Ratios of means, and their intervals."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from common.compare.ratios import ratio_interval
from common.errors import InputError

POSITIVE = st.floats(0.1, 10.0)


@given(st.lists(st.tuples(POSITIVE, POSITIVE), min_size=2, max_size=12), POSITIVE)
def test_ratio_is_that_of_the_means_and_scales_with_what_is_above(pairs, scale):
    above, below = np.array(pairs).T
    found = ratio_interval(above, below)
    assert found.value == pytest.approx(above.mean() / below.mean())
    assert found.lo - 1e-12 <= found.value <= found.hi + 1e-12
    scaled = ratio_interval(scale * above, below)
    assert scaled.value == pytest.approx(scale * found.value)
    assert (scaled.lo, scaled.hi) == pytest.approx((scale * found.lo, scale * found.hi), rel=1e-6)


def test_pairs_of_one_ratio_leave_nothing_to_doubt():
    below = np.array([0.1, 1.0, 3.0, 9.0, 20.0])
    found = ratio_interval(1.5 * below, below)
    assert (found.lo, found.hi) == pytest.approx((1.5, 1.5))


def test_interval_is_that_of_resampled_pairs():
    """Against scipy's percentile bootstrap of the ratio itself, of enough pairs that all agree."""
    rng = np.random.default_rng(0)
    below = rng.uniform(1, 3, 400)
    above = below * rng.normal(1.2, 0.3, 400) + rng.normal(0, 0.2, 400)
    found = ratio_interval(above, below)
    other = stats.bootstrap(
        (above, below), lambda a, b, axis: a.mean(axis) / b.mean(axis), paired=True,
        n_resamples=9999, method="percentile", rng=np.random.default_rng(1),
    ).confidence_interval  # fmt: skip
    # Ends of 10,000 resamples vary by about a fortieth of the interval.
    width = other.high - other.low
    assert (found.lo, found.hi) == pytest.approx(tuple(other), abs=width / 20)


@pytest.mark.parametrize(
    ("above", "below", "said"),
    [([1.0, 2.0], [1.0], "2 values above and 1 below"), ([1.0, 2.0], [0.0, 0.0], "above 0"),
     ([1.0, float("nan")], [1.0, 1.0], "not finite")],
)  # fmt: skip
def test_what_is_no_ratio_is_refused(above, below, said):
    with pytest.raises(InputError, match=said):
        ratio_interval(above, below)
