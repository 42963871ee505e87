"""Views and clips in few steps, on untrained models in a folder."""

import shutil

import pytest
import torch

from common.diffusion.frame_windows import FrameWindows
from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DDIM
from common.diffusion.samplers import build_scheduler
from common.embedded.frames_cond import FramesCond
from common.embedded.image_unet import FRONT, View
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.generation.priors import check_prior
from common.seeding import generators_for, randn
from common.zoo.few_step import check_few_step_models
from common.zoo.models import check_embedded_prior, load_embedded_prior, load_frame_prior
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.zoo.small_zoo import store_few_step, store_few_step_frames

SIZE = (64, 64)
WINDOWS = FrameWindows(6, 4, 2, seed=0)


@pytest.fixture(scope="module")
def of_pictures(tmp_path_factory, lifting_models):  # noqa: F811
    """A folder with frame layers and the student of pictures."""
    folder = tmp_path_factory.mktemp("pictures") / "models"
    shutil.copytree(lifting_models, folder)
    store_few_step(folder)
    return folder


@pytest.fixture(scope="module")
def of_frames(tmp_path_factory, of_pictures):
    """The same with students of both kinds of frame layers."""
    folder = tmp_path_factory.mktemp("frames") / "models"
    shutil.copytree(of_pictures, folder)
    for kind in ("motion_layers", "view_layers"):
        store_few_step_frames(folder, kind)
    return folder


def told(prior, views=None) -> FramesCond:
    return prior.embed(["a mug"], None if views is None else [views])


@torch.no_grad()
def predicted(prior, cond):
    noise = randn(prior.spec.latent_shape, generators_for(0, [0], "x"))
    return prior.predict(noise, torch.tensor([999.0]), cond)


@pytest.mark.parametrize("kind", ["motion_layers", "view_layers"])
def test_student_changes_the_layers_and_is_told_its_steps(of_frames, of_pictures, kind):
    four, two = (load_frame_prior(kind, 3, SIZE, of_frames, few_steps=n) for n in (4, 2))
    plain = load_frame_prior(kind, 3, SIZE, of_frames)
    alone = load_frame_prior(kind, 3, SIZE, of_pictures, few_steps=4)
    base, changed = plain.lifted.layers.state_dict(), four.lifted.layers.state_dict()
    assert all(map(torch.equal, changed.values(), two.lifted.layers.state_dict().values()))
    moved = [name for name, weight in base.items() if not torch.equal(weight, changed[name])]
    assert "down_blocks.0.motion_modules.0.proj_in.weight" in moved
    assert "embed_condition.0.weight" in moved
    assert all(name.endswith("weight") and "norm" not in name for name in moved)
    found = [predicted(one, told(one)) for one in (four, two, plain, alone)]
    for place, one in enumerate(found):
        for other in found[place + 1 :]:
            assert float((one - other).abs().max()) > 1e-4


def test_without_a_change_of_them_the_layers_stay_and_frames_are_those_of_the_picture_student(
    of_pictures,
):
    prior = load_frame_prior("view_layers", 3, SIZE, of_pictures, few_steps=2)
    base = load_frame_prior("view_layers", 3, SIZE, of_pictures).lifted.layers.state_dict()
    assert all(map(torch.equal, base.values(), prior.lifted.layers.state_dict().values()))
    # at strength 0 the layers are an identity, and each view a picture by itself
    pictures = load_embedded_prior(SIZE, of_pictures, few_steps=2)
    views = tuple(View(120.0 * step, FRONT.elevation_deg) for step in range(3))
    noise = randn(prior.spec.latent_shape, generators_for(0, [0], "x"))
    off = prior.changing(torch.zeros(3))
    with torch.no_grad():
        together = off.predict(noise, torch.tensor([999.0]), told(off, views))
        one_by_one = torch.stack([
            pictures.predict(
                noise[:, :, at], torch.tensor([999.0]), pictures.embed(["a mug"], [views[at]])
            )
            for at in range(3)
        ], 2)  # fmt: skip
    # float32: convolutions of other batches add in another order
    torch.testing.assert_close(together, one_by_one, atol=1e-4, rtol=1e-4)


def test_first_frames_parts_and_windows_are_told_too(of_frames):
    prior = load_frame_prior("motion_layers", 4, SIZE, of_frames, few_steps=4)
    for one in (
        prior.of_first_frames(), prior.in_windows(WINDOWS), prior.of_frames(torch.arange(2)),
        prior.changing(None),
    ):  # fmt: skip
        assert one.steps is prior.steps
        assert one.pictures._direction is not None


def test_given_first_frame_is_kept_in_few_steps(of_frames):
    prior = load_frame_prior("view_layers", 3, SIZE, of_frames, few_steps=2)
    shape = prior.spec.latent_shape
    first = randn((shape[0], *shape[2:]), generators_for(1, [0], "first"))
    scheduler = build_scheduler(DDIM(num_steps=2), prior.spec.schedule, "v")
    cond = prior.embed(["a mug"], first=first)
    *_, last = sample(
        prior, scheduler, cond, prior.embed([""], first=first, hidden=True),
        CFG(guidance_scale=1.0), randn(shape, generators_for(0, [0], "x")),
        generators_for(0, [0], "sampler"),
    )  # fmt: skip
    # alpha and sigma of a table of 1,000 in float32
    torch.testing.assert_close(last.latents[:, :, 0], first, atol=1e-3, rtol=1e-3)


def test_folders_are_checked(of_frames, of_pictures, lifting_models, tmp_path):  # noqa: F811
    clip = (3, *SIZE)
    for folder in (of_frames, of_pictures):
        check_prior(EmbeddedPriorConfig(models_dir=folder, few_steps=4), clip)
    with pytest.raises(InputError, match="needs the model few_step, and"):
        check_prior(EmbeddedPriorConfig(models_dir=lifting_models, few_steps=4), clip)
    with pytest.raises(InputError, match="was taught 1, 2, 4 steps"):
        check_prior(EmbeddedPriorConfig(models_dir=of_frames, few_steps=8), clip)
    folder = tmp_path / "models"
    shutil.copytree(of_frames, folder)
    store_few_step(folder, seed=5)
    identities = {k: m.identity for k, m in check_embedded_prior(folder, "view_layers").items()}
    check_few_step_models(4, identities, folder)
    with pytest.raises(InputError, match="few_step"):
        check_few_step_models(4, identities, folder, "view_layers")
