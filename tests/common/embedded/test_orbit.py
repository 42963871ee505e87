import pytest
import torch

from common.cameras import project
from common.embedded.image_unet import View
from common.embedded.orbit import HALF_EXTENT_M, cameras_on_orbit

VIEWS = [View(0.0, 12.0), View(75.0, -10.0), View(200.0, 45.0)]


def test_cameras_see_the_half_extent_at_the_origin() -> None:
    cameras = cameras_on_orbit(VIEWS, 128)
    ends = torch.tensor([[0.0, 0.0, 0.0], [HALF_EXTENT_M, 0.0, 0.0]])

    pixels, depth = project(cameras_on_orbit([View(0.0, 0.0)], 128), ends)
    centres, _ = project(cameras, ends[:1])

    # float32 rounding of a projection to 128 pixels
    torch.testing.assert_close(centres, torch.full((3, 1, 2), 64.0), rtol=0, atol=1e-4)
    torch.testing.assert_close(pixels[0, 1], torch.tensor([128.0, 64.0]), rtol=0, atol=1e-4)
    assert float(depth[0, 0]) == pytest.approx(3.8341, abs=1e-3)
