from itertools import islice

import numpy as np
import pytest
import torch

from common.embedded.autoencoder import Autoencoder
from common.embedded.image_unet import ImageUNetArchitecture
from common.embedded.prior import EmbeddedPrior, embedded_schedule
from common.embedded.text_encoder import TextEncoder, TextEncoderArchitecture
from common.embedded.tokenizer import load_tokenizer
from common.errors import InputError
from common.runs.state import Checkpoint, load_newest, save
from common.training.autoencoder.autoencoder_trainer import to_unit_range
from common.training.emoji.emoji_phrases import Phrase
from common.training.emoji.emoji_stills import EmojiStills
from common.training.image.image_unet_trainer import ImageUNetTraining, TrainImageUNet
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from common.training.noise_times import (
    LogitNormalTimes,
    MinSnr,
    NoisyTimes,
    UniformTimes,
    draw_timesteps,
    v_weights,
)
from common.training.pictures.latent_sets import NUM_PLACES, LatentSet, encode_places
from common.training.pictures.subjects import EmojiSubject
from common.zoo.models import Loaded
from tests.common.training.small_training import ARCHITECTURE, disks, same_bits

NAMES = ("mug", "tree", "car", "house")
KEYS = ("2615", "1f332", "1f697", "1f3e0")
UNET = ImageUNetArchitecture(
    latent_channels=4, text_channels=32, block_channels=(16, 32), head_channels=16, norm_groups=4
)


def small_unet(**changes: object) -> tuple[TrainImageUNet, ImageUNetTraining]:
    """The U-Net's training on four latents, each constant and told apart by its name alone."""
    loop = LoopConfig(
        num_steps=6, batch_size=8, ema_decay=0.9, precision="float32",
        learning_rate=LearningRate(peak=2e-3, warmup_steps=2),
    )  # fmt: skip
    method = TrainImageUNet(architecture=UNET, size_px=64, loop=loop, **changes)
    values = torch.randn(4, 1, 4, 1, 1, generator=torch.Generator().manual_seed(1))
    subjects = tuple(
        EmojiSubject(key, (Phrase(name, 1.0),), (Phrase(name, 1.0),))
        for key, name in zip(KEYS, NAMES, strict=True)
    )
    latents = LatentSet(
        "emoji", values.expand(4, 2, 4, 8, 8).half().numpy(), np.zeros((4, 2, 2), np.float32),
        subjects, (1.0,) * 4,
    )  # fmt: skip
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        text = TextEncoder(
            TextEncoderArchitecture(
                num_tokens=load_tokenizer().num_tokens, embedding_channels=16, channels=32,
                num_layers=1, num_heads=2,
            )
        )  # fmt: skip
        autoencoder = Autoencoder(ARCHITECTURE)
    bases = Loaded(autoencoder.eval(), "a" * 64), Loaded(text.eval(), "b" * 64)
    return method, ImageUNetTraining(method, (latents,), (1.0,), *bases, 0, "cpu")


def test_killed_and_resumed_training_ends_in_the_same_bits(tmp_path):
    method, whole = small_unet()
    *_, expected = train(method.loop, whole, "cpu")
    _, first = small_unet()
    for step in islice(train(method.loop, first, "cpu"), 3):
        save(tmp_path, Checkpoint(step.step, step.state), keep=1)
    _, second = small_unet()
    *_, resumed = train(method.loop, second, "cpu", load_newest(tmp_path).state)
    assert same_bits(resumed.state["model"], expected.state["model"])
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])


@torch.no_grad()
def plain_error(training: ImageUNetTraining) -> float:
    return float(training.losses(training.model, 10_000)["plain"])


def test_training_lowers_the_error_on_unseen_noise():
    method, training = small_unet()
    before = plain_error(training)
    for _ in train(method.loop.model_copy(update={"num_steps": 40}), training, "cpu"):
        pass
    assert plain_error(training) < 0.8 * before


def test_package_records_what_the_unet_stands_on():
    _, training = small_unet()
    package = training.package(training.model)
    assert package.requires == {"autoencoder": "a" * 64, "text_encoder": "b" * 64}


def test_prompts_and_views_are_dropped_at_their_rates():
    _, training = small_unet(text_dropout=0.25, view_dropout=0.5)
    rng = np.random.default_rng(0)
    _, prompts, views = training._samples(2000, rng)
    # 2000 draws: five standard deviations are below 0.06.
    assert prompts.count("") / 2000 == pytest.approx(0.25, abs=0.05)
    assert views.count(None) / 2000 == pytest.approx(0.5, abs=0.06)
    both = sum(not p and v is None for p, v in zip(prompts, views, strict=True))
    assert both / 2000 == pytest.approx(0.125, abs=0.04), "dropped independently"


def test_prior_has_the_shapes_it_promises_and_pads_without_effect():
    _, training = small_unet()
    prior: EmbeddedPrior = training._prior(training.model.eval())
    assert prior.spec.latent_shape == (4, 8, 8)
    latents, timesteps = torch.randn(1, 4, 8, 8), torch.tensor([500.0])
    alone = prior.predict(latents, timesteps, prior.embed(["mug"]))
    beside = prior.predict(
        latents.repeat(2, 1, 1, 1), timesteps.repeat(2),
        prior.embed(["mug", "a car and a house and a tree"]),
    )  # fmt: skip
    assert alone.shape == latents.shape
    # The same sample in a padded batch of two: other matrix shapes, hence rounding.
    torch.testing.assert_close(beside[:1], alone, rtol=1e-4, atol=1e-4)
    assert prior.decode(latents).shape == (1, 4, 64, 64)


def test_prior_refuses_sizes_that_do_not_divide():
    _, training = small_unet()
    prior = training._prior(training.model)
    with pytest.raises(InputError, match="60 x 64"):
        EmbeddedPrior(prior.autoencoder, prior.text_encoder, None, load_tokenizer(), (60, 64))
    with pytest.raises(InputError, match="2 prompts and 1 views"):
        prior.embed(["a", "b"], [None])


def test_min_snr_weight_is_its_formula():
    schedule = embedded_schedule()
    timesteps = torch.tensor([5.0, 500.0, 990.0])
    alpha, sigma = schedule.alpha_sigma(timesteps)
    snr = alpha**2 / sigma**2
    expected = torch.minimum(snr, torch.tensor(5.0)) * sigma**2  # 1 / (snr + 1) = sigma^2
    torch.testing.assert_close(v_weights(MinSnr(), timesteps, schedule), expected.float())
    assert torch.equal(v_weights(UniformTimes(), timesteps, schedule), torch.ones(3))


@pytest.mark.parametrize("config", [UniformTimes(), MinSnr(), LogitNormalTimes(mean=0.0)])
def test_timesteps_are_in_the_table_and_centred(config):
    drawn = draw_timesteps(config, 20_000, embedded_schedule(), torch.Generator().manual_seed(0))
    assert torch.equal(drawn, drawn.floor())
    assert 0 <= float(drawn.min()) <= float(drawn.max()) <= 999
    # Symmetric about the middle; the mean of 20,000 is within 5 standard errors (about 10).
    assert float(drawn.mean()) == pytest.approx(499.5, abs=11)


def test_higher_logit_mean_visits_noisier_times():
    drawn = [
        draw_timesteps(
            LogitNormalTimes(mean=mean), 2000, embedded_schedule(), torch.Generator().manual_seed(0)
        ).mean()
        for mean in (-1.0, 1.0)
    ]
    assert drawn[1] > drawn[0] + 200


def test_noisy_times_are_distributed_as_stated():
    generator = torch.Generator().manual_seed(0)
    drawn = draw_timesteps(NoisyTimes(), 20_000, embedded_schedule(), generator)
    # u = (1 - t) ** (1 / 1.8) is uniform; five standard errors of a share of 20,000 are 0.018.
    assert float((drawn >= 850).float().mean()) == pytest.approx(0.15 ** (1 / 1.8), abs=0.018)
    assert float((drawn < 500).float().mean()) == pytest.approx(1 - 0.5 ** (1 / 1.8), abs=0.018)
    even = draw_timesteps(
        NoisyTimes(exponent=1.0), 20_000, embedded_schedule(), torch.Generator().manual_seed(0)
    )
    assert float(even.mean()) == pytest.approx(499.5, abs=11)


def test_latents_are_of_the_picture_and_of_it_moved():
    pixels = disks(3)
    autoencoder = Loaded(Autoencoder(ARCHITECTURE).eval(), "a" * 64)
    stills = EmojiStills(("1f34e", "1f34b", "1f438"), pixels)
    encoded = encode_places(autoencoder, stills, "cpu")
    assert encoded.shape == (3, NUM_PLACES, 4, 8, 8)
    with torch.no_grad():
        plain = autoencoder.model.encode(to_unit_range(pixels, "cpu") * 2 - 1)
    # Stored as float16.
    np.testing.assert_allclose(encoded[:, 0], plain.numpy(), rtol=2e-3, atol=2e-3)
    assert np.abs(encoded[:, 1] - encoded[:, 0]).max() > 1e-2
    assert np.array_equal(encoded, encode_places(autoencoder, stills, "cpu"))
