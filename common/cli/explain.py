"""``run.py explain <key>``: type, range, default and meaning of any key."""

from collections.abc import Sequence
from typing import Any

from pydantic_core import PydanticUndefined

from common.config.model import Config
from common.config.problems import did_you_mean
from common.config.schema import Key, config_classes, type_text, walk
from common.errors import InputError
from common.runs.apps import Apps


def explain(key: str, apps: Apps) -> str:
    """Explain ``video.sampler.num_steps``, or ``sampler.num_steps`` for every app that has it."""
    first, _, rest = key.partition(".")
    chosen = [first] if first in apps.names else list(apps.names)
    wanted = rest if first in apps.names else key
    found: dict[str, list[str]] = {}
    known: list[str] = []
    for app in chosen:
        keys = list(walk(apps.of(app).config))
        known += [k.path for k in keys]
        matches = [k for k in keys if k.path == wanted] if wanted else []
        if not wanted:
            found[_children(apps.of(app).config)] = [app]
        for match in {(m.path, m.owner): m for m in matches}.values():
            places = found.setdefault(_describe(match), [])
            places += [] if app in places else [app]
    if not found:
        raise InputError(f"no key '{key}'{did_you_mean(wanted, dict.fromkeys(known))}")
    if not wanted:
        return "\n\n".join(f"{', '.join(places)}\n{text}" for text, places in found.items())
    return "\n\n".join(f"{text}\n  in: {', '.join(places)}" for text, places in found.items())


def _describe(key: Key) -> str:
    lines = [key.path, f"  {type_text(key.field.annotation)}{_range(key.field.metadata)}"]
    lines.append(f"  default: {_default(key.field)}")
    lines += [f"  {line.strip()}" for line in (key.field.description or "").splitlines()]
    for cls in config_classes(key.field.annotation):
        name = cls.model_fields.get("name")
        title = f"{name.default}: " if name is not None else ""
        summary = (cls.__doc__ or "").strip().splitlines()[0]
        lines += ["", f"  {title}{summary}", *_children(cls, "    ").splitlines()]
    return "\n".join(lines)


def _children(cls: type[Config], pad: str = "  ") -> str:
    rows = []
    for name, field in cls.model_fields.items():
        text = " ".join((field.description or "").split())
        rows.append(f"{pad}{name}: {type_text(field.annotation)}{_range(field.metadata)}")
        rows.append(f"{pad}    {text} (default: {_default(field)})".rstrip())
    return "\n".join(rows)


def _range(metadata: Sequence[Any]) -> str:
    signs = {
        "ge": ">=", "gt": ">", "le": "<=", "lt": "<",
        "min_length": "length >=", "max_length": "length <=",
    }  # fmt: skip
    parts = [
        f"{sign} {getattr(item, name):g}"
        for item in metadata
        for name, sign in signs.items()
        if getattr(item, name, None) is not None
    ]
    return f", {' and '.join(parts)}" if parts else ""


def _default(field: Any) -> str:
    if field.is_required() or field.default is PydanticUndefined:
        return "none, must be set"
    if isinstance(field.default, Config):
        name = getattr(field.default, "name", None)
        return str(name) if isinstance(name, str) else "the block's own defaults"
    return "null" if field.default is None else f"{field.default}"
