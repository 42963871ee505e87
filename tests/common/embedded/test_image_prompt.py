"""Image prompts of the embedded prior, on untrained models with random weights everywhere."""

import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from diffusers.models.attention_processor import IPAdapterAttnProcessor

from common.adapters.image_prompt_config import ImagePromptConfig
from common.cli.main import main
from common.diffusion.image_attention import ImageTokens, attended, attending, cross_attentions
from common.embedded.image_prompt import (
    ImagePrompt,
    ImagePromptArchitecture,
    PictureStates,
    seen,
    unit_mean_square,
)
from common.embedded.prior import predict_v
from common.errors import InputError
from common.media.images import read_picture, write_picture
from common.seeding import generators_for, randn
from common.zoo.ip_adapter import check_image_prompt
from common.zoo.models import load_embedded_prior, load_frame_prior
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.zoo.small_zoo import store_ip_adapter, store_prior


@pytest.fixture(scope="module")
def folder(lifting_models, tmp_path_factory):  # noqa: F811
    """All models, image prompts among them."""
    made = tmp_path_factory.mktemp("with_adapter")
    for path in lifting_models.iterdir():
        shutil.copy(path, made)
    store_ip_adapter(made)
    return made


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two pictures with transparency."""
    made, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    for name in ("a", "b"):
        write_picture(made / f"{name}.png", rng.integers(0, 256, (40, 30, 4)).astype(np.uint8))
    return made / "a.png", made / "b.png"


def noise_for(prior, count=2):
    return randn(prior.spec.latent_shape, generators_for(3, range(count), "latents"))


def predicted(prior, cond):
    with torch.no_grad():
        return prior.predict(noise_for(prior), torch.tensor([300.0, 800.0]), cond)


def prior_of(folder, shown=None, kind=None):
    if kind is None:
        return load_embedded_prior((64, 64), folder, image_prompt=shown)
    return load_frame_prior(kind, 4, (64, 64), folder, image_prompt=shown)


@pytest.mark.parametrize("kind", [None, "motion_layers", "view_layers"])
def test_scale_0_is_the_prior_to_the_bit_and_1_is_not(folder, pictures, kind):
    plain, prompts = prior_of(folder, kind=kind), ["a red mug", ""]
    expected = predicted(plain, plain.embed(prompts))
    for scale, same in ((0.0, True), (1.0, False)):
        shown = ImagePromptConfig(pictures=pictures[:1], scale=scale)
        prior = prior_of(folder, shown, kind)
        assert torch.equal(predicted(prior, prior.embed(prompts)), expected) == same
        without = predicted(prior, prior.embed_negative(prompts))
        assert torch.equal(without, predicted(plain, plain.embed_negative(prompts)))
    assert not prior.pictures.unet._forward_hooks if kind else True


@pytest.mark.parametrize("kind", ["motion_layers", "view_layers"])
def test_every_frame_hears_the_picture_and_the_layers_only_the_text(folder, pictures, kind):
    prior = prior_of(folder, ImagePromptConfig(pictures=pictures), kind)
    rows = prior.embed(["a red mug", "a blue car"]).rows
    assert rows.seen.vector.shape == rows.vector.shape
    assert len(rows.seen.images.tokens) == 2 * prior.num_frames
    plain = prior_of(folder, kind=kind).embed(["a red mug", "a blue car"]).rows
    assert torch.equal(rows.vector, plain.vector)


def test_attention_is_that_of_diffusers(folder, pictures):
    prior = prior_of(folder, ImagePromptConfig(pictures=pictures, scale=0.8))
    cond = prior.embed(["a red mug", "a blue car"])
    images = replace(cond.seen.images, share=None)
    cond = replace(cond, seen=replace(cond.seen, images=images))
    ours = predicted(prior, cond)
    unet = prior.unet
    processors = dict(unet.attn_processors)
    places = [name for name in processors if name.endswith("attn2.processor")]
    for name, keys in zip(places, images.attention.layers, strict=True):
        theirs = IPAdapterAttnProcessor(
            keys.to_k.out_features, keys.to_k.in_features, (images.tokens.shape[1],), 0.8
        )
        theirs.to_k_ip[0].load_state_dict(keys.to_k.state_dict())
        theirs.to_v_ip[0].load_state_dict(keys.to_v.state_dict())
        processors[name] = theirs
    unet.set_attn_processor(processors)
    unet.encoder_hid_proj = torch.nn.Identity()
    unet.config.encoder_hid_dim_type = "ip_image_proj"
    with torch.no_grad():
        expected = unet(
            noise_for(prior), torch.tensor([300.0, 800.0]), cond.states,
            encoder_attention_mask=cond.mask, class_labels=cond.seen.vector,
            added_cond_kwargs={"image_embeds": [images.tokens[:, None]]}, return_dict=False,
        )[0]  # fmt: skip
    torch.testing.assert_close(ours, expected, rtol=0, atol=1e-5)


def test_shared_attention_is_a_mix_of_both(folder, pictures):
    """Wholly the picture's at share 1, and the text's own at 0."""
    prior = prior_of(folder, ImagePromptConfig(pictures=pictures))
    cond = prior.embed(["a red mug", "a blue car"])
    images, unet = cond.seen.images, prior.unet
    place, keys = cross_attentions(unet)[0], images.attention.keys[0]
    features, states = torch.randn(2, 5, place.to_q.in_features), cond.states

    def heard(share):
        with torch.no_grad(), attending(unet, [replace(images, share=torch.tensor(share))]):
            return place(features, encoder_hidden_states=states, attention_mask=None)

    with torch.no_grad():
        text = place(features, encoder_hidden_states=states)
        alone = attended(place, keys, features, images.tokens) + place.to_out[0].bias
    torch.testing.assert_close(heard([0.0, 0.0]), text, rtol=1e-6, atol=1e-6)
    expected = torch.stack([alone[0], (text[1] + alone[1]) / 2])
    torch.testing.assert_close(heard([1.0, 0.5]), expected, rtol=1e-5, atol=1e-5)


def test_hooks_are_gone_after_an_error(folder, pictures):
    prior = prior_of(folder, ImagePromptConfig(pictures=pictures))
    cond = prior.embed(["a red mug", ""])
    images = cond.seen.images
    few = ImageTokens(images.attention, images.tokens[:1], 1.0)
    times, empty = torch.tensor([1.0, 2.0]), prior.embed_negative(["", ""])
    wrong = pytest.raises(InputError, match="2 samples attend to image tokens of 1")
    with wrong, torch.no_grad(), attending(prior.unet, [few]):
        predict_v(prior.unet, noise_for(prior), times, empty)
    assert not any(one._forward_hooks for one in cross_attentions(prior.unet))


def test_pooled_state_turns_from_the_text_to_the_picture(folder):
    vector, pooled = torch.randn(2, 6 + 7), unit_mean_square(torch.randn(2, 6))
    vector = torch.cat([unit_mean_square(vector[:, :6]), vector[:, 6:]], 1)
    states, says = PictureStates(torch.zeros(2, 1, 6), pooled), torch.tensor([False, True])
    sizes = ImagePromptArchitecture(latent_channels=4, text_channels=32)
    prompt = ImagePrompt(sizes, prior_of(folder).unet)
    told = seen(prompt, states, 1.0, vector, says).vector
    torch.testing.assert_close(told[0, :6], pooled[0])
    half = unit_mean_square((vector[1:, :6] + pooled[1:]) / 2)
    torch.testing.assert_close(told[1:, :6], half)
    assert torch.equal(told[:, 6:], vector[:, 6:]), "views are the text's"


def test_what_is_said_is_of_the_picture_alone(folder):
    sizes = ImagePromptArchitecture(latent_channels=4, text_channels=32)
    prompt = ImagePrompt(sizes, prior_of(folder).unet)
    latents = torch.randn(3, 4, 16, 16, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        together, alone = prompt(latents), prompt(latents[1:2])
    torch.testing.assert_close(together.tokens[1:2], alone.tokens, rtol=0, atol=1e-5)
    torch.testing.assert_close(together.pooled[1:2], alone.pooled, rtol=0, atol=1e-5)
    assert not torch.allclose(together.pooled[0], together.pooled[1])
    with pytest.raises(InputError, match="16 x 16 latent cells, not 8 x 8"):
        prompt(latents[:, :, :8, :8])


def test_missing_and_foreign_adapters_are_refused(folder, models, pictures, tmp_path):  # noqa: F811
    shown = ImagePromptConfig(pictures=pictures)
    with pytest.raises(InputError, match="has no ip_adapter: leave it out"):
        check_image_prompt(shown, models, {})
    store_prior(tmp_path, seed=1)
    for path in folder.glob("ip_adapter*"):
        shutil.copy(path, tmp_path)
    with pytest.raises(InputError, match="this ip_adapter was trained on the"):
        load_embedded_prior((64, 64), tmp_path, image_prompt=shown)


def draw(tmp_path, folder, *changes, preset="image/image_prompt"):
    arguments = [
        preset, f"prior.models_dir={folder}", "num_samples=2", "batch_size=2", "method.height=64",
        "method.width=64", "sampler.num_steps=2", f"output_dir={tmp_path}", *changes,
    ]  # fmt: skip
    return main(arguments, APPS)


def test_a_picture_alone_is_a_prompt(folder, pictures, tmp_path, capsys):
    a, b = pictures
    drawn = []
    for name, shown, prompt in (
        ("a", a, ""), ("again", a, ""), ("b", b, ""), ("said", a, "a red mug")
    ):  # fmt: skip
        code = draw(
            tmp_path, folder, f"prior.image_prompt.pictures=[{shown}]", f"name={name}",
            f"prompt={prompt}",
        )  # fmt: skip
        said = capsys.readouterr()
        assert code == 0, said.err
        drawn.append(read_picture(tmp_path / name / "latest" / "samples" / "000.png"))
    assert np.array_equal(drawn[0], drawn[1])
    assert not np.array_equal(drawn[0], drawn[2])
    assert not np.array_equal(drawn[0], drawn[3])


def test_clips_take_image_prompts(folder, pictures, tmp_path, capsys):
    shown = f"image_prompt: {{pictures: [{pictures[0]}]}}"
    code = draw(
        tmp_path, folder, f"prior={{name: embedded, models_dir: {folder}, {shown}}}",
        "method.num_frames=4", "prompt=a red mug hops", "num_samples=1",
        preset="video/text_to_video",
    )  # fmt: skip
    assert code == 0, capsys.readouterr().err


@pytest.mark.parametrize(("changes", "message"), [
    (("prior.image_prompt=null",), "is empty; say what to generate"),
    (("prior.image_prompt.pictures=[missing.png]",), "missing.png"),
    (("prior.image_prompt.scale=3",), "scale"),
])  # fmt: skip
def test_wrong_image_prompts_are_refused(folder, pictures, tmp_path, capsys, changes, message):
    given = f"prior.image_prompt.pictures=[{pictures[0]}]"
    assert draw(tmp_path / "out", folder, given, *changes) == 2
    assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
