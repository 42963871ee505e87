"""Joints of kit things against how the things are built and what their renders show."""

import numpy as np
import pytest

from common.control.thing_pose import JOINTS, NUM_JOINTS
from common.kit.catalogue import CATEGORIES, category_named
from common.kit.instances import instance
from common.kit.mesh import merged
from common.kit.render import render_views
from common.kit.revolve import ball
from common.kit.views import FRONT, View
from common.training.pose.kit_joints import has_pose, joints_of, pieces_of, seen_joints
from common.training.pose.kit_skeletons import SKELETONS

SEEDS = range(3)
BEHIND = View(180.0, 12.0, 25.0)


def at(seen, view, name):
    return seen.places[view, JOINTS.index(name)], bool(seen.visible[view, JOINTS.index(name)])


def test_pieces_are_what_hangs_together_in_their_order():
    first, second = ball(1.0).moved(x=5.0), ball(0.5).moved(x=-5.0)
    found = pieces_of(merged(first, second))
    assert [len(one) for one in found] == [len(first.vertices), len(second.vertices)]
    assert found[0][:, 0].min() > 3.9
    assert found[1][:, 0].max() < -4.4


def test_skeletons_are_of_categories_that_there_are():
    assert set(SKELETONS) <= {one.name for one in CATEGORIES}
    assert has_pose("cat face")
    assert not has_pose("mug")


@pytest.mark.parametrize("category", list(SKELETONS))
def test_joints_are_on_their_things(category):
    """Every instance has every joint of its category, inside its bounds, sides apart."""
    skeleton = SKELETONS[category]
    axis = 2 if skeleton.heads_left else 0
    for seed in SEEDS:
        one = instance(category_named(category), seed)
        points = np.concatenate([part.mesh.vertices for part in one.parts])
        found = joints_of(one)
        assert len(found) == len(skeleton.middle) + 2 * len(skeleton.pairs)
        for name, joint in found.items():
            assert (joint.point >= points.min(0) - 1e-9).all(), name
            assert (joint.point <= points.max(0) + 1e-9).all(), name
        for name in skeleton.pairs:
            left, right = found[f"left {name}"].point, found[f"right {name}"].point
            assert left[axis] > 0.02 > -0.02 > right[axis], name
        if {"head", "body"} <= set(found) and not skeleton.heads_left and category != "spider":
            assert found["head"].point[1] > found["body"].point[1]
        if skeleton.heads_left:
            assert found["head"].point[0] < found["body"].point[0]


@pytest.mark.parametrize("category", ["cat face", "owl", "teddy bear", "duck", "robot"])
def test_eyes_are_seen_where_the_render_has_them_and_hidden_from_behind(category):
    one = instance(category_named(category), 1)
    views = (FRONT, View(40.0, 10.0, 30.0), BEHIND)
    pictures = render_views(one, views, 128)
    seen = seen_joints(one, views, 128)
    eyes = {
        index for index, part in enumerate(one.parts)
        if part.name in ("eye", "eyes", "pupil", "pupils", "glint", "whites")
    }  # fmt: skip
    shown = 0
    for view in range(3):
        for name in ("left eye", "right eye"):
            (x, y), visible = at(seen, view, name)
            there = int(pictures.part_id[view, int(y), int(x)]) in eyes
            assert there == visible, (view, name)
            shown += visible
    assert 2 <= shown <= 4


def test_own_sides_change_places_in_the_picture_from_behind():
    one = instance(category_named("teddy bear"), 0)
    seen = seen_joints(one, (FRONT, BEHIND), 128)
    (left, _), (right, _) = at(seen, 0, "left ear"), at(seen, 0, "right ear")
    assert left[0] > right[0] + 20, "its left is right in the picture"
    (left, _), (right, _) = at(seen, 1, "left ear"), at(seen, 1, "right ear")
    assert left[0] < right[0] - 20
    fish = seen_joints(instance(category_named("fish"), 0), (FRONT, BEHIND), 128)
    (mouth, _), (tail, _) = at(fish, 0, "mouth"), at(fish, 0, "tail")
    assert mouth[0] < tail[0] - 40
    assert at(fish, 0, "left eye")[1]
    assert not at(fish, 0, "right eye")[1], "behind the fish"
    assert at(fish, 1, "right eye")[1]


def test_what_a_thing_does_not_have_is_nowhere():
    seen = seen_joints(instance(category_named("face"), 0), (FRONT,), 64)
    for name in ("tail", "left hand", "left ear"):
        place, visible = at(seen, 0, name)
        assert np.isnan(place).all()
        assert not visible
    shown = seen.shown(0)
    assert shown.shape == (NUM_JOINTS, 2)
    assert np.isnan(shown[~seen.visible[0]]).all()
    assert ((shown[seen.visible[0]] > 0) & (shown[seen.visible[0]] < 64)).all()
