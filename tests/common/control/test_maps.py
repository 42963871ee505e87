"""Depth, normals and labels as pictures."""

import numpy as np
import pytest
import torch

from common.cameras import orbit_cameras
from common.control.geometry_maps import FARTHEST, depth_map, normal_map
from common.control.label_colours import label_colours, palette


def test_depth_is_linear_in_nearness_and_black_where_empty():
    depth = torch.tensor([[[1.0, 2.0, 4.0, 0.0]], [[3.0, 3.0, 0.0, 0.0]]])

    made = depth_map(depth)

    middle = FARTHEST + (1 - FARTHEST) * (1 / 2 - 1 / 4) / (1 - 1 / 4)
    torch.testing.assert_close(made[0, 0], torch.tensor([1.0, middle, FARTHEST, 0.0]))
    assert torch.equal(made[1, 0] > 0, torch.tensor([True, True, False, False]))
    # Millimetres for metres: nearness scales, its place between the ends does not.
    torch.testing.assert_close(depth_map(depth * 1000), made, rtol=1e-3, atol=1e-3)


def test_empty_depth_is_black():
    assert not depth_map(torch.zeros(1, 4, 4)).any()


@pytest.mark.parametrize(("azimuth", "elevation"), [(0.0, 0.0), (90.0, 0.0), (200.0, 30.0)])
def test_normals_towards_the_camera_are_blue_and_up_is_green(azimuth, elevation):
    camera = orbit_cameras(azimuth, elevation, 3.0, 40.0, 8, 8)
    w2c = camera.w2c
    towards = -w2c[0, 2, :3]  # the camera's forward axis, turned round
    up = -w2c[0, 1, :3]
    right = w2c[0, 0, :3]
    normals = torch.stack([towards, up, right, torch.zeros(3)])[None, None]

    made = normal_map(normals, w2c)[0, 0]

    expected = torch.tensor([[0.5, 0.5, 1.0], [0.5, 1.0, 0.5], [1.0, 0.5, 0.5], [0.0, 0.0, 0.0]])
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-5)


def test_labels_are_flat_colours_and_ground_is_black():
    colours = palette()
    labels = np.array([[0, 1, 2], [len(colours), len(colours) + 1, 0]], np.uint8)

    made = label_colours(labels, colours)

    assert not made[0, 0].any()
    np.testing.assert_array_equal(made[0, 1], colours[0])
    np.testing.assert_array_equal(made[0, 2], colours[1])
    np.testing.assert_array_equal(made[1, 1], colours[0])
    apart = np.linalg.norm(colours[:, None] - colours[None], axis=-1) + 9 * np.eye(len(colours))
    assert apart.min() > 0.2, "told apart in 8 bits by far"
