"""The causal autoencoder from disk."""

import json

import pytest
import torch

from common.errors import InputError
from common.zoo.models import load_autoencoder
from tests.common.zoo.small_zoo import store, store_prior
from tests.video.causal_autoencoder.small_causal import SIZES, random_causal, store_causal
from tests.video.spacetime_dit.small_dit import randn
from video.causal_autoencoder.load import load_causal_autoencoder


@pytest.fixture
def folder(tmp_path):
    store_prior(tmp_path)
    store_causal(tmp_path)
    return tmp_path


def test_stored_model_codes_as_it_did(folder):
    model = load_causal_autoencoder(load_autoencoder(folder), folder).model
    assert model.architecture == SIZES
    clip = randn(1, 4, 6, 4, 4)
    # int8 weights: a 254th of a row's largest each.
    torch.testing.assert_close(model.encode(clip), random_causal().encode(clip), atol=0.1, rtol=0)
    assert torch.equal(model.encode(clip)[:, :, 0], clip[:, :, 0])


def test_model_of_another_autoencoder_is_refused(folder, tmp_path_factory):
    other = tmp_path_factory.mktemp("other")
    store_prior(other, seed=1)
    with pytest.raises(InputError, match="was trained on the autoencoder"):
        load_causal_autoencoder(load_autoencoder(other), folder)


def test_missing_model_says_how_to_get_one(folder):
    (folder / "causal_autoencoder.json").unlink()
    with pytest.raises(InputError, match=r"no causal_autoencoder\.json.*train/causal_autoencoder"):
        load_causal_autoencoder(load_autoencoder(folder), folder)


def test_weights_of_another_architecture_are_refused_by_name(folder):
    requires = {"autoencoder": load_autoencoder(folder).identity}
    wider = SIZES.model_copy(update={"decoder_blocks": 3})
    store(folder, "causal_autoencoder", random_causal(), wider, requires)
    with pytest.raises(InputError, match=r"Missing key.*decoder\.blocks\.2\.causal\.weight"):
        load_causal_autoencoder(load_autoencoder(folder), folder)


def test_weights_of_other_sizes_are_refused_by_name(folder):
    requires = {"autoencoder": load_autoencoder(folder).identity}
    wider = SIZES.model_copy(update={"channels": 24})
    store(folder, "causal_autoencoder", random_causal(), wider, requires)
    with pytest.raises(InputError, match=r"size mismatch for encoder\.begin\.weight"):
        load_causal_autoencoder(load_autoencoder(folder), folder)


def test_another_kind_of_model_is_refused(folder):
    path = folder / "causal_autoencoder.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | {"kind": "upscaler"}))
    with pytest.raises(InputError, match="of kind upscaler, not causal_autoencoder"):
        load_causal_autoencoder(load_autoencoder(folder), folder)
