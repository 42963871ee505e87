import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats

from common.compare.differences import difference
from common.compare.regrouping import group_error
from common.errors import InputError

RNG = np.random.default_rng(0)
X, Y = RNG.normal(0.8, 1.0, 7), RNG.normal(0.0, 1.0, 7)


def welch(x: np.ndarray, y: np.ndarray, axis: int = -1) -> np.ndarray:
    return stats.ttest_ind(x, y, axis=axis, equal_var=False).statistic


def test_paired_p_value_equals_scipys_permutation_test() -> None:
    expected = stats.permutation_test(
        (X, Y), lambda x, y, axis: (x - y).mean(axis), permutation_type="samples", n_resamples=1e5
    )
    found = difference(X, Y, paired=True)
    assert found.p_value == pytest.approx(expected.pvalue, abs=1e-12)
    assert found.value == pytest.approx((X - Y).mean())
    assert found.smallest_p == 2 / 2**7
    assert "exact" in found.method


@pytest.mark.parametrize("sizes", [(5, 5), (7, 4), (4, 8)])
def test_separate_p_value_equals_scipys_permutation_test(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(sum(sizes))
    x, y = rng.normal(1.0, 2.0, sizes[0]), rng.normal(0.0, 1.0, sizes[1])
    expected = stats.permutation_test((x, y), welch, n_resamples=1e5)
    assert difference(x, y, paired=False).p_value == pytest.approx(expected.pvalue, abs=1e-12)


def test_random_arrangements_come_near_the_exact_p_value() -> None:
    rng = np.random.default_rng(5)
    x, y = rng.normal(0.45, 1.0, 17), rng.normal(0.0, 1.0, 17)
    # 2^17 sign patterns are more than are visited.
    exact = stats.permutation_test(
        (x, y), lambda x, y, axis: (x - y).mean(axis), permutation_type="samples", n_resamples=2e5
    ).pvalue
    found = difference(x, y, paired=True)
    assert "19999 random flips" in found.method
    assert found.p_value == pytest.approx(exact, abs=4 * 2 * (exact / 2 / 20_000) ** 0.5)


@pytest.mark.parametrize(("only_a", "only_b"), [(0, 6), (1, 7), (3, 5), (4, 4)])
def test_paired_rates_give_mcnemars_exact_p_value(only_a: int, only_b: int) -> None:
    a = np.array([1.0] * only_a + [0.0] * only_b + [1.0, 1.0, 0.0])
    b = np.array([0.0] * only_a + [1.0] * only_b + [1.0, 1.0, 0.0])
    expected = stats.binomtest(only_a, only_a + only_b).pvalue
    assert difference(a, b, paired=True).p_value == pytest.approx(expected)


@pytest.mark.parametrize(("a", "b"), [(7, 1), (8, 2), (5, 4)])
def test_separate_rates_give_fishers_exact_p_value(a: int, b: int) -> None:
    x, y = np.repeat([1.0, 0.0], [a, 8 - a]), np.repeat([1.0, 0.0], [b, 8 - b])
    tails = [
        stats.fisher_exact([[a, 8 - a], [b, 8 - b]], alternative=side).pvalue
        for side in ("less", "greater")
    ]
    assert difference(x, y, paired=False).p_value == pytest.approx(min(1.0, 2 * min(tails)))


def test_paired_interval_holds_what_the_test_does_not_reject() -> None:
    found = difference(X, Y, paired=True)
    assert found.lo is not None
    assert found.hi is not None
    # The ends are means of subsets, so the p-value jumps exactly there.
    for end, inward in ((found.lo, 1e-9), (found.hi, -1e-9)):
        assert difference(X, Y + end + inward, paired=True).p_value > 0.05
        assert difference(X, Y + end - inward, paired=True).p_value <= 0.05


@pytest.mark.parametrize("sizes", [(6, 6), (5, 9), (20, 12)])
def test_separate_interval_holds_what_the_test_does_not_reject(sizes: tuple[int, int]) -> None:
    rng = np.random.default_rng(3)
    x, y = rng.lognormal(size=sizes[0]) + 1, rng.lognormal(size=sizes[1])
    found = difference(x, y, paired=False)
    assert found.lo is not None
    assert found.hi is not None
    assert found.standard_error is not None
    # Ends are exact to a thousandth of a standard error.
    step = 0.003 * found.standard_error
    for end, inward in ((found.lo, step), (found.hi, -step)):
        assert difference(x, y + end + inward, paired=False).p_value > 0.05
        assert difference(x, y + end - inward, paired=False).p_value <= 0.05


def test_interval_of_rates_agrees_with_the_test_for_all_outcomes() -> None:
    # Ties make the p-value jump at whole differences, 0 among them.
    for first in range(9):
        for second in range(9):
            x, y = (
                np.repeat([1.0, 0.0], [first, 8 - first]),
                np.repeat([1.0, 0.0], [second, 8 - second]),
            )
            found = difference(x, y, paired=False)
            assert found.lo is not None
            assert found.hi is not None
            assert found.lo <= found.value <= found.hi
            assert (found.lo > 0 or found.hi < 0) == (found.p_value <= 0.05)


def test_intervals_of_many_normal_values_are_students() -> None:
    rng = np.random.default_rng(9)
    x, y = rng.normal(0.3, 1.0, 200), rng.normal(0.0, 2.0, 200)
    paired, separate = difference(x, y, paired=True), difference(x, y, paired=False)
    for found, expected in (
        (paired, stats.ttest_rel(x, y).confidence_interval()),
        (separate, stats.ttest_ind(x, y, equal_var=False).confidence_interval()),
    ):
        assert found.standard_error is not None
        # Random arrangements leave 0.02 standard errors, five times that as slack.
        slack = 0.1 * found.standard_error
        assert (found.lo, found.hi) == pytest.approx((expected.low, expected.high), abs=slack)


def test_too_few_units_get_students_interval_and_no_claim() -> None:
    x, y = np.array([5.0, 6.0, 5.5]), np.array([1.0, 1.5, 1.2])
    paired, separate = difference(x, y, paired=True), difference(x, y, paired=False)
    rel = stats.ttest_rel(x, y).confidence_interval()
    ind = stats.ttest_ind(x, y, equal_var=False).confidence_interval()
    assert (paired.lo, paired.hi) == pytest.approx((rel.low, rel.high))
    assert (separate.lo, separate.hi) == pytest.approx((ind.low, ind.high))
    assert paired.p_value == paired.smallest_p == 2 / 2**3
    assert separate.p_value == separate.smallest_p == 2 / 20
    assert "too few units" in paired.note
    assert "too few units" in separate.note


@pytest.mark.parametrize("paired", [True, False])
def test_one_run_on_each_side_has_no_interval(paired: bool) -> None:
    found = difference([3.0], [1.0], paired=paired)
    assert (found.value, found.lo, found.hi, found.p_value) == (2.0, None, None, 1.0)
    assert found.standard_error is None
    assert "no spread" in found.note


@pytest.mark.parametrize("paired", [True, False])
@pytest.mark.parametrize("n", [2, 8, 30])
def test_equal_constants_are_no_difference(paired: bool, n: int) -> None:
    found = difference([0.1] * n, [0.1] * n, paired=paired)
    assert (found.value, found.lo, found.hi, found.p_value) == (0.0, 0.0, 0.0, 1.0)


@pytest.mark.parametrize("paired", [True, False])
def test_different_constants_differ_as_surely_as_their_number_allows(paired: bool) -> None:
    found = difference([3.0] * 8, [5.0] * 8, paired=paired)
    assert (found.value, found.lo, found.hi) == pytest.approx((-2.0, -2.0, -2.0))
    assert found.p_value == found.smallest_p


def test_rounding_errors_are_no_difference() -> None:
    # The same numbers, once as 0.3 and once as 0.1 + 0.2: each pair differs by 5.6e-17.
    a, b = np.arange(1, 13) * 0.3, np.arange(1, 13) * (0.1 + 0.2)
    assert difference(b, a, paired=True).p_value == 1.0
    assert difference([0.1 + 0.2] * 9, [0.3] * 9, paired=False).p_value == 1.0


def test_pairing_removes_the_luck_of_the_unit() -> None:
    rng = np.random.default_rng(1)
    luck = 10 * rng.standard_normal(12)
    a, b = luck + 0.5 + 0.1 * rng.standard_normal(12), luck + 0.1 * rng.standard_normal(12)
    assert difference(a, b, paired=True).p_value < 0.001
    assert difference(a, b, paired=False).p_value > 0.5


def test_common_prompts_are_paired_by_their_means() -> None:
    rng = np.random.default_rng(2)
    luck = np.repeat(10 * rng.standard_normal(9), 2)
    labels = [f"p{i}" for i in range(9) for _ in range(2)]
    a, b = luck + 1 + 0.1 * rng.standard_normal(18), luck + 0.1 * rng.standard_normal(18)
    found = difference(a, b, paired=False, clusters_a=labels, clusters_b=labels)
    means = difference(a.reshape(9, 2).mean(axis=1), b.reshape(9, 2).mean(axis=1), paired=True)
    assert (found.lo, found.hi, found.p_value) == pytest.approx(
        (means.lo, means.hi, means.p_value), rel=1e-12
    )
    assert (found.paired, found.population, found.n_a) == (True, "prompts", 18)


def test_few_common_prompts_are_compared_within_each() -> None:
    # Within prompts the difference is plain; over all it drowns in the prompts' levels.
    a = {"x": [1.0, 1.2, 1.1, 1.3], "y": [51.0, 51.2, 51.1, 51.3]}
    b = {"x": [0.0, 0.2, 0.1, 0.3], "y": [50.0, 50.2, 50.1, 50.3]}
    labels = [name for name in a for _ in range(4)]
    found = difference(
        a["x"] + a["y"], b["x"] + b["y"], paired=False, clusters_a=labels, clusters_b=labels
    )
    # 70 regroupings of each prompt; only the observed one separates both.
    assert found.p_value == pytest.approx(2 / 70**2)
    assert found.population == "seeds"
    assert found.lo is not None
    assert found.lo > 0.7
    assert difference(a["x"] + a["y"], b["x"] + b["y"], paired=False).p_value > 0.5


def test_runs_of_a_prompt_that_failed_do_not_change_its_weight() -> None:
    # Prompt "x" has the difference 1, "y" the difference 3; three of four runs of "y" failed.
    a, b = [1.0, 1.1, 1.2, 1.3, 3.0], [0.0, 0.1, 0.2, 0.3, 0.0]
    labels = ["x"] * 4 + ["y"]
    assert difference(a, b, paired=True, clusters_a=labels).value == pytest.approx(2.0)
    found = difference(a, b, paired=False, clusters_a=labels, clusters_b=labels)
    assert found.value == pytest.approx(2.0)


def test_runs_on_different_prompts_are_compared_as_samples_of_prompts() -> None:
    rng = np.random.default_rng(6)
    a, b = rng.standard_normal((5, 3)), rng.standard_normal((6, 3))
    found = difference(
        a.ravel(),
        b.ravel(),
        paired=False,
        clusters_a=[f"a{i}" for i in range(5) for _ in range(3)],
        clusters_b=[f"b{i}" for i in range(6) for _ in range(3)],
    )
    means = difference(a.mean(axis=1), b.mean(axis=1), paired=False)
    assert found.p_value == pytest.approx(means.p_value)
    assert (found.n_a, found.n_b, found.population) == (15, 18, "prompts")


def test_group_error_of_one_stratum_is_welchs() -> None:
    x, y = np.array([1.0, 2.0, 4.0, 4.5]), np.array([7.0, 7.1, 9.0])
    welch = stats.ttest_ind(x, y, equal_var=False)
    error, freedom = group_error([x], [y])
    assert error == pytest.approx((x.mean() - y.mean()) / welch.statistic)
    assert freedom == pytest.approx(welch.df)


def test_one_run_against_many_uses_the_variance_of_the_many() -> None:
    x, y = np.array([4.0]), RNG.standard_normal(39)
    error, freedom = group_error([x], [y])
    assert error == pytest.approx(y.std(ddof=1) * (1 + 1 / 39) ** 0.5)
    assert freedom == 38
    # The most extreme of 40.
    assert difference(x, y, paired=False).p_value == pytest.approx(2 / 40)


def test_unequal_numbers_carry_a_caution() -> None:
    assert "8 against 16" in difference(RNG.random(8), RNG.random(16), paired=False).note
    assert difference(RNG.random(8), RNG.random(10), paired=False).note == ""


@settings(max_examples=40, deadline=None)
@given(st.permutations(range(18)), st.permutations(range(18)), st.sampled_from([None, 3, 9]))
def test_order_of_rows_does_not_matter(
    order_a: list[int], order_b: list[int], num_prompts: int | None
) -> None:
    rng = np.random.default_rng(4)
    a, b = rng.lognormal(size=18) + 1, rng.lognormal(size=18)
    labels = None if num_prompts is None else [f"p{i % num_prompts}" for i in range(18)]

    def reordered(order: list[int]) -> list[str] | None:
        return None if labels is None else [labels[i] for i in order]

    def compare(first: list[int], second: list[int], paired: bool) -> object:
        other = None if paired else reordered(second)
        return difference(
            a[first],
            b[second],
            paired=paired,
            clusters_a=reordered(first),
            clusters_b=other,
            num_resamples=999,
        )

    straight = list(range(18))
    assert compare(order_a, order_a, True) == compare(straight, straight, True)
    assert compare(order_a, order_b, False) == compare(straight, straight, False)


values = st.lists(st.integers(-20, 20), min_size=6, max_size=7)


@settings(max_examples=60, deadline=None)
@given(values, values, st.booleans(), st.floats(0.1, 10), st.integers(-1000, 1000))
def test_difference_follows_sign_unit_and_origin(
    whole_a: list[int], whole_b: list[int], paired: bool, factor: float, offset: int
) -> None:
    n = min(len(whole_a), len(whole_b))
    a, b = np.array(whole_a[:n], dtype=float), np.array(whole_b[:n], dtype=float)
    found = difference(a, b, paired=paired)
    assert found.lo is not None
    assert found.hi is not None
    assert found.lo <= found.value <= found.hi
    assert found.smallest_p <= found.p_value <= 1
    assert (found.lo > 0 or found.hi < 0) == (found.p_value <= 0.05)
    # Ends of separate runs are searched to 1e-3 standard errors, from different starts.
    slack = 1e-9 + (0.0 if paired else 3e-3 * (found.standard_error or 0.0))
    swapped = difference(b, a, paired=paired)
    assert swapped.p_value == found.p_value
    assert (swapped.lo, swapped.hi) == pytest.approx((-found.hi, -found.lo), abs=slack)
    moved = difference(factor * a + offset, factor * b + offset, paired=paired)
    assert moved.p_value == found.p_value
    expected = (factor * found.lo, factor * found.hi)
    assert (moved.lo, moved.hi) == pytest.approx(expected, abs=10 * slack + 1e-6)


def test_same_seed_gives_the_same_difference() -> None:
    a, b = RNG.standard_normal((2, 30))
    for paired in (True, False):
        first = difference(a, b, paired=paired, seed=1)
        assert first == difference(a, b, paired=paired, seed=1)
        assert first != difference(a, b, paired=paired, seed=2)


def test_higher_level_gives_a_wider_interval_and_the_same_p_value() -> None:
    a, b = RNG.standard_normal((2, 12))
    for paired in (True, False):
        narrow = difference(a, b, paired=paired, level=0.9)
        wide = difference(a, b, paired=paired, level=0.99)
        assert narrow.lo is not None
        assert narrow.hi is not None
        assert wide.lo is not None
        assert wide.hi is not None
        assert wide.lo < narrow.lo < narrow.hi < wide.hi
        assert wide.p_value == narrow.p_value


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"a": [1.0], "b": [1.0, 2.0], "paired": True}, "equally many, got 1 and 2"),
        ({"a": [], "b": [1.0], "paired": False}, "a: needs a flat list"),
        ({"a": [1.0], "b": [float("inf")], "paired": False}, "b: 1 of 1 values are not finite"),
        (
            {"a": [1.0], "b": [1.0], "paired": False, "clusters_a": ["p"]},
            "both sides or of neither",
        ),
        ({"a": [1.0], "b": [1.0], "paired": True, "clusters_b": ["p"]}, "give clusters_a only"),
    ],
)
def test_bad_input_names_the_numbers(options: dict[str, object], message: str) -> None:
    with pytest.raises(InputError, match=message):
        difference(**options)  # type: ignore[arg-type]
