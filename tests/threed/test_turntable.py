import numpy as np
import pytest
import torch

from common.errors import InputError
from common.media.clips import write_clip
from common.raster.mesh import TriangleMesh
from common.raster.shading import Lighting
from tests.threed.texturing.test_bake import sphere
from threed.turntable import Turntable, turntable_cameras, turntable_frames

SMALL = Turntable(num_frames=4, size_px=48)


def striped():
    """A ball that is red in front and blue behind."""
    ball = sphere()
    colours = torch.where(
        ball.vertices[:, 2:] > 0, torch.tensor([1.0, 0.0, 0.0]), torch.tensor([0.0, 0.0, 1.0])
    )
    return TriangleMesh(ball.vertices, ball.faces, vertex_colors=colours)


def test_a_round_begins_in_front_and_passes_the_left_side():
    positions = turntable_cameras(Turntable(num_frames=4, elevation_deg=0.0)).positions
    directions = positions / positions.norm(dim=-1, keepdim=True)
    expected = torch.tensor([[0.0, 0, 1], [1, 0, 0], [0, 0, -1], [-1, 0, 0]])
    torch.testing.assert_close(directions, expected, atol=1e-6, rtol=0)


def test_frames_are_straight_rgba_of_the_mesh(tmp_path):
    frames = turntable_frames(striped(), SMALL)
    assert frames.shape == (4, 48, 48, 4)
    assert frames.dtype == np.uint8
    assert frames[0, 24, 24].tolist() == [255, 0, 0, 255]
    assert frames[2, 24, 24].tolist() == [0, 0, 255, 255]
    assert frames[:, 0, 0].max() == 0  # nothing around it
    write_clip(tmp_path / "turntable.webp", frames, 8)
    assert (tmp_path / "turntable.webp").stat().st_size > 100


def test_light_can_be_asked_for():
    lit = turntable_frames(striped(), SMALL, Lighting())
    flat = turntable_frames(striped(), SMALL)
    assert lit[0, 30, 24, 0] < flat[0, 30, 24, 0]
    assert np.array_equal(lit[..., 3], flat[..., 3])


def test_no_frames_are_refused():
    with pytest.raises(InputError, match="0 frames"):
        turntable_frames(striped(), Turntable(num_frames=0))
