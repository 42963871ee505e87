"""The priors that assets are made with."""

from typing import Annotated

from common.config import BY_NAME
from common.embedded.prior_config import EmbeddedPriorConfig
from common.pretrained.config import PretrainedPriorConfig

ViewPriorConfig = Annotated[EmbeddedPriorConfig | PretrainedPriorConfig, BY_NAME]
"""Priors that know what things look like from all sides, chosen by ``name``."""
