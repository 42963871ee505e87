"""Cameras inside of what they look at: everything is opaque, finite and differentiable."""

import pytest
import torch

from common.cameras import Cameras
from common.raster.render import render_mesh
from tests.threed.optimise.ball_prior import ball
from threed.optimise.live_mesh import LiveMesh
from threed.rendering import gaussians, volume
from threed.scenes.blob import ball_cloud
from threed.scenes.page_mesh import ball_mesh
from threed.scenes.scene_config import TexturedMesh

SIDE = 16


def inside(x: float = 0.0) -> Cameras:
    """Looking along +Z from near the origin."""
    w2c = torch.eye(4)[None].clone()
    w2c[:, 0, 3] = -x
    lens = torch.tensor([[[SIDE, 0.0, SIDE / 2], [0.0, SIDE, SIDE / 2], [0.0, 0.0, 1.0]]])
    return Cameras(w2c, lens, SIDE, SIDE)


@pytest.mark.parametrize("x", [0.0, 0.29])
def test_voxels_about_the_camera_are_opaque_and_learn(x):
    field = ball((0.9, 0.2, 0.1))
    density = field.density.clone().requires_grad_()
    seen = volume.render(type(field)(density, field.colour, field.low, field.high), inside(x))
    assert float(seen.opacity.detach().min()) > 0.99
    assert bool(torch.isfinite(seen.rgba).all())
    seen.rgb.sum().backward()
    assert bool(torch.isfinite(density.grad).all())


def test_gaussians_about_the_camera_are_finite_and_learn():
    cloud = ball_cloud(500, 0.4, torch.Generator().manual_seed(0))
    means = cloud.means.clone().requires_grad_()
    seen = gaussians.render(type(cloud)(means, *list(vars(cloud).values())[1:]), inside())
    assert bool(torch.isfinite(seen.rgba).all())
    assert float(seen.opacity.detach().max()) > 0.5, "those before the camera are seen"
    (seen.rgb.sum() + seen.depth.sum()).backward()
    assert bool(torch.isfinite(means.grad).all())


def test_mesh_about_the_camera_is_opaque():
    mesh = ball_mesh(0.3, 256)
    seen = render_mesh(mesh, inside())
    assert bool(torch.isfinite(seen.rgba).all())
    assert float(seen.rgba[..., 3].min()) > 0.99


def test_mesh_that_learns_about_the_camera_has_finite_gradients():
    live = LiveMesh(TexturedMesh(texture_px=256), 10)
    seen = live.render(inside(), torch.Generator())
    assert bool(torch.isfinite(seen.rgba).all())
    live.descend(seen.rgba.square().mean(), 1, torch.Generator())
    assert bool(torch.isfinite(live.mesh().vertices).all())
