from itertools import islice

import numpy as np
import pytest
import torch

from common.embedded.class_names import load_class_names
from common.embedded.noisy_classifier import NoisyClassifierArchitecture
from common.kit.catalogue import CATEGORIES
from common.kit.instances import instance
from common.kit.motions import MOTIONS
from common.runs.state import Checkpoint, load_newest, save
from common.training.classifier.labelled_latents import UNSAID, LabelledSource
from common.training.classifier.noisy_classifier_trainer import (
    NoisyClassifierTraining,
    TrainNoisyClassifier,
)
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_phrases import Phrase
from common.training.frames.clip_captions import KitClipSubject
from common.training.frames.clip_latents import EmojiClipLatents, KitClipLatents
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from common.training.pictures.latent_sets import LatentSet
from common.training.pictures.subjects import EmojiSubject
from common.zoo.models import load_autoencoder
from tests.common.training.small_training import same_bits
from tests.common.zoo.small_zoo import store_prior

NAMES = load_class_names()
FLAG = next(key for key, one in load_concepts().items() if one.lookalike)
KEYS = ("2615", "1f332", FLAG)


def latents(*shape):
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, 4, 16, 16, generator=generator).half().numpy()


def small_source(**shares):
    """Three kit objects; two emoji, of which one moves, and a look-alike."""
    facts = [instance(category, seed).facts for category, seed in
             ((CATEGORIES[0], 0), (CATEGORIES[3], 0), (CATEGORIES[1], 1))]  # fmt: skip
    subjects = tuple(KitClipSubject(one, MOTIONS[0]) for one in facts)
    kit = KitClipLatents(latents(3, 5), np.zeros((3, 2), np.float32), subjects)
    emoji = tuple(EmojiSubject(key, (Phrase(key, 1.0),), (Phrase(key, 1.0),)) for key in KEYS)
    stills = LatentSet(
        "emoji", latents(3, 4), np.zeros((3, 4, 2), np.float32), emoji, (1.0, 1.0, 1.0)
    )
    animations = EmojiClipLatents(latents(20), np.array([0]), np.array([20]), emoji[:1], (1.0,))
    settings = {"kit_share": 0.5, "animated_share": 0.5}
    return LabelledSource(NAMES, kit, kit, stills, animations, **(settings | shares))


@pytest.fixture(scope="module")
def autoencoder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    store_prior(folder)
    return load_autoencoder(folder)


def small_training(autoencoder, num_steps=4):
    loop = LoopConfig(
        num_steps=num_steps, batch_size=16, ema_decay=0.5, precision="float32",
        learning_rate=LearningRate(peak=1e-2, warmup_steps=2),
    )  # fmt: skip
    sizes = NoisyClassifierArchitecture(
        latent_channels=4, widths=(8,), num_blocks=(1,), level_channels=8, hidden_channels=16
    )
    method = TrainNoisyClassifier(architecture=sizes, loop=loop)
    return method, NoisyClassifierTraining(method, NAMES, small_source(), autoencoder, 0, "cpu")


def test_killed_and_resumed_training_ends_in_the_same_bits(autoencoder, tmp_path):
    method, whole = small_training(autoencoder)
    *_, expected = train(method.loop, whole, "cpu")
    _, first = small_training(autoencoder)
    for step in islice(train(method.loop, first, "cpu"), 2):
        save(tmp_path, Checkpoint(step.step, step.state), keep=1)
    _, second = small_training(autoencoder)
    *_, resumed = train(method.loop, second, "cpu", load_newest(tmp_path).state)
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])
    figures = whole.evaluate(expected.averaged)
    assert {"kit_at_0/right", "kit_at_0.5/colour", "emoji_at_0.9/right"} <= set(figures)
    assert not any(name.startswith("emoji") and name.endswith("colour") for name in figures)
    assert whole.preview(expected.averaged).shape[2] == 3
    package = whole.package(expected.averaged)
    assert package.requires == {"autoencoder": autoencoder.identity}
    assert package.architecture.names_sha256 == NAMES.digest
    assert package.architecture.num_whats == len(NAMES.whats)


def test_a_few_pictures_are_learnt(autoencoder):
    method, training = small_training(autoencoder, num_steps=300)
    *_, last = train(method.loop, training, "cpu")
    assert training.evaluate(last.averaged)["kit_at_0/right"] == 1.0


def test_samples_have_the_classes_of_what_they_show():
    source, rng = small_source(), np.random.default_rng(0)
    batch = source.draw(300, rng)
    kit = source.kit.latents.astype(np.float32)
    stills = source.emoji.latents.astype(np.float32)
    frames = source.animations.frames.astype(np.float32)
    for code, what, colour in zip(batch.latents, batch.what, batch.colour, strict=True):
        of_kit = [row for row, clip in enumerate(kit) if (clip == code).all((1, 2, 3)).any()]
        if of_kit:
            facts = source.kit.subjects[of_kit[0]].facts
            assert NAMES.whats[what][0] == facts.category.noun.english
            assert NAMES.colours[colour][0] == str(facts.main)
            continue
        assert colour == UNSAID
        shown = [row for row, own in enumerate(stills) if (own[:-1] == code).all((1, 2, 3)).any()]
        moving = (frames == code).all((1, 2, 3)).any()
        assert shown or moving, "the last place of an emoji is left to measure on"
        key = KEYS[shown[0]] if shown else KEYS[0]
        of_key = dict(zip(load_concepts(), NAMES.of_emoji, strict=True))
        assert what == of_key[key]
    of_kit = float((batch.colour != UNSAID).mean())
    assert 0.4 < of_kit < 0.6, "300 draws at a share of 0.5: within three deviations"


def test_held_out_emoji_are_those_with_a_class():
    held_out = small_source().held_out()
    assert len(held_out["emoji"].what) == 2
    assert (held_out["emoji"].colour == UNSAID).all()
    assert len(held_out["kit"].what) == 3
