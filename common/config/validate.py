"""From a settings tree to a typed config, or to the full list of what is wrong with it."""

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import ValidationError

from common.config.model import Config, variants_by_name
from common.config.problems import DEFAULT, ConfigError, Origin, Problem, did_you_mean
from common.config.schema import (
    annotation_at,
    config_classes,
    is_variant_union,
    pick,
    type_text,
)
from common.config.tree import KeyPath, Tree, dotted

AnyConfig = TypeVar("AnyConfig", bound=Config)

_WORDS = {int: "a whole number", float: "a number", str: "text"}


def validate(root: type[AnyConfig], tree: Tree) -> AnyConfig:
    """Read ``tree`` as a ``root`` config.

    Validation goes through JSON: pydantic's strict mode then refuses ``true`` for a number and
    text for a number, yet takes ``1`` for ``1.0`` and a list for a tuple.

    Raises:
        ConfigError: with every problem, each at the file and line that wrote it.
    """
    try:
        return root.model_validate_json(json.dumps(tree.values))
    except ValidationError as error:
        problems = [_problem(root, tree, dict(item)) for item in error.errors()]
        in_order = sorted(dict.fromkeys(problems), key=lambda problem: problem.origin.line or 0)
        raise ConfigError(in_order) from None


def _problem(root: type[Config], tree: Tree, error: dict[str, Any]) -> Problem:
    path = _real_path(root, tree.values, error["loc"])
    kind, value = error["type"], error.get("input")
    annotation = annotation_at(root, path, tree.values)
    notes: tuple[str, ...] = ()
    if path and path[-1] == "[key]":
        path = path[:-1]
        whole = kind.startswith("int")
        message = f"'{path[-1]}' cannot be a key here"
        message += ", where keys are whole numbers" if whole else f": {error['msg'].lower()}"
    elif kind == "extra_forbidden":
        known = _known_keys(root, tree, path[:-1])
        message = "no such key" + did_you_mean(str(path[-1]), known)
        notes = (f"known here: {', '.join(known)}",)
    elif kind == "missing":
        message = "is required, but not set"
    elif kind == "union_tag_invalid":
        names = list(variants_by_name(*config_classes(annotation)))
        given = value["name"] if isinstance(value, dict) else value
        message = f"no variant '{given}'" + did_you_mean(str(given), names)
        notes = (f"known here: {', '.join(names)}",)
        path = (*path, "name")
    elif kind == "union_tag_not_found":
        message = f"must be a block, not {_shown(value)}"
    elif kind == "literal_error":
        message = f"must be {_a(type_text(annotation))}, not {_shown(value)}"
        if isinstance(value, str):
            message += did_you_mean(value, type_text(annotation).split()[2::2])
    elif kind in ("value_error", "assertion_error"):
        message = error["msg"].removeprefix("Value error, ").removeprefix("Assertion failed, ")
    elif kind.endswith(("_type", "_parsing", "_attributes_type", "_from_float")):
        message = f"must be {_a(type_text(annotation)) or 'a block'}, not {_shown(value)}"
    else:
        message = f"{error['msg'][0].lower()}{error['msg'][1:]}, not {_shown(value)}"
    return Problem(origin_of(tree, path), dotted(path), message, notes)


def _real_path(root: type[Config], values: Any, loc: tuple[str | int, ...]) -> KeyPath:
    """Drop from pydantic's location the tags that only say which variant was read."""
    path: KeyPath = ()
    entered = False
    for part in loc:
        classes = config_classes(annotation_at(root, path, values)) if path else ()
        names = variants_by_name(*classes) if is_variant_union(classes) else {}
        if not entered and part in names:
            entered = True
        elif not str(part).startswith("function-"):
            path, entered = (*path, part), False
    return path


def value_at(values: Any, path: KeyPath) -> Any:
    """The value at a path of a settings tree, or None."""
    for part in path:
        if isinstance(values, Mapping):
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
        else:
            return None
    return values


def origin_of(tree: Tree, path: KeyPath) -> Origin:
    """Where the value at ``path`` was written: its own place, else the block around it."""
    for end in range(len(path), 0, -1):
        if path[:end] in tree.origins:
            return tree.origins[path[:end]]
    whole_file = tree.origins.get((), DEFAULT)
    return Origin(whole_file.source)


def _known_keys(root: type[Config], tree: Tree, path: KeyPath) -> list[str]:
    annotation = annotation_at(root, path, tree.values)
    cls = pick(config_classes(annotation), value_at(tree.values, path))
    return list(cls.model_fields) if cls is not None else []


def _a(kind: str) -> str:
    nouns = ("whole number", "number", "list", "block", "path")
    return f"a {kind}" if kind.startswith(nouns) else kind


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return "a block"
    if isinstance(value, list):
        return "a list"
    text = json.dumps(value, ensure_ascii=False)
    text = text if len(text) <= 60 else f"{text[:57]}..."
    word = next((w for kind, w in _WORDS.items() if type(value) is kind), "")
    return f"{text} ({word})" if word else text
