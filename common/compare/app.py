"""The comparison app: plan -> run cells -> collect -> test -> report."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.atomic import write_json
from common.compare.collect import COST_METRICS, Failed, Result, collect, measurements
from common.compare.config import CompareConfig
from common.compare.execute import execute, write_configs
from common.compare.measurements import Measurement, Metric
from common.compare.output_change import output_changes, output_table
from common.compare.plan import baseline_of, columns, plan
from common.compare.predictions import Checked, check_predictions, undetected
from common.compare.report import sections
from common.compare.report_checks import prediction_sections, tuning_sections
from common.compare.significance import Claim, Summary, compare_all, summarise
from common.compare.tuning import Choice, choices, tuned, tuning_config
from common.errors import InputError
from common.report.content import Section
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.console import LOGGER, progress_bar

_LIBRARIES_BYTES = 600 * 2**20
"""Resident memory of the comparison's own process; the runs are in other processes."""


def check(config: CompareConfig, apps: Apps) -> list[str]:
    """Validate every cell before the first one runs."""
    baseline_of(config)
    choosing = tuning_config(config)
    if choosing is not None:
        plan(choosing, apps, Path("cells"))
    cells = plan(config, apps, Path("cells"))
    app = apps.of(cells[0].values["app"])
    notes = []
    if not config.common_seeds:
        notes.append("common_seeds is false: differences are of separate runs, not of pairs")
    for note in app.check(app.config.model_validate_json(_json(cells[0].values)), apps):
        notes.append(f"run: {note}")
    return notes


def estimate(config: CompareConfig) -> Estimate:
    """How many runs there are; their own size is what ``run.py <run> --dry-run`` says."""
    num_columns, num_prompts = len(columns(config)), max(len(config.prompts), 1)
    count = num_columns * num_prompts * config.num_seeds
    sizes = {
        "runs": f"{count} ({num_columns} columns x {num_prompts} prompts x "
        f"{config.num_seeds} seeds)",
        "each run": config.run,
    }
    choosing = tuning_config(config)
    if choosing is not None:
        more = len(choosing.variants) * max(len(choosing.prompts), 1) * choosing.num_seeds
        sizes["runs before, for tuning"] = str(more)
    return Estimate(sizes, _LIBRARIES_BYTES, 0)


def run(config: CompareConfig, run: Run) -> Outcome:
    """Run what is not done yet, then report on all of it."""
    folder = run.folder.path.resolve() / "cells"
    choosing, asked = tuning_config(config), config
    chosen: tuple[Choice, ...] = ()
    if config.tuning is not None:
        rows: list[Measurement] = []
        if choosing is not None:
            done, failed = _executed(choosing, run, folder / "tuning", "tuning")
            rows = measurements(done, failed, [metric.metric for metric in choosing.metrics])
        chosen = choices(asked, rows)
        config = tuned(asked, chosen)
    results, failures = _executed(config, run, folder, "runs")
    if failures:
        LOGGER.warning("%d of %d runs failed; resume tries them again", len(failures),
                       len(failures) + len(results))  # fmt: skip
    if not results:
        raise InputError(f"no run finished; the first failure: {failures[0].message}")
    with run.clock.stage("statistics"):
        known = {name for result in results for name in result.metrics}
        _check_metrics([metric.metric for metric in config.metrics], known)
        _check_metrics([prediction.metric for prediction in config.predictions], known)
        figures = _figures(config, results, failures)
    for label in undetected(figures.checked):
        LOGGER.warning("%s is broken on purpose, and no prediction failed", label)
    tables = run.folder.path / "comparison.json"
    broken = {variant.label for variant in config.variants if variant.broken}
    labels = [column.label for column in columns(config) if column.label not in broken]
    base = baseline_of(config)
    changed = output_changes(labels, results, base) if config.output_change else ()
    write_json(
        tables, _tables(config, figures, chosen) | {"changes": [asdict(one) for one in changed]}
    )
    found = sections(config, labels, results, failures, figures.summaries, figures.claims)
    more: tuple[Section, ...] = (output_table(changed, base),) if changed else ()
    more += (*prediction_sections(config, figures.checked), *tuning_sections(asked, chosen))
    return Outcome((tables,), (*found[:1], *more, *found[1:]))


@dataclass(frozen=True)
class _Figures:
    """All that the statistics say."""

    rows: list[Measurement]
    summaries: tuple[Summary, ...]
    claims: tuple[Claim, ...]
    checked: tuple[Checked, ...]


def _executed(
    config: CompareConfig, run: Run, folder: Path, name: str
) -> tuple[list[Result], list[Failed]]:
    """The results of all cells, after those that are not done were run."""
    cells = plan(config, run.apps, folder)
    write_configs(cells, folder)
    progress = execute(cells, folder, config.cells_per_process)
    with progress_bar(len(cells), 0, name, "run") as bar, run.clock.stage(name):
        try:
            for settled in progress:
                bar.update(settled - bar.n)
                run.checkpoints.offer(settled, {"settled": settled})
        finally:
            progress.close()
    return collect(cells, folder)


def _figures(config: CompareConfig, results: list[Result], failures: list[Failed]) -> _Figures:
    """Means, differences and predictions of what the runs measured."""
    rows = measurements(results, failures, [m.metric for m in config.metrics])
    named = {m.metric for m in config.metrics}
    cost_names = [name for name in COST_METRICS if name not in named]
    costs = measurements(results, failures, cost_names)
    metrics = [m.compared for m in config.metrics]
    claimed = [m.compared for m in config.metrics if m.claim]
    broken = {variant.label for variant in config.variants if variant.broken}
    sound = [row for row in rows if row.variant not in broken]
    claims = compare_all(sound, claimed, baseline_of(config), level=config.level, seed=config.seed)
    summaries = summarise(
        rows + costs, metrics + [Metric(name, "lower") for name in cost_names],
        level=config.level, seed=config.seed,
    )  # fmt: skip
    both = dict.fromkeys(name for p in config.predictions for name in (p.metric, p.predicted))
    checked = check_predictions(config, measurements(results, failures, list(both)))
    return _Figures(rows + costs, summaries, claims, checked)


def _check_metrics(asked: list[str], known: set[str]) -> None:
    unknown = [name for name in asked if name not in known]
    if unknown:
        raise InputError(
            f"the runs report no metric {', '.join(unknown)}; they report "
            f"{', '.join(sorted(known))}. Correct the name and resume: finished runs are kept"
        )


def _tables(config: CompareConfig, figures: _Figures, chosen: tuple[Choice, ...]) -> dict[str, Any]:
    """The measurements, claims, checks and choices as JSON, for other programs."""
    targets = {metric.metric: metric.target for metric in config.metrics}
    return {
        "measurements": [
            {
                "variant": row.variant, "prompt": row.unit.prompt, "seed": row.unit.seed,
                "metric": row.metric, "value": row.value,
            }
            for row in figures.rows
        ],
        "claims": [
            {
                "metric": claim.metric, "target": targets[claim.metric],
                "variant": claim.variant, "baseline": claim.baseline,
                "difference": claim.difference.value if claim.difference else None,
                "lo": claim.difference.lo if claim.difference else None,
                "hi": claim.difference.hi if claim.difference else None,
                "p_adjusted": claim.p_adjusted, "verdict": claim.verdict,
            }
            for claim in figures.claims
        ],
        "predictions": [asdict(one) for one in figures.checked],
        "tuning": [
            {
                "variant": one.label, "points": [dict(point) for point in one.points],
                "values": list(one.values), "best": one.best,
            }
            for one in chosen
        ],
    }  # fmt: skip


def _json(values: dict[str, Any]) -> str:
    import json

    return json.dumps(values)


APP = App(CompareConfig, run, estimate, check, changeable=("checkpoint", "metrics", "num_shown"))
