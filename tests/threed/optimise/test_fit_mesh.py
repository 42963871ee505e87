import dataclasses

import numpy as np
import pytest
import torch
import trimesh

from common.cameras import orbit_cameras
from common.errors import InputError
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from threed.optimise.fit_mesh import MeshFit, fit_mesh
from threed.texturing.unwrap import unwrap

CAMERAS = orbit_cameras(
    [0.0, 72.0, 144.0, 216.0, 288.0, 0.0], [10.0, -20.0, 30.0, -5.0, 15.0, 80.0], 4.0, 25.0, 48, 48
)
STEPS = MeshFit(num_steps=40)


def ball(radius: float) -> TriangleMesh:
    """A ball with a texture of one colour."""
    shape = trimesh.creation.icosphere(3, radius)
    plain = TriangleMesh(
        torch.tensor(np.array(shape.vertices), dtype=torch.float32),
        torch.tensor(np.array(shape.faces), dtype=torch.int32),
    )
    texture = torch.tensor([0.8, 0.3, 0.1]).expand(64, 64, 3).contiguous()
    return dataclasses.replace(unwrap(plain, 64, 1), texture=texture)


@pytest.fixture(scope="module")
def pictures() -> torch.Tensor:
    return render_mesh(ball(0.5), CAMERAS, lighting=FLAT_LIGHTING).rgba


def test_ball_that_is_too_large_shrinks_to_its_pictures(pictures):
    start = ball(0.54)
    steps = list(fit_mesh(start, pictures, CAMERAS, STEPS))
    radii = steps[-1].mesh.vertices.norm(dim=1)
    # a pixel is 3.7 cm: outlines tell a sixth of it
    assert float((radii - 0.5).abs().mean()) < 0.006
    assert steps[-1].loss < 0.1 * steps[0].loss
    assert [one.step for one in steps] == list(range(1, 41))
    assert torch.equal(steps[-1].mesh.texture, start.texture)


def test_mesh_that_fits_stays_where_it_is(pictures):
    *_, last = fit_mesh(ball(0.5), pictures, CAMERAS, STEPS)
    # a pixel is 3.7 cm: outlines of the fit and of the pictures are smoothed in different ways
    moved = (last.mesh.vertices.norm(dim=1) - 0.5).abs()
    assert float(moved.mean()) < 0.004
    assert float(moved.max()) < 0.018


def test_fit_repeats_to_the_bit_and_its_order_follows_the_seed(pictures):
    options = MeshFit(num_steps=3, views_per_step=2)
    ends = []
    for seed in (0, 0, 1):
        *_, last = fit_mesh(ball(0.52), pictures, CAMERAS, options, seed=seed)
        ends.append(last.mesh.vertices)
    assert torch.equal(ends[0], ends[1])
    assert not torch.equal(ends[0], ends[2])


def test_what_cannot_be_fitted_is_refused(pictures):
    bare = dataclasses.replace(ball(0.5), texture=None)
    with pytest.raises(InputError, match="needs a texture"):
        next(fit_mesh(bare, pictures, CAMERAS))
    with pytest.raises(InputError, match="5 cameras"):
        next(fit_mesh(ball(0.5), pictures, CAMERAS[:5]))
    with pytest.raises(InputError, match="from 1"):
        MeshFit(num_steps=0)
