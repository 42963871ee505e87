"""What a fit of Gaussians is told."""

from dataclasses import dataclass, field

from common.errors import InputError
from threed.optimise.adaptive_density import Adaptive
from threed.optimise.mcmc_density import Mcmc
from threed.rendering.gaussians import Splatting
from threed.scenes.gaussian_cloud import MAX_SH_DEGREE


@dataclass(frozen=True)
class GaussianRates:
    """Adam's learning rates: two to four times INRIA's, whose fits are twenty times as long."""

    means: float = 3.2e-4
    """At the first step, times the scene's extent."""
    final_means: float = 3.2e-6
    """At the last; between them it falls geometrically."""
    log_scales: float = 0.01
    quaternions: float = 0.003
    opacity_logits: float = 0.05
    sh_constant: float = 0.005
    sh_rest: float = 0.0005


@dataclass(frozen=True)
class GaussianFit:
    """How a cloud is fitted to pictures."""

    num_steps: int = 1500
    views_per_step: int = 1
    """Pictures that are compared in a step; each is seen once before any is seen again."""
    degree: int = 2
    """Of the harmonics at the end."""
    degree_every: int = 300
    """Steps until the next degree of harmonics joins in."""
    num_gaussians: int = 3000
    """At the start."""
    max_gaussians: int = 8000
    """Never more than these."""
    rates: GaussianRates = field(default_factory=GaussianRates)
    lambda_dssim: float = 0.2
    """Share of ``1 - SSIM`` in the loss of colour, beside the absolute error."""
    lambda_opacity: float = 0.5
    """Weight of the absolute error of opacity."""
    density: Mcmc | Adaptive = field(default_factory=Mcmc)
    """How Gaussians are added and removed."""
    refine_from: int = 100
    """First step after which they are."""
    refine_until: int = 1200
    """Last step after which they are."""
    refine_every: int = 50
    splatting: Splatting = field(default_factory=Splatting)

    def __post_init__(self) -> None:
        """Refuse counts that cannot be."""
        if min(self.num_steps, self.views_per_step, self.degree_every, self.refine_every) < 1:
            raise InputError("steps, views per step and intervals are whole numbers from 1")
        if not 0 <= self.degree <= MAX_SH_DEGREE:
            raise InputError(f"degree {self.degree} is not within 0 to {MAX_SH_DEGREE}")
        if not 4 <= self.num_gaussians <= self.max_gaussians:
            raise InputError(
                f"{self.num_gaussians} Gaussians to begin with and at most {self.max_gaussians}: "
                "the first must be at least 4 and not more than the second"
            )

    def refines_after(self, step: int) -> bool:
        """Whether Gaussians are added or removed after this step."""
        within = self.refine_from <= step <= min(self.refine_until, self.num_steps - 1)
        return within and step % self.refine_every == 0

    def degree_at(self, step: int) -> int:
        """Of the harmonics in step ``step``, counted from 1."""
        return min((step - 1) // self.degree_every, self.degree)

    def means_rate(self, step: int, extent: float) -> float:
        """Of the means in step ``step``."""
        share = (step - 1) / max(self.num_steps - 1, 1)
        first, last = self.rates.means, self.rates.final_means
        return extent * first * (last / first) ** share
