"""Which priors there are, and how one is checked and built from its config."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, assert_never

from common.config import BY_NAME
from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.prior import Prior
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError

if TYPE_CHECKING:
    from common.embedded.image_unet import View

PriorConfig = Annotated[GaussianPriorConfig | EmbeddedPriorConfig, BY_NAME]
"""Any prior, chosen by its ``name``."""

DEFAULT_PRIOR = GaussianPriorConfig()


def models_folder(config: EmbeddedPriorConfig) -> Path:
    """Where the embedded prior's models are."""
    from common.zoo.models import ZOO

    return config.models_dir or ZOO


def check_prior(config: PriorConfig, size: tuple[int, ...], view: "View | None" = None) -> None:
    """Refuse, before anything runs, what a prior cannot draw.

    Args:
        config: the prior's.
        size: ``(h, w)`` for pictures, ``(f, h, w)`` for clips.
        view: from where things are to be seen, if that is asked for.

    Raises:
        InputError: clips, sizes or views that the prior does not know, or models that are missing.
    """
    match config:
        case GaussianPriorConfig():
            if view is not None:
                raise InputError(
                    "the gaussian prior knows no views: leave view out, or use prior.name=embedded"
                )
        case EmbeddedPriorConfig():
            from common.embedded.prior import check_size
            from common.zoo.models import check_embedded_prior

            check_size(_of_picture(size))
            check_embedded_prior(models_folder(config))
        case _:
            assert_never(config)


def build_prior(config: PriorConfig, size: tuple[int, ...], device: str) -> Prior[Any]:
    """The prior of a config for pictures of ``(h, w)`` or clips of ``(f, h, w)``."""
    match config:
        case GaussianPriorConfig():
            from common.diffusion.gaussian_prior import build_gaussian_prior

            return build_gaussian_prior(config, size, device)
        case EmbeddedPriorConfig():
            from common.zoo.models import load_embedded_prior

            return load_embedded_prior(_of_picture(size), models_folder(config), device)
        case _:
            assert_never(config)


def refuse_clips(num_axes: int) -> None:
    """Refuse anything but pictures for the embedded prior.

    Raises:
        InputError: there is a third axis.
    """
    if num_axes != 2:
        raise InputError(
            "the embedded prior draws pictures, not clips: use it with image/text_to_image, or "
            "prior.name=gaussian here"
        )


def _of_picture(size: tuple[int, ...]) -> tuple[int, int]:
    refuse_clips(len(size))
    return size[0], size[1]
