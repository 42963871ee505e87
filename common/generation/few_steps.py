"""What goes together with a prior of few steps: its own sampler, and no guidance."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from common.diffusion.sampler_config import DDIM
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.generation.priors import models_folder

if TYPE_CHECKING:
    from common.zoo.models import FrameKind
    from common.zoo.storage import Manifest


def check_few_step_frames(
    prior: Any,
    manifests: "Mapping[str, Manifest]",
    layers: "FrameKind",
    sampler: Any,
    guidance: Any,
) -> None:
    """Refuse what students of clips or views were not taught, and folders without them.

    Args:
        prior: any prior's config; those that are no such student pass.
        manifests: of the prior's models, by kind.
        layers: which it draws with.
        sampler: its config.
        guidance: its config.

    Raises:
        InputError: with what to set instead.
    """
    if not isinstance(prior, EmbeddedPriorConfig) or prior.few_steps is None:
        return
    from common.zoo.few_step import check_few_step_models

    check_few_steps(prior, sampler, guidance)
    identities = {kind: manifest.identity for kind, manifest in manifests.items()}
    check_few_step_models(prior.few_steps, identities, models_folder(prior), layers)


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
