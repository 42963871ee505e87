"""The table of apps, handed down from the command line: nothing below it names an app."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

    from common.config.model import Config
    from common.runs.app import App

Describer = Callable[["Path"], list[str]]
"""What is in a file, a line each."""


@dataclass(frozen=True)
class Apps:
    """The values of a config's ``app`` key, and how to get at each app."""

    names: tuple[str, ...]
    of: Callable[[str], "App"]
    """Imports an app when it is asked for."""
    described: tuple[str, ...] = ()
    """Suffixes of files that some app can describe."""
    describer_of: "Callable[[str], Describer] | None" = None
    """Imports what describes the files of such a suffix when it is asked for."""

    def describer(self, suffix: str) -> "Describer | None":
        """What lists the contents of a file of this suffix; None where no app knows it."""
        known = self.describer_of is not None and suffix in self.described
        return self.describer_of(suffix) if known and self.describer_of else None

    def config_class(self, name: str) -> "type[Config]":
        """The config class of an app."""
        return self.of(name).config
