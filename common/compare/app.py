"""The comparison app: plan -> run cells -> collect -> test -> report."""

from pathlib import Path
from typing import Any

from common.atomic import write_json
from common.compare.collect import COST_METRICS, collect, measurements
from common.compare.config import CompareConfig
from common.compare.execute import execute, write_configs
from common.compare.measurements import Measurement, Metric
from common.compare.plan import baseline_of, columns, plan
from common.compare.report import sections
from common.compare.significance import Claim, compare_all, summarise
from common.errors import InputError
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.console import LOGGER, progress_bar

_LIBRARIES_BYTES = 600 * 2**20
"""Resident memory of the comparison's own process; the runs are in other processes."""


def check(config: CompareConfig, apps: Apps) -> list[str]:
    """Validate every cell before the first one runs."""
    baseline_of(config)
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
    return Estimate(sizes, _LIBRARIES_BYTES, 0)


def run(config: CompareConfig, run: Run) -> Outcome:
    """Run what is not done yet, then report on all of it."""
    folder = run.folder.path.resolve() / "cells"
    cells = plan(config, run.apps, folder)
    write_configs(cells, folder)
    settled = 0
    progress = execute(cells, folder, config.cells_per_process)
    with progress_bar(len(cells), 0, "runs", "run") as bar, run.clock.stage("runs"):
        try:
            for settled in progress:
                bar.update(settled - bar.n)
                run.checkpoints.offer(settled, {"settled": settled})
        finally:
            progress.close()
    results, failures = collect(cells, folder)
    if failures:
        LOGGER.warning("%d of %d runs failed; resume tries them again", len(failures), len(cells))
    if not results:
        raise InputError(f"no run finished; the first failure: {failures[0].message}")
    with run.clock.stage("statistics"):
        _check_metrics(config, {name for result in results for name in result.metrics})
        rows = measurements(results, failures, [m.metric for m in config.metrics])
        named = {m.metric for m in config.metrics}
        cost_names = [name for name in COST_METRICS if name not in named]
        costs = measurements(results, failures, cost_names)
        metrics = [Metric(m.metric, m.better, m.binary) for m in config.metrics]
        claimed = [Metric(m.metric, m.better, m.binary) for m in config.metrics if m.claim]
        claims = compare_all(
            rows, claimed, baseline_of(config), level=config.level, seed=config.seed
        )
        summaries = summarise(
            rows + costs, metrics + [Metric(name, "lower") for name in cost_names],
            level=config.level, seed=config.seed,
        )  # fmt: skip
    tables = run.folder.path / "comparison.json"
    write_json(tables, _tables(rows + costs, claims))
    labels = [column.label for column in columns(config)]
    found = sections(config, labels, results, failures, summaries, claims)
    return Outcome((tables,), found)


def _check_metrics(config: CompareConfig, known: set[str]) -> None:
    unknown = [m.metric for m in config.metrics if m.metric not in known]
    if unknown:
        raise InputError(
            f"the runs report no metric {', '.join(unknown)}; they report "
            f"{', '.join(sorted(known))}. Correct `metrics` and resume: finished runs are kept"
        )


def _tables(rows: list[Measurement], claims: tuple[Claim, ...]) -> dict[str, Any]:
    """The measurements and claims as JSON, for other programs."""
    return {
        "measurements": [
            {
                "variant": row.variant, "prompt": row.unit.prompt, "seed": row.unit.seed,
                "metric": row.metric, "value": row.value,
            }
            for row in rows
        ],
        "claims": [
            {
                "metric": claim.metric, "variant": claim.variant, "baseline": claim.baseline,
                "difference": claim.difference.value if claim.difference else None,
                "lo": claim.difference.lo if claim.difference else None,
                "hi": claim.difference.hi if claim.difference else None,
                "p_adjusted": claim.p_adjusted, "verdict": claim.verdict,
            }
            for claim in claims
        ],
    }  # fmt: skip


def _json(values: dict[str, Any]) -> str:
    import json

    return json.dumps(values)


APP = App(CompareConfig, run, estimate, check, changeable=("checkpoint", "metrics", "num_shown"))
