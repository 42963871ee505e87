"""The keys of everything that learns from a user's folder of pictures."""

from pathlib import Path
from typing import Annotated

from pydantic import Field, field_validator, model_validator

from common.config import BY_NAME, Config
from common.diffusion.guidance_config import CFG, Composed, Guidance, PerpNeg
from common.embedded.prior_config import EmbeddedPriorConfig
from common.media.fitting import Fit
from common.pretrained.config import PretrainedPriorConfig
from common.training.loop_config import LearningRate, LoopConfig
from common.training.noise_times import MinSnr, NoiseTimes

FolderPrior = Annotated[EmbeddedPriorConfig | PretrainedPriorConfig, BY_NAME]
"""What can learn from a folder."""


class FolderTraining(Config):
    """Training a prior, or something beside it, on a folder of pictures."""

    prior: FolderPrior = EmbeddedPriorConfig()
    """What is taught: the embedded prior, or a checkpoint's folder. Its LoRAs are part of it."""
    folder: Path
    """Pictures, each with name.txt beside it, or with a metadata.jsonl of file_name and text."""
    caption: str | None = Field(None, min_length=1, max_length=2000)
    """One caption for all pictures, in place of those in the folder."""
    height: int = Field(128, ge=8, le=4096, multiple_of=8)
    """Pixels that pictures are brought to."""
    width: int = Field(128, ge=8, le=4096, multiple_of=8)
    """Pixels that pictures are brought to."""
    fit: Fit = "cover"
    """How pictures of another shape are brought to the size: cut at two sides, with room around
    them (contain), or deformed (stretch)."""
    background: str = Field("#ffffff", pattern=r"^#[0-9a-fA-F]{6}$")
    """Colour behind transparent pixels, for priors that draw none (pretrained)."""
    mirrored: bool = False
    """Learn from every picture's mirror image too."""
    copies: int = Field(1, ge=1, le=256)
    """Of transparent pictures: how often each is learnt, the first time as it is, then moved,
    scaled and turned a little. Many keep few pictures from being learnt by heart."""
    times: NoiseTimes = MinSnr()
    """Which noise levels are visited and how much they count."""
    text_dropout: float = Field(0.1, ge=0, lt=1)
    """Share of the samples that are shown without a prompt."""
    gradient_checkpointing: bool = False
    """Keep of the U-Net's blocks only what they begin with, and compute them again for the
    gradient: less memory, about a third more time, the same result."""
    preview_prompts: tuple[str, ...] = Field((), max_length=32)
    """What previews draw; none: the first captions."""
    guidance: Guidance = CFG(guidance_scale=4.0)
    """How strongly previews, and class pictures, follow their prompts."""
    loop: LoopConfig = LoopConfig(
        num_steps=400, batch_size=8, ema_decay=0.99, precision="float32",
        learning_rate=LearningRate(peak=1e-3, warmup_steps=20),
    )  # fmt: skip
    """How long and in which steps to train."""

    @property
    def size(self) -> tuple[int, int]:
        """Height and width."""
        return self.height, self.width

    @field_validator("guidance")
    @classmethod
    def _needs_no_negative_prompt(cls, guidance: Guidance) -> Guidance:
        if isinstance(guidance, PerpNeg | Composed):
            raise ValueError(
                f"previews have one prompt each, and {guidance.name} needs further ones; use cfg"
            )
        return guidance

    @model_validator(mode="after")
    def _learns_in_float32_and_as_it_is(self) -> "FolderTraining":
        if self.loop.compile:
            raise ValueError("loop.compile: what is learnt is hooked into the U-Net, uncompiled")
        if isinstance(self.prior, PretrainedPriorConfig):
            if self.copies > 1:
                raise ValueError("copies moves things on nothing, which checkpoints do not draw: "
                                 "set copies 1")  # fmt: skip
            if self.prior.compute.dtype == "float16":
                raise ValueError("prior.compute.dtype float16 overflows in training; use bfloat16")
        elif self.prior.trajectory_noise != 1.0:
            raise ValueError("prior.trajectory_noise has no effect: pictures are learnt")
        if self.prior.controls or self.prior.image_prompt is not None:
            raise ValueError("training follows nothing but captions: leave controls and "
                             "image_prompt out of the prior")  # fmt: skip
        return self
