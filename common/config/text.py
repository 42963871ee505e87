"""A resolved config as plain YAML text, with or without the origin of each value."""

import re
from collections.abc import Iterator
from typing import Any

import yaml

from common.config.model import Config
from common.config.problems import DEFAULT
from common.config.tree import KeyPath, Tree, parse

_PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_ ./+\-]*(?<! )")


def to_plain(config: Config) -> dict[str, Any]:
    """The config as nested dicts, lists and scalars: what the YAML text holds."""
    return config.model_dump(mode="json")


def yaml_text(values: dict[str, Any]) -> str:
    """Plain YAML that ``common.config.load`` reads back to equal values."""
    return "\n".join(text for text, _ in _lines(values, 0, ())) + "\n"


def yaml_with_origins(values: dict[str, Any], tree: Tree) -> str:
    """YAML with a comment on each line that says where the value comes from."""
    lines = [(text, str(_origin(tree, path))) for text, path in _lines(values, 0, ())]
    width = min(max(len(text) for text, _ in lines), 60)
    return "\n".join(f"{text:<{width}}  # {origin}" for text, origin in lines) + "\n"


def _origin(tree: Tree, path: KeyPath) -> Any:
    if path in tree.origins:
        return tree.origins[path]
    # Items of a list that was written on one line have the list's place.
    for end in range(len(path) - 1, 0, -1):
        if isinstance(path[end], int) and path[:end] in tree.origins:
            return tree.origins[path[:end]]
    return DEFAULT


def _lines(value: Any, indent: int, path: KeyPath) -> Iterator[tuple[str, KeyPath]]:
    pad = "  " * indent
    items = value.items() if isinstance(value, dict) else enumerate(value)
    for part, item in items:
        here = (*path, part)
        lead = f"{pad}{_scalar(str(part))}:" if isinstance(value, dict) else f"{pad}-"
        if isinstance(item, (dict, list)) and item:
            yield lead, here
            yield from _lines(item, indent + 1, here)
        else:
            yield f"{lead} {_scalar(item)}", here


def _scalar(value: Any) -> str:
    if value == {}:
        return "{}"
    if value == []:
        return "[]"
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float):
        return _float(value)
    if isinstance(value, int):
        return str(value)
    if _PLAIN.fullmatch(value) and parse(value, "")[0] == value:
        return value
    dumped = yaml.dump(
        value, default_style='"', allow_unicode=True, width=float("inf"), Dumper=yaml.SafeDumper
    )
    return dumped.rstrip("\n")


def _float(value: float) -> str:
    text = repr(value)
    return text if "." in text or "e" in text else f"{text}.0"
