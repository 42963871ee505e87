"""Switches of priors that are for pictures and clips: refused where they cannot be had."""

from typing import Any

from common.diffusion.compiled import check_compile
from common.diffusion.sampler_config import Heun
from common.embedded.prior_config import EmbeddedPriorConfig
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.errors import InputError
from common.pretrained.config import PretrainedPriorConfig

_COMPUTING = EmbeddedPriorConfig | PretrainedPriorConfig | SpacetimeDiTPriorConfig
"""Priors that have a block ``compute``."""


def check_compute(prior: Any, sampler: Any, device: str) -> None:
    """Refuse switches that this machine or the sampler cannot have.

    Args:
        prior: any prior's config.
        sampler: its config.
        device: that is computed on.

    Raises:
        InputError: with what to leave out.
    """
    if not isinstance(prior, _COMPUTING):
        return
    if isinstance(prior, PretrainedPriorConfig):
        from common.pretrained.offload import check_offload

        check_offload(prior.compute.offload, device)
    if prior.compute.feature_cache is not None and isinstance(sampler, Heun):
        raise InputError(
            "prior.compute.feature_cache reuses features from one noise level to the next, and "
            "heun evaluates each twice: leave one out, or use sampler.name=dpm_solver_pp_2m"
        )
    if not prior.compute.compile:
        return
    check_compile(device)
    if isinstance(prior, SpacetimeDiTPriorConfig):
        return
    if offloads(prior):
        raise InputError(
            "prior.compute.compile fixes where the U-Net's weights are, and offload moves them: "
            "leave one out"
        )
    if prior.compute.feature_cache is not None or prior.image_prompt is not None:
        raise InputError(
            "prior.compute.compile fixes what the U-Net computes, and feature_cache and "
            "image_prompt change it from step to step: leave one out"
        )


def stands_alone(config: Any, num_evaluated: int) -> bool:
    """Whether what comes after so many evaluations of a batch depends on none of their features.

    With features used again, that is so before a whole evaluation: where guidance is not limited to
    an interval, so that all conditions are whole at once.

    Args:
        config: the run's: prior and guidance.
        num_evaluated: since the batch was begun or resumed.
    """
    prior = config.prior
    if not isinstance(prior, _COMPUTING) or prior.compute.feature_cache is None:
        return True
    if tuple(config.guidance.interval) != (0, 1):
        return False
    return num_evaluated % prior.compute.feature_cache.every == 0


def refuse_few_steps(prior: Any) -> None:
    """Refuse students of few steps, which draw and neither judge nor follow what is given.

    Raises:
        InputError: naming the key.
    """
    if isinstance(prior, EmbeddedPriorConfig) and prior.few_steps is not None:
        raise InputError(
            "prior.few_steps is for pictures, clips and views that are drawn: leave it out"
        )


def offloads(prior: Any) -> bool:
    """Whether a prior's models wait in the machine's memory until they are used."""
    return isinstance(prior, PretrainedPriorConfig) and prior.compute.offload != "none"


def refuse_offload(prior: Any, where: str) -> None:
    """Refuse models that come and go, where more than predictions are taken of them.

    Raises:
        InputError: naming the key.
    """
    if offloads(prior):
        raise InputError(f"prior.compute.offload is for drawing pictures: leave it out of {where}")


def refuse_picture_switches(prior: Any) -> None:
    """Refuse what is for pictures and clips, where views or scores are asked for.

    Raises:
        InputError: naming the key.
    """
    found = (
        []
        if not isinstance(prior, EmbeddedPriorConfig | PretrainedPriorConfig)
        else [
            f"compute.{name}"
            for name in ("feature_cache", "compile", "token_merging")
            if getattr(prior.compute, name, None)
        ]
    )
    refuse_offload(prior, "views and score distillation")
    if found:
        raise InputError(
            f"prior.{found[0]} is for pictures and clips; views and score distillation compute "
            "with the U-Net as it is: leave it out"
        )
