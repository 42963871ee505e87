import shutil
from collections import Counter
from functools import cache as cached

import numpy as np
import pytest

from common.errors import InputError
from common.kit.catalogue import CATEGORIES, category_named
from common.kit.motions import MOTIONS, suits
from common.kit.split import (
    is_azimuth_held_out,
    is_colour_held_out,
    is_instance_held_out,
    read_split,
)
from common.kit.views import FRONT
from common.training.kit import kit_clips
from common.training.kit.clip_parts import (
    INSTANCE_CLIPS,
    NUM_FRAMES,
    PAIR_CLIPS,
    TRAIN_CLIPS,
    ClipPart,
    motions_of,
    shots_of,
    track_of,
)
from common.training.kit.kit_clips import (
    filmed,
    kit_clip_digest,
    kit_clip_index,
    load_kit_clips,
    prepare_kit_clips,
)
from common.training.kit.kit_store import to_bytes
from tests.common.kit.conftest import unchecked_builders  # noqa: F401 - a fixture

SMALL = ClipPart("pairs", 1)
NAMES = ("koala face", "star", "tulip")
"""Held out are a koala face that talks and a star that grows; no tulip."""


@pytest.fixture
def some_categories(monkeypatch, unchecked_builders):  # noqa: F811
    """Three categories at a size that renders quickly."""
    monkeypatch.setattr(kit_clips, "CATEGORIES", tuple(map(category_named, NAMES)))
    monkeypatch.setattr(kit_clips, "SIZE_PX", 32)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("clips")


@pytest.fixture
def cache(folder, tmp_path, some_categories):
    """Their clips, rendered once, in a copy that may be changed."""
    return shutil.copytree(rendered_into(folder), tmp_path / "cache")


@cached
def rendered_into(folder):
    counts = [(c.name, num) for c, num in prepare_kit_clips(folder, SMALL)]
    assert counts == [("koala face", 1), ("star", 1), ("tulip", 0)]
    return folder


@cached
def training_shots(name):
    return tuple(shots_of(TRAIN_CLIPS, category_named(name)))


@pytest.mark.usefixtures("unchecked_builders")
@pytest.mark.parametrize("name", ["star", "cat face", "tulip"])
def test_training_obeys_every_rule_of_the_split(name):
    category = category_named(name)
    shots = training_shots(name)
    for shot in shots:
        assert not is_instance_held_out(name, shot.seed)
        assert not is_colour_held_out(name, shot.facts.main)
        assert not is_azimuth_held_out(shot.view.azimuth_deg)
    held_out = {motion for of, motion in read_split().motions if of == name}
    wanted = {m.name for m in MOTIONS if suits(m, category)} - held_out
    assert Counter(shot.motion.name for shot in shots) == dict.fromkeys(wanted, 4)
    assert len({shot.seed for shot in shots}) == len(shots), "each clip shows another object"


@pytest.mark.usefixtures("unchecked_builders")
@pytest.mark.parametrize("name", ["star", "cat face"])
def test_three_of_four_training_clips_and_all_speech_are_near_the_front(name):
    shots = training_shots(name)
    for take in range(4):
        off = [
            abs((shot.view.azimuth_deg + 180) % 360 - 180)
            for shot in shots[take::4]
            if take < 3 or shot.motion.name == "talk"
        ]
        assert max(off, default=0) <= 20
    others = [shot.view.azimuth_deg for shot in shots[3::4]]
    assert max(abs((azimuth + 180) % 360 - 180) for azimuth in others) > 60


def test_pairs_are_all_that_the_split_holds_out():
    found = {(c.name, motion.name) for c in CATEGORIES for motion in motions_of(PAIR_CLIPS, c)}
    assert found == read_split().motions
    shots = list(shots_of(PAIR_CLIPS, category_named("star")))
    assert [shot.motion.name for shot in shots] == ["grow", "grow"]
    assert shots[0].seed != shots[1].seed


@pytest.mark.usefixtures("unchecked_builders")
@pytest.mark.parametrize("part", [INSTANCE_CLIPS, PAIR_CLIPS])
def test_measured_clips_show_new_objects_in_trained_colours_from_the_front(part):
    for name in ("heart", "koala face"):
        for shot in shots_of(part, category_named(name)):
            assert is_instance_held_out(name, shot.seed)
            assert not is_colour_held_out(name, shot.facts.main)
            assert shot.view == FRONT


def test_instances_move_in_trained_motions_all_alike_often():
    counts: Counter[str] = Counter()
    for category in CATEGORIES:
        motions = motions_of(INSTANCE_CLIPS, category)
        assert len(set(motions)) == 3
        assert set(motions) <= set(motions_of(TRAIN_CLIPS, category))
        counts.update(motion.name for motion in motions)
    talking = sum(
        category.talks and (category.name, "talk") not in read_split().motions
        for category in CATEGORIES
    )
    assert counts.pop("talk") == talking, "all who can talk do"
    assert len(counts) == 9
    assert max(counts.values()) - min(counts.values()) <= 1


def test_stored_frames_are_those_of_the_clip_made_again(cache):
    talking, growing = load_kit_clips(cache, SMALL)
    for one in (talking, growing):
        assert one.shots == tuple(shots_of(SMALL, one.category))
        clip = filmed(one.shots[0])
        np.testing.assert_array_equal(one.frames(0), to_bytes(clip.frames.rgba))
        again = track_of(one.shots[0])
        np.testing.assert_array_equal(again.transforms, clip.track.transforms)
        assert again.parameters == one.shots[0].parameters
    frames = growing.frames(0)
    assert frames.shape == (NUM_FRAMES, 32, 32, 4)
    assert (frames[-1, ..., 3] > 127).sum() > 1.5 * (frames[0, ..., 3] > 127).sum()


def test_speech_keeps_its_sounds(cache):
    talking, growing = load_kit_clips(cache, SMALL)
    speech = track_of(talking.shots[0]).speech
    assert speech is not None
    assert talking.shots[0].sounds == speech.sounds
    assert len(speech.sounds) == NUM_FRAMES
    assert growing.shots[0].sounds is None


def test_what_is_prepared_is_not_rendered_again(cache, monkeypatch):
    monkeypatch.setattr(kit_clips, "filmed", None)
    assert len(list(prepare_kit_clips(cache, SMALL))) == 3


def test_category_killed_half_way_is_done_again(tmp_path, some_categories, monkeypatch):
    part = ClipPart("pairs", 2)
    monkeypatch.setattr(kit_clips, "CATEGORIES", (category_named("star"),))
    made = []

    def killed(shot):
        if made:
            raise KeyboardInterrupt
        made.append(shot)
        return filmed(shot)

    with monkeypatch.context() as patch:
        patch.setattr(kit_clips, "filmed", killed)
        with pytest.raises(KeyboardInterrupt):
            list(prepare_kit_clips(tmp_path, part))
    assert len(made) == 1
    folder = kit_clip_index(tmp_path, part, category_named("star")).parent
    assert not list(folder.iterdir())
    with pytest.raises(InputError, match="prepare/clips"):
        load_kit_clips(tmp_path, part)
    list(prepare_kit_clips(tmp_path, part))
    (star,) = load_kit_clips(tmp_path, part)
    assert [frames.any() for frames in (star.frames(0), star.frames(1))] == [True, True]


def test_clips_of_another_kit_are_refused_and_made_anew(cache, monkeypatch):
    monkeypatch.setattr(kit_clips, "_moving_digest", lambda: "0" * 64)
    with pytest.raises(InputError, match="prepare/clips"):
        load_kit_clips(cache, SMALL)
    monkeypatch.setattr(kit_clips, "CATEGORIES", (category_named("star"),))
    list(prepare_kit_clips(cache, SMALL))
    assert len(load_kit_clips(cache, SMALL)) == 1


def test_number_of_clips_counts():
    assert kit_clip_digest(SMALL) != kit_clip_digest(PAIR_CLIPS)


def test_damaged_clips_are_refused(cache):
    array = kit_clip_index(cache, SMALL, category_named("star")).with_name("star-32.npy")
    array.write_bytes(array.read_bytes()[:1000])
    with pytest.raises(InputError, match="star-32"):
        load_kit_clips(cache, SMALL)
