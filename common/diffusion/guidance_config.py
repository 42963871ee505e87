"""Settings of guidance. One meaning of scale: ``uncond + guidance_scale (cond - uncond)``."""

from typing import Literal

from pydantic import Field, field_validator, model_validator

from common.config import Config, one_of


class GuidanceKeys(Config):
    """The keys of every kind of guidance."""

    name: str
    guidance_scale: float = Field(default=5.0, ge=0, le=1000)
    """1 is the prior itself, 0 the unconditional prior. Where others write s for 1 + s, convert."""
    rescale: float = Field(default=0.0, ge=0, le=1)
    """Pull the guided prediction's contrast back to the conditional one's (Lin et al. 2023)."""
    interval: tuple[float, float] = (0.0, 1.0)
    """Guide only at these diffusion times, 0 clean to 1 noise (Kynkaanniemi et al. 2024)."""

    @model_validator(mode="after")
    def _interval_is_ordered(self) -> "GuidanceKeys":
        low, high = self.interval
        if not 0 <= low < high <= 1:
            raise ValueError(f"interval must be 0 <= low < high <= 1, got [{low}, {high}]")
        return self


class CFG(GuidanceKeys):
    """Classifier-free guidance (Ho and Salimans 2022); a negative prompt takes uncond's place."""

    name: Literal["cfg"] = "cfg"


class APG(GuidanceKeys):
    """Adaptive projected guidance (Sadat et al. 2024): strong scales without over-saturation."""

    name: Literal["apg"] = "apg"
    parallel: float = Field(default=0.0, ge=0, le=1)
    """Share kept of the part parallel to the conditional prediction; CFG keeps all."""
    max_rms: float | None = Field(default=0.06, gt=0)
    """Largest root mean square of a sample's guidance direction; null is no limit. The paper's r
    over the root of the latent's elements: 15 / 256 for SDXL at 1024 px."""
    momentum: float = Field(default=0.0, gt=-1, lt=1)
    """Weight of earlier steps in the direction. The paper's -0.5 steadies large networks; priors
    with few sharp modes, such as the closed-form one, swing with it."""


class PerpNeg(GuidanceKeys):
    """Perp-Neg (Armandpour et al. 2023): negative prompts only act across the positive one."""

    name: Literal["perp_neg"] = "perp_neg"
    negative_weight: float = Field(default=1.0, ge=0, le=100)
    """Strength of the negative prompts relative to the prompt."""


class ConditionConfig(Config):
    """A prompt beside the run's own."""

    prompt: str = Field(min_length=1, max_length=10_000)
    """What is to be there too, or with a weight below 0, what is not."""
    weight: float = Field(default=1.0, ge=-100, le=100)
    """Its strength; that of the run's own prompt is 1."""


class Composed(GuidanceKeys):
    """Several prompts at once, each guiding by itself (Liu et al. 2022, arXiv 2206.01714)."""

    name: Literal["composed"] = "composed"
    conditions: tuple[ConditionConfig, ...] = Field(min_length=1, max_length=16)
    """Prompts beside the run's own; they are told neither a view nor pictures. Strengths add up: of
    several prompts with weight 1, smaller scales are enough."""

    @field_validator("conditions")
    @classmethod
    def _are_told_apart(cls, given: tuple[ConditionConfig, ...]) -> tuple[ConditionConfig, ...]:
        prompts = [one.prompt for one in given]
        if len(set(prompts)) < len(prompts):
            raise ValueError("a prompt is there twice: add up its weights")
        return given


class ClassifierGuidance(GuidanceKeys):
    """CFG, and beside it the gradient of a classifier of noised latents (Dhariwal and Nichol 2021).

    The embedded prior has one of things, emoji and colours (`train/noisy_classifier`), the
    closed-form prior its exact one.
    """

    name: Literal["classifier"] = "classifier"
    classifier_scale: float = Field(default=1.0, ge=0, le=1000)
    """Multiple of ``sigma grad log p(y | z)`` that is taken from the predicted noise; 0 is CFG."""
    classes: tuple[str, ...] = Field(default=(), max_length=2)
    """A thing or emoji, a colour, or both, in place of what the prompt names (embedded prior)."""


Guidance = one_of(CFG, APG, PerpNeg, Composed, ClassifierGuidance)
"""Any guidance, chosen by its ``name``."""
