"""The keys that everything drawn from a prior has, pictures and clips alike."""

from typing import Any

from pydantic import Field, field_validator, model_validator

from common.config import Config
from common.diffusion.guidance_config import CFG, Guidance, PerpNeg
from common.diffusion.sampler_config import DPMSolverPP2M, Sampler
from common.generation.priors import DEFAULT_PRIOR, PriorConfig
from common.runs.config import PromptText, RunConfig, not_blank


class ContactSheetConfig(Config):
    """One picture of all samples."""

    num_columns: int | None = Field(None, ge=1, le=64)
    """Pictures in a row; null makes the sheet as square as it can be."""
    captions: bool = True
    """Write each sample's number and seed under it."""


class GenerationConfig(RunConfig):
    """A prompt, a prior, a sampler and guidance."""

    prior: PriorConfig = DEFAULT_PRIOR
    """The model that is drawn from."""
    prompt: PromptText
    """What to generate; may be empty where prior.image_prompt says it."""
    negative_prompt: PromptText = ""
    """What to move away from; empty stands for the unconditional prior."""
    num_samples: int = Field(1, ge=1, le=100_000)
    """How many to draw; sample i is the same for any number and any batch size (to 1e-4)."""
    batch_size: int = Field(4, ge=1, le=4096)
    """How many are drawn together."""
    sampler: Sampler = DPMSolverPP2M()
    """How noise becomes a sample."""
    guidance: Guidance = CFG()
    """How strongly the prompt is followed."""
    contact_sheet: ContactSheetConfig = ContactSheetConfig()
    """One picture of all samples, written when there are several."""

    @field_validator("prompt")
    @classmethod
    def _prompt_says_something(cls, prompt: str, info: Any) -> str:
        shown = getattr(info.data.get("prior"), "image_prompt", None)
        return prompt if shown is not None else not_blank(prompt)

    @model_validator(mode="after")
    def _negative_prompt_fits(self) -> "GenerationConfig":
        if self.negative_prompt.strip() and self.negative_prompt == self.prompt:
            raise ValueError("negative_prompt equals prompt: guidance would cancel the prompt")
        if isinstance(self.guidance, PerpNeg) and not self.negative_prompt.strip():
            raise ValueError("guidance perp_neg needs a negative_prompt; without one use cfg")
        return self
