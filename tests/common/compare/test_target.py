"""Metrics that are right at a value: ranked, tested, tuned and shown by their distance from it."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.compare.config import CompareConfig, MetricConfig, Tuning, Variant
from common.compare.measurements import Measurement, Metric, Sample, Unit, compared
from common.compare.report import sections
from common.compare.report_checks import tuning_sections
from common.compare.significance import compare_all, summarise
from common.compare.tuning import choices, tuning_config
from common.config.load import load
from common.config.problems import ConfigError
from common.errors import InputError
from common.report.content import Interval, Plot, Table
from common.report.tables import best_rows
from run import APPS

numbers = st.floats(-1e6, 1e6)


def rows_of(values, metric="m"):
    return [
        Measurement(variant, Unit("p", seed), metric, value)
        for variant, row in values.items()
        for seed, value in enumerate(row)
    ]


def comparison(**changes):
    values = {
        "name": "c", "run": "smoke/video",
        "metrics": (MetricConfig(metric="m", target=1.0, unit="x"),),
        "variants": (Variant(label="near"), Variant(label="low"), Variant(label="both")),
    }  # fmt: skip
    return CompareConfig(**(values | changes))


@given(st.lists(numbers, min_size=1, max_size=9), numbers)
def test_distances_are_never_negative_and_see_no_side(values, target):
    metric = Metric("m", None, target=target)
    sample = Sample({Unit("p", i): v for i, v in enumerate(values)}, frozenset())
    mirrored = Sample({u: 2 * target - v for u, v in sample.values.items()}, frozenset())
    found = list(compared(sample, metric).values.values())
    assert min(found) >= 0
    # 2 t - v rounds to the nearest double of numbers up to 3e6: 5e-10.
    assert list(compared(mirrored, metric).values.values()) == pytest.approx(found, abs=1e-9)


@given(st.lists(numbers, min_size=1, max_size=9))
def test_without_target_values_are_compared_as_they_are(values):
    sample = Sample({Unit("p", i): v for i, v in enumerate(values)}, frozenset())
    assert compared(sample, Metric("m", "higher")) is sample
    best = max(values)
    assert min(values, key=Metric("m", "higher").loss) == best
    assert min(values, key=Metric("m", "lower").loss) == min(values)


@settings(max_examples=20, deadline=None)
@given(st.integers(0, 1000), st.floats(-2, 2))
def test_claims_are_those_of_distances_of_which_lower_is_better(seed, target):
    rng = np.random.default_rng(seed)
    table = {"a": rng.normal(0, 1, 8), "b": rng.normal(0.5, 1, 8)}
    rows = rows_of({k: v.tolist() for k, v in table.items()})
    off = rows_of({k: np.abs(v - target).tolist() for k, v in table.items()})
    assert compare_all(rows, [Metric("m", None, target=target)], "a") == compare_all(
        off, [Metric("m", "lower")], "a"
    )
    (found, *_), (plain, *_) = (
        summarise(rows, [Metric("m", None, target=target)]),
        summarise(off, [Metric("m", "lower")]),
    )
    assert found.distance == plain.estimate
    assert found.estimate == summarise(rows, [Metric("m", "lower")])[0].estimate


def test_nearer_is_better_from_either_side():
    rng = np.random.default_rng(0)
    jitter = 0.01 * rng.standard_normal(8)
    rows = rows_of({
        "base": (1.5 + jitter).tolist(), "above": (1.2 - jitter).tolist(),
        "below": (0.8 + jitter).tolist(), "far": (-1.0 + jitter).tolist(),
    })  # fmt: skip
    said = {
        c.variant: c.verdict for c in compare_all(rows, [Metric("m", None, target=1.0)], "base")
    }
    assert said == {"above": "better", "below": "better", "far": "worse"}


def test_report_marks_the_nearest_by_run_and_not_by_mean():
    # The mean of "both" is right, none of its runs is.
    rows = rows_of({"near": [1.1, 0.9, 1.1], "low": [0.1, 0.2, 0.1], "both": [0.0, 2.0, 1.0]})
    config = comparison()
    metrics = [metric.compared for metric in config.metrics]
    found = sections(
        config, ["near", "low", "both"], [], [], summarise(rows, metrics),
        compare_all(rows, metrics, "near"),
    )  # fmt: skip
    means, differences = (part for part in found if isinstance(part, Table))
    titles = [column.title for column in means.columns]
    plain, off = titles.index("m"), titles.index("m off 1")
    assert (means.columns[plain].best, means.columns[off].best) == ("none", "lowest")
    assert best_rows([row[off] for row in means.rows], means.columns[off].best) == {0}
    shown = means.rows[2][off]
    assert isinstance(shown, Interval)
    assert shown.value == pytest.approx(2 / 3)
    assert {row[0] for row in differences.rows} == {"m off 1 (x)"}


def test_the_right_value_is_drawn_across_the_plot():
    costs = [("time_s", "lower"), ("peak_memory_mb", "lower")]
    rows = rows_of({"near": [1.1, 0.9], "low": [0.1, 0.2], "both": [0.0, 2.0]})
    rows += [
        Measurement(row.variant, row.unit, name, 3.0 + row.unit.seed)
        for row in rows_of({"near": [0.0, 0.0], "low": [0.0, 0.0], "both": [0.0, 0.0]})
        for name, _ in costs
    ]
    config = comparison()
    summaries = summarise(
        rows, [config.metrics[0].compared, *(Metric(name, "lower") for name, _ in costs)]
    )
    plots = [
        part
        for part in sections(config, ["near", "low", "both"], [], [], summaries, [])
        if isinstance(part, Plot)
    ]
    assert len(plots) == 2
    for plot in plots:
        line = plot.series[-1]
        assert (line.label, line.drawn, line.y) == ("1 is right", "line", (1.0, 1.0))
        ends = [x for one in plot.series[:-1] for x in (*one.x_band.lo, *one.x_band.hi)]
        assert line.x == (min(ends), max(ends))


def test_tuning_takes_the_nearest():
    steps = Variant(label="a", tune={"sampler.num_steps": (2, 5, 9)})
    asked = comparison(
        variants=(steps, Variant(label="b")), tuning=Tuning(metric="m", target=1.0, num_seeds=2)
    )
    # 2 steps are right on average only; 5 are above; 9 are below and nearer.
    values = {"a (1)": [0.0, 2.0], "a (2)": [1.5, 1.5], "a (3)": [0.6, 0.7]}
    found = choices(asked, rows_of(values))
    assert found[0].points[found[0].best] == {"sampler.num_steps": 9}
    assert found[0].values == pytest.approx((1.0, 1.5, 0.65))
    (table,) = tuning_sections(asked, found)
    assert table.columns[3].title == "Best m (1 wanted)"
    chosen = tuning_config(asked)
    assert chosen is not None
    assert chosen.metrics[0].target == 1.0


@pytest.mark.parametrize(("changes", "message"), [
    ({}, "neither is set"),
    ({"better": "higher", "target": 1.0}, "both are set"),
    ({"target": 1.0, "binary": True}, "is binary"),
    ({"target": float("nan")}, "finite"),
])  # fmt: skip
def test_a_metric_has_one_aim(changes, message):
    with pytest.raises(ValueError, match=message):
        MetricConfig(metric="m", **changes)


def test_the_statistics_refuse_a_metric_without_aim():
    with pytest.raises(InputError, match="either a direction or a target"):
        Metric("m", None)
    with pytest.raises(InputError, match="either a direction or a target"):
        Metric("m", "lower", target=0.0)


def test_yaml_names_the_line_that_lacks_an_aim(tmp_path):
    file = tmp_path / "c.yaml"
    file.write_text(
        "app: compare\nname: c\nrun: smoke/video\nvariants: [{label: a}, {label: b}]\n"
        "metrics:\n  - {metric: fronts}\n"
    )
    with pytest.raises(ConfigError, match=r"c.yaml:6  metrics.0\s+metric 'fronts' needs either"):
        load(Path(file), (), APPS)
    file.write_text(file.read_text().replace("{metric: fronts}", "{metric: fronts, target: 1}"))
    assert load(Path(file), (), APPS).config.metrics[0].target == 1.0
