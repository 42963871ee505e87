import json

import pytest
import torch

from common.embedded.autoencoder import Autoencoder
from common.embedded.concepts import load_concepts
from common.embedded.domain import known_embeddings
from common.embedded.image_unet import (
    FRONT,
    VIEW_SCALE,
    ImageUNetArchitecture,
    View,
    build_image_unet,
    view_features,
)
from common.embedded.text_encoder import TextEncoder
from common.embedded.tokenizer import load_tokenizer
from common.errors import InputError
from common.zoo.models import (
    check_embedded_prior,
    load_autoencoder,
    load_domain,
    load_embedded_prior,
    load_text_encoder,
)
from tests.common.training.small_training import ARCHITECTURE
from tests.common.zoo.small_zoo import TEXT, store, store_domain, store_prior


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    store_prior(folder)
    return folder


@pytest.fixture(scope="module")
def with_domain(tmp_path_factory, folder):
    copied = copy(folder, tmp_path_factory.mktemp("domain"))
    store_domain(copied)
    return copied


def copy(folder, target):
    for path in folder.iterdir():
        (target / path.name).write_bytes(path.read_bytes())
    return target


def test_prior_loads_and_predicts_for_each_prompt_and_view(folder):
    prior = load_embedded_prior((64, 96), folder)
    assert prior.spec.latent_shape == (4, 8, 12)
    assert prior.spec.image_channels == 4
    latents = torch.randn(1, 4, 8, 12).repeat(3, 1, 1, 1)
    cond = prior.embed(["mug", "红色的杯子", "mug"], [FRONT, FRONT, View(90.0, 20.0)])
    made = prior.predict(latents, torch.full((3,), 400.0), cond)
    assert made.shape == latents.shape
    assert (made[0] - made[1]).abs().max() > 1e-5, "another prompt"
    assert (made[0] - made[2]).abs().max() > 1e-5, "another view"
    assert not made.requires_grad


def test_unet_on_another_autoencoder_is_refused(folder, tmp_path):
    copy(folder, tmp_path)
    store(tmp_path, "autoencoder", Autoencoder(ARCHITECTURE), ARCHITECTURE)
    with pytest.raises(InputError, match="was trained on the autoencoder"):
        load_embedded_prior((64, 64), tmp_path)


def test_text_encoder_of_another_vocabulary_is_refused(folder, tmp_path):
    copy(folder, tmp_path)
    other = TEXT.model_copy(update={"num_tokens": 300})
    store(tmp_path, "text_encoder", TextEncoder(other), other)
    with pytest.raises(InputError, match="300 tokens"):
        load_text_encoder(tmp_path)
    with pytest.raises(InputError, match="was trained on the text_encoder"):
        load_embedded_prior((64, 64), tmp_path)


def test_every_missing_model_is_named_with_what_to_do(folder, tmp_path):
    copy(folder, tmp_path)
    (tmp_path / "image_unet.json").unlink()
    (tmp_path / "autoencoder.json").unlink()
    with pytest.raises(InputError, match=r"has no autoencoder and no image_unet: .*train/image_un"):
        check_embedded_prior(tmp_path)
    assert list(check_embedded_prior(folder)) == ["autoencoder", "text_encoder", "image_unet"]


def test_domain_loads_as_it_was_fitted(with_domain):
    encoder = load_text_encoder(with_domain)
    domain = load_domain(encoder, with_domain)
    fitted = known_embeddings(encoder.model, load_tokenizer(), load_concepts())
    # Half a step of int8 over the largest component, which is at most 1.
    torch.testing.assert_close(domain.known.prototypes, fitted.prototypes, rtol=0, atol=1 / 254)
    assert torch.equal(domain.known.centre, fitted.centre)
    assert 0 < domain.rule.threshold < 1


def test_domain_of_another_text_encoder_is_refused(with_domain, tmp_path):
    copy(with_domain, tmp_path)
    store_prior(tmp_path, seed=1)
    with pytest.raises(InputError, match="this domain was trained on the text_encoder"):
        load_domain(load_text_encoder(tmp_path), tmp_path)


def test_domain_of_another_list_of_concepts_is_refused(with_domain, tmp_path):
    copy(with_domain, tmp_path)
    path = tmp_path / "domain.json"
    content = json.loads(path.read_text(encoding="utf-8"))
    content["architecture"]["concepts_sha256"] = "0" * 64
    path.write_text(json.dumps(content), encoding="utf-8")
    with pytest.raises(InputError, match=r"another list of concepts; .*domain_fit"):
        load_domain(load_text_encoder(tmp_path), tmp_path)


def test_missing_model_is_named(tmp_path):
    with pytest.raises(InputError, match="no model autoencoder"):
        load_autoencoder(tmp_path)


def test_views_are_told_by_sines_and_cosines():
    features = view_features([View(0.0, 0.0), View(90.0, 30.0), None])
    front, left, none = features / VIEW_SCALE
    torch.testing.assert_close(front, torch.tensor([1.0, 0, 1, 0, 1, 0, 1]))
    expected = torch.tensor([1.0, 1, 0, 0, -1, 0.5, 0.75**0.5])
    torch.testing.assert_close(left, expected, rtol=0, atol=1e-6)
    assert not none.any()


def test_default_unet_fits_the_zoo_budget():
    weights = build_image_unet(ImageUNetArchitecture()).state_dict().values()
    # int8 with a float32 scale a row; vectors stay in float32.
    stored = sum(w.numel() + 4 * len(w) if w.ndim > 1 else 4 * w.numel() for w in weights)
    assert stored < 14e6
