"""From a comparison's config to its cells: one ordinary run config each."""

import itertools
import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.compare.config import MAX_CELLS, CompareConfig
from common.config.load import find_config, load_tree, read_composed
from common.config.model import Config
from common.config.problems import ConfigError, Origin, Problem, did_you_mean
from common.config.tree import KeyPath, Tree, merge, nested
from common.errors import InputError
from common.runs.apps import Apps

_FIXED = ("prompt", "seed", "name", "output_dir", "app", "schema_version")


@dataclass(frozen=True)
class Column:
    """One variant with one combination of the grid."""

    label: str
    changes: dict[str, Any]
    """Dotted keys and values, laid over the base run."""


@dataclass(frozen=True)
class Cell:
    """One run of the comparison."""

    column: str
    prompt: str
    seed: int
    repeat: int
    """Number of the seed within its column, which pairs runs of different columns."""
    name: str
    """Name of its run folder below the comparison's ``cells/``."""
    values: dict[str, Any]
    """Its whole config, as plain values."""


def columns(config: CompareConfig) -> list[Column]:
    """The variants, each combined with every point of the grid."""
    variants = [(v.label, config.set | v.set) for v in config.run_variants] or [("", config.set)]
    keys = list(config.grid)
    points = [dict(zip(keys, point, strict=True)) for point in itertools.product(
        *config.grid.values()
    )]  # fmt: skip
    result = []
    for (label, changes), point in itertools.product(variants, points):
        ending = ", ".join(f"{key.rpartition('.')[2]}={_short(v)}" for key, v in point.items())
        result.append(Column(" ".join(filter(None, [label, ending])), changes | point))
    return result


def plan(config: CompareConfig, apps: Apps, cells_dir: Path) -> list[Cell]:
    """All cells, column by column; every cell's config is validated.

    Raises:
        ConfigError: with the problems of all columns at once.
    """
    base = read_composed(find_config(config.run))
    found = columns(config)
    _check_size(config, found)
    prompts = config.prompts or (base.values.get("prompt"),)
    problems: list[Problem] = []
    cells: list[Cell] = []
    for index, column in enumerate(found):
        try:
            values = _column_values(base, column, config, apps)
        except ConfigError as error:
            problems += [_in_column(problem, column) for problem in error.problems]
            continue
        first_seed = config.seed + (0 if config.common_seeds else index * config.num_seeds)
        for (row, prompt), repeat in itertools.product(enumerate(prompts), range(config.num_seeds)):
            name = f"{index:02d}-{_slug(column.label)}-p{row:02d}-{repeat:04d}"
            own = {"name": name, "output_dir": str(cells_dir), "seed": first_seed + repeat}
            own |= {"prompt": prompt} if prompt is not None else {}
            cells.append(Cell(
                column.label, prompt or "", first_seed + repeat, repeat, name, values | own
            ))  # fmt: skip
    if problems:
        raise ConfigError(list(dict.fromkeys(problems)))
    return cells


def baseline_of(config: CompareConfig) -> str:
    """The label of the column that the others are compared with."""
    labels = [column.label for column in columns(config)]
    if config.baseline is None:
        return labels[0]
    if config.baseline not in labels:
        raise InputError(
            f"baseline: no variant '{config.baseline}'{did_you_mean(config.baseline, labels)}; "
            f"known: {', '.join(labels)}"
        )
    return config.baseline


def _column_values(base: Tree, column: Column, config: CompareConfig, apps: Apps) -> dict[str, Any]:
    tree = base
    here = Origin(f"variant '{column.label}'")
    for key, value in column.changes.items():
        if key.split(".")[0] in _FIXED:
            message = "is set by the comparison for every run; it cannot vary"
            raise ConfigError.at(here, key, message)
        path: KeyPath = tuple(key.split("."))
        origins = {path[:end]: here for end in range(1, len(path) + 1)}
        tree = merge(tree, Tree(nested(path, value), origins))
    own = Tree({"device": config.device, "num_threads": config.num_threads}, {})
    tree = merge(tree, own)
    prompt = config.prompts[0] if config.prompts else tree.values.get("prompt")
    tree = merge(tree, Tree({"prompt": prompt} if prompt is not None else {}, {}))
    loaded = load_tree(tree, "", (), apps)
    _check_app(loaded.config)
    return tree.values


def _check_app(config: Config) -> None:
    if isinstance(config, CompareConfig):
        raise ConfigError.at(Origin("run"), "run", "a comparison cannot compare comparisons")


def _in_column(problem: Problem, column: Column) -> Problem:
    origin = problem.origin
    if origin.source in ("default", "command line"):
        origin = Origin(f"variant '{column.label}'")
    return Problem(origin, problem.key, problem.message, problem.notes)


def _check_size(config: CompareConfig, found: list[Column]) -> None:
    if len(found) < 2:
        raise InputError("a comparison needs at least two columns; the grid has one point")
    count = len(found) * max(len(config.prompts), 1) * config.num_seeds
    if count > MAX_CELLS:
        raise InputError(
            f"{len(found)} columns x {max(len(config.prompts), 1)} prompts x {config.num_seeds} "
            f"seeds are {count:,} runs; at most {MAX_CELLS:,}"
        )


def _short(value: Any) -> str:
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _slug(label: str) -> str:
    return re.sub(r"[^A-Za-z0-9.]+", "-", label).strip("-.")[:40] or "column"
