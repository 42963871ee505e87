from pathlib import Path

import pytest

from common.compare.config import CompareConfig, MetricConfig, Variant
from common.compare.plan import baseline_of, columns, plan
from common.config.problems import ConfigError
from common.errors import InputError
from run import APPS

METRICS = (MetricConfig(metric="atypicality", better="lower"),)


def config(**changes):
    values = {
        "name": "c", "run": "smoke/video", "num_seeds": 3, "metrics": METRICS,
        "variants": (Variant(label="a"), Variant(label="b", set={"sampler.num_steps": 7})),
    }  # fmt: skip
    return CompareConfig(**(values | changes))


def test_plan_gives_every_column_the_same_units():
    cells = plan(config(prompts=("a red ball", "a blue star")), APPS, Path("cells"))
    assert len(cells) == 2 * 2 * 3
    units = {c: [(x.prompt, x.seed) for x in cells if x.column == c] for c in ("a", "b")}
    assert units["a"] == units["b"]
    assert len(set(units["a"])) == 6
    assert len({cell.name for cell in cells}) == 12


def test_plan_disjoint_seeds_share_nothing():
    cells = plan(config(common_seeds=False, seed=10), APPS, Path("cells"))
    seeds = {c: {x.seed for x in cells if x.column == c} for c in ("a", "b")}
    assert seeds == {"a": {10, 11, 12}, "b": {13, 14, 15}}


def test_plan_lays_changes_over_the_base_run():
    cells = plan(config(), APPS, Path("cells"))
    first, last = cells[0].values, cells[-1].values
    assert last["sampler"]["num_steps"] == 7
    assert first["sampler"]["num_steps"] == 4  # smoke/video's own
    assert last["method"] == first["method"]


def test_plan_variant_of_another_name_drops_the_old_keys():
    variants = (Variant(label="a"), Variant(label="b", set={"sampler": {"name": "heun"}}))
    assert plan(config(variants=variants), APPS, Path("cells"))[-1].values["sampler"] == {
        "name": "heun"
    }


def test_columns_combine_variants_and_grid():
    found = columns(config(grid={"sampler.num_steps": (1, 2), "guidance.guidance_scale": (3.0,)}))
    assert [column.label for column in found] == [
        "a num_steps=1, guidance_scale=3.0", "a num_steps=2, guidance_scale=3.0",
        "b num_steps=1, guidance_scale=3.0", "b num_steps=2, guidance_scale=3.0",
    ]  # fmt: skip


def test_plan_names_every_wrong_variant_at_once():
    variants = (
        Variant(label="one", set={"sampler.num_stepz": 1}),
        Variant(label="two", set={"guidance.guidance_scale": "big"}),
    )
    with pytest.raises(ConfigError) as caught:
        plan(config(variants=variants), APPS, Path("cells"))
    text = str(caught.value)
    assert "variant 'one'" in text
    assert "did you mean 'num_steps'?" in text
    assert "variant 'two'" in text


@pytest.mark.parametrize("key", ["seed", "prompt", "output_dir", "name", "app"])
def test_plan_refuses_keys_that_the_comparison_sets(key):
    variants = (Variant(label="a"), Variant(label="b", set={key: 1}))
    with pytest.raises(ConfigError, match="set by the comparison"):
        plan(config(variants=variants), APPS, Path("cells"))


def test_plan_of_a_comparison_of_comparisons_is_refused():
    variants = (Variant(label="a"), Variant(label="b"))
    with pytest.raises(ConfigError, match="cannot compare comparisons"):
        plan(config(run="smoke/compare", variants=variants), APPS, Path("cells"))


def test_plan_too_many_runs_are_refused_with_the_product():
    with pytest.raises(InputError, match=r"2 columns x 1 prompts x 10000 seeds|at most"):
        plan(config(num_seeds=10_000, prompts=("a red ball", "a blue star")), APPS, Path("c"))


def test_baseline_unknown_label_suggests():
    with pytest.raises(InputError, match="did you mean 'one'"):
        baseline_of(config(baseline="ona", variants=(Variant(label="one"), Variant(label="b"))))


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"variants": (Variant(label="a"),)}, "at least two variants"),
        ({"variants": (Variant(label="a"), Variant(label="a"))}, "two variants have the label"),
        ({"metrics": METRICS * 2}, "listed twice"),
    ],
)
def test_config_contradictions_are_refused(changes, words):
    with pytest.raises(ValueError, match=words):
        config(**changes)


def test_only_the_named_variants_are_run():
    variants = (*config().variants, Variant(label="c"))
    asked = config(variants=variants, only=("c", "a"))
    assert [column.label for column in columns(asked)] == ["a", "c"]
    assert baseline_of(asked) == "a"
    with pytest.raises(ValueError, match="only names 'd'"):
        config(only=("a", "d"))


def test_keys_for_all_runs_give_way_to_a_variants_own():
    cells = plan(config(set={"sampler.num_steps": 6, "num_samples": 1}), APPS, Path("cells"))
    steps = {cell.column: cell.values["sampler"]["num_steps"] for cell in cells}
    assert steps == {"a": 6, "b": 7}
    assert {cell.values["num_samples"] for cell in cells} == {1}
