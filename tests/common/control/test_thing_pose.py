"""Skeletons of things as pictures, and laying back what is told of them."""

import numpy as np
import pytest
import torch
from torch import nn

from common.control.estimated_maps import SIZE_PX, THING_PX
from common.control.estimated_pose import estimated_poses
from common.control.sticks import draw_stick
from common.control.thing_pose import (
    COLOURS,
    JOINTS,
    LIMBS,
    MIRRORED,
    NUM_JOINTS,
    thing_skeleton,
)
from common.embedded.pose_estimator import FOLD, PoseArchitecture, PoseEstimator, ToldPose
from common.training.pose.pose_losses import BLUR_PX, heat_loss, presence_loss


def only(**places):
    joints = np.full((NUM_JOINTS, 2), np.nan)
    for name, place in places.items():
        joints[JOINTS.index(name.replace("_", " "))] = place
    return joints


def test_every_joint_hangs_on_the_head_or_the_body():
    assert len(LIMBS) == NUM_JOINTS - 1
    assert {end for _, end in LIMBS} == set(range(NUM_JOINTS)) - {JOINTS.index("head")}
    assert {JOINTS[start] for start, _ in LIMBS} == {"head", "body"}


def test_mirrored_joints_change_sides_and_only_they():
    assert [MIRRORED[one] for one in MIRRORED] == list(range(NUM_JOINTS))
    for name, other in zip(JOINTS, MIRRORED, strict=True):
        assert (JOINTS[other] == name) == (not name.startswith(("left", "right")))
    assert JOINTS[MIRRORED[JOINTS.index("left ear")]] == "right ear"


def test_joints_have_colours_that_differ():
    gaps = np.abs(COLOURS[:, None] - COLOURS[None]).max(-1) + np.eye(NUM_JOINTS)
    assert gaps.min() > 0.2


def test_joints_are_dots_and_limbs_lines_between_those_that_are_there():
    assert not thing_skeleton(only(), (32, 32)).any()
    made = thing_skeleton(only(head=(64, 64), nose=(64, 100), tail=(10, 10)), (128, 128))
    nose, head, tail = (
        torch.from_numpy(COLOURS[JOINTS.index(n)]) for n in ("nose", "head", "tail")
    )
    assert torch.equal(made[:, 99, 64], nose)
    assert torch.equal(made[:, 64, 64], head)
    assert torch.equal(made[:, 10, 10], tail)
    torch.testing.assert_close(made[:, 82, 64], 0.6 * nose)
    assert not made[:, 37, 37].any(), "there is no body that the tail could hang on"


def test_a_stick_is_an_ellipse():
    canvas = np.zeros((64, 64, 3), np.float32)
    draw_stick(canvas, np.array([12.0, 32.0]), np.array([52.0, 32.0]), 6.0, np.ones(3))
    y, x = np.mgrid[:64, :64] + 0.5
    inside = ((x - 32) / 20) ** 2 + ((y - 32) / 6) ** 2 <= 1
    assert np.array_equal(canvas[..., 0] > 0, inside)
    with_gap = canvas.copy()
    draw_stick(with_gap, np.array([np.nan, 1.0]), np.array([5.0, 5.0]), 6.0, np.ones(3))
    assert np.array_equal(with_gap, canvas)


class ReadsColours(nn.Module):
    """The first joint is where it is reddest; the second is nowhere."""

    def forward(self, pictures):
        red = nn.functional.avg_pool2d((pictures[:, :1] + 1) / 2, FOLD)
        heat = torch.cat([red * 100, *[0 * red] * (NUM_JOINTS - 1)], 1)
        presence = torch.full((len(pictures), NUM_JOINTS), -9.0)
        presence[:, 0] = 9.0
        return ToldPose(heat, presence)


@pytest.mark.parametrize(("height", "width", "box"), [
    (128, 128, (6, 6, 122, 122)), (64, 72, (10, 20, 50, 60)), (256, 96, (100, 3, 220, 90)),
])  # fmt: skip
def test_joints_are_laid_back_where_the_thing_is(height, width, box):
    top, left, bottom, right = box
    picture = torch.zeros(4, height, width)
    picture[3, top:bottom, left:right] = 1
    spot = (top + (bottom - top) // 4, left + (right - left) // 2)
    picture[0, spot[0] - 4 : spot[0] + 4, spot[1] - 4 : spot[1] + 4] = 1
    nothing = torch.zeros(4, 16, 16)

    found, empty = estimated_poses(ReadsColours(), [picture, nothing])

    # Half a cell of the heat map, in pixels of the picture.
    off = FOLD / THING_PX * max(bottom - top, right - left)
    assert found.joints[0] == pytest.approx([spot[1], spot[0]], abs=off)
    assert np.isnan(found.sure()[1:]).all()
    assert not np.isnan(found.sure()[0]).any()
    assert np.isnan(empty.joints).all()
    assert not empty.chances.any()


def test_places_are_the_mean_around_the_peak_and_ignore_other_peaks():
    heat = torch.full((1, 2, 32, 32), -30.0)
    heat[0, 0, 10, 20], heat[0, 0, 10, 21], heat[0, 0, 30, 2] = 5.0, 5.0, 4.9
    heat[0, 1, 0, 0] = 5.0
    places = ToldPose(heat, torch.zeros(1, 2)).places()
    assert places[0, 0].tolist() == pytest.approx([21 * FOLD, 10.5 * FOLD], abs=1e-3)
    assert places[0, 1].tolist() == pytest.approx([FOLD / 2, FOLD / 2], abs=1e-3)


def test_losses_are_least_at_the_truth():
    cells = torch.arange(32) * FOLD + FOLD / 2
    place = torch.tensor([[[50.0, 80.0], [1.0, 1.0]]])
    there = torch.tensor([[True, False]])
    y, x = torch.meshgrid(cells, cells, indexing="ij")
    heat = torch.zeros(1, 2, 32, 32)
    heat[0, 0] = -((x - 50) ** 2 + (y - 80) ** 2) / (2 * BLUR_PX**2)
    assert float(heat_loss(heat, place, there)) == pytest.approx(0, abs=1e-5)
    assert float(heat_loss(heat.roll(4, -1), place, there)) > 1
    sure = torch.tensor([[20.0, -20.0]])
    assert float(presence_loss(sure, there)) < 1e-6
    assert float(presence_loss(-sure, there)) == pytest.approx(20, abs=1e-3)


def test_the_estimator_takes_its_square_and_tells_every_joint():
    net = PoseEstimator(PoseArchitecture(widths=(8, 8), num_blocks=(1, 1))).eval()
    told = net(torch.zeros(2, 4, SIZE_PX, SIZE_PX))
    assert told.heat.shape == (2, NUM_JOINTS, SIZE_PX // FOLD, SIZE_PX // FOLD)
    assert told.places().shape == (2, NUM_JOINTS, 2)
    assert told.presence.shape == (2, NUM_JOINTS)
