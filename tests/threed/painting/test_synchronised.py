"""Views denoised on one surface: a prior that wants each view in another colour."""

import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.prior import PriorSpec
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.prior import embedded_schedule
from common.seeding import generators_for, randn
from tests.threed.painting.known_mesh import RING, known_mesh
from threed.painting.painting import NEVER
from threed.painting.sides import sides_of
from threed.painting.surface_blend import SurfaceBlend
from threed.painting.synchronised import SynchronisedViews
from threed.texturing.view_colours import ViewWeights

SIZE_PX = 48


class WantedViews:
    """A closed-form prior: one picture for each view, whatever the noise; latents are pictures."""

    def __init__(self, wanted):
        self.wanted = wanted[None]
        self.spec = PriorSpec(tuple(wanted.shape), 4, embedded_schedule(), "v")

    def embed(self, prompts):
        return None

    def predict(self, latents, timesteps, cond):
        alpha, sigma = self.spec.schedule.alpha_sigma(timesteps)
        return ((alpha * latents - self.wanted) / sigma).float()

    def encode(self, pictures):
        return pictures

    def decode(self, latents):
        return latents


@pytest.fixture(scope="module")
def scene():
    sides = sides_of(known_mesh(), RING, SIZE_PX)
    colours = torch.tensor([[1.0, 0, 0], [0, 1, 0], [0, 0, 1], [1, 1, 0]])
    alpha = sides.alpha[None]
    shown = torch.cat([colours.T[:, :, None, None] * alpha, alpha]) * 2 - 1
    return sides, WantedViews(shown), SurfaceBlend(known_mesh(), sides, ViewWeights())


def drawn(scene, until):
    _, prior, blend = scene
    views = SynchronisedViews(prior, None, None, CFG(guidance_scale=1.0), blend, until)
    scheduler = build_scheduler(DPMSolverPP2M(num_steps=6), views.spec.schedule, "x0")
    noise = randn(views.spec.latent_shape, generators_for(0, [0], "latents"))
    *_, last = sample(
        views, scheduler, None, None, CFG(guidance_scale=1.0), noise,
        generators_for(0, [0], "sampler"),
    )  # fmt: skip
    return last.latents


def test_views_that_are_not_synchronised_are_what_the_prior_wants(scene):
    assert torch.allclose(drawn(scene, NEVER), scene[1].wanted, atol=2e-3)


def test_synchronised_to_the_end_they_are_one_surface(scene):
    """Blending the result once more changes almost nothing, and much of what the prior wants."""
    _, prior, blend = scene

    def moved(latents):
        pictures = latents[0].permute(1, 0, 2, 3) / 2 + 0.5
        return float((blend.blended(pictures.clamp(0, 1)) - pictures).abs().mean())

    assert moved(drawn(scene, 0.0)) < 0.35 * moved(prior.wanted)


def test_last_steps_without_blending_are_the_prior_s(scene):
    """The last estimate is final: a prior that forgets the noise is back where it wants to be."""
    assert torch.allclose(drawn(scene, 0.5), scene[1].wanted, atol=2e-2)
