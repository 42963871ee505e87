"""What classifier guidance needs: a prior with a classifier, and a class to steer to."""

from typing import Any

from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.guidance_config import ClassifierGuidance
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.generation.priors import models_folder


def classifier_notes(prior: Any, guidance: Any, prompt: str) -> list[str]:
    """Refuse classifier guidance that has nothing to go by; a note on what it steers to.

    Args:
        prior: any prior's config.
        guidance: its config; any other than classifier guidance passes.
        prompt: what is asked for.

    Raises:
        InputError: the prior has no classifier, the zoo has none, or no class is named.
    """
    if not isinstance(guidance, ClassifierGuidance):
        return []
    match prior:
        case GaussianPriorConfig():
            if guidance.classes:
                raise InputError(
                    "guidance.classes is for the embedded prior; the gaussian prior is steered to "
                    "what the prompt names: leave it out"
                )
            return []
        case EmbeddedPriorConfig():
            from common.embedded.class_names import load_class_names

            check_classifier_at_hand(prior)
            names = load_class_names()
            wanted = names.named(guidance.classes) if guidance.classes else names.read(prompt)
            if wanted == (None, None):
                raise InputError(
                    "guidance classifier steers to a class, and the prompt names none; "
                    f"{names.choices()}. Name one in the prompt or in guidance.classes, or use "
                    "guidance.name=cfg"
                )
            return [f"guidance classifier steers to: {names.said(wanted)}"]
        case _:
            raise InputError(
                "guidance classifier needs a prior that classifies its noised latents, and the "
                f"{prior.name} prior does not: use prior.name=embedded, or guidance.name=cfg"
            )


def check_classifier_at_hand(prior: EmbeddedPriorConfig) -> None:
    """Refuse a folder of models without a classifier, or with one for others.

    Raises:
        InputError: see above.
    """
    from common.zoo.noisy_classifier import check_classifier

    check_classifier(models_folder(prior))
