"""What a linter says: one kind of flaw, where it is, what it does, and what to do about it."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

Severity = Literal["error", "warning", "info"]

SEVERITIES: tuple[Severity, ...] = ("error", "warning", "info")
"""Worst first: programs may refuse the file; it looks wrong in some; it is worth knowing."""


@dataclass(frozen=True)
class Finding:
    """One kind of flaw of a file."""

    code: str
    """Its name, in words with hyphens; stays the same between versions."""
    severity: Severity
    message: str
    """Where it is, and what viewers make of it."""
    fix: str
    """What to do."""

    def __str__(self) -> str:
        return f"{self.severity} {self.code}: {self.message}. Fix: {self.fix}"


def listed(what: str, which: Sequence[int | str]) -> str:
    """Names of a few things: ``materials 0, 3 and 5 more``."""
    shown = ", ".join(map(str, which[:4]))
    rest = len(which) - 4
    return f"{what} {shown}" + (f" and {rest} more" if rest > 0 else "")
