"""Named motions of kit objects: per frame a rigid or scaling move, and for speech an expression.

Moves are 4 x 4 matrices, object to world, on an object as `instance` makes it (centred, longest
side 1, standing on its lowest point). They are defined as seen by the viewer: "left" is the
picture's left and "spin" turns in the picture's plane wherever the camera is.
"""

from dataclasses import dataclass
from typing import Literal, assert_never

import numpy as np
from jaxtyping import Float

from common.errors import InputError
from common.kit.captions import FULL, Facts, Language, Mention, caption
from common.kit.category import Category
from common.kit.mesh import rotation
from common.kit.real import Real
from common.kit.speech import Speech, spoken
from common.kit.views import FRONT, View

MotionName = Literal[
    "turntable", "hop", "slide left", "slide right", "grow", "shrink", "spin", "wobble",
    "tip over", "talk",
]  # fmt: skip
FRAMES_PER_SWING = 8
"""Fewer frames would not show a hop or a swing to both sides."""


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
    speech: Speech | None
    """Expression and sound per frame; None where the face does not move."""
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
    facts: Facts,
    motion: Motion,
    language: Language = "en",
    mention: Mention = FULL,
    noun: str | None = None,
) -> str:
    """What happens in a clip: "a red car slides to the right". ``noun`` as in `caption`."""
    subject = caption(facts, mention, language, noun)
    return f"{subject} {motion.english}" if language == "en" else f"{subject}{motion.chinese}"


def track(
    motion: Motion,
    num_frames: int,
    rng: np.random.Generator,
    points: Float[np.ndarray, "n 3"],
    view: View = FRONT,
) -> Track:
    """The motion over ``num_frames`` frames.

    Args:
        motion: which.
        num_frames: at least 2, and 4 to talk. A turntable or spin is a loop: frame ``num_frames``
            would be frame 0 again; all others end at their last frame.
        rng: chooses directions, amplitudes and counts.
        points: the object's vertices, for what it stands, rocks and tips on.
        view: the camera that will look, so that left is the picture's left.

    Raises:
        InputError: too few frames.
    """
    if num_frames < 2:
        raise InputError(f"a motion needs at least 2 frames, got {num_frames}")
    speech = spoken(num_frames, rng) if motion.name == "talk" else None
    to_viewer = _turn("y", -view.azimuth_deg)
    profile = points @ to_viewer[:2, :3].T
    moves, drawn = _moves(motion.name, num_frames, rng, profile, view.elevation_deg)
    seen = np.stack([to_viewer.T @ move @ to_viewer for move in moves])
    return Track(motion.name, seen, speech, drawn)


def _moves(
    name: MotionName,
    num_frames: int,
    rng: np.random.Generator,
    profile: Float[np.ndarray, "n 2"],
    elevation_deg: Real,
) -> tuple[list[np.ndarray], dict[str, float]]:
    """Moves in the viewer's axes (x the picture's right, y up), and what was drawn.

    ``profile`` is where the object's points are along these two axes.
    """
    time = np.arange(num_frames) / (num_frames - 1)
    loop = np.arange(num_frames) / num_frames
    match name:
        case "turntable" | "spin":
            sign = _sign(rng)
            gaze = _turn("x", -elevation_deg) if name == "spin" else np.eye(4)
            turns = [_turn("z" if name == "spin" else "y", sign * 360 * share) for share in loop]
            return [gaze @ turn @ gaze.T for turn in turns], {"direction": sign}
        case "hop":
            return _hop(time, float(profile[:, 1].min()), rng)
        case "slide left" | "slide right":
            reach = float(rng.uniform(0.35, 0.55)) * (1 if name == "slide right" else -1)
            return [_shift(reach * (2 * _eased(t) - 1), 0.0) for t in time], {"reach": reach}
        case "grow" | "shrink":
            small = float(rng.uniform(0.35, 0.55))
            shares = time if name == "grow" else 1 - time
            return [_scale(small + (1 - small) * _eased(t)) for t in shares], {"smallest": small}
        case "wobble":
            lean, swings = float(rng.uniform(10, 18)), _count(rng, num_frames)
            angles = lean * np.sin(2 * np.pi * swings * time)
            return _rolled(profile, angles), {"lean_deg": lean, "swings": float(swings)}
        case "tip over":
            return _tip_over(time, profile, rng)
        case "talk":
            return [np.eye(4)] * num_frames, {}
        case _:
            assert_never(name)


def _hop(
    time: np.ndarray, foot: float, rng: np.random.Generator
) -> tuple[list[np.ndarray], dict[str, float]]:
    """Hops: a crouch, a parabola through the air, a landing; the volume never changes.

    The first and the last fifth of every hop are on the ground.
    """
    height, count = float(rng.uniform(0.35, 0.6)), _count(rng, len(time))
    phase = np.where(time < 1, (time * count) % 1.0, 1.0)
    flight = np.clip((phase - 0.2) / 0.6, 0.0, 1.0)
    rise = height * 4 * flight * (1 - flight)
    tall = np.interp(phase, (0.0, 0.12, 0.2, 0.5, 0.8, 0.88, 1.0), (1, 0.8, 1.1, 1, 1.1, 0.8, 1))
    moves = [
        _shift(0.0, float(up)) @ _about(np.diag([s**-0.5, s, s**-0.5, 1.0]), 0.0, foot)
        for up, s in zip(rise, tall, strict=True)
    ]
    return moves, {"height": height, "hops": float(count)}


def _tip_over(
    time: np.ndarray, profile: np.ndarray, rng: np.random.Generator
) -> tuple[list[np.ndarray], dict[str, float]]:
    """A fall onto the side, ever faster, with one small bounce at the end."""
    sign = _sign(rng)
    fall = np.clip(time / 0.75, 0, 1) ** 2
    after = np.clip((time - 0.75) / 0.25, 0, 1)
    angles = 90 * fall - 9 * np.sin(np.pi * after) * (1 - after)
    return _rolled(profile, -sign * angles), {"direction": sign}


def _rolled(profile: Float[np.ndarray, "n 2"], angles_deg: np.ndarray) -> list[np.ndarray]:
    """Moves that turn an object in the viewer's plane while it rolls on the ground without slip.

    The turn is about the lowest point, wherever that is at an angle a, so the origin is at height
    h(a) = -min(x sin a + y cos a) and travels to the left by the integral of h from 0 to a: a
    box tips over its edge, a ball rolls.
    """
    grid = np.radians(np.arange(-90, 91))
    heights = _height(profile, grid)
    steps = np.diff(grid) * (heights[1:] + heights[:-1]) / 2
    travel = np.concatenate([[0.0], np.cumsum(steps)])
    angles = np.radians(angles_deg)
    left = np.interp(angles, grid, travel) - travel[90]
    rise = _height(profile, angles) - heights[90]
    return [
        _shift(-float(x), float(y)) @ _turn("z", float(angle))
        for x, y, angle in zip(left, rise, angles_deg, strict=True)
    ]


def _height(profile: np.ndarray, angles: np.ndarray) -> np.ndarray:
    """How high the origin is above the lowest point, turned by each angle in radians."""
    lowest = [float((profile @ (np.sin(a), np.cos(a))).min()) for a in angles]
    return -np.array(lowest)


def _count(rng: np.random.Generator, num_frames: int) -> int:
    """Once or twice; once where there are too few frames to see twice."""
    twice = rng.uniform() < 0.5
    return 2 if twice and num_frames >= 2 * FRAMES_PER_SWING else 1


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
