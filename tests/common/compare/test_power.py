import numpy as np
import pytest
from scipy import stats

from common.compare.arrangements import fewest_units
from common.compare.differences import difference
from common.compare.power import (
    detectable_difference,
    power_at,
    power_of_test,
    units_needed,
)
from common.errors import InputError

REPEATS = 2_000


@pytest.mark.slow
@pytest.mark.usefixtures("unchecked")
@pytest.mark.parametrize(
    ("n", "effect", "paired"),
    [(16, 0.75, True), (48, 0.42, True), (10, 1.3, False), (16, 1.0, False), (48, 0.58, False)],
)
def test_known_difference_is_found_at_its_computed_power(
    n: int, effect: float, paired: bool
) -> None:
    rng = np.random.default_rng(11)
    found = 0
    for i in range(REPEATS):
        # Common luck of three spreads on both sides: pairing removes it.
        luck = 3 * rng.standard_normal(n) if paired else np.zeros(n)
        scale = 0.5**0.5 if paired else 1.0
        a = luck + scale * rng.standard_normal(n) + effect
        b = luck + scale * rng.standard_normal(n)
        result = difference(a, b, paired=paired, level=0.99999, num_resamples=999, seed=i // 100)
        found += result.p_value <= 0.05
    power = power_of_test(effect, 1.0, n, paired=paired)
    assert 0.7 < power < 0.9
    # Three Monte-Carlo errors.
    assert found / REPEATS == pytest.approx(power, abs=3 * (power * (1 - power) / REPEATS) ** 0.5)


def test_power_equals_published_values() -> None:
    # Cohen 1988, and G*Power 3.1: 34 pairs at d = 0.5, 64 runs in each arm at d = 0.5 give 80 %.
    assert units_needed(0.5, 1.0, paired=True) == 34
    assert units_needed(0.5, 1.0, paired=False) == 64
    assert power_of_test(0.5, 1.0, 64, paired=False) == pytest.approx(0.8015, abs=5e-5)
    assert power_of_test(0.5, 1.0, 34, paired=True) == pytest.approx(0.8078, abs=5e-5)


def test_power_without_effect_is_the_false_alarm_rate() -> None:
    assert power_of_test(0.0, 1.0, 20, paired=True, level=0.9) == pytest.approx(0.1)


@pytest.mark.parametrize("level", [0.9, 0.95, 0.995])
@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("effect", [0.05, 0.3, 2.0])
def test_units_needed_is_the_smallest_number(effect: float, paired: bool, level: float) -> None:
    n = units_needed(effect, 1.5, power=0.9, level=level, paired=paired)
    assert power_of_test(effect, 1.5, n, level=level, paired=paired) >= 0.9
    assert power_of_test(effect, 1.5, n - 1, level=level, paired=paired) < 0.9


def test_power_depends_on_the_size_of_the_effect_only() -> None:
    assert power_of_test(-3.0, 6.0, 12, paired=True) == power_of_test(0.5, 1.0, 12, paired=True)


def test_too_few_units_have_no_power() -> None:
    # 2 / 2^5 and 2 / 20 are above 5 %: no result could be significant.
    assert (fewest_units(0.95, paired=True), fewest_units(0.95, paired=False)) == (6, 4)
    assert power_of_test(100.0, 1.0, 5, paired=True) == 0.0
    assert power_of_test(100.0, 1.0, 3, paired=False) == 0.0
    assert units_needed(100.0, 1.0, paired=True) == 6
    far = np.arange(5.0) + 1000
    assert difference(far, np.zeros(5), paired=True).p_value == 2 / 2**5


@pytest.mark.parametrize("df", [1.0, 4.7, 30.0, 1e5])
@pytest.mark.parametrize("level", [0.9, 0.95, 0.999])
def test_detectable_difference_has_the_power(df: float, level: float) -> None:
    found = detectable_difference(0.2, df, power=0.8, level=level)
    assert power_at(found / 0.2, df, level) == pytest.approx(0.8, abs=1e-6)


def test_detectable_difference_of_many_runs_is_the_normal_one() -> None:
    z = stats.norm.ppf(0.975) + stats.norm.ppf(0.8)
    assert detectable_difference(1.0, 1e7) == pytest.approx(z, abs=1e-4)
    assert detectable_difference(0.0, 10.0) == 0.0


def test_bad_input_names_the_numbers() -> None:
    with pytest.raises(InputError, match="effect=0"):
        units_needed(0.0, 1.0, paired=True)
    with pytest.raises(InputError, match="sd=0"):
        power_of_test(1.0, 0.0, 10, paired=True)
    with pytest.raises(InputError, match=r"power=1\.5"):
        units_needed(1.0, 1.0, power=1.5, paired=True)
    with pytest.raises(InputError, match=r"power=0\.03"):
        detectable_difference(1.0, 5.0, power=0.03)
    with pytest.raises(InputError, match="level=95"):
        power_of_test(1.0, 1.0, 10, level=95.0, paired=True)
