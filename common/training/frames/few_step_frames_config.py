"""The keys of distilling guided views, and guided clips, into few steps."""

from pathlib import Path
from typing import Literal

from pydantic import Field, model_validator

from common.config import Config
from common.embedded.few_step_frames import FewStepFramesArchitecture
from common.training.jump_shares import check_jump_shares
from common.training.loop_config import LearningRate, LoopConfig


class FewStepFramesTraining(Config):
    """What students of views and of clips have in their training."""

    architecture: FewStepFramesArchitecture = FewStepFramesArchitecture()
    """Sizes of the change, the numbers of steps, and the guidance that is folded in."""
    models_dir: Path | None = None
    """Folder of the prior that is the teacher, and of the student of pictures; null is the zoo."""
    shares: tuple[float, ...] = (0.08, 0.16, 0.56, 0.2)
    """How often each of ``architecture.num_steps`` is trained."""
    teacher_steps: int = Field(16, ge=1, le=500)
    """Of DPM-Solver++ 2M on the teacher's paths: a multiple of the largest number of steps."""
    chunk_size: int = Field(8, ge=1, le=256)
    """Paths that are drawn together."""
    steps_per_chunk: int = Field(12, ge=1)
    """Training steps after which the next chunk is drawn."""
    chunks_kept: int = Field(40, ge=1, le=1024)
    """The newest chunks, which batches are drawn from."""
    huber: float = Field(0.03, gt=0)
    """Root mean square of an error in ``v`` below which the loss is quadratic, above it linear."""
    kit_share: float = Field(0.85, ge=0, le=1)
    """Share of the prompts that ask for kit objects; the others ask for emoji."""
    chinese_share: float = Field(0.35, ge=0, le=1)
    """Share of the prompts that are Chinese."""
    objects_per_category: int = Field(4, ge=1, le=64)
    """Kit objects whose facts are told in prompts."""
    frames_at_once: int = Field(16, ge=2, le=16)
    """Frames that a training sample has, the first and others at random; fewer make steps cheaper,
    and paths stay those of all frames."""
    loop: LoopConfig = LoopConfig(
        num_steps=480, batch_size=8, ema_decay=0.99,
        learning_rate=LearningRate(peak=2e-3, warmup_steps=30, plateau_fraction=0.4),
    )  # fmt: skip
    """How long and in which steps to train."""

    @model_validator(mode="after")
    def _fits(self) -> "FewStepFramesTraining":
        check_jump_shares(self.shares, self.architecture.num_steps)
        return self


class TrainFewStepViews(FewStepFramesTraining):
    """Few-step views: a low-rank change of the view layers, guidance folded in."""

    name: Literal["few_step_views"] = "few_step_views"
    architecture: FewStepFramesArchitecture = FewStepFramesArchitecture(given_scale=2.0)
    """Sizes of the change, the numbers of steps, and the guidance that is folded in."""
    num_views: int = Field(4, ge=2, le=8)
    """Views of a path."""
    given_share: float = Field(0.25, ge=0, le=1)
    """Share of the paths whose front is given."""


class TrainFewStepMotion(FewStepFramesTraining):
    """Few-step clips: a low-rank change of the motion layers, guidance folded in."""

    name: Literal["few_step_motion"] = "few_step_motion"
    architecture: FewStepFramesArchitecture = FewStepFramesArchitecture(
        guidance_scale=3.0, given_scale=3.0
    )
    """Sizes of the change, the numbers of steps, and the guidance that is folded in."""
    num_frames: int = Field(16, ge=2, le=16)
    """Frames of a path."""
    front_share: float = Field(0.3, ge=0, le=1)
    """Share of the clips that are asked for from the front; the others have no view."""
