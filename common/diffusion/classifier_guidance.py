"""Classifier guidance: a classifier of noised latents moves predictions to what it is to find.

Dhariwal and Nichol 2021 (arXiv 2105.05233, Algorithm 2): by Bayes' rule the score of ``p(z | y)``
is that of ``p(z)`` plus ``grad log p(y | z)``, so that with a scale ``s``

    eps' = eps - s sigma grad_z log p(y | z).

Any other prediction ``p = l x0 + m eps`` of the same latent moves by ``D / alpha`` times the
opposite of that, with ``D = l sigma - m alpha`` as in ``prediction``: ``v`` and the velocity of a
flow, for which ``D = -1``, by ``-s (sigma / alpha) grad``, and ``x0`` by ``s (sigma^2 / alpha)
grad``. At scale 1 and with the exact classifier of a prior, its unconditional prediction becomes
the conditional one.
"""

from typing import Any, Protocol, TypeVar, runtime_checkable

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from common.diffusion.noise_schedule import per_sample
from common.diffusion.prediction import conversion_weights
from common.diffusion.prediction_type import PredictionType
from common.errors import InputError
from common.shapes import Latents, Timesteps

Cond = TypeVar("Cond", contravariant=True)


@runtime_checkable
class Classifies(Protocol[Cond]):
    """A prior that can tell from noised latents how likely they become what it is told."""

    def class_log_probability(
        self, latents: Latents, timesteps: Timesteps, cond: Cond
    ) -> Float[Tensor, " b"]:
        """``log p(y | z_t)`` of each sample, differentiable in the latents.

        Of several frames or views it is the sum, each being classified by itself.
        """
        ...


def class_gradient(prior: Any, latents: Latents, timesteps: Timesteps, cond: Any) -> Latents:
    """``grad_z log p(y | z_t)``, each sample's own, by automatic differentiation.

    Raises:
        InputError: the prior has no classifier, or was told nothing that it knows.
    """
    if not isinstance(prior, Classifies):
        raise InputError(
            "guidance classifier needs a prior that classifies its noised latents, embedded or "
            "gaussian; for this one use guidance cfg"
        )
    with torch.enable_grad():
        leaf = latents.detach().clone().requires_grad_()
        total = prior.class_log_probability(leaf, timesteps, cond).sum()
        (gradient,) = torch.autograd.grad(total, leaf)
    return torch.as_tensor(gradient)


def classifier_shift(
    gradient: Latents,
    scale: float,
    prediction: PredictionType,
    alpha: Float64[Tensor, " b"],
    sigma: Float64[Tensor, " b"],
) -> Latents:
    """What classifier guidance adds to a prediction of this kind; see the module.

    Args:
        gradient: ``grad_z log p(y | z)``.
        scale: ``s``; 0 adds nothing.
        prediction: the kind that is moved.
        alpha: signal level of each sample.
        sigma: noise level of each sample.

    Raises:
        InputError: there is no signal, where a classifier has nothing to see.
    """
    if prediction != "eps" and bool((alpha == 0).any()):
        raise InputError(
            "guidance classifier needs a little signal at every step, and the noisiest has none: "
            "set prior.schedule.zero_terminal_snr=false, or end guidance.interval below 1"
        )
    per_eps, _ = conversion_weights("eps", prediction, alpha, sigma)
    return per_sample(-scale * sigma * per_eps, gradient) * gradient
