"""Named motions of kit objects: per frame a rigid or scaling move, and for speech an expression.

Moves are 4 x 4 matrices, object to world, on an object as `instance` makes it (centred, longest
side 1, standing on its lowest point). They are defined as seen by the viewer: "left" is the
picture's left and "spin" turns in the picture's plane whatever the camera's azimuth is.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
from jaxtyping import Float

from common.errors import InputError
from common.kit.captions import FULL, Facts, Language, Mention, caption
from common.kit.category import Category
from common.kit.face_pose import FacePose
from common.kit.mesh import rotation
from common.kit.real import Real
from common.kit.speech import spoken_poses

MotionName = Literal[
    "turntable", "hop", "slide left", "slide right", "grow", "shrink", "spin", "wobble",
    "tip over", "talk",
]  # fmt: skip


@dataclass(frozen=True)
class Motion:
    """A motion and the words for it."""

    name: MotionName
    english: str
    """Predicate in the third person singular."""
    chinese: str


MOTIONS = (
    Motion("turntable", "turns around", "原地转一圈"),
    Motion("hop", "hops up and down", "上下跳动"),
    Motion("slide left", "slides to the left", "向左滑动"),
    Motion("slide right", "slides to the right", "向右滑动"),
    Motion("grow", "grows", "变大"),
    Motion("shrink", "shrinks", "变小"),
    Motion("spin", "spins like a wheel", "像轮子一样旋转"),
    Motion("wobble", "wobbles", "左右摇晃"),
    Motion("tip over", "tips over", "翻倒"),
    Motion("talk", "talks", "说话"),
)


@dataclass(frozen=True)
class Track:
    """The ground truth of one clip."""

    motion: MotionName
    transforms: Float[np.ndarray, "f 4 4"]
    """Object to world, per frame."""
    poses: tuple[FacePose, ...] | None
    """Expression per frame; None where the face does not move."""
    parameters: dict[str, float]
    """What was drawn: turns, amplitudes, directions."""


def motion_named(name: str) -> Motion:
    """The motion of this name; an `InputError` lists all if there is none."""
    for motion in MOTIONS:
        if motion.name == name:
            return motion
    known = ", ".join(motion.name for motion in MOTIONS)
    raise InputError(f"no motion '{name}'; known: {known}")


def suits(motion: Motion, category: Category) -> bool:
    """Whether the category can move like this: only faces talk."""
    return category.talks or motion.name != "talk"


def motion_caption(
    facts: Facts, motion: Motion, language: Language = "en", mention: Mention = FULL
) -> str:
    """What happens in a clip: "a red car slides to the right"."""
    subject = caption(facts, mention, language)
    return f"{subject} {motion.english}" if language == "en" else f"{subject}{motion.chinese}"


def track(
    motion: Motion,
    num_frames: int,
    rng: np.random.Generator,
    *,
    extent: Sequence[float] = (1.0, 1.0, 1.0),
    azimuth_deg: Real = 0.0,
) -> Track:
    """The motion over ``num_frames`` frames.

    Args:
        motion: which.
        num_frames: at least 2. A turntable or spin is a loop: frame ``num_frames`` would be
            frame 0 again; all others end at their last frame.
        rng: chooses directions, amplitudes and counts.
        extent: the object's width, height and depth, for what it stands and tips on.
        azimuth_deg: of the camera that will look, so that left is the picture's left.
    """
    if num_frames < 2:
        raise InputError(f"a motion needs at least 2 frames, got {num_frames}")
    if motion.name == "talk":
        poses = spoken_poses(num_frames, rng)
        return Track("talk", np.tile(np.eye(4), (num_frames, 1, 1)), poses, {})
    moves, drawn = _moves(motion, num_frames, rng, extent)
    to_viewer = _turn("y", -azimuth_deg)
    seen = np.stack([to_viewer.T @ move @ to_viewer for move in moves])
    return Track(motion.name, seen, None, drawn)


def _moves(
    motion: Motion, num_frames: int, rng: np.random.Generator, extent: Sequence[float]
) -> tuple[list[np.ndarray], dict[str, float]]:
    """Moves in the viewer's axes, and what was drawn."""
    time = np.arange(num_frames) / (num_frames - 1)
    loop = np.arange(num_frames) / num_frames
    foot = -0.5 * extent[1]
    match motion.name:
        case "turntable" | "spin":
            sign, axis = _sign(rng), "y" if motion.name == "turntable" else "z"
            return [_turn(axis, sign * 360 * share) for share in loop], {"direction": sign}
        case "hop":
            return _hop(time, foot, rng)
        case "slide left" | "slide right":
            reach = float(rng.uniform(0.5, 0.8)) * (1 if motion.name == "slide right" else -1)
            return [_shift(reach * (2 * _eased(t) - 1), 0.0) for t in time], {"reach": reach}
        case "grow" | "shrink":
            small = float(rng.uniform(0.35, 0.55))
            shares = time if motion.name == "grow" else 1 - time
            return [_scale(small + (1 - small) * _eased(t)) for t in shares], {"smallest": small}
        case "wobble":
            lean, swings = float(rng.uniform(10, 20)), int(rng.integers(1, 3))
            angles = lean * np.sin(2 * np.pi * swings * time)
            moves = [_about(_turn("z", float(angle)), 0.0, foot) for angle in angles]
            return moves, {"lean_deg": lean, "swings": float(swings)}
        case "tip over":
            return _tip_over(time, extent, rng)
        case "talk":
            return [np.eye(4)] * num_frames, {}
        case _:
            assert_never(motion.name)


def _hop(
    time: np.ndarray, foot: float, rng: np.random.Generator
) -> tuple[list[np.ndarray], dict[str, float]]:
    """Parabolic hops from the foot, squashed at every landing."""
    height, count = float(rng.uniform(0.35, 0.6)), int(rng.integers(1, 3))
    phase = (time * count) % 1.0
    rise = height * 4 * phase * (1 - phase)
    squash = 1 - 0.14 * np.exp(-((np.minimum(phase, 1 - phase) / 0.09) ** 2))
    moves = [
        _shift(0.0, float(up)) @ _about(np.diag([s**-0.5, s, s**-0.5, 1.0]), 0.0, foot)
        for up, s in zip(rise, squash, strict=True)
    ]
    return moves, {"height": height, "hops": float(count)}


def _tip_over(
    time: np.ndarray, extent: Sequence[float], rng: np.random.Generator
) -> tuple[list[np.ndarray], dict[str, float]]:
    """A fall about a lower edge, ever faster, with one small bounce at the end."""
    sign = _sign(rng)
    fall = np.clip(time / 0.75, 0, 1) ** 2
    after = np.clip((time - 0.75) / 0.25, 0, 1)
    angles = 90 * fall - 9 * np.sin(np.pi * after) * (1 - after)
    edge = sign * 0.5 * extent[0]
    moves = [_about(_turn("z", float(-sign * angle)), edge, -0.5 * extent[1]) for angle in angles]
    return moves, {"direction": sign}


def _sign(rng: np.random.Generator) -> float:
    return 1.0 if rng.uniform() < 0.5 else -1.0


def _eased(share: float) -> float:
    return float(share * share * (3 - 2 * share))


def _turn(axis: str, degrees: Real) -> np.ndarray:
    move = np.eye(4)
    move[:3, :3] = rotation(axis, float(degrees))
    return move


def _shift(x: float, y: float) -> np.ndarray:
    move = np.eye(4)
    move[:2, 3] = x, y
    return move


def _scale(factor: float) -> np.ndarray:
    return np.diag([factor, factor, factor, 1.0])


def _about(move: np.ndarray, x: float, y: float) -> np.ndarray:
    """The move with (x, y, any z) as its fixed axis."""
    return _shift(x, y) @ move @ _shift(-x, -y)
