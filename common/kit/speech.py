"""Expressions of a face that says something: syllables of named mouth shapes, blinks, a glance."""

from dataclasses import dataclass, replace

import numpy as np

from common.errors import InputError
from common.kit.face_pose import VISEMES, FacePose, blended

CONSONANTS, VOWELS = ("m", "f", "s", "t"), ("a", "e", "o", "u")
CONSONANT_SHARES = (0.55, 0.15, 0.15, 0.15)
"""Closed lips most often: between them every vowel is seen to open the mouth."""
FRAMES_PER_SOUND = 2
FRAMES_PER_BLINK = 40
LOUDNESS = 1.3
"""How much wider than in quiet speech vowels open the mouth, so that small pictures show it."""
MIN_FRAMES = 4


@dataclass(frozen=True)
class Speech:
    """What a face says."""

    poses: tuple[FacePose, ...]
    """The expression at every frame."""
    sounds: tuple[str, ...]
    """The sound said at every frame: a name in `VISEMES`."""


def spoken(num_frames: int, rng: np.random.Generator) -> Speech:
    """Rest, then consonant-vowel syllables of about four frames, then rest.

    Every sound has a frame at which its mouth shape is complete; between two of them the shape is
    blended with an eased ramp. One of the vowels is an "a", with the mouth wide open. The eyes
    shut once every 40 frames, never at either end.

    Raises:
        InputError: fewer frames than one syllable takes.
    """
    if num_frames < MIN_FRAMES:
        raise InputError(f"to talk takes at least {MIN_FRAMES} frames, got {num_frames}")
    names = _sounds(num_frames, rng)
    places = np.round(np.linspace(0, num_frames - 1, len(names))).astype(int)
    shapes = [_loud(name) for name in names]
    gaze_x, gaze_y = float(rng.uniform(-0.6, 0.6)), float(rng.uniform(-0.3, 0.3))
    blinks = rng.integers(1, num_frames - 1, max(1, round(num_frames / FRAMES_PER_BLINK)))
    poses, sounds = [], []
    for frame in range(num_frames):
        index = min(int(np.searchsorted(places, frame, side="right")) - 1, len(names) - 2)
        share = float((frame - places[index]) / (places[index + 1] - places[index]))
        pose = blended(shapes[index], shapes[index + 1], share * share * (3 - 2 * share))
        shut = max(0.0, 1.0 - float(np.abs(frame - blinks).min()) / 1.5)
        poses.append(replace(pose, eye_open=1.0 - shut, gaze_x=gaze_x, gaze_y=gaze_y))
        sounds.append(names[index] if share < 0.5 else names[index + 1])
    return Speech(tuple(poses), tuple(sounds))


def _sounds(num_frames: int, rng: np.random.Generator) -> list[str]:
    """The sounds in order: as many syllables as give every sound two frames, at least one."""
    num_syllables = max(1, int(((num_frames - 1) / FRAMES_PER_SOUND - 1) // 2))
    consonants = rng.choice(CONSONANTS, num_syllables, p=CONSONANT_SHARES).tolist()
    vowels = rng.choice(VOWELS, num_syllables).tolist()
    vowels[int(rng.integers(num_syllables))] = "a"
    syllables = zip(consonants, vowels, strict=True)
    return ["rest", *(sound for syllable in syllables for sound in syllable), "rest"]


def _loud(name: str) -> FacePose:
    shape = VISEMES[name]
    if name not in VOWELS:
        return shape
    return replace(shape, mouth_open=min(1.0, LOUDNESS * shape.mouth_open))
