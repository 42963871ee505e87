"""Order of convergence against the exact probability-flow ODE of a Gaussian.

Errors are taken where the first 80 % of the steps end, at the same noise level for every step
count: the last steps run to sigma = 0, where log(alpha / sigma) is infinite and theory is silent.
Step counts divide the table of 1000, so that every grid lies on whole timesteps and diffusers'
rounding to integers takes no part. DDIM, Heun and UniPC compute in float64; DPM-Solver++ and Euler
cast to float32 inside diffusers, far below the errors seen here (1e-5 and more).
"""

import math

import numpy as np
import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import (
    DDIM,
    DPMSolverPP2M,
    Euler,
    FlowEuler,
    Heun,
    UniPC,
)
from common.diffusion.samplers import build_scheduler
from common.diffusion.schedule_config import FlowSchedule, LinearSchedule
from tests.common.diffusion.small_priors import means_of, prior_of, variances_of
from tests.reference.gaussian_ode import flowed

STEPS = (20, 40, 100)
DONE = 0.8


def error_after(sampler, schedule, prediction):
    """Root mean square error of the latents where 80 % of the steps are done."""
    means = means_of(1, (1, 4, 4))
    prior = prior_of(means, schedule=schedule, prediction=prediction)
    scheduler = build_scheduler(sampler, prior.spec.schedule, prediction)
    noise = means_of(8, (1, 4, 4), seed=1)
    generators = [torch.Generator() for _ in noise]
    cond = prior.embed([""] * len(noise))
    evaluations = round(DONE * sampler.num_steps) * (2 if isinstance(sampler, Heun) else 1)
    steps = sample(prior, scheduler, cond, cond, CFG(guidance_scale=1), noise, generators)
    latents = next(step.latents for step in steps if step.index + 1 == evaluations)
    start, end = (level_before(scheduler, index) for index in (0, evaluations))
    exact = flowed(noise, means[0], variances_of(prior), start, end)
    return float((latents - exact).pow(2).mean().sqrt())


def level_before(scheduler, index):
    """Signal and noise that the solver itself assumes before an evaluation."""
    sigmas = getattr(scheduler.diffusers, "sigmas", None)
    if sigmas is None:
        levels = scheduler.schedule.alpha_sigma(scheduler.timesteps[index : index + 1].double())
        return tuple(float(level) for level in levels)
    sigma = float(sigmas[index])
    if scheduler.schedule.is_flow:
        return 1 - sigma, sigma
    return 1 / math.hypot(1, sigma), sigma / math.hypot(1, sigma)


def slope(make, schedule, prediction):
    errors = [error_after(make(steps), schedule, prediction) for steps in STEPS]
    return -np.polyfit(np.log(STEPS), np.log(errors), 1)[0]


@pytest.mark.parametrize("cls", [DDIM, Euler])
def test_first_order_samplers_have_slope_one(cls):
    found = slope(lambda steps: cls(num_steps=steps), LinearSchedule(), "eps")
    assert found == pytest.approx(1, abs=0.15)


@pytest.mark.parametrize(
    ("make", "prediction"),
    [
        (lambda steps: Heun(num_steps=steps), "eps"),
        (lambda steps: DPMSolverPP2M(num_steps=steps), "eps"),
        (lambda steps: DPMSolverPP2M(num_steps=steps), "x0"),
        (lambda steps: DPMSolverPP2M(num_steps=steps), "v"),
        (lambda steps: UniPC(num_steps=steps, order=1), "eps"),
    ],
    ids=["heun", "dpm_solver_pp_2m", "of x0", "of v", "unipc order 1"],
)
def test_second_order_samplers_have_slope_two(make, prediction):
    assert slope(make, LinearSchedule(), prediction) == pytest.approx(2, abs=0.3)


def test_unipc_corrector_adds_an_order_to_its_predictor():
    # Corollary 3.2 of Zhao et al. 2023: with the corrector, UniPC of order p converges with p + 1.
    found = slope(lambda steps: UniPC(num_steps=steps, order=2), LinearSchedule(), "eps")
    assert found == pytest.approx(3, abs=0.3)


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_flow_euler_has_slope_one(shift):
    found = slope(lambda steps: FlowEuler(num_steps=steps), FlowSchedule(shift=shift), "velocity")
    assert found == pytest.approx(1, abs=0.15)


def test_multistep_solvers_keep_their_order_on_flows():
    # diffusers truncates the timesteps of multistep solvers on flows to integers, an error of up to
    # 1 / T in sigma that 1000 timesteps cannot hide; a table of 10^6 can.
    fine = FlowSchedule(num_train_timesteps=1_000_000, shift=3.0)
    dpm = slope(lambda steps: DPMSolverPP2M(num_steps=steps), fine, "velocity")
    unipc = slope(lambda steps: UniPC(num_steps=steps, order=2), fine, "velocity")
    assert dpm == pytest.approx(2, abs=0.3)
    assert unipc == pytest.approx(3, abs=0.3)


def test_truncated_timesteps_limit_multistep_solvers_on_coarse_flows():
    coarse = error_after(DPMSolverPP2M(num_steps=200), FlowSchedule(shift=3.0), "velocity")
    fine = FlowSchedule(num_train_timesteps=1_000_000, shift=3.0)
    assert coarse > 5 * error_after(DPMSolverPP2M(num_steps=200), fine, "velocity")
