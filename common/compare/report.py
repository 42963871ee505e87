"""The sections of a comparison's report: who is better, at what cost, and what it looks like."""

from collections.abc import Sequence
from itertools import product
from typing import Literal

from common.compare.collect import COST_METRICS, Failed, Result
from common.compare.config import CompareConfig, MetricConfig
from common.compare.estimates import Estimate
from common.compare.significance import Claim, Summary
from common.config.load import flatten
from common.config.tree import dotted
from common.report.content import (
    Axis,
    Band,
    Cell,
    ClipRow,
    Column,
    ConfigChange,
    ConfigDiff,
    Failure,
    Failures,
    Interval,
    MediaItem,
    Missing,
    Note,
    Plot,
    Section,
    Series,
    SyncedClips,
    Table,
)

_SHOWN_SUFFIXES = (".mp4", ".webm", ".webp", ".gif", ".png", ".jpg")
_SHARED = (
    "Runs share processes (cells_per_process): time leaves out imports, and peak memory includes "
    "what earlier runs left behind. Set it to 1 to compare costs."
)
_TARGETS = (
    '"off" is the mean distance of runs from the value that is right: what is ranked and tested.'
)
_PER_CELL = ("name", "output_dir", "seed", "prompt")


def sections(
    config: CompareConfig,
    labels: Sequence[str],
    results: Sequence[Result],
    failures: Sequence[Failed],
    summaries: Sequence[Summary],
    claims: Sequence[Claim],
) -> tuple[Section, ...]:
    """Everything a comparison's report shows, in order."""
    found: list[Section] = [_means(config, labels, summaries)]
    if claims:
        found.append(_differences(config, claims))
    found += _trade_offs(config, labels, summaries)
    found += _clips(config, labels, results, failures)
    found.append(_config_diff(labels, results))
    found.append(_failures(failures))
    return tuple(found)


def _means(config: CompareConfig, labels: Sequence[str], summaries: Sequence[Summary]) -> Table:
    metrics = list({m.metric: m for m in [*map(_cost, COST_METRICS), *config.metrics]}.values())
    metrics.sort(key=lambda metric: metric.metric in COST_METRICS)
    by_key = {(s.variant, s.metric): s for s in summaries}
    columns = [Column("Variant", align="left")]
    for metric in metrics:
        columns += _columns(metric)
    columns.append(Column("Runs"))
    rows = []
    for label in labels:
        cells: list[Cell] = [label]
        found = [by_key.get((label, metric.metric)) for metric in metrics]
        for metric, summary in zip(metrics, found, strict=True):
            cells.append(_interval(summary.estimate if summary else None))
            if metric.target is not None:
                cells.append(_interval(summary.distance if summary else None))
        cells.append(max((s.estimate.n for s in found if s and s.estimate), default=0))
        rows.append(tuple(cells))
    methods = sorted({s.estimate.method for s in summaries if s.estimate is not None})
    notes = sorted({s.estimate.note for s in summaries if s.estimate and s.estimate.note})
    level = f"{config.level:.0%}"
    return Table(
        "Means", tuple(columns), tuple(rows),
        footnotes=(
            f"Mean and {level} interval of each variant ({'; '.join(methods)}).", *notes,
            *(_TARGETS,) * any(metric.target is not None for metric in metrics),
            *(_SHARED,) * (config.cells_per_process > 1),
        ),
    )  # fmt: skip


def _columns(metric: MetricConfig) -> list[Column]:
    """Of a metric; where a value is right, the best is in the column of distances from it."""
    if metric.target is not None:
        return [Column(metric.metric, metric.unit),
                Column(_compared_name(metric), metric.unit, best="lowest")]  # fmt: skip
    best: Literal["highest", "lowest"] = "highest" if metric.better == "higher" else "lowest"
    return [Column(metric.metric, metric.unit, best=best)]


def _compared_name(metric: MetricConfig) -> str:
    """What is compared of a metric."""
    return metric.metric if metric.target is None else f"{metric.metric} off {metric.target:g}"


def _differences(config: CompareConfig, claims: Sequence[Claim]) -> Table:
    units = {metric.metric: metric.unit for metric in config.metrics}
    names = {metric.metric: _compared_name(metric) for metric in config.metrics}
    columns = (
        Column("Metric", align="left"), Column("Variant", align="left"), Column("Difference"),
        Column("p (Holm)"), Column("Verdict", align="left"), Column("Detectable"),
        Column("Left out"),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for claim in claims:
        found, unit = claim.difference, units.get(claim.metric, "")
        value: Cell = None
        if found is not None:
            known = found.lo is not None and found.hi is not None
            value = Interval(found.value, found.lo, found.hi) if known else found.value  # type: ignore[arg-type]
        rows.append((
            f"{names[claim.metric]} ({unit})" if unit else names[claim.metric],
            claim.variant, value, claim.p_adjusted, claim.verdict, claim.detectable,
            claim.num_dropped + claim.num_dropped_baseline,
        ))  # fmt: skip
    methods = sorted({c.difference.method for c in claims if c.difference is not None})
    level = f"{config.level:.0%}"
    return Table(
        f"Differences from {claims[0].baseline}", columns, tuple(rows),
        footnotes=(
            f"Variant minus baseline with its {level} interval; {'; '.join(methods)}.",
            *(_TARGETS,) * any(names[claim.metric] != claim.metric for claim in claims),
            f"p is adjusted over all {len(claims)} claims, so that all verdicts hold together "
            f"at {level}.",
            *sorted({claim.note for claim in claims if claim.note}),
            "Detectable: the smallest true difference that these runs would have shown with 80 % "
            "chance.",
        ),
    )  # fmt: skip


def _trade_offs(
    config: CompareConfig, labels: Sequence[str], summaries: Sequence[Summary]
) -> list[Section]:
    by_key = {(s.variant, s.metric): s for s in summaries}
    plots: list[Section] = []
    for metric, cost in product(config.metrics[:2], map(_cost, COST_METRICS)):
        drawn = []
        for label in labels:
            both = [by_key.get((label, m.metric)) for m in (metric, cost)]
            quality, price = (_interval(s.estimate if s else None) for s in both)
            if isinstance(quality, Interval) and isinstance(price, Interval):
                drawn.append(Series(
                    label, (price.value,), (quality.value,), "points",
                    Band((quality.lo,), (quality.hi,)), Band((price.lo,), (price.hi,)),
                ))  # fmt: skip
        if drawn and metric.metric not in COST_METRICS:
            plots.append(Plot(
                f"{metric.metric} against {cost.metric}", Axis(cost.metric, cost.unit),
                Axis(metric.metric, metric.unit), (*drawn, *_right_line(metric, drawn)),
            ))  # fmt: skip
    return plots


def _right_line(metric: MetricConfig, drawn: Sequence[Series]) -> tuple[Series, ...]:
    """The target of a metric as a line under all that is drawn; none without a target."""
    if metric.target is None:
        return ()
    ends = [x for one in drawn if one.x_band for x in (*one.x_band.lo, *one.x_band.hi)]
    right = (metric.target, metric.target)
    return (Series(f"{metric.target:g} is right", (min(ends), max(ends)), right),)


def _clips(
    config: CompareConfig, labels: Sequence[str], results: Sequence[Result],
    failures: Sequence[Failed],
) -> list[Section]:  # fmt: skip
    reasons = {(f.cell.column, f.cell.prompt, f.cell.repeat): f.message for f in failures}
    shown: dict[tuple[str, str, int], MediaItem] = {}
    for result in results:
        pictures = [a for a in result.record.artefacts if a.path.endswith(_SHOWN_SUFFIXES)]
        if pictures:
            cell = result.cell
            key = (cell.column, cell.prompt, cell.repeat)
            shown[key] = MediaItem(result.folder.path / pictures[0].path, f"seed {cell.seed}")
    prompts = list(dict.fromkeys(r.cell.prompt for r in results))
    rows = []
    for prompt, repeat in product(prompts, range(min(config.num_shown, config.num_seeds))):
        keys = [(label, prompt, repeat) for label in labels]
        if any(key in shown for key in keys):
            clips = tuple(
                shown.get(key) or Missing(reasons.get(key, "made no picture")) for key in keys
            )
            rows.append(ClipRow(f"{prompt} ({repeat + 1})", clips))
    if not rows:
        return []
    return [SyncedClips("Side by side", tuple(labels), tuple(rows))]


def _config_diff(labels: Sequence[str], results: Sequence[Result]) -> Section:
    first = {r.cell.column: flatten(r.cell.values) for r in reversed(results)}
    known = [label for label in labels if label in first]
    keys = dict.fromkeys(key for label in known for key in first[label])
    changes = []
    for key in keys:
        if key[0] in _PER_CELL:
            continue
        values = tuple(_text(first[label].get(key, _ABSENT)) for label in known)
        if len(set(values)) > 1:
            changes.append(ConfigChange(dotted(key), values))
    if not known:
        return Note("No variant has a finished run.", level="warning")
    return ConfigDiff("What differs", tuple(known), tuple(changes))


_ABSENT = object()


def _text(value: object) -> str | None:
    return None if value is _ABSENT else str(value)


def _failures(failures: Sequence[Failed]) -> Failures:
    items = tuple(
        Failure(f"{f.cell.column}, '{f.cell.prompt}', seed {f.cell.seed}", f.message, f.log_tail)
        for f in failures
    )
    caption = "Failed runs are left out of the tables; `run.py resume` tries them again."
    return Failures("Failures", items, caption if items else "")


def _interval(estimate: Estimate | None) -> Cell:
    if estimate is None:
        return None
    if estimate.lo is None or estimate.hi is None:
        return estimate.value
    return Interval(estimate.value, estimate.lo, estimate.hi)


def _cost(name: str) -> MetricConfig:
    units = {"time_s": "s", "peak_memory_mb": "MB"}
    return MetricConfig(metric=name, better="lower", unit=units[name], claim=False)
