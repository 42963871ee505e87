"""Expressions of a face that says something: syllables of named mouth shapes, blinks, glances."""

from dataclasses import replace

import numpy as np

from common.kit.face_pose import VISEMES, FacePose, blended

CONSONANTS, VOWELS = ("m", "f", "s", "t"), ("a", "e", "o", "u")
FRAMES_PER_SYLLABLE = 5


def spoken_poses(num_frames: int, rng: np.random.Generator) -> tuple[FacePose, ...]:
    """A pose per frame: rest, then consonant-vowel syllables of about five frames, then rest.

    Mouth shapes are blended with an eased ramp between their key frames; the eyes shut once.
    """
    names = ["rest"]
    for _ in range(max(1, round(num_frames / FRAMES_PER_SYLLABLE))):
        names += [str(rng.choice(CONSONANTS)), str(rng.choice(VOWELS))]
    keys = [VISEMES[name] for name in [*names, "rest"]]
    gaze_x, gaze_y = float(rng.uniform(-0.6, 0.6)), float(rng.uniform(-0.3, 0.3))
    blink = int(rng.integers(num_frames))
    poses = []
    for frame in range(num_frames):
        place = frame / max(num_frames - 1, 1) * (len(keys) - 1)
        index = min(int(place), len(keys) - 2)
        share = place - index
        pose = blended(keys[index], keys[index + 1], share * share * (3 - 2 * share))
        eye_open = 1.0 - max(0.0, 1.0 - abs(frame - blink) / 1.5)
        poses.append(replace(pose, eye_open=eye_open, gaze_x=gaze_x, gaze_y=gaze_y))
    return tuple(poses)
