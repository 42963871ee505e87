import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from common.raster.mesh import TriangleMesh
from tests.threed.real_meshes import real_mesh
from threed.painting.placed_mesh import Placement, placed


def arrow(*tip):
    """A flat triangle whose first corner is the tip."""
    base = torch.tensor([[*map(float, tip)], [0.1, 0.1, 0.1], [-0.1, 0.1, -0.1]])
    return TriangleMesh(base, torch.tensor([[0, 1, 2]]))


@pytest.mark.parametrize(("up", "front_deg", "tip"), [
    ("+y", 0.0, (0, 0, 5)), ("+y", 90.0, (5, 0, 0)), ("+y", 180.0, (0, 0, -5)),
    ("+y", -90.0, (-5, 0, 0)), ("+z", 0.0, (0, -5, 0)), ("+z", 90.0, (5, 0, 0)),
])  # fmt: skip
def test_front_of_the_file_looks_to_plus_z(up, front_deg, tip):
    tip_now = placed(arrow(*tip), Placement(up, front_deg)).vertices[0]
    assert tip_now[2] == pytest.approx(0.5, abs=0.02)
    assert abs(float(tip_now[0])) < 0.02


def test_up_of_a_file_with_z_up_is_y():
    assert placed(arrow(0, 0, 5), Placement("+z")).vertices[0, 1] == pytest.approx(0.5, abs=0.02)


@given(st.floats(-360, 360), st.sampled_from(["+y", "+z"]))
def test_placing_turns_and_never_mirrors(front_deg, up):
    turn = Placement(up, front_deg).rotation
    assert torch.allclose(turn @ turn.T, torch.eye(3, dtype=torch.float64), atol=1e-12)
    assert float(torch.linalg.det(turn)) == pytest.approx(1)


def test_real_mesh_is_centred_and_a_metre_long():
    mesh = placed(real_mesh("spot"), Placement(front_deg=180.0))
    low, high = mesh.vertices.amin(0), mesh.vertices.amax(0)
    assert float((high - low).max()) == pytest.approx(1, abs=1e-6)
    assert float((high + low).abs().max()) < 1e-6


def test_a_point_is_refused():
    with pytest.raises(InputError, match="one point"):
        placed(TriangleMesh(torch.zeros(3, 3), torch.tensor([[0, 1, 2]])), Placement())
