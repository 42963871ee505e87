import pytest

from common.compare.measurements import Measurement, Unit, sample_of, share_units
from common.errors import InputError


def rows(variant: str, seeds: range, *, failed: tuple[int, ...] = ()) -> list[Measurement]:
    return [
        Measurement(variant, Unit("fox", s), "psnr", None if s in failed else float(s))
        for s in seeds
    ]


def test_sample_keeps_failed_runs_in_the_plan() -> None:
    table = [*rows("a", range(4), failed=(2,)), *rows("b", range(9))]
    found = sample_of(table, "a", "psnr")
    assert list(found.values.values()) == [0.0, 1.0, 3.0]
    assert found.planned == {Unit("fox", s) for s in range(4)}
    assert found.num_missing == 1


def test_value_that_is_not_finite_counts_as_missing() -> None:
    table = [Measurement("a", Unit("fox", i), "psnr", v) for i, v in enumerate([1.0, float("inf")])]
    assert sample_of(table, "a", "psnr").num_missing == 1


def test_sample_does_not_depend_on_row_order() -> None:
    table = rows("a", range(5))
    found, again = sample_of(table, "a", "psnr"), sample_of(table[::-1], "a", "psnr")
    assert list(found.values.items()) == list(again.values.items())


def test_two_values_of_one_run_are_refused() -> None:
    with pytest.raises(InputError, match="variant 'a' has 2 values of 'psnr' for prompt 'fox'"):
        sample_of(rows("a", range(3)) + rows("a", range(1)), "a", "psnr")


@pytest.mark.parametrize(
    ("seeds", "failed", "shared"),
    [
        (range(8), (), True),
        # Failures do not turn a paired comparison into a separate one.
        (range(8), tuple(range(7)), True),
        (range(4, 12), (), True),
        (range(5, 13), (), False),
        (range(8, 16), (), False),
    ],
)
def test_plans_decide_whether_runs_are_paired(
    seeds: range, failed: tuple[int, ...], shared: bool
) -> None:
    a = sample_of(rows("a", range(8)), "a", "psnr")
    b = sample_of(rows("b", seeds, failed=failed), "b", "psnr")
    assert share_units(a, b) is shared
    assert share_units(b, a) is shared
