import pytest
import torch

from common.config.load import load_tree
from common.config.tree import Tree
from common.diffusion.gaussian_config import GaussianPriorConfig
from common.diffusion.prior import Prior
from common.embedded.image_unet import View
from common.embedded.prior_config import EmbeddedPriorConfig
from common.errors import InputError
from common.generation.priors import build_prior, check_prior, models_folder
from common.zoo.models import ZOO
from run import APPS

SIDE = View(90.0, 12.0)


def test_config_chooses_the_prior_by_name(models):
    values = {"app": "image", "name": "x", "prompt": "mug"}
    for prior, expected in (
        ({"name": "embedded", "models_dir": str(models)}, EmbeddedPriorConfig(models_dir=models)),
        ({"name": "embedded"}, EmbeddedPriorConfig()),
        ({"name": "gaussian"}, GaussianPriorConfig()),
    ):
        loaded = load_tree(Tree(values | {"prior": prior}, {}), "", (), APPS)
        assert loaded.config.prior == expected


def test_models_are_the_zoo_unless_a_folder_is_named(tmp_path):
    assert models_folder(EmbeddedPriorConfig()) == ZOO
    assert models_folder(EmbeddedPriorConfig(models_dir=tmp_path)) == tmp_path


def test_embedded_prior_is_built_for_the_size(models):
    prior = build_prior(EmbeddedPriorConfig(models_dir=models), (64, 72), "cpu")
    assert isinstance(prior, Prior)
    assert prior.spec.latent_shape == (4, 8, 9)
    cond = prior.embed(["mug"])
    made = prior.predict(torch.randn(1, 4, 8, 9), torch.tensor([10.0]), cond)
    assert made.shape == (1, 4, 8, 9), "a side that the U-Net's levels do not divide"


def test_embedded_prior_knows_views_and_the_gaussian_one_does_not(models):
    check_prior(EmbeddedPriorConfig(models_dir=models), (64, 64), SIDE)
    check_prior(GaussianPriorConfig(), (32, 32))
    with pytest.raises(InputError, match=r"knows no views: .*prior.name=embedded"):
        check_prior(GaussianPriorConfig(), (64, 64), SIDE)


@pytest.mark.parametrize("act", [check_prior, lambda *a: build_prior(*a, "cpu")])
@pytest.mark.parametrize(("size", "message"), [
    ((64, 100), "not 64 x 100; the nearest are"), ((32, 64), "not 32 x 64; the nearest are 64"),
])  # fmt: skip
def test_embedded_prior_refuses_other_sizes(models, act, size, message):
    with pytest.raises(InputError, match=message):
        act(EmbeddedPriorConfig(models_dir=models), size)


def test_embedded_prior_draws_clips_with_motion_layers(models, lifting_models):
    prior = build_prior(EmbeddedPriorConfig(models_dir=lifting_models), (3, 64, 72), "cpu")
    assert isinstance(prior, Prior)
    assert prior.spec.latent_shape == (4, 3, 8, 9)
    with pytest.raises(InputError, match=r"has no motion_layers: .*train/motion_layers"):
        check_prior(EmbeddedPriorConfig(models_dir=models), (3, 64, 72))
    with pytest.raises(InputError, match=r"num_frames is 17; .* up to 16 frames"):
        check_prior(EmbeddedPriorConfig(models_dir=lifting_models), (17, 64, 64))


def test_missing_models_are_named_before_anything_runs(tmp_path):
    with pytest.raises(InputError, match=r"has no autoencoder and no text_encoder and no image_"):
        check_prior(EmbeddedPriorConfig(models_dir=tmp_path), (64, 64))
