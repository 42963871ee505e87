"""Every motion does what its name says: in closed form, and in the picture."""

import numpy as np
import pytest
import torch

from common.cameras import project
from common.errors import InputError
from common.kit.catalogue import CATEGORIES, category_named
from common.kit.clips import KitClip, render_clip
from common.kit.instances import instance
from common.kit.kit_object import KitObject
from common.kit.motions import MOTIONS, Track, motion_named, suits, track
from common.kit.views import View

BOX = np.array([[x, y, z] for x in (-0.2, 0.2) for y in (-0.5, 0.5) for z in (-0.3, 0.3)])
"""A box of width 0.4, height 1 and depth 0.6."""
AZIMUTHS = (0.0, 75.0, 200.0, 330.0)
FRAMES = 9


def tracked(
    name: str, points: np.ndarray = BOX, frames: int = FRAMES, seed: int = 0, view=None
) -> Track:
    view = view or View(0.0, 12.0, 25.0)
    return track(motion_named(name), frames, np.random.default_rng(seed), points, view)


def vertices(one: KitObject) -> np.ndarray:
    return np.concatenate([part.mesh.vertices for part in one.parts])


def placed(points: np.ndarray, of: Track) -> np.ndarray:
    """The points at every frame, ``(f, n, 3)``."""
    return (
        np.einsum("fij,nj->fni", of.transforms[:, :3, :3], points) + of.transforms[:, None, :3, 3]
    )


def filmed(
    name: str, category: str, azimuth: float, seed: int = 0, elevation: float = 15.0
) -> KitClip:
    view = View(azimuth, elevation, 30.0, 0.9)
    one = instance(category_named(category), 2)
    rng = np.random.default_rng(seed)
    return render_clip(one, motion_named(name), view, FRAMES, rng, size=48)


def centroids(clip: KitClip) -> np.ndarray:
    """Alpha-weighted mean (x, y) of every frame in pixels, ``(f, 2)``."""
    alpha = clip.frames.rgba[..., 3].double().numpy()
    grid = np.arange(alpha.shape[1]) + 0.5
    total = alpha.sum((1, 2))
    return np.stack([(alpha.sum(1) @ grid) / total, (alpha.sum(2) @ grid) / total], axis=1)


def areas(clip: KitClip) -> np.ndarray:
    return clip.frames.rgba[..., 3].double().sum((1, 2)).numpy()


def boxes(clip: KitClip) -> np.ndarray:
    """Left, top, right, bottom of what is seen at every frame, in whole pixels."""
    seen = clip.frames.rgba[..., 3].numpy() > 0.5
    return np.array(
        [
            [np.flatnonzero(one.any(0))[[0, -1]], np.flatnonzero(one.any(1))[[0, -1]]]
            for one in seen
        ]
    ).transpose(0, 2, 1).reshape(-1, 4)  # fmt: skip


@pytest.mark.parametrize("azimuth", AZIMUTHS)
@pytest.mark.parametrize(("name", "sign"), [("slide left", -1), ("slide right", 1)])
def test_slide_goes_to_its_side_of_the_picture(name: str, sign: int, azimuth: float):
    clip = filmed(name, "mug", azimuth)
    steps = np.diff(centroids(clip), axis=0)
    assert (sign * steps[:, 0] > 0).all()
    # From one side of the frame to the other, level to a quarter of a pixel.
    assert sign * (centroids(clip)[-1, 0] - centroids(clip)[0, 0]) > 0.4 * 48
    assert np.abs(centroids(clip)[:, 1] - centroids(clip)[0, 1]).max() < 0.25
    # Eased: slow at both ends, symmetric about the middle.
    assert np.abs(steps[0, 0]) < 0.5 * np.abs(steps[len(steps) // 2, 0])
    assert clip.track.transforms[:, :3, :3] == pytest.approx(np.tile(np.eye(3), (FRAMES, 1, 1)))


def test_slide_travels_twice_its_reach_across_the_camera():
    view = View(75.0, 30.0, 25.0)
    moved = tracked("slide left", view=view)
    path = moved.transforms[-1, :3, 3] - moved.transforms[0, :3, 3]
    right = np.array([np.cos(np.radians(75)), 0.0, -np.sin(np.radians(75))])
    assert path == pytest.approx(2 * moved.parameters["reach"] * right)
    assert moved.parameters["reach"] < 0


@pytest.mark.parametrize("azimuth", AZIMUTHS)
def test_grow_and_shrink_change_the_area_steadily(azimuth: float):
    growing, shrinking = filmed("grow", "mug", azimuth), filmed("shrink", "mug", azimuth)
    assert (np.diff(areas(growing)) > 0).all()
    assert (np.diff(areas(shrinking)) < 0).all()
    assert growing.track.transforms == pytest.approx(shrinking.track.transforms[::-1])
    small = growing.track.parameters["smallest"]
    # Area goes with the square of size; perspective makes what is large and near a little larger.
    assert areas(growing)[0] / areas(growing)[-1] == pytest.approx(small**2, rel=0.12)
    assert growing.track.transforms[-1] == pytest.approx(np.eye(4))


def test_turntable_is_a_loop_of_equal_turns_about_the_upright_axis():
    for seed in range(4):
        turned = tracked("turntable", seed=seed).transforms
        step = turned[1]
        angle = turned_about(step[:3, :3], np.array([0.0, 1.0, 0.0]))
        assert abs(angle) == pytest.approx(360 / FRAMES)
        for frame in range(FRAMES):
            assert turned[frame] == pytest.approx(np.linalg.matrix_power(step, frame))
        assert np.linalg.matrix_power(step, FRAMES) == pytest.approx(np.eye(4))
    assert {tracked("turntable", seed=seed).parameters["direction"] for seed in range(9)} == {-1, 1}


def turned_about(matrix: np.ndarray, axis: np.ndarray) -> float:
    """The right-handed angle in degrees of a rotation about ``axis``; fails for another axis."""
    assert matrix @ axis == pytest.approx(axis)
    sine = np.array(
        [matrix[2, 1] - matrix[1, 2], matrix[0, 2] - matrix[2, 0], matrix[1, 0] - matrix[0, 1]]
    )
    return float(np.degrees(np.arctan2(sine @ axis / 2, (np.trace(matrix) - 1) / 2)))


def test_turntable_shows_the_front_then_the_back():
    clip = filmed("turntable", "television", 0.0)
    one = instance(category_named("television"), 2)
    screen = [index for index, part in enumerate(one.parts) if part.name == "screen"]
    seen = torch.isin(clip.frames.part_id, torch.tensor(screen, dtype=torch.int32)).sum((1, 2))
    assert seen[0] > 100
    assert (seen[3:7] == 0).all()


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 0.0), (75.0, 15.0), (200.0, 40.0)])
def test_spin_turns_the_picture_about_its_centre(azimuth: float, elevation: float):
    clip = filmed("spin", "hammer", azimuth, elevation=elevation)
    one = instance(category_named("hammer"), 2)
    points = torch.from_numpy(placed(vertices(one), clip.track))
    camera = clip.frames.cameras[0].to(torch.float64)
    centre = camera.intrinsics[0, :2, 2].numpy()
    seen = np.stack([project(camera, frame)[0][0].numpy() for frame in points]) - centre
    drawn = centroids(clip) - centre
    for frame in range(FRAMES):
        # The picture's y axis points down, so a turn to the left is a negative angle there.
        angle = -np.radians(clip.track.parameters["direction"] * 360 * frame / FRAMES)
        turn = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
        assert seen[frame] == pytest.approx(seen[0] @ turn.T, abs=1e-4)  # pixels, float32 camera
        # What is drawn agrees to the error of a centroid of 2 x 2 samples a pixel.
        assert drawn[frame] == pytest.approx(turn @ drawn[0], abs=0.25)
    assert areas(clip) == pytest.approx(areas(clip).mean(), rel=0.03)


def test_hop_is_a_parabola_between_a_crouch_and_a_landing():
    seed = next(
        seed for seed in range(20) if tracked("hop", seed=seed, frames=41).parameters["hops"] == 1
    )
    hop = tracked("hop", seed=seed, frames=41)
    lowest = placed(BOX, hop)[..., 1].min(1)
    time = np.linspace(0, 1, 41)
    flight = (time - 0.2) / 0.6
    expected = -0.5 + hop.parameters["height"] * np.maximum(4 * flight * (1 - flight), 0)
    assert lowest == pytest.approx(expected)
    assert lowest[20] == pytest.approx(hop.parameters["height"] - 0.5)
    tall = np.ptp(placed(BOX, hop)[..., 1], axis=1)
    assert tall[[0, 20, 40]] == pytest.approx(1.0)
    assert tall.min() < 0.85
    assert tall.max() > 1.05
    assert np.linalg.det(hop.transforms) == pytest.approx(1.0)


@pytest.mark.parametrize("azimuth", AZIMUTHS)
def test_hop_leaves_the_ground_and_lands(azimuth: float):
    clip = filmed("hop", "mug", azimuth, seed=1)
    bottom = boxes(clip)[:, 3]
    assert clip.track.parameters["hops"] == 1
    assert bottom[0] == bottom[-1] == bottom.max()
    # Higher than a third of the object's own height.
    assert bottom[0] - bottom[4] > 0.33 * (boxes(clip)[0, 3] - boxes(clip)[0, 1])
    # Straight up, but for the handle: a squash to 0.8 spreads it by a tenth to its side.
    assert np.abs(centroids(clip)[:, 0] - centroids(clip)[0, 0]).max() < 0.6


def test_two_hops_touch_the_ground_in_between():
    seed = next(
        seed for seed in range(20) if tracked("hop", seed=seed, frames=21).parameters["hops"] == 2
    )
    lowest = placed(BOX, tracked("hop", seed=seed, frames=21))[..., 1].min(1)
    assert lowest[[0, 10, 20]] == pytest.approx(-0.5)
    assert (lowest[[5, 15]] > -0.2).all()


@pytest.mark.parametrize("name", ["hop", "wobble"])
def test_few_frames_show_one_swing(name: str):
    key = {"hop": "hops", "wobble": "swings"}[name]
    drawn = [tracked(name, seed=seed, frames=8).parameters[key] for seed in range(12)]
    assert set(drawn) == {1.0}
    assert {tracked(name, seed=seed, frames=16).parameters[key] for seed in range(12)} == {1.0, 2.0}


@pytest.mark.parametrize("azimuth", AZIMUTHS)
@pytest.mark.parametrize("name", ["wobble", "tip over"])
@pytest.mark.parametrize("category", ["mug", "tree", "football"])
def test_rolling_motions_never_leave_or_enter_the_ground(name: str, azimuth: float, category: str):
    points = vertices(instance(category_named(category), 0))
    lowest = placed(points, tracked(name, points, view=View(azimuth, 12.0, 25.0)))[..., 1].min(1)
    assert lowest == pytest.approx(points[:, 1].min(), abs=1e-9)


@pytest.mark.parametrize("azimuth", AZIMUTHS)
def test_wobble_leans_to_both_sides_and_comes_to_rest(azimuth: float):
    toward = viewer(azimuth)
    for seed in range(4):
        wobble = tracked("wobble", frames=17, seed=seed, view=View(azimuth, 12.0, 25.0))
        angles = np.array([turned_about(one[:3, :3], toward) for one in wobble.transforms])
        lean, swings = wobble.parameters["lean_deg"], wobble.parameters["swings"]
        assert angles == pytest.approx(
            lean * np.sin(2 * np.pi * swings * np.arange(17) / 16), abs=1e-6
        )
        assert angles.max() > 8
        assert angles.min() < -8
        assert wobble.transforms[[0, -1]] == pytest.approx(np.tile(np.eye(4), (2, 1, 1)), abs=1e-9)


def viewer(azimuth: float) -> np.ndarray:
    return np.array([np.sin(np.radians(azimuth)), 0.0, np.cos(np.radians(azimuth))])


def test_wobble_swings_the_top_to_both_sides_of_the_picture():
    clip = filmed("wobble", "lighthouse", 75.0, seed=3)
    top = clip.frames.rgba[..., 3].double().numpy()
    tips = []
    for frame, (_, row, _, _) in zip(top, boxes(clip), strict=True):
        weights = frame[row : row + 4].sum(0)
        tips.append(weights @ (np.arange(48) + 0.5) / weights.sum())
    sway = np.array(tips) - tips[0]
    assert sway.max() > 3
    assert sway.min() < -3
    assert abs(sway[-1]) < 0.2


@pytest.mark.parametrize("azimuth", AZIMUTHS)
def test_tip_over_ends_on_its_side(azimuth: float):
    toward = viewer(azimuth)
    for seed in range(3):
        tipped = tracked("tip over", seed=seed, view=View(azimuth, 12.0, 25.0))
        angles = [turned_about(one[:3, :3], toward) for one in tipped.transforms]
        assert angles[0] == pytest.approx(0)
        assert angles[-1] == pytest.approx(-90 * tipped.parameters["direction"])
        assert np.abs(angles).max() <= 90 + 1e-9


def test_box_tips_over_its_lower_edge():
    # Width 0.4, height 1: on its right side it reaches from x = 0.2 to 1.2, and from the ground
    # at -0.5 up to -0.1. The edge itself stays where it was all the time.
    seed = next(
        seed for seed in range(9) if tracked("tip over", seed=seed).parameters["direction"] > 0
    )
    points = placed(BOX, tracked("tip over", seed=seed))
    # The path is integrated over whole degrees: an error of about (pi / 180)^2 / 8.
    assert points[-1].min(0) == pytest.approx([0.2, -0.5, -0.3], abs=1e-4)
    assert points[-1].max(0) == pytest.approx([1.2, -0.1, 0.3], abs=1e-4)
    edge = (BOX[:, 0] > 0) & (BOX[:, 1] < 0)
    assert points[:, edge, 0] == pytest.approx(0.2, abs=1e-4)


def test_ball_rolls_by_a_quarter_of_its_circumference():
    angles = np.radians(np.arange(360))
    disc = 0.5 * np.stack([np.sin(angles), np.cos(angles), 0 * angles], axis=1)
    rolled = tracked("tip over", disc)
    distance = rolled.parameters["direction"] * 0.5 * np.pi / 2
    assert rolled.transforms[-1, 0, 3] == pytest.approx(
        distance, rel=1e-4
    )  # 360 corners, no circle
    assert rolled.transforms[:, 1, 3] == pytest.approx(0, abs=1e-4)


def test_tip_over_lays_down_what_stood():
    clip = filmed("tip over", "lighthouse", 200.0)
    left, top, right, bottom = boxes(clip).T
    tall = (bottom - top) / (right - left)
    assert tall[0] > 1.5
    assert tall[-1] < 0.7


def test_motions_are_defined_in_the_picture_wherever_the_camera_is():
    for name in ("slide left", "wobble", "tip over", "spin"):
        front = tracked(name, BOX, view=View(0.0, 20.0, 25.0)).transforms
        side = tracked(name, BOX[:, [2, 1, 0]], view=View(90.0, 20.0, 25.0)).transforms
        turn = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [-1, 0, 0, 0], [0, 0, 0, 1.0]])
        assert side == pytest.approx(turn @ front @ turn.T, abs=1e-9)


@pytest.mark.parametrize("motion", MOTIONS, ids=lambda motion: motion.name)
def test_track_follows_its_generator(motion):
    first, again, other = (tracked(motion.name, seed=seed) for seed in (3, 3, 4))
    assert np.array_equal(first.transforms, again.transforms)
    assert first.parameters == again.parameters
    assert first.speech == again.speech
    assert first.motion == motion.name
    changed = not np.array_equal(first.transforms, other.transforms) or first.speech != other.speech
    # A loop has nothing but a direction, which two seeds may share.
    assert changed or motion.name in ("turntable", "spin")


@pytest.mark.parametrize("motion", MOTIONS, ids=lambda motion: motion.name)
@pytest.mark.parametrize("frames", [4, 8, 33])
def test_moves_keep_orientation_and_the_last_row(motion, frames: int):
    moves = tracked(motion.name, frames=frames).transforms
    assert moves.shape == (frames, 4, 4)
    assert (np.linalg.det(moves[:, :3, :3]) > 0.04).all()
    assert np.array_equal(moves[:, 3], np.tile([0.0, 0.0, 0.0, 1.0], (frames, 1)))


def test_unknown_motion_is_refused_with_all_names():
    with pytest.raises(InputError, match="no motion 'fly'; known: turntable, hop, slide left"):
        motion_named("fly")
    assert [motion_named(motion.name) for motion in MOTIONS] == list(MOTIONS)


def test_too_few_frames_are_refused():
    with pytest.raises(InputError, match="at least 2 frames, got 1"):
        tracked("grow", frames=1)
    with pytest.raises(InputError, match="at least 4 frames, got 3"):
        tracked("talk", frames=3)
    assert len(tracked("grow", frames=2).transforms) == 2


def test_only_faces_talk():
    talkers = {category.name for category in CATEGORIES if suits(motion_named("talk"), category)}
    assert {"face", "cat face", "robot", "ghost"} <= talkers
    assert not {"mug", "car", "spider", "fish"} & talkers
    assert all(suits(motion, category_named("mug")) for motion in MOTIONS if motion.name != "talk")
    with pytest.raises(InputError, match="no face to pose"):
        filmed("talk", "mug", 0.0)
