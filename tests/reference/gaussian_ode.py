"""The probability-flow ODE of a single Gaussian, solved exactly.

For ``x ~ N(mean, U diag(lambda) U^T)`` the flow keeps each coefficient's standard score: with
``s_t = alpha_t^2 lambda + sigma_t^2``,

    U^T (z_t - alpha_t mean) = sqrt(s_t / s_T) U^T (z_T - alpha_T mean).
"""

import torch
from scipy.fft import dctn, idctn


def flowed(latents, mean, variances, start, end):
    """Latents at level ``start`` carried to level ``end``, one ``(alpha, sigma)`` each.

    Args:
        latents: ``(b, c, *axes)``.
        mean: ``(c, *axes)``.
        variances: ``lambda`` of each cosine coefficient, ``axes``.
        start: Signal and noise level now.
        end: Signal and noise level asked for.
    """
    axes = tuple(range(2, latents.ndim))
    (alpha_s, sigma_s), (alpha_t, sigma_t) = start, end
    ratio = (alpha_t**2 * variances + sigma_t**2) / (alpha_s**2 * variances + sigma_s**2)
    score = dctn((latents - alpha_s * mean).double().numpy(), axes=axes, norm="ortho")
    moved = idctn(ratio.sqrt().numpy() * score, axes=axes, norm="ortho")
    return torch.from_numpy(moved) + alpha_t * mean.double()
