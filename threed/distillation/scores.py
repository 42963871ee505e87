"""What every distillation loss asks of a prior: the noise it sees in a noised latent.

All gradients have one sign: a descent step along them makes the latent likelier under the prior.
They are differences of predicted noises times ``w(t)``, so that one weight means the same in all.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar, assert_never, runtime_checkable

import torch
from jaxtyping import Float
from torch import Tensor

from common.diffusion.guided_prediction import Negative, guided_prediction
from common.diffusion.noise_schedule import NoiseSchedule, per_sample
from common.diffusion.prediction import convert_prediction
from common.diffusion.prior import Prior, PriorSpec
from common.shapes import Latents, Timesteps
from threed.distillation.weight import Weight

Cond = TypeVar("Cond")


Told = TypeVar("Told", contravariant=True)


@runtime_checkable
class Predictor(Protocol[Told]):
    """As much of a prior as a score needs: a model of renders has no words and no decoder."""

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        ...

    def predict(self, latents: Latents, timesteps: Timesteps, cond: Told) -> Latents:
        """The prediction at noised latents."""
        ...


@dataclass(frozen=True)
class Distilled:
    """What a prior says of a latent."""

    gradient: Tensor
    """Of the latent's shape; a descent step along it makes the latent likelier."""
    denoised: Tensor
    """The clean latent that the guided prediction implies."""
    pictures: Tensor | None = None
    """The gradient of the renders themselves, where the loss has one."""


@dataclass(frozen=True)
class Guided:
    """A guided prediction in two of its forms."""

    noise: Tensor
    denoised: Tensor


def predicted_noise(
    prior: Predictor[Cond], noised: Latents, timesteps: Timesteps, cond: Cond
) -> Latents:
    """``eps_hat(z_t; t, cond)``, without guidance."""
    spec = prior.spec
    prediction = prior.predict(noised, timesteps, cond)
    return convert_prediction(prediction, spec.prediction, "eps", noised, timesteps, spec.schedule)


def guided(
    prior: Prior[Cond],
    noised: Latents,
    timesteps: Timesteps,
    cond: Cond,
    uncond: Cond,
    guidance: Any,
    negatives: Sequence[Negative[Cond]] = (),
) -> Guided:
    """The guided prediction as noise and as clean latent."""
    found = guided_prediction(
        prior, noised, timesteps, cond, uncond, guidance, negatives
    ).prediction
    here = (noised, timesteps, prior.spec.schedule)
    kind = prior.spec.prediction
    return Guided(
        convert_prediction(found, kind, "eps", *here), convert_prediction(found, kind, "x0", *here)
    )


def weighted(
    difference: Latents, weight: Weight, timesteps: Timesteps, schedule: NoiseSchedule
) -> Latents:
    """``w(t)`` times a difference of noises."""
    return per_sample(weights(weight, timesteps, schedule), difference) * difference


def weights(weight: Weight, timesteps: Timesteps, schedule: NoiseSchedule) -> Float[Tensor, " b"]:
    """``w(t)`` of each sample."""
    alpha, sigma = schedule.alpha_sigma(timesteps)
    match weight:
        case "sigma_squared":
            return sigma**2
        case "uniform":
            return torch.ones_like(sigma)
        case "reconstruction":
            return sigma / alpha
        case "alpha_sigma_squared":
            return alpha * sigma**2
        case _:
            assert_never(weight)
