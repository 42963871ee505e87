"""Variants at their best, and predictions that are checked."""

from pathlib import Path

import numpy as np
import pytest

from common.compare.config import CompareConfig, MetricConfig, Prediction, Tuning, Variant
from common.compare.measurements import Measurement, Unit
from common.compare.plan import plan
from common.compare.predictions import check_predictions, undetected
from common.compare.tuning import choices, tuned, tuning_config
from common.config.problems import ConfigError
from common.errors import InputError
from run import APPS

STEPS = Variant(
    label="a", set={"sampler.num_steps": 3, "batch_size": 2}, tune={"sampler.num_steps": (2, 5, 9)}
)


def config(**changes):
    values = {
        "name": "c", "run": "smoke/video", "num_seeds": 3, "seed": 7,
        "metrics": (MetricConfig(metric="m", better="lower"),),
        "variants": (STEPS, Variant(label="b")),
        "tuning": Tuning(
            metric="m", better="lower", num_seeds=2, set={"num_samples": 1, "batch_size": 1}
        ),
    }  # fmt: skip
    return CompareConfig(**(values | changes))


def rows_of(asked, value_of):
    cells = plan(tuning_config(asked), APPS, Path("cells"))
    return [
        Measurement(cell.column, Unit(cell.prompt, cell.seed), "m",
                    value_of(cell.values["sampler"]["num_steps"], cell.repeat))
        for cell in cells
    ]  # fmt: skip


def test_tuning_tries_every_value_with_seeds_of_its_own():
    asked = config()
    cells = plan(tuning_config(asked), APPS, Path("cells"))
    tried = [(cell.values["sampler"]["num_steps"], cell.values["num_samples"]) for cell in cells]
    assert tried == [(2, 1), (2, 1), (5, 1), (5, 1), (9, 1), (9, 1)]
    assert {cell.values["batch_size"] for cell in cells} == {2}, "a variant's own key counts more"
    compared = {cell.seed for cell in plan(tuned(asked, ()), APPS, Path("cells"))}
    assert not compared & {cell.seed for cell in cells}


def test_best_mean_is_taken_and_edges_are_named():
    asked = config()
    # One lucky seed of 2 steps does not win; 9 steps have the best mean.
    found = choices(asked, rows_of(asked, lambda n, repeat: {2: 8.0 * repeat, 5: 4.5, 9: 3.0}[n]))
    assert found[0].points[found[0].best] == {"sampler.num_steps": 9}
    assert found[0].at_edge == ("sampler.num_steps",)
    final = tuned(asked, found)
    assert final.variants[0].set == {"sampler.num_steps": 9, "batch_size": 2}
    assert final.variants[1] == asked.variants[1]
    inner = choices(asked, rows_of(asked, lambda n, repeat: {2: 8.0, 5: 1.0, 9: 3.0}[n]))
    assert inner[0].at_edge == ()


def test_higher_can_be_better_and_failed_runs_do_not_count():
    asked = config(tuning=Tuning(metric="m", better="higher", num_seeds=2))
    found = choices(asked, rows_of(asked, lambda n, repeat: None if n == 9 else float(n)))
    assert found[0].values == (2.0, 5.0, None)
    assert found[0].points[found[0].best] == {"sampler.num_steps": 5}
    with pytest.raises(InputError, match="no tuning run of variant 'a' reports m"):
        choices(asked, [])


def test_wrong_values_are_found_before_any_run():
    wrong = Variant(label="a", tune={"sampler.num_steps": (2, -1)})
    with pytest.raises(ConfigError):
        plan(tuning_config(config(variants=(wrong, Variant(label="b")))), APPS, Path("cells"))


@pytest.mark.parametrize(("changes", "message"), [
    ({"tuning": None}, "`tuning` is not set"),
    ({"variants": (Variant(label="a"), Variant(label="b"))}, "no effect"),
    ({"grid": {"seed": (1, 2)}}, "use one of both"),
    ({"variants": (Variant(label="a", tune={"x": ()}), Variant(label="b"))}, "no values for x"),
    ({"variants": (STEPS, Variant(label="b", broken=True))}, "no `predictions`"),
    ({"variants": (), "tuning": None, "grid": {"seed": (1, 2)},
      "predictions": (Prediction(metric="m", predicted="n"),)}, "would make several of each"),
])  # fmt: skip
def test_settings_that_cannot_be_are_refused(changes, message):
    with pytest.raises(ValueError, match=message):
        config(**changes)


def predicted(values, said=2.0, broken=False, **changes):
    rows = []
    for seed, value in enumerate(values):
        rows += [Measurement("a", Unit("", seed), "m", value),
                 Measurement("a", Unit("", seed), "law", said)]  # fmt: skip
    asked = config(
        variants=(Variant(label="a", broken=broken), Variant(label="b")), tuning=None,
        predictions=(Prediction(metric="m", predicted="law"),), **changes,
    )  # fmt: skip
    return check_predictions(asked, rows)


def test_variants_that_predict_nothing_are_not_checked():
    (found,) = predicted([2.0, 2.01, 1.99])
    assert found.variant == "a"


def test_verdicts_need_an_interval_that_is_narrow_and_holds_one():
    near, far, loose = [2.0, 2.001, 1.999], [2.5, 2.501, 2.499], [1.0, 2.0, 3.0]
    assert [predicted(values)[0].verdict for values in (near, far, loose)] == [
        "holds", "fails", "too wide",
    ]  # fmt: skip
    assert predicted(near)[0].half_width == pytest.approx(0.0005 / 3**0.5 * 31.6, rel=0.01)
    assert predicted([2.0, None, 2.0])[0].verdict == "fails", "a run that came to no number"
    assert predicted([2.0])[0].verdict == "too wide", "one run has no interval"


def test_nothing_is_predicted_exactly():
    assert predicted([0.0, 1e-13], said=0.0)[0].verdict == "holds"
    assert predicted([0.0, 1e-3], said=0.0)[0].verdict == "fails"


def test_broken_variant_that_holds_is_said():
    assert undetected(predicted([2.0, 2.001, 1.999], broken=True)) == ("a",)
    assert undetected(predicted([2.5, 2.501, 2.499], broken=True)) == ()


def test_false_alarms_are_as_many_as_the_level_says():
    """A true prediction fails in 5 % of comparisons at a level of 95 %."""
    rng = np.random.default_rng(0)
    wrong = 0
    for _ in range(2000):
        values = (2.0 + 0.1 * rng.standard_normal(6)).tolist()
        found = predicted(values, prediction_level=0.95)
        wrong += found[0].verdict == "fails"
    # Binomial: 100 expected, deviation 10.
    assert 65 <= wrong <= 140


def test_tuning_may_use_prompts_of_its_own():
    tuning = Tuning(metric="m", better="lower", prompts=("a blue star",))
    asked = config(prompts=("a red ball", "a green ball"), tuning=tuning)
    assert {cell.prompt for cell in plan(tuning_config(asked), APPS, Path("cells"))} == {
        "a blue star"
    }
    assert {cell.prompt for cell in plan(tuned(asked, ()), APPS, Path("cells"))} == {
        "a red ball", "a green ball",
    }  # fmt: skip


def test_fewer_points_are_evenly_chosen_and_one_is_not_tried():
    two = config(tuning=Tuning(metric="m", better="lower", max_points=2))
    tried = [cell.values["sampler"]["num_steps"]
             for cell in plan(tuning_config(two), APPS, Path("cells"))]  # fmt: skip
    assert tried == [2, 9]
    one = config(tuning=Tuning(metric="m", better="lower", max_points=1))
    assert tuning_config(one) is None
    assert tuned(one, choices(one, [])).variants[0].set["sampler.num_steps"] == 5
