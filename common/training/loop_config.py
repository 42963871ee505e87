"""Settings that every training run has, whatever it trains."""

from typing import Literal

from pydantic import Field, model_validator

from common.config import Config


class LearningRate(Config):
    """Linear warm-up, a plateau, then half a cosine down to ``final_fraction`` of the peak."""

    peak: float = Field(1e-3, gt=0, le=1)
    """Highest learning rate."""
    warmup_steps: int = Field(200, ge=0)
    """Steps of the linear rise from 0."""
    plateau_fraction: float = Field(0.0, ge=0, le=1)
    """Share of all steps after which the fall begins; 0 falls from the end of the warm-up."""
    final_fraction: float = Field(0.02, ge=0, le=1)
    """Learning rate of the last step, as a share of the peak."""


class LoopConfig(Config):
    """How long and in which steps to train."""

    num_steps: int = Field(10_000, ge=1, le=100_000_000)
    """Optimizer steps."""
    batch_size: int = Field(32, ge=1, le=65_536)
    """Samples a forward pass."""
    num_accumulated: int = Field(1, ge=1, le=1024)
    """Forward passes whose gradients are averaged for one optimizer step."""
    learning_rate: LearningRate = LearningRate()
    """The learning rate over the steps."""
    weight_decay: float = Field(0.01, ge=0, le=10)
    """Decoupled weight decay (AdamW) of weights with two or more axes."""
    beta2: float = Field(0.99, ge=0, lt=1)
    """Decay of the second moment in Adam; the first has 0.9."""
    clip_norm: float = Field(1.0, gt=0)
    """Gradients longer than this, all parameters together, are shortened to it."""
    ema_decay: float = Field(0.999, ge=0, lt=1)
    """Decay of the averaged weights, which are the result."""
    precision: Literal["bfloat16", "float32"] = "bfloat16"
    """Of products and convolutions; weights and optimizer stay in float32."""
    compile: bool = False
    """Compile the forward pass: minutes at the start, faster steps after."""
    log_every: int = Field(20, ge=1)
    """Steps between rows of metrics; rows hold the mean since the last one."""
    preview_every: int = Field(500, ge=1)
    """Steps between preview pictures."""
    evaluate_every: int = Field(1000, ge=1)
    """Steps between evaluations on what is held out; the last step always has one."""

    @model_validator(mode="after")
    def _warmup_fits(self) -> "LoopConfig":
        if self.learning_rate.warmup_steps >= self.num_steps:
            raise ValueError(
                f"learning_rate.warmup_steps {self.learning_rate.warmup_steps} must be below "
                f"num_steps {self.num_steps}"
            )
        return self
