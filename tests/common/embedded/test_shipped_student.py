"""The student of few steps that comes with Extrude, against the guided U-Net behind it."""

import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DDIM, DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.image_unet import FRONT
from common.seeding import generators_for, randn
from common.zoo.models import load_embedded_prior

PROMPTS = ("a red car", "a blue teapot", "guitar", "一只黄色的鸭子")


@torch.no_grad()
def drawn(prior, sampler, guidance_scale):
    """Latents of the prompts from the same noise."""
    count = len(PROMPTS)
    scheduler = build_scheduler(sampler, prior.spec.schedule, "v")
    noise = randn(prior.spec.latent_shape, generators_for(3, range(count), "latents"))
    *_, last = sample(
        prior, scheduler, prior.embed(PROMPTS, [FRONT] * count), prior.embed([""] * count),
        CFG(guidance_scale=guidance_scale), noise, generators_for(3, range(count), "sampler"),
    )  # fmt: skip
    return last.latents


def distance(one, other):
    return float((one - other).square().mean().sqrt())


@pytest.mark.slow
def test_four_steps_come_nearer_to_the_guided_solution_than_eight_evaluations_without_them():
    """Same noise, half the evaluations of four guided steps."""
    plain, student = (load_embedded_prior((128, 128), few_steps=steps) for steps in (None, 4))
    solution = drawn(plain, DPMSolverPP2M(num_steps=25), 4.0)
    made = drawn(student, DDIM(num_steps=4), 1.0)
    guided = drawn(plain, DDIM(num_steps=4), 4.0)
    unguided = drawn(plain, DDIM(num_steps=4), 1.0)
    assert distance(made, solution) < 0.8 * distance(guided, solution)
    assert distance(made, solution) < 0.8 * distance(unguided, solution)
