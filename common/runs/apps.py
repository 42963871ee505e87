"""The table of apps, handed down from the command line: nothing below it names an app."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from common.config.model import Config
    from common.runs.app import App


@dataclass(frozen=True)
class Apps:
    """The values of a config's ``app`` key, and how to get at each app."""

    names: tuple[str, ...]
    of: Callable[[str], "App"]
    """Imports an app when it is asked for."""

    def config_class(self, name: str) -> "type[Config]":
        """The config class of an app."""
        return self.of(name).config
