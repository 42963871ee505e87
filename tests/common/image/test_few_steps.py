"""Pictures in few steps on the embedded prior, end to end on untrained models."""

import shutil

import numpy as np
import pytest
import torch

from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.generation.picture_switches import refuse_few_steps
from common.generation.priors import check_prior
from common.seeding import generators_for, randn
from common.zoo.models import load_embedded_prior, load_prior_models
from tests.common.image.test_embedded_run import pixels
from tests.common.zoo.small_zoo import store_few_step, store_prior

TWO = ("prior.few_steps=2", "sampler={name: ddim, num_steps: 2}", "guidance.guidance_scale=1")


@pytest.fixture(scope="module")
def student(tmp_path_factory, models):
    """The folder of an untrained prior with a student."""
    folder = tmp_path_factory.mktemp("student") / "models"
    shutil.copytree(models, folder)
    store_few_step(folder)
    return folder


def test_a_student_draws_other_pictures_than_the_unet_alone(draw, student):
    found = []
    for few in (TWO, TWO[1:]):
        code, paths, said = draw(*few, models_dir=student)
        assert code == 0, said
        found.append(pixels(paths)[0])
    assert np.abs(found[0] - found[1]).max() > 2


def test_the_student_is_the_changed_unet_told_its_steps(student):
    prior = load_embedded_prior((64, 64), student, few_steps=4)
    other = load_embedded_prior((64, 64), student, few_steps=2)
    base = load_prior_models(student)["image_unet"].model
    noise, times = randn((4, 8, 8), generators_for(0, range(2), "x")), torch.full((2,), 999.0)
    cond = prior.embed(["a mug", "a red car"])
    with torch.no_grad():
        four, two = (one.predict(noise, times, cond) for one in (prior, other))
        assert float((four - two).abs().max()) > 1e-4, "the same weights, told another number"
        assert all(map(torch.equal, prior.unet.state_dict().values(),
                       other.unet.state_dict().values()))  # fmt: skip
        changed = [
            name for name, weight in base.state_dict().items()
            if not torch.equal(weight, prior.unet.state_dict()[name])
        ]  # fmt: skip
    assert "conv_in.weight" in changed
    assert "down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k.weight" in changed
    assert not any(name.endswith("bias") or "norm" in name for name in changed)


@pytest.mark.parametrize("change", [
    "guidance.guidance_scale=4", "sampler.num_steps=4", "sampler.eta=0.5",
    "sampler={name: dpm_solver_pp_2m, num_steps: 2}", "negative_prompt=a cat",
    "sampler.timestep_spacing=leading",
])  # fmt: skip
def test_wrong_combinations_are_refused_with_what_to_set(draw, student, change):
    code, paths, said = draw(*TWO, change, models_dir=student)
    assert (code, paths) == (2, [])
    assert "set sampler.name=ddim sampler.num_steps=2 guidance.name=cfg" in said
    assert "Traceback" not in said


def test_a_missing_student_and_unknown_steps_are_named(draw, student, models):
    code, _, said = draw(*TWO, models_dir=models)
    assert code == 2
    assert "python run.py train/few_step" in said
    code, _, said = draw(
        "prior.few_steps=5", "sampler={name: ddim, num_steps: 5}", TWO[2], models_dir=student
    )  # fmt: skip
    assert code == 2
    assert "was taught 1, 2, 4 steps" in said


def test_a_student_of_another_prior_is_refused(tmp_path, student):
    store_prior(tmp_path, seed=5)
    for path in student.glob("few_step*"):
        shutil.copy(path, tmp_path)
    with pytest.raises(InputError, match="was trained on the"):
        check_prior(EmbeddedPriorConfig(models_dir=tmp_path, few_steps=2), (64, 64))


def test_what_only_judges_refuses_it():
    with pytest.raises(InputError, match="few_steps is for pictures, clips and views"):
        refuse_few_steps(EmbeddedPriorConfig(few_steps=4))
    refuse_few_steps(EmbeddedPriorConfig())
