"""The app that tries a loss of score distillation where the right answer is known."""

import math

from common.report.content import (
    Axis,
    Column,
    Gallery,
    MediaItem,
    Note,
    Plot,
    Section,
    Table,
    series,
)
from common.report.json_report import SampleMetrics
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from threed.bench.chains import Descended, descended
from threed.bench.config import BenchConfig
from threed.bench.known_figure import known_figure
from threed.bench.normal_views import PROMPT
from threed.bench.scene_trial import trial_metrics, tried, write_sides

_LIBRARIES_BYTES = 700 * 2**20
_BYTES_PER_NODE = 400


def check(config: BenchConfig, apps: Apps) -> list[str]:
    """Nothing is read; the config has checked itself."""
    return []


def estimate(config: BenchConfig) -> Estimate:
    """Sizes and memory of the run."""
    trial, laws = config.trial, config.laws
    views, size = trial.views.num_views, trial.views.size_px
    sizes = {
        "laws": f"{laws.num_chains} latents x {laws.num_steps} steps",
        "scene": f"{trial.num_particles} x {trial.num_steps} steps, {views} x {size} x {size} px",
    }
    memory = _LIBRARIES_BYTES + _BYTES_PER_NODE * trial.num_particles * trial.scene.num_cells**3
    return Estimate(sizes, memory, laws.num_steps + trial.num_steps)


def run(config: BenchConfig, run: Run) -> Outcome:
    """Hold the loss against its laws, then against the figure."""
    values: dict[str, float | None] = {}
    reasons: dict[str, str] = {}
    sections: list[Section] = []
    artefacts = []
    if config.laws.num_steps:
        with run.clock.stage("laws"):
            found = descended(config.loss, config.laws, config.seed)
        values |= _law_metrics(found)
        reasons |= {name: "it grew beyond all numbers" for name, v in values.items() if v is None}
        sections.append(_laws(found))
    if config.trial.num_steps:
        made = tried(config, run)
        more, missing = trial_metrics(made)
        values, reasons = values | more, reasons | missing
        sheet = write_sides(run, known_figure(config.trial.aside_m), made.scenes)
        artefacts.append(sheet)
        item = MediaItem(sheet, "The figure, then every scene, from eight sides")
        sections += [Gallery("From all sides", (item,)), *_curves(run), _figures(more)]
    sample = SampleMetrics(PROMPT, 0, config.seed, values, reasons)
    return Outcome(tuple(artefacts), tuple(sections), (sample,))


def _law_metrics(found: Descended | None) -> dict[str, float | None]:
    """Measurements, and predictions where there are any."""
    if found is None:
        return {}
    law = found.law
    pairs = (
        ("saturation", found.saturation, law.saturation), ("spread", found.spread, law.spread),
        ("noise", found.noise, law.noise),
    )  # fmt: skip
    values: dict[str, float | None] = {}
    for name, value, predicted in pairs:
        values[name] = value if math.isfinite(value) else None
        if predicted is not None:
            values[f"{name}_law"] = predicted
    return values


def _laws(found: Descended | None) -> Section:
    if found is None:
        return Note("Under normal priors this loss has no fixed point: nothing is predicted.")
    law = found.law
    rows = (
        ("Saturation: where the mean ends, over the prompt's mean", found.saturation,
         law.saturation),
        ("Spread over latents", found.spread, law.spread),
        ("Variance of the gradient by its noise", found.noise, law.noise),
    )  # fmt: skip
    columns = (Column("Figure", align="left"), Column("Measured"), Column("Predicted"))
    return Table("Laws of normal priors", columns, rows)


def _figures(values: dict[str, float | None]) -> Section:
    columns = (Column("Figure", align="left"), Column("Value"))
    return Table("The scene against the figure", columns, tuple(values.items()))


def _curves(run: Run) -> list[Section]:
    rows = [row for row in run.metrics.read() if row.get("prior") is not None]
    if len(rows) < 2:
        return []
    curve = series("prior", [row["step"] for row in rows], [row["prior"] for row in rows])
    return [Plot("Half the gradient's mean square", Axis("Step", ""), Axis("Loss", ""), (curve,))]


APP = App(BenchConfig, run, estimate, check)
"""The keys of the bench of distillation."""
