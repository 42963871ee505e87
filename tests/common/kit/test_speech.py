"""A talking face says what its track says, and its mouth is seen to do so."""

from collections import Counter

import numpy as np
import pytest

from common.errors import InputError
from common.kit.catalogue import CATEGORIES, category_named
from common.kit.clips import KitClip, render_clip
from common.kit.face_pose import VISEMES, FacePose
from common.kit.instances import instance
from common.kit.motions import motion_named
from common.kit.speech import LOUDNESS, VOWELS, spoken
from common.kit.views import View

TALKERS = [category.name for category in CATEGORIES if category.talks]
MOUTH_PARTS = {"mouth", "tongue", "teeth"}
FEATURES = MOUTH_PARTS | {"lips", "eyes", "whites", "pupils", "glint", "brows"}
"""Parts that an expression may move."""


def speech(num_frames: int, seed: int = 0):
    return spoken(num_frames, np.random.default_rng(seed))


def filmed(category: str, num_frames: int, size: int = 96) -> tuple[KitClip, np.ndarray]:
    """A talking clip, and how many pixels of every frame show the inside of the mouth."""
    one = instance(category_named(category), 1)
    view, rng = View(0.0, 5.0, 25.0, 0.9), np.random.default_rng(2)
    clip = render_clip(one, motion_named("talk"), view, num_frames, rng, size=size, supersample=1)
    inside = [index for index, part in enumerate(one.parts) if part.name in MOUTH_PARTS]
    return clip, np.isin(clip.frames.part_id.numpy(), inside).sum((1, 2))


@pytest.mark.parametrize("num_frames", [4, 5, 8, 12, 16, 25, 48])
def test_every_sound_has_a_frame_with_its_whole_mouth_shape(num_frames: int):
    for seed in range(5):
        said = speech(num_frames, seed)
        changes = [0, *(f for f in range(1, num_frames) if said.sounds[f] != said.sounds[f - 1])]
        for start, end in zip(changes, [*changes[1:], num_frames], strict=True):
            name = said.sounds[start]
            loudness = LOUDNESS if name in VOWELS else 1.0
            wanted = min(1.0, loudness * VISEMES[name].mouth_open)
            shapes = [(p.mouth_open, p.mouth_width, p.rounding) for p in said.poses[start:end]]
            target = (wanted, VISEMES[name].mouth_width, VISEMES[name].rounding)
            assert min(np.abs(np.subtract(shape, target)).max() for shape in shapes) < 1e-9


@pytest.mark.parametrize("num_frames", [4, 8, 16, 48])
def test_speech_begins_and_ends_at_rest_with_open_eyes(num_frames: int):
    for seed in range(8):
        said = speech(num_frames, seed)
        assert said.sounds[0] == said.sounds[-1] == "rest"
        for pose in (said.poses[0], said.poses[-1]):
            assert (pose.mouth_open, pose.smile) == (FacePose().mouth_open, FacePose().smile)
            assert pose.eye_open > 0.3
        assert min(pose.eye_open for pose in said.poses) == 0
        assert max(pose.mouth_open for pose in said.poses) == 1


def test_speech_has_a_syllable_in_about_four_frames():
    for num_frames in (8, 16, 32, 64):
        order = [
            s
            for i, s in enumerate(speech(num_frames).sounds)
            if i == 0 or s != speech(num_frames).sounds[i - 1]
        ]
        syllables = (len(order) - 2) / 2
        assert syllables == int(syllables)
        assert 3.5 <= num_frames / (syllables + 0.5) <= 5.6
        assert all(
            (sound in VOWELS) == (index % 2 == 0) for index, sound in enumerate(order[1:-1], 1)
        )


def test_all_sounds_are_said_and_closed_lips_most_often_between_vowels():
    counts = Counter(s for seed in range(60) for s in set(speech(24, seed).sounds))
    assert set(counts) == set(VISEMES)
    assert counts["m"] > max(counts["f"], counts["s"], counts["t"])
    assert counts["a"] == 60


def test_blinks_come_more_often_in_longer_speech():
    shut = [sum(pose.eye_open == 0 for pose in speech(frames, 3).poses) for frames in (16, 160)]
    assert shut[0] == 1
    assert 2 <= shut[1] <= 4


def test_speech_follows_its_generator_and_refuses_too_few_frames():
    assert speech(16, 5) == speech(16, 5)
    assert speech(16, 5) != speech(16, 6)
    with pytest.raises(InputError, match="at least 4 frames, got 2"):
        speech(2)


@pytest.mark.usefixtures("unchecked_builders")
def test_mouth_is_seen_to_open_and_close_as_the_poses_say():
    clip, inside = filmed("face", 16)
    assert clip.track.speech is not None
    opened = np.array([pose.mouth_open for pose in clip.track.speech.poses])
    assert np.corrcoef(opened, inside)[0, 1] > 0.85
    assert inside[opened == 1].min() > 0.02 * (clip.frames.part_id[0] >= 0).sum()
    assert inside[opened == 0].max() < 0.2 * inside.max()
    # It closes again before the last vowel: the syllables can be counted.
    peaks = (inside[1:-1] > inside[:-2]) & (inside[1:-1] >= inside[2:])
    assert peaks.sum() >= 2


@pytest.mark.usefixtures("unchecked_builders")
@pytest.mark.parametrize("category", TALKERS)
def test_mouth_of_every_talker_opens(category: str):
    clip, inside = filmed(category, 4)
    assert clip.track.speech is not None
    assert clip.track.speech.sounds[2] == "a"
    assert inside[2] >= 12
    assert inside[2] > 2 * inside[0]
    assert inside[2] > 2 * inside[3]


@pytest.mark.usefixtures("unchecked_builders")
def test_only_the_face_moves_when_it_talks():
    clip, _ = filmed("face", 8)
    one = instance(category_named("face"), 1)
    still = [index for index, part in enumerate(one.parts) if part.name not in FEATURES]
    seen = np.isin(clip.frames.part_id.numpy(), still)
    both = seen[1:] & seen[:-1]
    depth = clip.frames.depth.numpy()
    assert both.mean() > 0.3
    assert np.array_equal(depth[1:][both], depth[:-1][both])
    assert np.array_equal(clip.frames.rgba[1:, ..., 3], clip.frames.rgba[:-1, ..., 3])
    assert np.array_equal(clip.track.transforms, np.tile(np.eye(4), (8, 1, 1)))


@pytest.mark.usefixtures("unchecked_builders")
@pytest.mark.parametrize("category", TALKERS)
def test_expression_moves_only_features_and_keeps_every_triangle(category: str):
    rest, other = (
        instance(category_named(category), 1, pose=pose)
        for pose in (FacePose(), FacePose(0.9, 0.2, 0.4, -0.5, 0.3, 0.8, -0.4))
    )
    assert [part.name for part in rest.parts] == [part.name for part in other.parts]
    moved = set()
    for before, after in zip(rest.parts, other.parts, strict=True):
        assert np.array_equal(before.mesh.faces, after.mesh.faces)
        assert (before.paint, before.pattern) == (after.paint, after.pattern)
        if not np.array_equal(before.mesh.vertices, after.mesh.vertices):
            moved.add(before.name)
    assert moved <= FEATURES
    assert "mouth" in moved
