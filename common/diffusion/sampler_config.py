"""Settings of the samplers: which scheduler of diffusers walks from noise to a sample, and how."""

from typing import Literal

from pydantic import Field, model_validator

from common.config import Config, one_of

Spacing = Literal["trailing", "leading", "linspace"]
"""How steps are spread over the training table (Lin et al. 2023, Table 2). ``trailing`` starts at
pure noise, which the other two need many steps to come near to."""


class SpacedSampler(Config):
    """The keys of every sampler whose steps are spread over a training table."""

    name: str
    num_steps: int = Field(ge=1, le=1000)
    """Steps from noise to sample."""
    timestep_spacing: Spacing = "trailing"
    """How steps are spread over the training table; ``trailing`` starts at pure noise."""
    steps_offset: Literal[0, 1] = 0
    """Added to the timesteps of ``leading``; Stable Diffusion 1.x used 1."""

    @model_validator(mode="after")
    def _offset_has_effect(self) -> "SpacedSampler":
        if self.steps_offset and self.timestep_spacing != "leading":
            raise ValueError(
                f"steps_offset {self.steps_offset} has no effect with timestep_spacing "
                f"{self.timestep_spacing}, only with leading"
            )
        return self

    @property
    def num_evaluations(self) -> int:
        """Calls of the prior for the conditional prediction."""
        return self.num_steps


class KarrasSampler(SpacedSampler):
    """A spaced sampler that can choose noise levels instead of timesteps."""

    karras: bool = False
    """Space the noise levels as Karras et al. 2022 do, over the whole table."""

    @model_validator(mode="after")
    def _spacing_has_effect(self) -> "KarrasSampler":
        if self.karras and self.timestep_spacing != "trailing":
            raise ValueError(
                f"timestep_spacing {self.timestep_spacing} has no effect with karras: true, which "
                "spaces the steps itself; leave it out"
            )
        return self


class DPMSolverPP2M(KarrasSampler):
    """DPM-Solver++ 2M, second order, one evaluation a step (Lu et al. 2022)."""

    name: Literal["dpm_solver_pp_2m"] = "dpm_solver_pp_2m"
    num_steps: int = Field(default=25, ge=1, le=1000)
    """Steps from noise to sample."""
    sde: bool = False
    """Add fresh noise at each step (the SDE variant)."""


class DDIM(SpacedSampler):
    """DDIM, first order (Song et al. 2021)."""

    name: Literal["ddim"] = "ddim"
    num_steps: int = Field(default=50, ge=1, le=1000)
    """Steps from noise to sample; with ``trailing`` it must divide the training table."""
    timestep_spacing: Literal["trailing", "leading"] = "trailing"
    """How steps are spread over the training table; ``trailing`` starts at pure noise."""
    eta: float = Field(default=0.0, ge=0, le=1)
    """Fresh noise at each step: 0 none (an ODE), 1 as much as DDPM."""


class DDPM(SpacedSampler):
    """Ancestral sampling of the training process (Ho et al. 2020)."""

    name: Literal["ddpm"] = "ddpm"
    num_steps: int = Field(default=1000, ge=1, le=1000)
    """Steps from noise to sample."""
    variance: Literal["fixed_small", "fixed_large"] = "fixed_small"
    """Noise of a step: exact for a single point (small) or for unit-variance data (large)."""


class Euler(KarrasSampler):
    """Euler's method in sigma space, first order (Karras et al. 2022)."""

    name: Literal["euler"] = "euler"
    num_steps: int = Field(default=30, ge=1, le=1000)
    """Steps from noise to sample."""


class EulerA(SpacedSampler):
    """Euler with fresh noise at each step (ancestral)."""

    name: Literal["euler_a"] = "euler_a"
    num_steps: int = Field(default=30, ge=1, le=1000)
    """Steps from noise to sample."""


class Heun(KarrasSampler):
    """Heun's method in sigma space, second order, two evaluations a step (Karras et al. 2022)."""

    name: Literal["heun"] = "heun"
    num_steps: int = Field(default=20, ge=1, le=1000)
    """Steps from noise to sample; two evaluations each, one in the last."""

    @property
    def num_evaluations(self) -> int:
        """Calls of the prior for the conditional prediction."""
        return 2 * self.num_steps - 1


class UniPC(KarrasSampler):
    """UniPC predictor-corrector, one evaluation a step (Zhao et al. 2023)."""

    name: Literal["unipc"] = "unipc"
    num_steps: int = Field(default=20, ge=1, le=1000)
    """Steps from noise to sample."""
    order: int = Field(default=2, ge=1, le=3)
    """Order of the predictor; the corrector adds one. 2 is steadier under strong guidance."""


class LCM(Config):
    """Multistep consistency sampling (Luo et al. 2023). Only for consistency-distilled priors."""

    name: Literal["lcm"] = "lcm"
    num_steps: int = Field(default=4, ge=1, le=1000)
    """Steps from noise to sample."""
    original_num_steps: int = Field(default=50, ge=1, le=1000)
    """Steps of the schedule the model was distilled on; it must divide the training table."""

    @model_validator(mode="after")
    def _steps_are_distilled(self) -> "LCM":
        if self.num_steps > self.original_num_steps:
            raise ValueError(
                f"num_steps {self.num_steps} exceeds the {self.original_num_steps} steps the model "
                "was distilled on (original_num_steps)"
            )
        return self

    @property
    def num_evaluations(self) -> int:
        """Calls of the prior for the conditional prediction."""
        return self.num_steps


class FlowEuler(Config):
    """Euler's method for rectified flows, first order; needs a ``flow`` schedule."""

    name: Literal["flow_euler"] = "flow_euler"
    num_steps: int = Field(default=28, ge=1, le=1000)
    """Steps from noise to sample."""
    timestep_spacing: Literal["trailing", "linspace"] = "trailing"
    """The last step starts one whole step above clean (FLUX, Wan), or one table entry (SD3)."""

    @property
    def num_evaluations(self) -> int:
        """Calls of the prior for the conditional prediction."""
        return self.num_steps


Sampler = one_of(DPMSolverPP2M, DDIM, DDPM, Euler, EulerA, Heun, UniPC, LCM, FlowEuler)
"""Any sampler, chosen by its ``name``."""
