import pytest
import torch

from common.embedded.autoencoder import Autoencoder
from common.embedded.image_unet import (
    FRONT,
    ImageUNetArchitecture,
    View,
    build_image_unet,
    view_features,
)
from common.embedded.text_encoder import TextEncoder, TextEncoderArchitecture
from common.embedded.tokenizer import load_tokenizer
from common.errors import InputError
from common.zoo.models import load_autoencoder, load_embedded_prior
from common.zoo.storage import save_model
from tests.common.training.small_training import ARCHITECTURE

TEXT = TextEncoderArchitecture(
    num_tokens=load_tokenizer().num_tokens, embedding_channels=8, channels=32, num_layers=1,
    num_heads=2,
)  # fmt: skip
UNET = ImageUNetArchitecture(
    latent_channels=4, text_channels=32, block_channels=(16, 32), head_channels=16, norm_groups=4
)


def store(folder, kind, model, sizes, requires=None):
    return save_model(
        folder, kind, model.state_dict(), "int8", kind=kind,
        architecture=sizes.model_dump(mode="json"), requires=requires or {}, figures={},
    ).identity  # fmt: skip


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        stands_on = {
            "autoencoder": store(folder, "autoencoder", Autoencoder(ARCHITECTURE), ARCHITECTURE),
            "text_encoder": store(folder, "text_encoder", TextEncoder(TEXT), TEXT),
        }
        store(folder, "image_unet", build_image_unet(UNET), UNET, stands_on)
    return folder


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
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    store(tmp_path, "autoencoder", Autoencoder(ARCHITECTURE), ARCHITECTURE)
    with pytest.raises(InputError, match="was trained on the autoencoder"):
        load_embedded_prior((64, 64), tmp_path)


def test_text_encoder_of_another_vocabulary_is_refused(folder, tmp_path):
    for path in folder.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes())
    other = TEXT.model_copy(update={"num_tokens": 300})
    store(tmp_path, "text_encoder", TextEncoder(other), other)
    with pytest.raises(InputError, match="300 tokens"):
        load_embedded_prior((64, 64), tmp_path)


def test_missing_model_is_named(tmp_path):
    with pytest.raises(InputError, match="no model autoencoder"):
        load_autoencoder(tmp_path)


def test_views_are_told_by_sines_and_cosines():
    front, left, none = view_features([FRONT, View(90.0, 30.0), None])
    torch.testing.assert_close(front, torch.tensor([1.0, 0, 1, 0, 1, 0, 1]))
    expected = torch.tensor([1.0, 1, 0, 0, -1, 0.5, 0.75**0.5])
    torch.testing.assert_close(left, expected, rtol=0, atol=1e-6)
    assert not none.any()


def test_default_unet_fits_the_zoo_budget():
    weights = build_image_unet(ImageUNetArchitecture()).state_dict().values()
    # int8 with a float32 scale a row; vectors stay in float32.
    stored = sum(w.numel() + 4 * len(w) if w.ndim > 1 else 4 * w.numel() for w in weights)
    assert stored < 14e6
