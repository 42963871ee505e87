import pytest
import torch

from common.cameras import orbit_cameras
from common.errors import InputError
from threed.measures.ellipsoid import Ellipsoid, outline_distance
from threed.scenes.visual_hull import mean_colour, silhouette_support
from threed.scenes.voxel_field import node_positions, uniform_field

F64 = torch.float64


def ball_alpha(cameras, radius, centre=(0.0, 0.0, 0.0)):
    ball = Ellipsoid(torch.tensor(centre, dtype=F64), radius * torch.eye(3, dtype=F64))
    return (outline_distance(ball, cameras.to(F64)) > 0).double()


def test_hull_of_a_ball_from_all_sides_is_the_ball():
    azimuths = [30.0 * i for i in range(12)]
    cameras = orbit_cameras(azimuths, [-60.0, 0.0, 60.0] * 4, 4.0, 25.0, 128, 128, dtype=F64)
    points = node_positions(uniform_field((25, 25, 25), dtype=F64)).reshape(-1, 3)
    support = silhouette_support(ball_alpha(cameras, 0.4), cameras, points)
    radius = points.norm(dim=-1)
    pixel = 4.0 / float(cameras.intrinsics[0, 0, 0])
    assert bool((support[radius < 0.4 - pixel] > 0.5).all())
    # rays that graze the ball leave corners between views, a few per cent of the radius
    assert bool((support[radius > 0.46] < 0.5).all())


def test_views_say_nothing_about_what_they_do_not_contain():
    camera = orbit_cameras(0.0, 0.0, 2.0, 25.0, 16, 16, dtype=F64)
    points = torch.tensor([[0.0, 0, 0], [5.0, 0, 0], [0.0, 0, 3.0]], dtype=F64)
    support = silhouette_support(torch.zeros(1, 16, 16, dtype=F64), camera, points)
    assert support.tolist() == [0.0, 1.0, 1.0]
    # what goes on beside the picture is what its edge shows; behind the camera nothing is known
    beside = silhouette_support(torch.zeros(1, 16, 16, dtype=F64), camera, points, edges_go_on=True)
    assert beside.tolist() == [0.0, 0.0, 1.0]


def test_mean_colour_weighs_views_by_alpha_and_has_an_answer_everywhere():
    cameras = orbit_cameras([0.0, 180.0], 0.0, 4.0, 25.0, 16, 16, dtype=F64)
    red, blue = torch.tensor([1.0, 0, 0, 1.0], dtype=F64), torch.tensor([0, 0, 0.5, 0.5], dtype=F64)
    pictures = torch.stack([red.expand(16, 16, 4), blue.expand(16, 16, 4)])
    points = torch.tensor([[0.0, 0, 0], [50.0, 0, 0]], dtype=F64)
    expected = torch.tensor([2 / 3, 0.0, 1 / 3], dtype=F64).expand(2, 3)
    torch.testing.assert_close(mean_colour(pictures, cameras, points), expected)


def test_wrong_sizes_are_refused():
    cameras = orbit_cameras([0.0, 180.0], 0.0, 4.0, 25.0, 16, 16)
    with pytest.raises(InputError, match=r"\(1, 16, 16\) for 2 cameras"):
        silhouette_support(torch.zeros(1, 16, 16), cameras, torch.zeros(1, 3))
