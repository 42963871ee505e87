"""Closed-form priors small enough to be checked against dense algebra."""

import torch

from common.diffusion.gaussian_build import mixture_of_means
from common.diffusion.gaussian_prior import GaussianPrior
from common.diffusion.gaussian_spectrum import isotropic_band, power_law_bands
from common.diffusion.label_words import LabelWords
from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.prior import PriorSpec
from common.diffusion.schedule_config import ScaledLinearSchedule


def prior_of(
    means,
    variances=None,
    *,
    labels=None,
    weights=None,
    family_of=None,
    bands=None,
    schedule=None,
    prediction="eps",
):
    """A prior with these means ``(k, c, *axes)`` and, by default, smooth variation of 0.5."""
    axes = tuple(means.shape[2:])
    band_of, smooth = power_law_bands(axes, 0.5, 2.0) if bands is None else (bands, None)
    mixture = mixture_of_means(
        means, band_of, smooth[None] if variances is None else variances, family_of, weights
    )
    labels = labels or tuple(f"mode{number}" for number in range(len(means)))
    spec = PriorSpec(
        latent_shape=tuple(means.shape[1:]),
        image_channels=means.shape[1],
        schedule=build_noise_schedule(schedule or ScaledLinearSchedule()),
        prediction=prediction,
    )
    return GaussianPrior(spec, mixture, LabelWords(tuple(labels), {}))


def isotropic_prior(means, deviation, **settings):
    """A prior whose modes all have the same standard deviation in every direction."""
    bands, variances = isotropic_band(tuple(means.shape[2:]), deviation)
    return prior_of(means, variances[None], bands=bands, **settings)


def means_of(num_modes, shape, seed=0, scale=1.0, dtype=torch.float64):
    """Fixed means."""
    generator = torch.Generator().manual_seed(seed)
    return scale * torch.randn(num_modes, *shape, generator=generator, dtype=dtype)


def variances_of(prior, family=0):
    """Of each cosine coefficient, shaped like the axes."""
    mixture = prior.mixture
    return mixture.variances[family][mixture.band_of].reshape(mixture.axes)
