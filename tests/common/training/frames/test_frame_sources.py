import numpy as np
import pytest

from common.embedded.image_unet import FRONT, View
from common.errors import InputError
from common.kit.captions import Facts
from common.kit.catalogue import category_named
from common.kit.motions import MOTIONS, motion_named
from common.training.emoji.emoji_phrases import Phrase
from common.training.frames.clip_captions import KitClipSubject
from common.training.frames.clip_latents import EmojiClipLatents, KitClipLatents
from common.training.frames.clip_source import ClipSource
from common.training.frames.frame_batch import FrameBatch, first_frame, some_frames
from common.training.frames.view_source import FRONT_SHARE, ViewSource
from common.training.pictures.latent_sets import LatentSet
from common.training.pictures.subjects import EmojiSubject, KitSubject

MUG = Facts(category_named("mug"), "red")
CAR = Facts(category_named("car"), "blue")


def kit_clips(first: float) -> KitClipLatents:
    """Two clips; every latent of a clip's frame says which clip and frame it is."""
    numbers = first + np.arange(2)[:, None] * 100 + np.arange(16)
    latents = np.broadcast_to(numbers[:, :, None, None, None], (2, 16, 4, 2, 2)).astype(np.float16)
    subjects = (
        KitClipSubject(MUG, motion_named("grow")), KitClipSubject(CAR, motion_named("slide left"))
    )  # fmt: skip
    return KitClipLatents(latents, np.float32([(10, 12), (200, 30)]), subjects)


def emoji_clips() -> EmojiClipLatents:
    frames = np.broadcast_to(
        -1 - np.arange(40, dtype=np.float16)[:, None, None, None], (40, 4, 2, 2)
    )
    subject = EmojiSubject("2615", (Phrase("hot beverage", 1.0),), (Phrase("热饮", 1.0),))
    return EmojiClipLatents(
        frames, np.array([0], np.int64), np.array([40], np.int64), (subject,), (1.0,)
    )


@pytest.fixture
def clips() -> ClipSource:
    return ClipSource(kit_clips(0), emoji_clips(), kit_clips(1000), 0.7, 0.4, 0.25)


def test_clips_come_whole_in_order_with_their_words_and_views(clips):
    batch = clips.draw(400, np.random.default_rng(0))

    assert batch.latents.shape == (400, 4, 16, 2, 2)
    of_kit = batch.latents[:, 0, 0, 0, 0] >= 0
    # 400 draws: five standard deviations are below 0.13.
    assert of_kit.mean() == pytest.approx(0.7, abs=0.13)
    assert np.mean([view is None for view in batch.views]) == pytest.approx(0.4, abs=0.13)
    assert np.mean([not text.isascii() for text in batch.prompts]) == pytest.approx(0.25, abs=0.12)
    predicates = [word for m in MOTIONS for word in (m.english, m.chinese)]
    for row, (text, views) in enumerate(zip(batch.prompts, batch.views, strict=True)):
        levels = batch.latents[row, 0, :, 0, 0]
        steps = np.diff(levels)
        if of_kit[row]:
            assert (steps == 1).all()
            assert any(text.endswith(word) for word in predicates)
            azimuth = 10.0 if levels[0] < 100 else 200.0
            assert views is None or {view.azimuth_deg for view in views} == {azimuth}
        else:
            assert (steps == steps[0]).all()
            assert steps[0] in (-1, -2)
            assert text in ("hot beverage", "热饮")
            assert views is None or set(views) == {FRONT}
    np.testing.assert_array_equal(batch.times[3], np.arange(16))


def test_measured_clips_are_the_held_out_ones(clips):
    batch = clips.held_out()

    assert batch.latents[:, 0, 0, 0, 0].tolist() == [1000.0, 1100.0]
    assert batch.prompts == ("a red mug grows", "a blue car slides to the left")
    assert all(views is not None and len(views) == 16 for views in batch.views)


def orbits(first: float, num_places: int) -> LatentSet:
    numbers = first + np.arange(3)[:, None] * 100 + np.arange(num_places)
    latents = np.broadcast_to(numbers[:, :, None, None, None], (3, num_places, 4, 2, 2))
    views = np.stack([numbers % 100 * 10, numbers * 0 + 12], -1).astype(np.float32)
    subjects = (KitSubject(MUG), KitSubject(CAR), KitSubject(MUG))
    return LatentSet("kit_orbits", latents.astype(np.float16), views, subjects, (1.0,) * 3)


@pytest.fixture
def views() -> ViewSource:
    return ViewSource(orbits(0, 12), orbits(1000, 8), 4, 0.25)


def test_views_are_different_sides_of_one_object(views):
    batch = views.draw(300, np.random.default_rng(1))

    assert batch.latents.shape == (300, 4, 4, 2, 2)
    levels = batch.latents[:, 0, :, 0, 0]
    assert (levels // 100 == levels[:, :1] // 100).all(), "one object"
    assert all(len(set(row)) == 4 for row in levels.tolist()), "four sides"
    for row, seen in zip(levels, batch.views, strict=True):
        assert [view.azimuth_deg for view in seen] == (row % 100 * 10).tolist()
    fronts = np.mean(levels[:, 0] % 100 < 2)
    # A random order begins near the front in one of six as well; five deviations are 0.15.
    assert fronts == pytest.approx(FRONT_SHARE + (1 - FRONT_SHARE) / 6, abs=0.15)


def test_measured_views_go_round_held_out_objects_from_the_front(views):
    batch = views.held_out()

    assert batch.latents[:, 0, :, 0, 0].tolist() == [
        [1000 + 100 * row + place for place in (0, 2, 4, 6)] for row in range(3)
    ]
    assert batch.prompts == ("a red mug", "a blue car", "a red mug")


def test_some_frames_are_the_first_and_others_that_keep_their_times():
    latents = np.arange(16, dtype=np.float32).reshape(1, 1, 16, 1, 1).repeat(2, 0)
    times = np.arange(16, dtype=np.float32)[None].repeat(2, 0)
    views = (tuple(View(float(i), 0.0) for i in range(16)), None)
    batch, rng = FrameBatch(latents, ("a", "b"), views, times), np.random.default_rng(0)
    counts = np.zeros(16)
    for _ in range(300):
        some = some_frames(batch, 8, rng)
        own = some.latents[0, 0, :, 0, 0]
        assert np.array_equal(own, some.times[1])
        assert [view.azimuth_deg for view in some.views[0]] == own.tolist()
        assert some.views[1] is None
        assert (np.diff(own) > 0).all()
        counts[own.astype(int)] += 1
    assert counts[0] == 300
    # 7 of 15 each time: 140 of 300, six deviations of a binomial are 52
    assert np.abs(counts[1:] - 140).max() < 52
    alone = first_frame(batch)
    assert alone.latents[:, 0, :, 0, 0].tolist() == [[0.0], [0.0]]
    assert (alone.times.tolist(), alone.views[0]) == ([[0.0], [0.0]], views[0][:1])
    assert np.array_equal(some_frames(batch, 16, rng).latents, latents)
    with pytest.raises(InputError, match="2 to 16 frames can be taken of 16, not 17"):
        some_frames(batch, 17, rng)
