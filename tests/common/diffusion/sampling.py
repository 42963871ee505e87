"""Runs of the samplers over small priors, as the tests need them."""

import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import (
    DDIM,
    DDPM,
    LCM,
    DPMSolverPP2M,
    Euler,
    EulerA,
    FlowEuler,
    Heun,
    UniPC,
)
from common.diffusion.samplers import build_scheduler
from common.diffusion.schedule_config import FlowSchedule, ScaledLinearSchedule
from common.seeding import generators_for, randn
from tests.common.diffusion.small_priors import means_of, prior_of

PLAIN = CFG(guidance_scale=1)
TABLE = ScaledLinearSchedule()
FLOW = FlowSchedule(shift=3.0)
# Every sampler in every mode that keeps other state, at few steps.
EVERY_SAMPLER = [
    (DPMSolverPP2M(num_steps=5), TABLE),
    (DPMSolverPP2M(num_steps=5, karras=True), TABLE),
    (DPMSolverPP2M(num_steps=5, sde=True), TABLE),
    (DDIM(num_steps=5), TABLE),
    (DDIM(num_steps=5, eta=0.8), TABLE),
    (DDPM(num_steps=5), TABLE),
    (Euler(num_steps=5), TABLE),
    (EulerA(num_steps=5), TABLE),
    (Heun(num_steps=3), TABLE),
    (UniPC(num_steps=5), TABLE),
    (UniPC(num_steps=6, order=3), TABLE),
    (LCM(num_steps=5), TABLE),
    (FlowEuler(num_steps=5), FLOW),
    (DPMSolverPP2M(num_steps=5, sde=True), FLOW),
    (UniPC(num_steps=5), FLOW),
]
NAMES = [f"{config} on {schedule.name}" for config, schedule in EVERY_SAMPLER]


def small_prior(schedule, prediction="v", device="cpu"):
    """Three modes over ``(2, 4, 4)``."""
    means = means_of(3, (2, 4, 4), dtype=torch.float32).to(device)
    return prior_of(means, schedule=schedule, prediction=prediction)


def noise_of(prior, samples, seed=0):
    """Standard normal latents of the given samples."""
    return randn(prior.spec.latent_shape, generators_for(seed, samples, "latents"))


def walk(prior, config, samples, guidance=PLAIN, start=None, prompts=None, noise=None):
    """All steps of sampling the given samples, each with its own generators."""
    scheduler = build_scheduler(config, prior.spec.schedule, prior.spec.prediction)
    cond = prior.embed(prompts or ["mode0"] * len(samples))
    uncond = prior.embed([""] * len(samples))
    latents = noise_of(prior, samples) if noise is None else noise
    generators = generators_for(0, samples, "sampler")
    return list(sample(prior, scheduler, cond, uncond, guidance, latents, generators, start))
