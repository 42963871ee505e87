"""The keys of the 3-D app."""

from typing import Annotated, Literal

from common.config import BY_NAME
from common.runs.config import RunConfig
from threed.convert import Convert

Method = Annotated[Convert, BY_NAME]
"""What the 3-D app can do, chosen by its ``name``."""


class ThreedConfig(RunConfig):
    """Makes or transforms 3-D assets."""

    app: Literal["threed"] = "threed"
    method: Method
    """What to do."""
