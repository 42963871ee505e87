"""What keys a config class knows: the lookups behind error messages, ``explain`` and overrides."""

import types
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Union, get_args, get_origin

from pydantic.fields import FieldInfo

from common.config.model import Config, variants_by_name
from common.config.tree import KeyPath


@dataclass(frozen=True)
class Key:
    """One key a user can set: its field, and the class that declares it."""

    path: str
    owner: type[Config]
    field: FieldInfo


def members(annotation: Any) -> tuple[Any, ...]:
    """The plain types of an annotation: unions opened, ``Annotated`` removed."""
    origin = get_origin(annotation)
    if origin is Annotated:
        return members(get_args(annotation)[0])
    if origin in (Union, types.UnionType):
        return tuple(member for part in get_args(annotation) for member in members(part))
    return (annotation,)


def config_classes(annotation: Any) -> tuple[type[Config], ...]:
    """The config classes among an annotation's members."""
    plain = (m for m in members(annotation) if get_origin(m) is None and isinstance(m, type))
    return tuple(member for member in plain if issubclass(member, Config))


def is_variant_union(classes: tuple[type[Config], ...]) -> bool:
    """Whether the classes are told apart by a ``name`` literal."""
    return all(
        "name" in cls.model_fields and get_origin(cls.model_fields["name"].annotation) is Literal
        for cls in classes
    ) and bool(classes)


def pick(classes: tuple[type[Config], ...], value: Any) -> type[Config] | None:
    """The class that a block of settings is read as, or None when its ``name`` is unknown."""
    if not classes:
        return None
    if not is_variant_union(classes):
        return classes[0]
    if not isinstance(value, dict) or "name" not in value:
        return classes[0]
    name = value["name"]
    return variants_by_name(*classes).get(name) if isinstance(name, str) else None


def annotation_at(root: type[Config], path: KeyPath, values: Any) -> Any:
    """The annotation of the value at ``path`` of a settings tree, or None if there is none."""
    annotation: Any = root
    for part in path:
        annotation = _step(annotation, part, values)
        if annotation is None:
            return None
        values = _child(values, part)
    return annotation


def _step(annotation: Any, part: str | int, value: Any) -> Any:
    cls = pick(config_classes(annotation), value)
    if cls is not None:
        field = cls.model_fields.get(str(part))
        return None if field is None else field.annotation
    for member in members(annotation):
        arguments = get_args(member)
        if get_origin(member) in (tuple, list) and arguments:
            return arguments[0]
        if get_origin(member) is dict:
            return arguments[1]
    return None


def _child(values: Any, part: str | int) -> Any:
    if isinstance(values, dict):
        return values.get(part)
    if isinstance(values, list) and str(part).isdigit() and int(part) < len(values):
        return values[int(part)]
    return None


def is_text(annotation: Any) -> bool:
    """Whether a value of this annotation is text (and not a number, list or block as well)."""
    kinds = {m for m in members(annotation) if m is not type(None)}
    return kinds == {str}


def walk(root: type[Config], prefix: str = "") -> Iterator[Key]:
    """Every key below a config class, variants one after the other."""
    for name, field in root.model_fields.items():
        path = f"{prefix}{name}"
        yield Key(path, root, field)
        for cls in config_classes(field.annotation):
            yield from walk(cls, f"{path}.")


def type_text(annotation: Any) -> str:
    """An annotation in the words of ``explain``: ``whole number``, ``one of a | b``, ..."""
    names = {int: "whole number", float: "number", bool: "true or false", str: "text"}
    parts: list[str] = []
    for member in members(annotation):
        origin = get_origin(member)
        if origin is Literal:
            parts.append("one of " + " | ".join(str(value) for value in get_args(member)))
        elif origin in (tuple, list):
            parts.append(f"list of {type_text(get_args(member)[0])}")
        elif origin is dict:
            parts.append(f"block of {type_text(get_args(member)[1])}")
        elif member is type(None):
            parts.append("null")
        elif isinstance(member, type) and issubclass(member, Config):
            continue
        else:
            parts.append(names.get(member, getattr(member, "__name__", str(member)).lower()))
    classes = config_classes(annotation)
    if classes and is_variant_union(classes):
        parts.append("one of " + " | ".join(variants_by_name(*classes)))
    elif classes:
        parts.append("block")
    return " or ".join(dict.fromkeys(parts))
