"""What goes together with a prior of few steps: its own sampler, and no guidance."""

from typing import Any

from common.diffusion.sampler_config import DDIM
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError


def check_few_steps(prior: Any, sampler: Any, guidance: Any, negative_prompt: str = "") -> None:
    """Refuse samplers and guidance that a student of few steps was not taught.

    Args:
        prior: any prior's config; those that are no such student pass.
        sampler: its config.
        guidance: its config.
        negative_prompt: has no place where guidance is folded in.

    Raises:
        InputError: with what to set instead.
    """
    steps = prior.few_steps if isinstance(prior, EmbeddedPriorConfig) else None
    if steps is None:
        return
    fits = (
        isinstance(sampler, DDIM)
        and (sampler.num_steps, sampler.eta, sampler.timestep_spacing) == (steps, 0, "trailing")
        and guidance.name == "cfg"
        and guidance.guidance_scale == 1
        and not negative_prompt.strip()
    )
    if not fits:
        negative = " and a negative prompt" if negative_prompt.strip() else ""
        raise InputError(
            f"prior.few_steps={steps} takes {steps} steps of ddim with guidance folded in; this is "
            f"{sampler.name} of {sampler.num_steps} with {guidance.name} of "
            f"{guidance.guidance_scale:g}{negative}: set sampler.name=ddim "
            f"sampler.num_steps={steps} guidance.name=cfg guidance.guidance_scale=1 without "
            "negative_prompt, or leave prior.few_steps out"
        )
