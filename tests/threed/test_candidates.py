"""Several fronts are drawn, and the one that fits best goes on."""

import pytest
import torch

from common.diffusion.sampler_config import DPMSolverPP2M
from common.embedded.prior_config import EmbeddedPriorConfig
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from threed.candidates import premultiplied
from threed.front import given_front, on_orbit
from threed.joint_views import view_steps
from threed.text_to_3d import TextTo3D
from threed.view_priors import build_view_prior


@pytest.fixture
def draw(lifting_models):  # noqa: F811
    def draw(**keys):
        method = TextTo3D(size_px=64, sampler=DPMSolverPP2M(num_steps=2), **keys)
        prior = build_view_prior(EmbeddedPriorConfig(models_dir=lifting_models), method, "cpu")
        return method, prior

    return draw


def test_set_whose_front_fits_best_is_kept(draw):
    method, prior = draw(front="together", num_view_sets=4)
    *_, before, last = view_steps(method, prior, "a red mug", 3)

    found = last.candidates
    assert before.candidates is None
    assert len(before.latents) == len(found.fronts) == len(found.scores) == 4
    assert last.latents.shape == (1, *prior.spec.latent_shape)
    with torch.no_grad():
        front = premultiplied(prior.pictures.decode(last.latents[:, :, 0]))
    torch.testing.assert_close(front[0], found.fronts[int(found.scores.argmax())])
    again = prior.pictures.prompt_fit.scores(found.fronts, "a red mug")
    assert again.argmax() == found.best
    assert len(set(again.tolist())) == 4


def test_first_set_is_the_one_that_is_drawn_alone(draw):
    method, prior = draw(front="together", num_view_sets=2)
    several, _ = view_steps(method, prior, "a red mug", 3)
    one, last = view_steps(*draw(front="together", num_view_sets=1), "a red mug", 3)
    assert last.candidates is None
    # convolutions of other batches add in another order
    torch.testing.assert_close(several.latents[:1], one.latents, atol=1e-4, rtol=1e-4)


def test_picture_that_fits_best_is_given(draw):
    method, prior = draw(front="picture", num_fronts=3)
    found = given_front(method, prior, "an elephant", 5)

    assert len(found.candidates.fronts) == 3
    chosen = (found.candidates.fronts[int(found.candidates.scores.argmax())] + 1) / 2
    with torch.no_grad():
        latents = prior.pictures.encode(on_orbit(chosen, 64)[None] * 2 - 1)
    torch.testing.assert_close(found.latents, latents)
    *_, last = view_steps(method, prior, "an elephant", 5)
    torch.testing.assert_close(last.candidates.scores, found.candidates.scores)
    assert given_front(*draw(front="picture", num_fronts=1), "an elephant", 5).candidates is None
