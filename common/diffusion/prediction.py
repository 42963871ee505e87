"""What a model predicts, and exact conversions between the kinds.

Every prediction is a fixed mix of the clean latent and the noise, ``p = l x0 + m eps``:

=========  ================  ==================================================
name       (l, m)            is
=========  ================  ==================================================
eps        (0, 1)            the noise
x0         (1, 0)            the clean latent
v          (-sigma, alpha)   ``alpha eps - sigma x0`` (Salimans and Ho 2022)
velocity   (-1, 1)           ``eps - x0``, the velocity of a rectified flow
=========  ================  ==================================================

Together with ``z = alpha x0 + sigma eps`` any one gives any other. With
``D = l sigma - m alpha``, converting from ``p`` to ``p'`` is

    p' = (D' / D) p + ((l m' - l' m) / D) z.

``D`` vanishes only for ``eps`` at ``alpha = 0`` (pure noise says nothing of the latent) and for
``x0`` at ``sigma = 0`` (a clean latent says nothing of the noise): those raise. ``v`` and
``velocity`` convert everywhere, on VP schedules and flows alike.
"""

import torch
from jaxtyping import Float, Float64
from torch import Tensor

from common.diffusion.noise_schedule import NoiseSchedule, per_sample
from common.diffusion.prediction_type import PredictionType
from common.errors import InputError
from common.shapes import Latents, Timesteps

__all__ = ["PredictionType", "conversion_weights", "convert_prediction", "mix_of"]


def mix_of(
    prediction: PredictionType, alpha: Float64[Tensor, " b"], sigma: Float64[Tensor, " b"]
) -> tuple[Float64[Tensor, " b"], Float64[Tensor, " b"]]:
    """The weights ``(l, m)`` of the clean latent and of the noise in a prediction."""
    zero, one = torch.zeros_like(alpha), torch.ones_like(alpha)
    match prediction:
        case "eps":
            return zero, one
        case "x0":
            return one, zero
        case "v":
            return -sigma, alpha
        case "velocity":
            return -one, one


def convert_prediction(
    prediction: Latents,
    source: PredictionType,
    target: PredictionType,
    latents: Latents,
    timesteps: Timesteps,
    schedule: NoiseSchedule,
) -> Latents:
    """A prediction of kind ``source`` at noised ``latents`` as kind ``target``.

    Raises:
        InputError: where ``source`` does not determine the latent (see the module).
    """
    if source == target:
        return prediction
    alpha, sigma = schedule.alpha_sigma(timesteps)
    of_prediction, of_latents = conversion_weights(source, target, alpha, sigma)
    return (
        per_sample(of_prediction, latents) * prediction + per_sample(of_latents, latents) * latents
    )


def conversion_weights(
    source: PredictionType,
    target: PredictionType,
    alpha: Float64[Tensor, " b"],
    sigma: Float64[Tensor, " b"],
) -> tuple[Float[Tensor, " b"], Float[Tensor, " b"]]:
    """The weights of the prediction and of the noised latent in the converted prediction."""
    l_source, m_source = mix_of(source, alpha, sigma)
    l_target, m_target = mix_of(target, alpha, sigma)
    d_source = l_source * sigma - m_source * alpha
    if bool((d_source == 0).any()):
        level = "alpha = 0 (pure noise)" if source == "eps" else "sigma = 0 (no noise)"
        raise InputError(f"an {source} prediction cannot be converted to {target} at {level}")
    d_target = l_target * sigma - m_target * alpha
    return d_target / d_source, (l_source * m_target - l_target * m_source) / d_source
