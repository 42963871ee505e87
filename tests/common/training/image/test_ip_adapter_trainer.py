from itertools import islice

import numpy as np
import pytest
import torch

from common.embedded.image_prompt import ImagePromptArchitecture
from common.kit.catalogue import CATEGORIES
from common.kit.instances import instance
from common.kit.motions import MOTIONS
from common.runs.state import Checkpoint, load_newest, save
from common.training.emoji.emoji_phrases import Phrase
from common.training.emoji.emoji_split import load_split
from common.training.frames.clip_captions import KitClipSubject
from common.training.frames.clip_latents import EmojiClipLatents, KitClipLatents
from common.training.image.caption_states import last_states
from common.training.image.image_pairs import ImagePairSource
from common.training.image.ip_adapter_trainer import IPAdapterTraining, TrainIPAdapter, contrast
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from common.training.pictures.latent_sets import LatentSet
from common.training.pictures.subjects import EmojiSubject
from common.zoo.models import load_prior_models
from tests.common.training.small_training import same_bits
from tests.common.zoo.small_zoo import store_prior

RESERVED = load_split().reconstruction[0]
KEYS = ("2615", "1f332", RESERVED)


def latents(*shape):
    generator = torch.Generator().manual_seed(sum(shape))
    return torch.randn(*shape, 4, 16, 16, generator=generator).half().numpy()


def small_source(**shares):
    """Two kit objects of one look, one of another; three emoji, of which one is left out."""
    facts = [instance(category, seed).facts for category, seed in
             ((CATEGORIES[0], 0), (CATEGORIES[0], 0), (CATEGORIES[1], 1))]  # fmt: skip
    subjects = tuple(KitClipSubject(one, MOTIONS[0]) for one in facts)
    kit = KitClipLatents(latents(3, 5), np.zeros((3, 2), np.float32), subjects)
    emoji = tuple(EmojiSubject(key, (Phrase(key, 1.0),), (Phrase(key, 1.0),)) for key in KEYS)
    stills = LatentSet(
        "emoji", latents(3, 4), np.zeros((3, 4, 2), np.float32), emoji, (1.0, 1.0, 1.0)
    )
    animations = EmojiClipLatents(latents(20), np.array([0]), np.array([20]), emoji[:1], (1.0,))
    settings = {"kit_share": 0.5, "same_share": 0.5, "view_dropout": 0.5, "chinese_share": 0.0}
    return ImagePairSource(kit, kit, stills, animations, **(settings | shares))


@pytest.fixture(scope="module")
def models(tmp_path_factory):
    folder = tmp_path_factory.mktemp("models")
    store_prior(folder)
    return load_prior_models(folder)


def small_training(models, **changes):
    loop = LoopConfig(
        num_steps=4, batch_size=4, ema_decay=0.9, precision="float32",
        learning_rate=LearningRate(peak=2e-3, warmup_steps=2),
    )  # fmt: skip
    sizes = ImagePromptArchitecture(
        latent_channels=4, text_channels=32, hidden_channels=8, widths=(8, 16), num_blocks=1
    )
    method = TrainIPAdapter(architecture=sizes, loop=loop, **{"num_drawn": 2} | changes)
    return method, IPAdapterTraining(method, small_source(), models, 0, "cpu")


def test_killed_and_resumed_training_ends_in_the_same_bits(models, tmp_path):
    method, whole = small_training(models)
    *_, expected = train(method.loop, whole, "cpu")
    _, first = small_training(models)
    for step in islice(train(method.loop, first, "cpu"), 2):
        save(tmp_path, Checkpoint(step.step, step.state), keep=1)
    _, second = small_training(models)
    *_, resumed = train(method.loop, second, "cpu", load_newest(tmp_path).state)
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])
    figures = whole.evaluate(expected.averaged)
    names = ("kit", "emoji")
    assert set(figures) == {f"told_apart/{name}" for name in names} | {
        f"v_error_{name}/{what}" for name in names for what in ("picture", "picture_gain")
    }
    assert whole.preview(expected.averaged).shape[2] == 3
    assert whole.package(expected.averaged).requires.keys() == set(models)


def test_the_prior_stays_as_it_is(models):
    before = {key: value.clone() for key, value in models["image_unet"].model.state_dict().items()}
    method, training = small_training(models)
    first = {key: value.clone() for key, value in training.model.state_dict().items()}
    *_, last = train(method.loop, training, "cpu")
    assert same_bits(before, models["image_unet"].model.state_dict())
    moved = [key for key, value in last.state["model"].items()
             if not torch.equal(value, first[key])]  # fmt: skip
    assert set(first) - set(moved) == {"word_mean", "word_std"}, "all weights are trained"


def test_pairs_show_one_thing_and_leave_out_what_is_reserved():
    source, rng = small_source(same_share=0.0, view_dropout=0.0), np.random.default_rng(0)
    pairs = source.draw(200, rng)
    assert not any(RESERVED in caption for caption in pairs.captions)
    kit, emoji = source.kit.latents.astype(np.float32), source.emoji.latents.astype(np.float32)
    animated = source.animations.frames.astype(np.float32)

    def subject(code):
        """Which of the things a latent is of, by its look."""
        for index, clip in enumerate(kit):
            if any(np.array_equal(code, frame) for frame in clip):
                return "ab"[index // 2]
        for index, places in enumerate(emoji):
            if any(np.array_equal(code, place) for place in places):
                return index
        assert any(np.array_equal(code, frame) for frame in animated)
        return 0

    found = [(subject(one), subject(other)) for one, other in zip(pairs.shown, pairs.drawn,
                                                                  strict=True)]  # fmt: skip
    assert all(one == other for one, other in found)
    assert {one for one, _ in found} == {"a", "b", 0, 1}
    stills = [i for i, (one, _) in enumerate(found) if one in (0, 1)]
    assert not any(np.array_equal(pairs.shown[i], pairs.drawn[i]) for i in stills)
    assert list(source.held_out()["emoji"].captions) == [RESERVED]


def test_contrast_is_cross_entropy_and_equal_captions_share_it():
    generator = torch.Generator().manual_seed(0)
    made, wanted = torch.randn(2, 5, 7, generator=generator)
    cosines = torch.nn.functional.cosine_similarity(made[:, None], wanted[None], dim=2)
    places = torch.arange(5)
    expected = sum(torch.nn.functional.cross_entropy(25 * c, places) for c in (cosines, cosines.T))
    found = contrast(made, wanted, torch.eye(5, dtype=torch.bool))
    torch.testing.assert_close(found, expected / 2, rtol=0, atol=1e-5)
    shared = torch.eye(5, dtype=torch.bool)
    shared[0, 4] = shared[4, 0] = True
    target = shared / shared.sum(1, keepdim=True)
    expected = sum(torch.nn.functional.cross_entropy(25 * c, target) for c in (cosines, cosines.T))
    found = contrast(made, wanted, shared)
    torch.testing.assert_close(found, expected / 2, rtol=0, atol=1e-5)


def test_last_states_of_short_texts_repeat_the_first():
    states = torch.arange(10.0).reshape(2, 5, 1)
    mask = torch.tensor([[True] * 5, [True, True, False, False, False]])
    found = last_states(states, mask, 3)[..., 0]
    assert found.tolist() == [[2, 3, 4], [5, 5, 6]]


def test_captions_alone_leave_keys_and_values_as_those_of_the_text(models):
    method, training = small_training(models, num_drawn=0)
    first = {key: value.clone() for key, value in training.model.state_dict().items()}
    *_, last = train(method.loop, training, "cpu")
    moved = {
        key for key, value in last.state["model"].items() if not torch.equal(value, first[key])
    }
    still = {key for key in first if key.startswith("attention.")}
    assert not moved & still
    assert {key.split(".")[0] for key in moved} == {"encoder", "to_hidden", "to_words", "to_pooled"}


def test_stored_tokens_vary_as_much_as_those_of_captions(models):
    method, training = small_training(models, num_drawn=0)
    *_, last = train(method.loop, training, "cpu")
    before = last.averaged.word_std.clone()
    stored = training.package(last.averaged).model
    assert torch.equal(last.averaged.word_std, before), "the model in training stays"
    pairs = training._source.draw(512, np.random.default_rng(1))
    _, wanted = training._captions.of(pairs.plain)
    with torch.no_grad():
        made = stored(torch.from_numpy(pairs.shown)).tokens
    spread = [float((one.std(0) / before).square().mean()) for one in (wanted, made)]
    # Other pairs than those it was measured on.
    assert spread[1] == pytest.approx(spread[0], rel=0.15)
