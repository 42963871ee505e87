"""Which priors there are, and how one is built from its config."""

from typing import Annotated, Any, assert_never

from common.config import BY_NAME
from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.prior import Prior

PriorConfig = Annotated[GaussianPriorConfig, BY_NAME]
"""Any prior, chosen by its ``name``."""

DEFAULT_PRIOR = GaussianPriorConfig()


def build_prior(config: PriorConfig, size: tuple[int, ...], device: str) -> Prior[Any]:
    """The prior of a config for pictures of ``(h, w)`` or clips of ``(f, h, w)``."""
    match config:
        case GaussianPriorConfig():
            from common.diffusion.gaussian_prior import build_gaussian_prior

            return build_gaussian_prior(config, size, device)
        case _:
            assert_never(config)
