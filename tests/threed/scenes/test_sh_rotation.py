import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from common.cameras import Cameras
from common.errors import InputError
from tests.reference.splat_scipy import draw, real_harmonics
from tests.threed.splats.clouds import CAMERAS, cloud_of
from threed.scenes.gaussian_cloud import MAX_SH_DEGREE, GaussianCloud
from threed.scenes.sh_rotation import rotated_sh, sh_rotation
from threed.scenes.similarity import moved_cloud
from threed.scenes.spherical_harmonics import SH_CONSTANT, sh_basis

F64 = torch.float64
TURNS = st.tuples(*[st.floats(-1, 1)] * 4).filter(lambda q: sum(a * a for a in q) > 0.01)


def matrix_of(xyzw):
    return torch.from_numpy(Rotation.from_quat(xyzw).as_matrix())


def directions(count=200, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.nn.functional.normalize(torch.randn(count, 3, generator=generator, dtype=F64))


@pytest.mark.parametrize("degree", range(MAX_SH_DEGREE + 1))
def test_basis_is_scipys(degree):
    seen = directions()
    # a few roundings of float64, which scipy's angle arccos z makes larger near the poles
    assert torch.allclose(sh_basis(seen, degree), real_harmonics(seen, degree), rtol=0, atol=2e-14)


def test_basis_has_inrias_signs():
    # the constants that INRIA's code multiplies x, y and z by, and the signs it gives them
    x, y, z = 0.36, -0.48, 0.8
    found = sh_basis(torch.tensor([[x, y, z]], dtype=F64), 3)[0].tolist()
    assert found[0] == pytest.approx(0.28209479177387814, abs=1e-16) == SH_CONSTANT
    expected = [-0.4886025119029199 * y, 0.4886025119029199 * z, -0.4886025119029199 * x]
    assert found[1:4] == pytest.approx(expected, abs=1e-15)
    assert found[4] == pytest.approx(1.0925484305920792 * x * y, abs=1e-15)
    assert found[5] == pytest.approx(-1.0925484305920792 * y * z, abs=1e-15)
    assert found[15] == pytest.approx(-0.5900435899266435 * x * (x * x - 3 * y * y), abs=1e-15)


@settings(max_examples=10)
@given(TURNS, st.booleans())
def test_turned_harmonics_show_in_turned_directions_what_the_old_showed(xyzw, mirrored):
    turn = matrix_of(xyzw) * (-1 if mirrored else 1)
    seen = directions(50)
    matrix = sh_rotation(turn, MAX_SH_DEGREE)
    # 25 coefficients of size 1, products of rounded numbers: a few dozen roundings
    shown = sh_basis(seen @ turn.T, 4) @ matrix
    assert torch.allclose(shown, sh_basis(seen, 4), rtol=0, atol=3e-14)
    assert torch.allclose(matrix @ matrix.T, torch.eye(25, dtype=F64), rtol=0, atol=2e-14)


@settings(max_examples=10)
@given(TURNS, TURNS)
def test_turns_one_after_another_are_one_turn(first, second):
    one, two = matrix_of(first), matrix_of(second)
    both = sh_rotation(two, 4) @ sh_rotation(one, 4)
    assert torch.allclose(both, sh_rotation(two @ one, 4), rtol=0, atol=3e-14)


def test_no_turn_and_half_turns_keep_every_bit():
    sh = cloud_of(degree=4).sh
    assert torch.equal(rotated_sh(sh, torch.eye(3)), sh)
    half = torch.diag(torch.tensor([1.0, -1.0, -1.0]))
    assert torch.equal(rotated_sh(sh, half).abs(), sh.abs())
    assert torch.equal(rotated_sh(rotated_sh(sh, half), half), sh)


def moved_cameras(turn, scale, shift):
    """Cameras that move with the scene ``x -> scale turn x + shift``."""
    w2c = CAMERAS.w2c.clone()
    w2c[:, :3, :3] = w2c[:, :3, :3] @ turn.T
    w2c[:, :3, 3] = scale * w2c[:, :3, 3] - (w2c[:, :3, :3] @ shift)
    return Cameras(w2c, CAMERAS.intrinsics, CAMERAS.height, CAMERAS.width)


def test_moved_cloud_looks_the_same_to_cameras_that_moved_with_it():
    cloud = cloud_of(40, degree=4, dtype=F64)
    turn, shift = matrix_of([0.3, -0.5, 0.2, 0.7]), torch.tensor([0.4, -1.3, 2.2], dtype=F64)
    moved = moved_cloud(cloud, turn, scale=1.7, shift=shift)
    before, after = draw(cloud, CAMERAS), draw(moved, moved_cameras(turn, 1.7, shift))
    assert before[..., 3].max() > 0.9  # there is something to see
    # a Gaussian whose alpha lies on 1/255 to the last bit could appear or not; none does here
    assert torch.allclose(before, after, rtol=0, atol=1e-11)
    unturned = GaussianCloud(
        moved.means, moved.log_scales, moved.quaternions, moved.opacity_logits, cloud.sh
    )
    assert (draw(unturned, moved_cameras(turn, 1.7, shift)) - before).abs().max() > 0.1


def test_mirror_image_is_the_mirrored_picture():
    cloud = cloud_of(40, degree=4, dtype=F64)
    mirror = torch.diag(torch.tensor([-1.0, 1.0, 1.0], dtype=F64))
    camera = CAMERAS[0]
    w2c = camera.w2c.clone()
    w2c[:, :3, :3] = mirror @ w2c[:, :3, :3] @ mirror  # the mirrored camera, its x turned back
    w2c[:, 0, 3] *= -1
    seen = draw(moved_cloud(cloud, mirror), Cameras(w2c, camera.intrinsics, 32, 32))
    assert torch.allclose(seen.flip(2), draw(cloud, camera), rtol=0, atol=1e-11)


def test_what_is_no_turn_is_refused():
    cloud = cloud_of(3)
    with pytest.raises(InputError, match="orthogonal"):
        moved_cloud(cloud, torch.diag(torch.tensor([1.0, 1.0, 1.1])))
    for scale in (0.0, -1.0, math.nan):
        with pytest.raises(InputError, match="above 0"):
            moved_cloud(cloud, torch.eye(3), scale=scale)
