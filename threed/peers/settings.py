"""The settings of another system's YAML file, and which of them were understood."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from common.config.tree import parse
from common.errors import InputError

MAX_BYTES = 2**20
_REFERENCE = re.compile(r"\$\{([A-Za-z_][\w.]*)\}")
MISSING = "???"
"""What OmegaConf writes for a value that must still be given."""


@dataclass(frozen=True)
class Said:
    """One setting, and what it means here."""

    key: str
    value: Any
    meaning: str


@dataclass(eq=False)
class Settings:
    """All settings by dotted key; it keeps account of which were asked for."""

    values: dict[str, Any]
    said: list[Said] = field(default_factory=list)
    seen: set[str] = field(default_factory=set)

    def get(self, key: str, default: Any = None) -> Any:
        """A value, which counts as understood; ``???`` and null count as the default."""
        self.seen.add(key)
        value = self.values.get(key)
        return default if value is None or value == MISSING else value

    def number(self, key: str, default: float | int) -> float:
        """A value that must be a number.

        Raises:
            InputError: it is none.
        """
        value = self.get(key, default)
        found = as_number(value)
        if found is None:
            raise InputError(f"{key} is {value!r}; a number is needed to say what it means here")
        return found

    def positive(self, key: str, default: float | int) -> float:
        """A value that must be a number above 0.

        Raises:
            InputError: it is none.
        """
        found = self.number(key, default)
        if found <= 0:
            raise InputError(f"{key} is {found:g}; a number above 0 is needed")
        return found

    def say(self, key: str, meaning: str) -> None:
        """Note what a key means; its value is the file's."""
        self.seen.add(key)
        self.said.append(Said(key, self.values.get(key), meaning))

    def has(self, key: str) -> bool:
        """Whether the file sets it."""
        return key in self.values

    def unknown(self) -> list[str]:
        """Keys that nobody asked for, in the order of the file."""
        return [key for key in self.values if key not in self.seen]

    def unsaid(self) -> list[str]:
        """Keys that were read together with others, which say what they mean."""
        said = {one.key for one in self.said}
        return [key for key in self.values if key in self.seen and key not in said]


def read_settings(path: Path) -> Settings:
    """Read a YAML file of at most a megabyte; plain ``${a.b}`` references are followed.

    Raises:
        InputError: too large, not YAML, or no block of keys.
    """
    size = path.stat().st_size
    if size > MAX_BYTES:
        raise InputError(f"{path}: has {size:,} bytes; configs of at most {MAX_BYTES:,} are read")
    try:
        read, _ = parse(path.read_text(encoding="utf-8"), str(path))
    except UnicodeDecodeError:
        raise InputError(f"{path}: is not text in UTF-8") from None
    if not isinstance(read, dict):
        raise InputError(f"{path}: holds no block of keys")
    flat = dict(_flat(read, ""))
    return Settings({key: _followed(value, flat) for key, value in flat.items()})


def as_number(value: Any) -> float | None:
    """A finite number, also if YAML 1.1 took it for text (``1e-3``); None of anything else."""
    if isinstance(value, bool) or not isinstance(value, int | float | str):
        return None
    try:
        number = float(value)
    except (ValueError, OverflowError):
        return None
    return number if math.isfinite(number) else None


def _flat(block: Mapping[Any, Any], prefix: str) -> list[tuple[str, Any]]:
    rows: list[tuple[str, Any]] = []
    for name, value in block.items():
        key = f"{prefix}{name}"
        rows += _flat(value, f"{key}.") if isinstance(value, dict) and value else [(key, value)]
    return rows


def _followed(value: Any, flat: Mapping[str, Any]) -> Any:
    """The value that a reference names; references to what is not there stay as they are."""
    for _ in range(10):
        found = _REFERENCE.fullmatch(value) if isinstance(value, str) else None
        if found is None or found[1] not in flat:
            return value
        value = flat[found[1]]
    raise InputError(f"{value}: references lead in a circle")
