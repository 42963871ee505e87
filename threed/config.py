"""The keys of the 3-D app."""

from typing import Literal

from common.config import one_of
from common.runs.config import RunConfig
from threed.convert import Convert

Method = one_of(Convert)
"""What the 3-D app can do, chosen by its ``name``."""


class ThreedConfig(RunConfig):
    """Makes or transforms 3-D assets."""

    app: Literal["threed"] = "threed"
    method: Method
    """What to do."""
