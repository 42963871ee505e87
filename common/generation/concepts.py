"""Which words the offline priors understand, and what each prior makes of a prompt."""

from typing import assert_never

from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.label_words import LabelWords
from common.embedded.prior_config import EmbeddedPriorConfig
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.generation.config import GenerationConfig
from common.generation.embedded_prompts import embedded_notes, text_notes
from common.generation.embedded_words import embedded_text
from common.generation.priors import models_folder
from common.pretrained.config import PretrainedPriorConfig


def gaussian_words(num_axes: int, config: GaussianPriorConfig) -> LabelWords:
    """The words of the closed-form prior for pictures (2 axes) or clips (3)."""
    from common.diffusion.gaussian_prior import build_gaussian_prior

    # Labels do not depend on the size; the smallest prior is built in milliseconds.
    size = (8, 8) if num_axes == 2 else (2, 8, 8)
    return build_gaussian_prior(config, size).words


def check_prompts(config: GenerationConfig, size: tuple[int, ...]) -> list[str]:
    """Refuse prompts that the prior cannot serve; notes on what it passes over.

    Raises:
        InputError: the prompt or the negative prompt names nothing that the prior knows, or is not
            written as the prior reads it.
    """
    match config.prior:
        case GaussianPriorConfig():
            words = gaussian_words(len(size), config.prior)
            for prompt in (config.prompt, config.negative_prompt):
                words.matching(prompt)
            named = " ".join(words.named(config.prompt))
            return [f"the gaussian prior reads this prompt as: {named}"]
        case EmbeddedPriorConfig():
            folder = models_folder(config.prior)
            learnt = config.prior.embeddings
            return embedded_notes(config.prompt, config.negative_prompt, folder, learnt)
        case SpacetimeDiTPriorConfig():
            from common.zoo.models import ZOO

            return text_notes(config.prompt, config.negative_prompt, config.prior.bases_dir or ZOO)
        case PretrainedPriorConfig():
            from common.pretrained.notes import pretrained_notes

            return pretrained_notes(config.prior, config.prompt, config.negative_prompt, size)
        case _:
            assert_never(config.prior)


def concepts_text() -> str:
    """What ``run.py list concepts`` prints."""
    config = GaussianPriorConfig()
    still, moving = (gaussian_words(axes, config) for axes in (2, 3))
    in_clips = [word for word in moving.words if word not in still.words]
    return "\n".join([
        "gaussian prior (closed form)",
        f"  pictures and clips: {', '.join(still.words)}",
        f"  clips only: {', '.join(in_clips)}",
        f"  also understood: {', '.join(moving.aliases)}",
        "",
        embedded_text(),
    ])  # fmt: skip
