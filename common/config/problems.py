"""What is wrong with a config: all of it at once, each with its place and its fix."""

import difflib
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from common.errors import InputError


@dataclass(frozen=True)
class Origin:
    """Where a value was written: a file and line, the command line, or the default."""

    source: str
    line: int | None = None

    def __str__(self) -> str:
        return self.source if self.line is None else f"{self.source}:{self.line}"


COMMAND_LINE = Origin("command line")
DEFAULT = Origin("default")


@dataclass(frozen=True)
class Problem:
    """One thing wrong with one key (``""`` for a whole file)."""

    origin: Origin
    key: str
    message: str
    notes: tuple[str, ...] = ()

    def __str__(self) -> str:
        head = f"{self.origin}  {self.key}".rstrip()
        return "\n".join([head, f"  {self.message}", *(f"  {note}" for note in self.notes)])


class ConfigError(InputError):
    """Every problem found in a config, in the order of its keys."""

    def __init__(self, problems: Sequence[Problem]):
        self.problems = tuple(problems)
        super().__init__("\n".join(str(problem) for problem in self.problems))

    @classmethod
    def at(cls, origin: Origin, key: str, message: str) -> "ConfigError":
        """An error of a single problem."""
        return cls([Problem(origin, key, message)])


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``"; did you mean 'x'?"`` for the nearest known word, or nothing."""
    close = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{close[0]}'?" if close else ""
