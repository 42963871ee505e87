"""Plain settings trees that remember where each value was written.

A ``Tree`` is nested dicts, lists and scalars, plus an ``Origin`` for the path of every value. The
reader accepts the safe subset of YAML that cannot surprise: only ``true`` and ``false`` are
booleans, ``1e-4`` is a number, a repeated key is an error, and there are no anchors, tags, dates
or base-60 numbers.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from common.config.problems import COMMAND_LINE, ConfigError, Origin, Problem

KeyPath = tuple[str | int, ...]

MAX_BYTES = 1_000_000
MAX_DEPTH = 50

_RESOLVERS = (
    ("null", re.compile(r"^(?:~|null|)$"), "~n\0"),
    ("bool", re.compile(r"^(?:true|false)$"), "tf"),
    ("int", re.compile(r"^[-+]?(?:0|[1-9][0-9]{0,18})$"), "-+0123456789"),
    (
        "float",
        re.compile(
            r"^[-+]?(?:(?:[0-9]+\.[0-9]*|\.[0-9]+)(?:[eE][-+]?[0-9]+)?|[0-9]+[eE][-+]?[0-9]+)$"
        ),
        "-+.0123456789",
    ),
)


class _Loader(yaml.SafeLoader):
    """PyYAML's safe loader with the resolvers above instead of YAML 1.1's, and no aliases."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuse aliases: nested ones grow without bound, and ``base:`` serves their purpose."""
        if self.check_event(yaml.AliasEvent):
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(
                None, None, "aliases (*name) are refused; write the value out", mark
            )
        return super().compose_node(parent, index)


for _tag, _pattern, _first in _RESOLVERS:
    _Loader.add_implicit_resolver(f"tag:yaml.org,2002:{_tag}", _pattern, list(_first))
_Loader.add_implicit_resolver("tag:yaml.org,2002:null", _RESOLVERS[0][1], [""])


@dataclass(frozen=True)
class Tree:
    """Settings and the origin of each value (keyed by its path)."""

    values: dict[str, Any] = field(default_factory=dict)
    origins: dict[KeyPath, Origin] = field(default_factory=dict)


def read_file(path: Path, source: str) -> Tree:
    """Read one YAML file of at most 1 MB whose top level is a mapping.

    Args:
        path: the file.
        source: its name in messages.
    """
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            raise ConfigError.at(Origin(source), "", f"is {size:,} bytes; at most {MAX_BYTES:,}")
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError as error:
        raise ConfigError.at(Origin(source), "", f"is not UTF-8 text ({error.reason})") from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise ConfigError.at(Origin(source), "", f"cannot be read: {reason}") from None
    value, origins = parse(text, source)
    if value is None:
        value = {}
    if not isinstance(value, dict):
        raise ConfigError.at(Origin(source, 1), "", "must hold 'key: value' lines at top level")
    return Tree(value, origins)


def parse(text: str, source: str) -> tuple[Any, dict[KeyPath, Origin]]:
    """Parse YAML text into plain values and their origins."""
    loader = None
    try:
        loader = _Loader(text)
        node = loader.get_single_node()
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        line = mark.line + 1 if mark else None
        what = " ".join(part for part in (error.context, error.problem) if part)
        raise ConfigError.at(Origin(source, line), "", f"is not valid YAML: {what}") from None
    except (yaml.YAMLError, RecursionError) as error:
        what = str(error).splitlines()[0]
        raise ConfigError.at(Origin(source), "", f"is not valid YAML: {what}") from None
    finally:
        if loader is not None:
            loader.dispose()
    origins: dict[KeyPath, Origin] = {}
    value = None if node is None else _convert(node, (), source, origins)
    return value, origins


def _convert(node: yaml.Node, path: KeyPath, source: str, origins: dict[KeyPath, Origin]) -> Any:
    origin = Origin(source, node.start_mark.line + 1)
    if len(path) > MAX_DEPTH:
        raise ConfigError.at(origin, dotted(path[:4]), f"is nested deeper than {MAX_DEPTH} levels")
    origins[path] = origin
    kind = node.tag.removeprefix("tag:yaml.org,2002:")
    if isinstance(node, yaml.MappingNode) and kind == "map":
        return _convert_mapping(node, path, source, origins)
    if isinstance(node, yaml.SequenceNode) and kind == "seq":
        return [_convert(item, (*path, i), source, origins) for i, item in enumerate(node.value)]
    if isinstance(node, yaml.ScalarNode):
        if kind == "str":
            return node.value
        if kind == "null":
            return None
        if kind == "bool":
            return node.value == "true"
        if kind == "int":
            return int(node.value)
        if kind == "float":
            return float(node.value)
    raise ConfigError.at(origin, dotted(path), f"has the YAML tag '{node.tag}'; tags are refused")


def _convert_mapping(
    node: yaml.MappingNode, path: KeyPath, source: str, origins: dict[KeyPath, Origin]
) -> dict[str, Any]:
    result: dict[str, Any] = {}
    for key_node, value_node in node.value:
        origin = Origin(source, key_node.start_mark.line + 1)
        if not isinstance(key_node, yaml.ScalarNode):
            raise ConfigError.at(origin, dotted(path), "has a key that is not a word")
        key = key_node.value
        if key in result:
            first = origins[(*path, key)].line
            raise ConfigError.at(
                origin, dotted((*path, key)), f"is set twice: here and on line {first}"
            )
        result[key] = _convert(value_node, (*path, key), source, origins)
        origins[(*path, key)] = origin
    return result


def merge(parent: Tree, child: Tree) -> Tree:
    """Lay ``child`` over ``parent``: mappings merge, lists and scalars replace.

    A nested block whose ``name`` differs is another variant and replaces its parent whole, so
    that no key of the old variant leaks into the new one.
    """
    origins = dict(parent.origins)
    values = _merge(parent.values, child.values, (), origins)
    origins.update((_indexed(path, values), origin) for path, origin in child.origins.items())
    return Tree(values, origins)


def _merge(
    parent: Mapping[str, Any], child: Mapping[str, Any], path: KeyPath, origins: dict[KeyPath, Any]
) -> dict[str, Any]:
    result = dict(parent)
    for key, value in child.items():
        here = (*path, key)
        old = result.get(key)
        if (
            isinstance(old, dict)
            and isinstance(value, dict)
            and ("name" not in value or value["name"] == old.get("name"))
        ):
            result[key] = _merge(old, value, here, origins)
            continue
        if isinstance(old, list) and _names_items(value, len(old)):
            by_index = {str(index): item for index, item in enumerate(old)}
            result[key] = list(_merge(by_index, value, here, origins).values())
            continue
        for stale in [known for known in origins if known[: len(here)] == here]:
            del origins[stale]
        result[key] = value
    return result


def _names_items(value: Any, count: int) -> bool:
    """Whether a block's keys are indices of a list: ``variants.0.label=a`` changes one item."""
    if not isinstance(value, dict) or not value:
        return False
    return all(key.isdecimal() and int(key) < count for key in value)


def _indexed(path: KeyPath, values: Any) -> KeyPath:
    """The path with whole numbers where it passes through lists."""
    result: KeyPath = ()
    for part in path:
        in_list = isinstance(values, list) and str(part).isdecimal()
        part = int(part) if in_list else part
        result = (*result, part)
        if isinstance(values, dict):
            values = values.get(part)
        elif isinstance(values, list) and isinstance(part, int) and part < len(values):
            values = values[part]
    return result


def override(key: str, text: str, as_text: bool) -> Tree:
    """The tree of one ``key=value`` argument.

    The value is read as YAML, except where the setting is text (``as_text``) and the value is
    not quoted: then it is taken as it stands, so that ``prompt=a cat: sleeping`` needs no quotes.
    """
    path: KeyPath = tuple(key.split("."))
    if not all(path):
        raise ConfigError([Problem(COMMAND_LINE, f"{key}={text}", "is not of the form key=value")])
    quoted = len(text) > 1 and text[0] == text[-1] and text[0] in "\"'"
    value: Any = text
    inner: dict[KeyPath, Origin] = {(): COMMAND_LINE}
    if quoted or not as_text:
        try:
            value, inner = parse(text, "command line")
        except ConfigError as error:
            raise ConfigError([Problem(COMMAND_LINE, key, error.problems[0].message)]) from None
    origins: dict[KeyPath, Origin] = {path[:i]: COMMAND_LINE for i in range(1, len(path) + 1)}
    origins |= {(*path, *rest): COMMAND_LINE for rest in inner}
    return Tree(nested(path, value), origins)


def nested(path: KeyPath, value: Any) -> dict[str, Any]:
    """The blocks around a value: ``("a", "b"), 1`` is ``{"a": {"b": 1}}``."""
    for part in reversed(path):
        value = {part: value}
    return value


def dotted(path: KeyPath) -> str:
    """``("a", 0, "b")`` as ``a.0.b``."""
    return ".".join(str(part) for part in path)
