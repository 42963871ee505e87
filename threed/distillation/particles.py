"""What renders are like now, as a score: what variational distillation subtracts.

A prior with a network learns it (Wang et al. 2023, arXiv 2305.16213): its own network with a LoRA,
trained on the renders by the prior's own denoising loss. A closed-form prior needs no learning: the
particles, all scenes that are optimised together, are taken for a normal distribution,

    eps_hat(z; t) = sigma (z - alpha m) / (alpha^2 v + sigma^2),

with the mean ``m`` of their renders and one variance ``v`` over all elements.
"""

from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor, nn

from common.adapters.trainable_lora import TrainableLora
from common.diffusion.noise_schedule import per_sample
from common.diffusion.prediction import convert_prediction, mix_of
from common.diffusion.prior import Prior, PriorSpec
from common.errors import InputError
from common.runs.optimizer_state import load_optimizer_state, optimizer_state
from common.runs.state import State
from common.seeding import generator_for
from common.shapes import Latents, Timesteps


def network_of(prior: Any) -> nn.Module | None:
    """What predicts, if it is a network that a LoRA can change."""
    found = getattr(prior, "network", None)
    return found if isinstance(found, nn.Module) else None


@dataclass(frozen=True, eq=False)
class NormalParticles:
    """Normally distributed renders, in the form that a loss asks of a prior."""

    spec: PriorSpec
    mean: Float[Tensor, "1 ..."]
    variance: float

    def predict(self, latents: Latents, timesteps: Timesteps, cond: object) -> Latents:
        """The exact prediction at noised latents; there is nothing to be told."""
        schedule = self.spec.schedule
        alpha, sigma = schedule.alpha_sigma(timesteps)
        off = latents - per_sample(alpha, latents) * self.mean
        share = sigma / (alpha**2 * self.variance + sigma**2)
        noise = per_sample(share, latents) * off
        here = (latents, timesteps, schedule)
        return convert_prediction(noise, "eps", self.spec.prediction, *here)


def normal_particles(prior: Prior[Any], latents: Latents) -> NormalParticles:
    """The normal distribution of renders that are one particle each.

    Raises:
        InputError: fewer than two of them; the loss would be SDS.
    """
    if len(latents) < 2:
        raise InputError(
            "vsd on a closed-form prior tells the spread of renders from several scenes; set "
            "num_particles to 2 or more (with one it is sds)"
        )
    return NormalParticles(
        prior.spec, latents.mean(0, keepdim=True), float(latents.var(0, unbiased=True).mean())
    )


class LearntParticles:
    """A prior that learns renders: itself with a LoRA. State: the LoRA and its optimizer."""

    def __init__(self, prior: Any, rank: int, rate: float, seed: int, state: State = None):
        network = network_of(prior)
        assert network is not None, "closed-form priors have `normal_particles`"
        self._prior = prior
        self._lora = TrainableLora(network, rank, generator_for(seed, 0, "particles"))
        self._optimizer = torch.optim.AdamW(self._lora.weights, lr=rate)
        if state is not None:
            with torch.no_grad():
                for weight, saved in zip(self._lora.weights, state["weights"], strict=True):
                    weight.copy_(saved)
            load_optimizer_state(self._optimizer, state["optimizer"])

    @property
    def spec(self) -> PriorSpec:
        """The prior's."""
        return self._prior.spec

    def predict(self, latents: Latents, timesteps: Timesteps, cond: Any) -> Latents:
        """The changed network's prediction."""
        with self._lora.applied():
            return self._prior.predict(latents, timesteps, cond)

    def learn(self, latents: Latents, timesteps: Timesteps, noise: Latents, cond: Any) -> float:
        """One step on ``|p - p_hat|^2`` of the prior's own kind of prediction; the loss before it.

        Args:
            latents: Clean ones, of renders.
            timesteps: Where each is noised.
            noise: Standard normal.
            cond: The prompts, seen from where the renders are.
        """
        schedule = self.spec.schedule
        noised = schedule.add_noise(latents, noise, timesteps)
        of_clean, of_noise = mix_of(self.spec.prediction, *schedule.alpha_sigma(timesteps))
        target = per_sample(of_clean, latents) * latents + per_sample(of_noise, latents) * noise
        weights = self._lora.weights
        with torch.enable_grad():
            error = (self.predict(noised, timesteps, cond) - target).square().mean()
            gradients = torch.autograd.grad(error, weights)
        for weight, gradient in zip(weights, gradients, strict=True):
            weight.grad = gradient
        self._optimizer.step()
        return float(error.detach())

    def state(self) -> State:
        """What it continues from; its tensors are alive."""
        return {
            "weights": [weight.detach() for weight in self._lora.weights],
            "optimizer": optimizer_state(self._optimizer),
        }
