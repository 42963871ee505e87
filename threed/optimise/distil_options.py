"""What a distillation of views is told."""

from pydantic import Field, model_validator

from common.config import Config
from threed.distillation.weight import Weight


class DistilViews(Config):
    """How a scene is refined by the prior's score after it was fitted to the sampled views."""

    num_steps: int = Field(60, ge=0, le=100_000)
    """Steps; 0 leaves the fit as it is."""
    max_time: float = Field(0.6, gt=0, le=1)
    """Diffusion time of the first step; what is noised more is drawn more freely."""
    min_time: float = Field(0.1, gt=0, le=1)
    """Diffusion time of the last step; it falls linearly."""
    weight: Weight = "reconstruction"
    """Weight of the noise levels: sigma_squared, uniform or reconstruction."""
    guidance_scale: float = Field(4.0, ge=0, le=1000)
    """``uncond + s (cond - uncond)``."""
    rate: float = Field(0.05, gt=0, le=10)
    """Adam's learning rate of raw density and colour; it falls geometrically to a tenth."""
    lambda_prior: float = Field(0.3, ge=0)
    """Weight of the prior's gradient, per element of the latent, beside the sampled views."""

    @model_validator(mode="after")
    def _times_fall(self) -> "DistilViews":
        if self.min_time > self.max_time:
            raise ValueError(f"min_time {self.min_time} is above max_time {self.max_time}")
        return self

    def time(self, step: int) -> float:
        """Diffusion time of step ``step``, counted from 1."""
        share = (step - 1) / max(self.num_steps - 1, 1)
        return self.max_time + (self.min_time - self.max_time) * share
