"""Samples of a mixture have its weights, means and covariances, to Monte-Carlo error.

All statistics of one sampler are tested together at level 0.1 %, two-sided, Bonferroni-corrected.
With whitened residuals ``r`` (cosine coefficients about the own mode over ``sqrt(lambda)``, of a
standard normal if the sample is exact) they are the count of each mode (binomial), the mean
(normal) and variance (chi^2) of each coefficient, each pair's covariance (normal), and the overall
sum of squares (chi^2), which sees a bias of 5 to 7 % in the variance at the numbers used here.

Sampling starts from the exact marginal of the first timestep, so that only the sampler is tested.
Step counts are such that the solver's bias, of first order for the stochastic ones, is below that.
"""

import math

import numpy as np
import pytest
import torch
from scipy import stats
from scipy.fft import dctn

from common.diffusion.gaussian_mixture import Level
from common.diffusion.sample import sample
from common.diffusion.sampler_config import (
    DDIM,
    DDPM,
    LCM,
    DPMSolverPP2M,
    Euler,
    FlowEuler,
    Heun,
    UniPC,
)
from common.diffusion.samplers import build_scheduler
from common.diffusion.schedule_config import FlowSchedule, ScaledLinearSchedule
from tests.common.diffusion.sampling import PLAIN
from tests.common.diffusion.small_priors import means_of, prior_of, variances_of
from tests.reference.gaussian_ode import flowed

WEIGHTS = [0.5, 0.3, 0.2]
LEVEL = 0.001


def mixture_prior(axes, schedule):
    """Three modes far enough apart that every sample shows which one it is of."""
    means = means_of(3, (1, *axes), seed=3, scale=2.0, dtype=torch.float32)
    return prior_of(means, weights=WEIGHTS, schedule=schedule, prediction="v")


def drawn(prior, config, count, denoiser=None):
    """Samples that started from the exact noised marginal."""
    schedule = prior.spec.schedule
    scheduler = build_scheduler(config, schedule, prior.spec.prediction)
    cond = prior.embed([""] * count)
    generators = [torch.Generator().manual_seed(number) for number in range(count)]
    clean = prior.draw(cond, generators)
    noise = torch.stack([torch.randn(clean.shape[1:], generator=one) for one in generators])
    first = scheduler.timesteps[:1].double().expand(count)
    noised = schedule.add_noise(clean, noise, first)
    steps = sample(denoiser or prior, scheduler, cond, cond, PLAIN, noised, generators)
    *_, last = steps
    return last.latents


def smallest_p(prior, samples):
    """The smallest two-sided p-value of all statistics, times their number."""
    count = len(samples)
    one = torch.ones(count, dtype=torch.float64)
    clean = Level(one, torch.zeros_like(one))
    posterior = prior.mixture.mode_log_probs(samples, clean).softmax(1)
    mode = posterior.argmax(1)
    assert float(posterior.max(1).values.min()) > 0.99
    rest = (samples - prior.mixture.means()[mode]).double().numpy()
    scale = variances_of(prior).sqrt().numpy()
    r = (dctn(rest, axes=range(2, rest.ndim), norm="ortho") / scale).reshape(count, -1)
    p_values = [
        stats.binomtest(int((mode == number).sum()), count, weight).pvalue
        for number, weight in enumerate(WEIGHTS)
    ]
    p_values += list(2 * stats.norm.sf(np.abs(r.mean(0)) * math.sqrt(count)))
    squares = (r**2).sum(0)
    p_values += list(2 * np.minimum(stats.chi2.cdf(squares, count), stats.chi2.sf(squares, count)))
    total = squares.sum()
    p_values.append(2 * min(stats.chi2.cdf(total, r.size), stats.chi2.sf(total, r.size)))
    products = (r.T @ r)[np.triu_indices(r.shape[1], 1)] / math.sqrt(count)
    p_values += list(2 * stats.norm.sf(np.abs(products)))
    return min(p_values) * len(p_values)


@pytest.mark.parametrize(
    "config",
    [
        DDIM(num_steps=250),
        Euler(num_steps=250),
        DPMSolverPP2M(num_steps=100),
        UniPC(num_steps=100),
        Heun(num_steps=100),
        FlowEuler(num_steps=250),
    ],
    ids=lambda config: config.name,
)
def test_ode_samplers_are_exact(config):
    flow = isinstance(config, FlowEuler)
    schedule = FlowSchedule(shift=3.0) if flow else ScaledLinearSchedule()
    prior = mixture_prior((2, 4), schedule)
    assert smallest_p(prior, drawn(prior, config, 2000)) > LEVEL


@pytest.mark.parametrize(
    "config",
    [
        DDPM(num_steps=1000),
        DPMSolverPP2M(num_steps=100, sde=True),
    ],
    ids=lambda config: config.name,
)
def test_sde_samplers_are_exact(config):
    prior = mixture_prior((4, 8), ScaledLinearSchedule())
    assert smallest_p(prior, drawn(prior, config, 300)) > LEVEL


@pytest.mark.parametrize("config", [DDPM(num_steps=50), DDIM(num_steps=10)], ids=str)
def test_bias_of_few_steps_is_seen(config):
    """The statistics have the power they claim: coarse sampling fails them."""
    prior = mixture_prior((4, 8), ScaledLinearSchedule())
    assert smallest_p(prior, drawn(prior, config, 300)) < LEVEL


class ConsistencyPrior:
    """A perfectly distilled prior of one Gaussian: predicts where the exact ODE ends."""

    def __init__(self, prior):
        self.spec, self.embed, self.prior = prior.spec, prior.embed, prior
        self.encode, self.decode = prior.encode, prior.decode

    def predict(self, latents, timesteps, cond):
        alpha, sigma = (float(x[0]) for x in self.spec.schedule.alpha_sigma(timesteps))
        mean, variances = cond.mixture.means()[0], variances_of(self.prior)
        return flowed(latents, mean, variances, (alpha, sigma), (1.0, 0.0)).float()


def test_lcm_is_exact_for_a_perfect_consistency_model():
    means = means_of(1, (1, 2, 4), dtype=torch.float32)
    prior = prior_of(means, prediction="x0", schedule=ScaledLinearSchedule())
    samples = drawn(prior, LCM(num_steps=4), 2000, ConsistencyPrior(prior))
    rest = (samples - means[0]).double().numpy()
    r = dctn(rest, axes=(2, 3), norm="ortho") / variances_of(prior).sqrt().numpy()
    total = (r**2).sum()
    # Mean and overall variance of 16,000 residuals, at 0.1 % together.
    assert 2 * stats.norm.sf(abs(r.sum()) / math.sqrt(r.size)) > LEVEL / 2
    assert 2 * min(stats.chi2.cdf(total, r.size), stats.chi2.sf(total, r.size)) > LEVEL / 2
