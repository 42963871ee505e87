"""Views in few steps, on untrained models."""

import shutil

import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sampler_config import DDIM, DPMSolverPP2M
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.zoo.small_zoo import store_few_step, store_few_step_frames
from threed.joint_views import view_steps
from threed.optimise.distil_options import DistilViews
from threed.score_distillation import ScoreDistillation
from threed.text_to_3d import TextTo3D
from threed.view_priors import build_view_prior, check_view_prior

PROMPT = "a red mug"


@pytest.fixture(scope="module")
def prior(tmp_path_factory, lifting_models):  # noqa: F811
    folder = tmp_path_factory.mktemp("students") / "models"
    shutil.copytree(lifting_models, folder)
    store_few_step(folder)
    store_few_step_frames(folder, "view_layers")
    return EmbeddedPriorConfig(models_dir=folder, few_steps=2)


def method(**keys) -> TextTo3D:
    few = {"sampler": DDIM(num_steps=2), "guidance": CFG(guidance_scale=1.0)}
    return TextTo3D(**{"size_px": 64, "num_fronts": 2, **few, **keys})


@pytest.mark.parametrize("front", ["together", "picture"])
def test_views_are_drawn_in_as_many_evaluations(prior, front):
    own = method(front=front)
    check_view_prior(prior, own, PROMPT)
    *_, last = view_steps(own, build_view_prior(prior, own, "cpu"), PROMPT, 0)
    assert last.num_steps == 2
    assert bool(torch.isfinite(last.latents).all())
    plain = build_view_prior(prior.model_copy(update={"few_steps": None}), own, "cpu")
    *_, other = view_steps(own, plain, PROMPT, 0)
    assert float((last.latents - other.latents).abs().max()) > 1e-3


def test_what_views_in_few_steps_cannot_is_refused(prior):
    with pytest.raises(InputError, match=r"set sampler\.name=ddim sampler\.num_steps=2"):
        check_view_prior(prior, method(sampler=DPMSolverPP2M(num_steps=2)), PROMPT)
    with pytest.raises(InputError, match=r"or set method\.distil\.num_steps=0"):
        check_view_prior(prior, method(distil=DistilViews(num_steps=5)), PROMPT)
    with pytest.raises(InputError, match="clips and views that are drawn"):
        check_view_prior(prior, ScoreDistillation(), PROMPT)
