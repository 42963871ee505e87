import pytest
import torch
import trimesh

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.raster.mesh import TriangleMesh
from threed.measures.chamfer import chamfer_cm, seen_points

CAMERAS = cameras_on_orbit([View(90.0 * turn, 10.0) for turn in range(4)], 48)


def ball(radius: float) -> TriangleMesh:
    made = trimesh.creation.icosphere(subdivisions=4, radius=radius)
    return TriangleMesh(
        vertices=torch.from_numpy(made.vertices.copy()).float(),
        faces=torch.from_numpy(made.faces.copy()),
    )


def both(first: TriangleMesh, second: TriangleMesh) -> TriangleMesh:
    return TriangleMesh(
        vertices=torch.cat([first.vertices, second.vertices]),
        faces=torch.cat([first.faces, second.faces + len(first.vertices)]),
    )


def test_balls_are_as_far_apart_as_their_radii():
    """Points of a finite spacing have a nearest neighbour a little farther than the surface."""
    near, far = (seen_points(ball(radius), CAMERAS) for radius in (0.4, 0.45))
    assert chamfer_cm(near, far) == pytest.approx(5.0, rel=0.05)
    assert chamfer_cm(near, near) == 0.0


def test_what_is_inside_is_no_surface():
    whole, filled = (seen_points(one, CAMERAS) for one in (ball(0.4), both(ball(0.4), ball(0.2))))
    assert torch.equal(whole, filled)
