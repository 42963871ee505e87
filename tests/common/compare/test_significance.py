import random

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.compare import significance
from common.compare.differences import difference
from common.compare.measurements import Measurement, Metric, Unit
from common.compare.power import detectable_difference
from common.compare.significance import compare_all, holm, summarise
from common.errors import InputError

PROMPTS = [f"prompt {i}" for i in range(10)]
QUALITY, ERROR = Metric("quality", "higher"), Metric("error", "lower")


def table(shifts: dict[str, float], *, seeds: dict[str, range], seed: int = 0) -> list[Measurement]:
    """Runs of variants whose quality and error are shifted from the baseline's."""
    rng = np.random.default_rng(seed)
    luck = {prompt: 5 * rng.standard_normal() for prompt in PROMPTS}
    return [
        Measurement(
            variant, Unit(prompt, s), metric, float(luck[prompt] + shift + rng.normal(0, 0.3))
        )
        for variant, shift in shifts.items()
        for prompt in PROMPTS
        for s in seeds[variant]
        for metric in ("quality", "error")
    ]


def shared(*variants: str) -> dict[str, range]:
    return dict.fromkeys(variants, range(2))


def test_holm_equals_worked_example() -> None:
    # Holm 1979 on five claims: 5 p1, 4 p2, ... and never falling.
    p = [0.01, 0.04, 0.03, 0.005, 0.9]
    assert holm(p) == pytest.approx((0.04, 0.09, 0.09, 0.025, 0.9))
    assert holm([]) == ()
    assert holm([0.3]) == (0.3,)


@given(st.lists(st.floats(0, 1), min_size=1, max_size=12), st.randoms(use_true_random=False))
def test_holm_is_between_plain_and_bonferroni_in_any_order(
    p: list[float], shuffle: random.Random
) -> None:
    adjusted = holm(p)
    for plain, found in zip(p, adjusted, strict=True):
        assert plain <= found <= min(1.0, len(p) * plain) + 1e-15
    order = list(range(len(p)))
    shuffle.shuffle(order)
    assert holm([p[i] for i in order]) == tuple(adjusted[i] for i in order)


def test_holm_refuses_what_is_no_p_value() -> None:
    with pytest.raises(InputError, match=r"1\.5"):
        holm([0.1, 1.5])


def test_verdict_follows_the_direction_of_the_metric() -> None:
    found = compare_all(
        table({"base": 0.0, "up": 1.0, "same": 0.0}, seeds=shared("base", "up", "same")),
        [QUALITY, ERROR],
        "base",
    )
    assert [(c.metric, c.variant, c.verdict) for c in found] == [
        ("quality", "same", "no difference shown"),
        ("quality", "up", "better"),
        ("error", "same", "no difference shown"),
        ("error", "up", "worse"),
    ]
    assert all(c.baseline == "base" and c.difference is not None for c in found)


def test_all_claims_are_adjusted_together() -> None:
    claims = compare_all(
        table({"base": 0.0, "x": 0.12, "y": -0.1}, seeds=shared("base", "x", "y")),
        [QUALITY, ERROR],
        "base",
    )
    plain = [claim.difference.p_value for claim in claims if claim.difference]
    assert len(plain) == 4
    assert tuple(claim.p_adjusted for claim in claims) == holm(plain)


def test_claim_equals_the_difference_of_its_runs() -> None:
    rows = table({"base": 0.0, "x": 0.2}, seeds=shared("base", "x"))
    (claim,) = compare_all(rows, [QUALITY], "base", seed=3)
    values = {
        variant: [row.value for row in rows if (row.variant, row.metric) == (variant, "quality")]
        for variant in ("base", "x")
    }
    expected = difference(
        np.array(values["x"]),
        np.array(values["base"]),
        paired=True,
        clusters_a=[prompt for prompt in PROMPTS for _ in range(2)],
        seed=3,
    )
    assert claim.difference == expected
    assert claim.difference.population == "prompts"
    assert claim.detectable == pytest.approx(
        detectable_difference(expected.standard_error or 0.0, 9.0, level=0.95)
    )


def test_detectable_difference_pays_for_the_number_of_claims() -> None:
    rows = table({"base": 0.0, "x": 0.0}, seeds=shared("base", "x"))
    (alone,) = compare_all(rows, [QUALITY], "base")
    among, _ = compare_all(rows, [QUALITY, ERROR], "base")
    assert alone.difference is not None
    assert among.detectable == pytest.approx(
        detectable_difference(alone.difference.standard_error or 0.0, 9.0, level=0.975)
    )


def test_variants_with_their_own_seeds_are_paired_by_prompt() -> None:
    rows = table({"base": 0.0, "x": 1.0}, seeds={"base": range(2), "x": range(2, 4)})
    (claim,) = compare_all(rows, [QUALITY], "base")
    assert claim.difference is not None
    assert claim.difference.paired
    assert "10 prompts" in claim.difference.method
    assert claim.verdict == "better"


def test_failed_runs_are_left_out_in_pairs_and_counted() -> None:
    rows = table({"base": 0.0, "x": 1.0}, seeds=shared("base", "x"))
    lost = {("x", Unit("prompt 0", 0)), ("x", Unit("prompt 1", 0)), ("base", Unit("prompt 2", 1))}
    failed = [
        Measurement(r.variant, r.unit, r.metric, None) if (r.variant, r.unit) in lost else r
        for r in rows
    ]
    (claim,) = compare_all(failed, [QUALITY], "base")
    assert claim.difference is not None
    assert (claim.difference.n_a, claim.difference.n_b) == (17, 17)
    assert (claim.num_dropped, claim.num_dropped_baseline) == (3, 3)


def test_variant_without_a_value_makes_no_claim_but_counts() -> None:
    rows = table({"base": 0.0, "x": 1.0, "lost": 0.0}, seeds=shared("base", "x", "lost"))
    failed = [
        Measurement(r.variant, r.unit, r.metric, None if r.variant == "lost" else r.value)
        for r in rows
    ]
    lost, x = compare_all(failed, [QUALITY], "base")
    assert (lost.verdict, lost.difference, lost.num_dropped) == ("no difference shown", None, 20)
    assert lost.note == "no runs to compare"
    assert x.difference is not None
    assert x.p_adjusted == pytest.approx(2 * x.difference.p_value)
    by_name = {row.variant: row for row in summarise(failed, [QUALITY])}
    assert by_name["lost"].estimate is None
    assert by_name["lost"].num_missing == 20


def test_too_few_units_for_the_claims_say_so() -> None:
    runs = table({"base": 0.0, "x": 9.0}, seeds=dict.fromkeys(("base", "x"), range(1)))
    rows = [row for row in runs if row.unit.prompt in PROMPTS[:6]]
    (alone,) = compare_all(rows, [QUALITY], "base")
    assert (alone.verdict, alone.note) == ("better", "")
    among, _ = compare_all(rows, [QUALITY, ERROR], "base")
    assert (among.verdict, among.detectable) == ("no difference shown", None)
    assert "p can be 0.031 at best, 0.025 may be needed" in among.note


def test_many_claims_get_as_many_arrangements_as_they_need(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # 17 prompts have more sign patterns than are visited. 30 claims need p = 0.0017 at first, which
    # 999 random ones cannot give.
    monkeypatch.setattr(significance, "NUM_RESAMPLES", 999)
    rng = np.random.default_rng(0)
    metrics = [Metric(f"m{i:02}", "higher") for i in range(30)]
    rows = [
        Measurement(v, Unit(f"p{p}", 0), m.name, float(rng.normal(shift, 1.0)))
        for p in range(17)
        for m in metrics
        for v, shift in (("base", 0.0), ("x", 5.0 * (m is metrics[0])))
    ]
    claims = significance.compare_all(rows, metrics, "base")
    assert claims[0].verdict == "better"
    assert all("too few units" not in claim.note for claim in claims)


def test_equal_variants_are_never_different() -> None:
    rows = table({"base": 0.0}, seeds=shared("base"))
    twin = [Measurement("twin", r.unit, r.metric, r.value) for r in rows]
    for claim in compare_all(rows + twin, [QUALITY, ERROR], "base"):
        assert claim.difference is not None
        assert (claim.difference.lo, claim.difference.value, claim.difference.hi) == (0, 0, 0)
        assert (claim.p_adjusted, claim.verdict) == (1.0, "no difference shown")


def test_report_does_not_depend_on_row_order() -> None:
    rows = table({"base": 0.0, "x": 0.1, "y": 0.2}, seeds=shared("base", "x", "y"))
    mixed = list(rows)
    random.Random(1).shuffle(mixed)
    metrics = [QUALITY, ERROR]
    assert compare_all(mixed, metrics, "base") == compare_all(rows, metrics, "base")
    assert summarise(mixed, metrics) == summarise(rows, metrics)


def test_summaries_use_the_kind_of_the_metric() -> None:
    rows = [Measurement("a", Unit(f"p{i}", 0), "solved", float(i < 9)) for i in range(10)]
    (found,) = summarise(rows, [Metric("solved", "higher", binary=True)])
    assert found.estimate is not None
    assert found.estimate.value == 0.9
    assert "Wilson" in found.estimate.method


def test_unknown_baseline_names_the_variants() -> None:
    rows = table({"a": 0.0, "b": 0.0}, seeds=shared("a", "b"))
    with pytest.raises(InputError, match="baseline 'base' was not run; there are a, b"):
        compare_all(rows, [QUALITY], "base")


def test_baseline_alone_has_nothing_to_claim() -> None:
    assert compare_all(table({"a": 0.0}, seeds=shared("a")), [QUALITY], "a") == ()
