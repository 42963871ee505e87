"""The keys of the app that holds score distillation against right answers."""

from typing import Literal

from pydantic import Field, model_validator

from common.config import Config
from common.runs.config import RunConfig
from threed.distillation.loss_config import SDS, GuidedLoss, Loss, PerpNegSides
from threed.distillation.times_config import Times, Uniform
from threed.scenes.scene_config import Blob, FieldScene, ShapeLosses, VoxelNerf
from threed.score_distillation import DistilledViews, ScoreDistillation

Fault = Literal["none", "sign", "swapped"]


class ViewLaws(Config):
    """Latents descended under normal priors, where the outcome is known beforehand.

    With the prompt a latent is ``N(m, spread^2)``, without one ``N(0, (wide spread)^2)``, with any
    other words ``N(0.3 m, (poor spread)^2)``.
    """

    num_steps: int = Field(300, ge=0, le=100_000)
    """Steps that are measured; 0 leaves the laws out."""
    num_chains: int = Field(256, ge=2, le=65_536)
    """Latents, each with times and noise of its own."""
    contraction: float = Field(0.05, gt=0, le=0.5)
    """What one step takes of the way to the fixed point on average; it sets the rate."""
    spread: float = Field(0.7, gt=0, le=10)
    """Standard deviation with the prompt."""
    wide: float = Field(2.0, ge=1, le=10)
    """Without a prompt, relative to that."""
    poor: float = Field(1.5, ge=1, le=10)
    """With other words, relative to that."""
    min_time: float = Field(0.1, gt=0, le=1)
    """Least noise that is asked about."""
    max_time: float = Field(0.98, gt=0, le=1)
    """Most noise that is asked about."""
    fault: Fault = "none"
    """Descend wrongly, on purpose: sign turns the gradient round, swapped exchanges prompt and no
    prompt. The predictions must then fail."""

    @model_validator(mode="after")
    def _in_order(self) -> "ViewLaws":
        if self.min_time >= self.max_time:
            raise ValueError(f"min_time {self.min_time:g} is not below max_time {self.max_time:g}")
        return self


class SceneTrial(Config):
    """A scene distilled from a prior that knows one figure from all sides, in closed form."""

    num_steps: int = Field(100, ge=0, le=1_000_000)
    """Steps of the optimizer; 0 leaves the scene out."""
    num_particles: int = Field(2, ge=1, le=16)
    """Scenes that are optimised together."""
    scene: FieldScene = VoxelNerf(
        num_cells=16, rate=0.2, coarse_share=0.0, start=Blob(radius_m=0.3), losses=ShapeLosses()
    )
    """What is optimised."""
    times: Times = Uniform(min_time=0.1, max_time=0.9)
    """At which diffusion times."""
    views: DistilledViews = DistilledViews(size_px=24)
    """From where the prior looks."""
    view_conditioning: float = Field(0.1, ge=0, le=1)
    """Share of the prior that shows the side it is asked for; the rest shows any side."""
    front_bias: float = Field(0.9, ge=0, le=1)
    """Share of that rest which shows the front."""
    aside_m: float = Field(0.0, ge=0, le=0.3)
    """How far to its left the prior shows the figure; 0: in the middle."""
    spread: float = Field(0.3, gt=0, le=10)
    """Standard deviation of pictures about a render, with the prompt; pixels are in [-1, 1]."""
    wide: float = Field(2.0, ge=1, le=10)
    """Without a prompt, relative to that."""
    poor: float = Field(1.5, ge=1, le=10)
    """With other words, relative to that; such pictures are washed out."""

    def method(self, loss: Loss) -> ScoreDistillation:
        """The distillation that is tried."""
        return ScoreDistillation(
            scene=self.scene, loss=loss, times=self.times, views=self.views,
            num_steps=max(self.num_steps, 1), num_particles=self.num_particles,
        )  # fmt: skip


class BenchConfig(RunConfig):
    """Tries one loss where the right answer is known."""

    app: Literal["distillation"] = "distillation"
    loss: Loss = SDS()
    """Which: sds, sjc, csd, nfsd, ism, sdi, rfds, bridge, vsd or hifa."""
    laws: ViewLaws = ViewLaws()
    """Latents under normal priors: fixed point, spread and noise against closed forms."""
    trial: SceneTrial = SceneTrial()
    """A scene against the figure that the prior knows."""

    @model_validator(mode="after")
    def _fits(self) -> "BenchConfig":
        if not self.laws.num_steps and not self.trial.num_steps:
            raise ValueError("laws.num_steps and trial.num_steps are both 0: nothing is tried")
        if self.laws.fault != "none" and self.trial.num_steps:
            raise ValueError(f"laws.fault {self.laws.fault} is of the laws; set trial.num_steps 0")
        self.trial.method(self.loss)  # what one loss asks of the times
        if isinstance(self.loss, GuidedLoss):
            self._guidance_is_known(self.loss)
        return self

    def _guidance_is_known(self, loss: GuidedLoss) -> None:
        guidance = loss.guidance
        if isinstance(guidance, PerpNegSides) and guidance.other_sides:
            raise ValueError(
                "guidance.other_sides is for checkpoints that are told sides in words; priors here "
                "are closed forms"
            )
        plain = guidance.name == "cfg" and not guidance.rescale and guidance.interval == (0.0, 1.0)
        if self.laws.num_steps and not (plain and not loss.negative_prompt):
            raise ValueError(
                "laws are known of plain cfg without a negative_prompt; set laws.num_steps 0 to "
                "try other guidance on the scene"
            )
