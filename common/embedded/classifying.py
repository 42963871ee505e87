"""The noisy classifier at work: which classes samples are to have, and how likely that is."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from einops import rearrange, repeat
from jaxtyping import Float, Float64, Int64
from torch import Tensor

from common.diffusion.noise_schedule import NoiseSchedule, per_sample
from common.embedded.class_names import ClassNames, Wanted
from common.errors import InputError
from common.shapes import Clips, Images, Timesteps

if TYPE_CHECKING:
    from common.embedded.noisy_classifier import NoisyClassifier

UNSAID = -1
"""In the place of a class: nothing is said of it."""

Classes = Int64[Tensor, "b 2"]
"""The thing or emoji, and the colour, that each sample is to have; `UNSAID` where none is said."""


@dataclass(frozen=True, eq=False)
class Classifying:
    """A classifier, its classes by name, and what is wanted in place of what prompts name."""

    network: "NoisyClassifier"
    names: ClassNames
    wanted: Wanted | None = None

    def classes(self, prompts: Sequence[str]) -> Classes:
        """The classes that prompts name, one row a prompt."""
        found = [self.wanted or self.names.read(prompt) for prompt in prompts]
        return torch.tensor(
            [[UNSAID if one is None else one for one in wanted] for wanted in found]
        )

    def log_probability(
        self,
        latents: Images,
        alpha: Float64[Tensor, " b"],
        sigma: Float64[Tensor, " b"],
        classes: Classes,
    ) -> Float[Tensor, " b"]:
        """``log p(what | z) + log p(colour | z)`` of noised latents ``z = alpha x + sigma eps``.

        The classifier reads them as ``z / n`` with ``n^2 = alpha^2 + sigma^2``, where they are
        variance preserving on the schedule of a flow too.

        Raises:
            InputError: nothing is wanted of a sample.
        """
        if bool((classes == UNSAID).all(1).any()):
            raise InputError(
                f"guidance classifier: a prompt names none of the classes; {self.names.choices()}"
            )
        norm = (alpha**2 + sigma**2).sqrt()
        logits = self.network(per_sample(1 / norm, latents) * latents, alpha / norm)
        total = latents.new_zeros(len(latents))
        for values, wanted in zip(logits, classes.to(latents.device).T, strict=True):
            picked = values.log_softmax(1).gather(1, wanted.clamp(min=0)[:, None])[:, 0]
            total = total + torch.where(wanted == UNSAID, 0.0, picked)
        return total


def class_log_probability(
    classifying: Classifying | None,
    schedule: NoiseSchedule,
    latents: Images,
    timesteps: Timesteps,
    classes: Classes | None,
) -> Float[Tensor, " b"]:
    """`Classifying.log_probability` of what a prior was told.

    Raises:
        InputError: the prior has no classifier at hand, or not all of a sample is of one class.
    """
    if classifying is None:
        raise InputError(
            "guidance classifier is for pictures, clips and views; this prior has no classifier at "
            "hand: use guidance cfg"
        )
    if classes is None:
        raise InputError(
            "guidance classifier steers to what one prompt names, and these differ from frame to "
            "frame: name guidance.classes, or use guidance cfg"
        )
    alpha, sigma = schedule.alpha_sigma(timesteps)
    return classifying.log_probability(latents, alpha, sigma, classes)


def frames_log_probability(
    classifying: Classifying | None,
    schedule: NoiseSchedule,
    latents: Clips,
    timesteps: Timesteps,
    classes: Classes | None,
) -> Float[Tensor, " b"]:
    """The sum over frames, each classified by itself."""
    count = latents.shape[2]
    told = None if classes is None else repeat(classes, "b two -> (b f) two", f=count)
    found = class_log_probability(
        classifying, schedule, rearrange(latents, "b c f h w -> (b f) c h w"),
        repeat(timesteps, "b -> (b f)", f=count), told,
    )  # fmt: skip
    return rearrange(found, "(b f) -> b f", f=count).sum(1)
