"""Settings of the losses of score distillation: which gradient a prior puts on renders.

``guidance_scale`` is everywhere ``uncond + s (cond - uncond)``; times are diffusion times.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from common.config import BY_NAME, Config
from common.diffusion.guidance_config import CFG, PerpNeg
from common.runs.config import PromptText
from threed.distillation.weight import Weight

Scale = Annotated[float, Field(ge=0, le=1000)]


class PerpNegSides(PerpNeg):
    """Perp-Neg, with other sides of the thing as negatives too."""

    other_sides: bool = False
    """Move away from what the front and the side are called, the more the farther a view looks from
    them: against several fronts. For checkpoints, which are told sides in words."""


LossGuidance = Annotated[CFG | PerpNegSides, BY_NAME]
"""Guidance of a loss, chosen by its ``name``."""


class GuidedLoss(Config):
    """The keys of every loss whose prediction is guided."""

    name: str
    guidance: LossGuidance = CFG(guidance_scale=7.5)
    """How strongly renders follow the prompt: cfg or perp_neg."""
    negative_prompt: PromptText = ""
    """What to move away from: in place of no prompt with cfg, across the prompt with perp_neg."""

    @model_validator(mode="after")
    def _has_a_negative(self) -> "GuidedLoss":
        guidance = self.guidance
        if not isinstance(guidance, PerpNegSides) or self.negative_prompt.strip():
            return self
        if not guidance.other_sides:
            raise ValueError(
                "guidance perp_neg needs a negative_prompt or other_sides: true; without them use "
                "cfg"
            )
        return self


class SDS(GuidedLoss):
    """Score distillation sampling: predicted noise less the noise."""

    name: Literal["sds"] = "sds"
    weight: Weight = "sigma_squared"
    """Weight of the noise levels: sigma_squared, uniform, reconstruction or alpha_sigma_squared."""
    baseline: Literal["noise", "learnt", "none"] = "noise"
    """What is taken off the prediction: the noise, or the noise times the coefficient that varies
    least, learnt from past steps, or nothing (SJC without variance reduction)."""


class SJC(GuidedLoss):
    """Score Jacobian chaining: perturb and average."""

    name: Literal["sjc"] = "sjc"
    variance_reduction: bool = True
    """Subtract the render (equation 16), or the perturbed render (equation 15)."""


class CSD(Config):
    """Classifier score distillation: the guidance term alone."""

    name: Literal["csd"] = "csd"
    scale: Scale = 1.0
    """Of prompt less no prompt."""
    negative_scale: Scale = 0.0
    """Of no prompt less negative prompt."""
    negative_prompt: PromptText = ""
    """What to move away from."""
    weight: Weight = "sigma_squared"
    """Weight of the noise levels."""


class NFSD(Config):
    """Noise-free score distillation."""

    name: Literal["nfsd"] = "nfsd"
    scale: Scale = 7.5
    """Of prompt less no prompt."""
    negative_prompt: PromptText = "unrealistic, blurry, low quality"
    """What bad pictures are called."""
    weight: Weight = "sigma_squared"
    """Weight of the noise levels."""


class ISM(GuidedLoss):
    """Interval score matching: between two points of the render's own inversion."""

    name: Literal["ism"] = "ism"
    interval: float = Field(0.08, gt=0, lt=1)
    """Diffusion time between the two points; no draw may be earlier."""
    stride: float = Field(0.2, gt=0, le=1)
    """Diffusion time of one step of the inversion."""
    weight: Weight = "reconstruction"
    """Weight of the noise levels."""


class SDI(GuidedLoss):
    """Score distillation via inversion: the render's own noise in place of a random one."""

    name: Literal["sdi"] = "sdi"
    inversion_scale: float = Field(-7.5, ge=-1000, le=1000)
    """Guidance scale of the inversion."""
    num_inversion_steps: int = Field(10, ge=1, le=1000)
    """Steps of the inversion."""
    eta: float = Field(0.3, ge=0, le=1)
    """Share of fresh noise in each of them."""
    weight: Weight = "reconstruction"
    """Weight of the noise levels."""


class RFDS(GuidedLoss):
    """Rectified flow distillation; other priors by exact conversion."""

    name: Literal["rfds"] = "rfds"


class Bridge(Config):
    """From a prompt that says what is wrong with renders to the prompt."""

    name: Literal["bridge"] = "bridge"
    scale: Scale = 30.0
    """Of the prompt less the bad one."""
    bad_words: PromptText = "oversaturated, smooth, pixelated, blurry"
    """Said after the prompt for the bad end."""
    weight: Weight = "sigma_squared"
    """Weight of the noise levels."""


class VSD(GuidedLoss):
    """Variational score distillation: predicted noise less the noise predicted for renders."""

    name: Literal["vsd"] = "vsd"
    weight: Weight = "sigma_squared"
    """Weight of the noise levels."""
    rank: int = Field(4, ge=1, le=128)
    """Of the LoRA that learns what renders are like."""
    rate: float = Field(1e-4, gt=0, le=1)
    """Learning rate of the LoRA."""


class HiFA(GuidedLoss):
    """SDS, and beside it the distance of renders to the decoded estimate."""

    name: Literal["hifa"] = "hifa"
    picture_scale: Scale = 0.1
    """Of the distance in pictures beside that in latents."""
    weight: Weight = "sigma_squared"
    """Weight of the noise levels."""


class DDS(GuidedLoss):
    """Delta denoising score: what the prompt would change, less what the prompt before would."""

    name: Literal["dds"] = "dds"
    weight: Weight = "sigma_squared"
    """Weight of the noise levels."""


Loss = Annotated[SDS | SJC | CSD | NFSD | ISM | SDI | RFDS | Bridge | VSD | HiFA, BY_NAME]
"""Any loss that makes a scene, chosen by its ``name``."""
EditLoss = Annotated[DDS | SDS | SJC | CSD | NFSD | ISM | SDI | RFDS | Bridge | VSD | HiFA, BY_NAME]
"""Any loss that edits one: also those that need to know what it was before."""
