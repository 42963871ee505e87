"""What can be held without a GPU, and the comparison that a machine with one makes."""

import math

import pytest
import torch

from common.cameras import Cameras, orbit_cameras
from common.errors import InputError
from tests.threed.rendering.test_gaussians import NAMES, around, random_cloud
from threed.rendering import gsplat_backend
from threed.rendering.gaussians import Splatting, render
from threed.scenes.gaussian_cloud import GaussianCloud


def test_tensors_on_the_cpu_are_refused():
    with pytest.raises(InputError, match=r"gsplat works on CUDA, the tensors are on \['cpu'\]"):
        gsplat_backend.render(random_cloud(0), around())


def test_normals_are_those_of_the_other_renderer():
    cloud = random_cloud(0, n=1, opacity=3.0)
    cameras = around(4)
    seen = render(cloud, cameras, with_normals=True)
    at = seen.opacity.flatten(1).argmax(1)
    normal = seen.normal.flatten(1, 2)[torch.arange(4), at]
    weight = seen.opacity.flatten(1)[torch.arange(4), at]
    expected = gsplat_backend.view_normals(cloud, cameras)[:, 0]
    torch.testing.assert_close(normal / weight[:, None], expected)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize("antialiased", [False, True])
def test_both_renderers_agree(antialiased):
    pytest.importorskip("gsplat")
    cloud = random_cloud(0, n=500, degree=3, dtype=torch.float32, scale=0.04)
    cameras = orbit_cameras([10.0, 130.0], 20.0, 2.2, 30.0, 64, 80)
    splatting = Splatting(antialiased=antialiased)
    ours = render(cloud, cameras, splatting=splatting, with_normals=True)
    there = GaussianCloud(*(getattr(cloud, name).cuda() for name in NAMES))
    away = Cameras(cameras.w2c.cuda(), cameras.intrinsics.cuda(), 64, 80)
    theirs = gsplat_backend.render(there, away, splatting=splatting, with_normals=True)
    for name in ("rgb", "opacity", "normal"):
        # float32 in another order; a splat at the threshold of 1/255 may be drawn or not
        torch.testing.assert_close(
            getattr(theirs, name).cpu(), getattr(ours, name), rtol=1e-3, atol=1.5 / 255
        )
    error = (theirs.depth.cpu() - ours.depth).abs()[ours.opacity > 0.5]
    assert float(error.mean()) < 1e-3
    assert not math.isnan(float(theirs.depth.sum()))
