import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from jaxtyping import TypeCheckError

from common.cameras import (
    Cameras,
    cameras_from_gltf,
    cameras_from_nerfstudio,
    cameras_from_opengl,
    check_rigid,
    concatenate,
    gltf_yfov,
    nerfstudio_c2w,
    opengl_c2w,
    orbit_cameras,
    project,
    rays,
    unproject,
    world_to_camera,
)
from common.errors import InputError

F64 = torch.float64
CLOSE = {"rtol": 0.0, "atol": 1e-12}  # float64 rounding of a few operations on numbers around 1


def per_view(low, high):
    return st.lists(st.floats(low, high), min_size=3, max_size=3)


# Azimuths, elevations, distances, fields of view, height, width. The cameras are built in the test:
# run-time type checks draw random numbers, which strategies must not.
orbits = st.tuples(
    per_view(-720, 720), per_view(-90, 90), per_view(0.5, 8), per_view(5, 120),
    st.integers(1, 40), st.integers(1, 40),
)  # fmt: skip


def three_views(orbit):
    return orbit_cameras(*orbit, dtype=F64)


points_3d = st.lists(st.tuples(*[st.floats(-0.2, 0.2)] * 3), min_size=1, max_size=6).map(
    lambda rows: torch.tensor(rows, dtype=F64)
)


@pytest.mark.parametrize(
    ("azimuth", "elevation", "position"),
    [
        (0, 0, (0, 0, 2)),
        (90, 0, (2, 0, 0)),
        (180, 0, (0, 0, -2)),
        (270, 0, (-2, 0, 0)),
        (0, 90, (0, 2, 0)),
        (30, -90, (0, -2, 0)),
        (0, 30, (0, 1, math.sqrt(3))),
    ],
)
def test_orbit_stands_where_the_convention_says(azimuth, elevation, position):
    camera = orbit_cameras(azimuth, elevation, 2.0, 40.0, 8, 8, dtype=F64)
    torch.testing.assert_close(camera.positions[0], torch.tensor(position, dtype=F64), **CLOSE)


def test_front_view_shows_plus_x_right_plus_y_up():
    camera = orbit_cameras(0.0, 0.0, 2.0, 60.0, 100, 200, dtype=F64)
    world = torch.tensor([[0.5, 0, 0], [0, 0.5, 0], [0, 0, 0.5]], dtype=F64)
    pixels, depth = project(camera, world)
    focal = 50 / math.tan(math.radians(30))
    expected = [[100 + focal / 4, 50], [100, 50 - focal / 4], [100, 50]]
    torch.testing.assert_close(pixels[0], torch.tensor(expected, dtype=F64), **CLOSE)
    torch.testing.assert_close(depth[0], torch.tensor([2, 2, 1.5], dtype=F64), **CLOSE)


def test_side_view_shows_the_front_on_the_left():
    camera = orbit_cameras(90.0, 0.0, 2.0, 60.0, 64, 64, dtype=F64)
    pixels, _ = project(camera, torch.tensor([[0.0, 0, 1]], dtype=F64))
    assert pixels[0, 0, 0] < 32


@given(orbits)
def test_orbit_looks_at_its_target_upright(orbit):
    cameras = three_views(orbit)
    target = torch.zeros(1, 3, dtype=F64)
    pixels, depth = project(cameras, target)
    centre = torch.tensor([cameras.width / 2, cameras.height / 2], dtype=F64)
    torch.testing.assert_close(pixels[:, 0], centre.expand(3, 2), rtol=0, atol=1e-9)
    torch.testing.assert_close(depth[:, 0], cameras.positions.norm(dim=-1), **CLOSE)
    assert bool((cameras.w2c[:, 1, 1] <= 1e-12).all())  # the camera's "down" never points up
    torch.testing.assert_close(cameras.w2c[:, 0, 1], torch.zeros(3, dtype=F64), **CLOSE)  # no roll
    check_rigid(cameras.w2c, tolerance=1e-12)


@pytest.mark.parametrize("fovy", [20.0, 49.1, 90.0])
def test_field_of_view_spans_the_picture_height(fovy):
    camera = orbit_cameras(0.0, 0.0, 1.0, fovy, 64, 32, dtype=F64)
    top = torch.tensor([[0, math.tan(math.radians(fovy / 2)), 0]], dtype=F64)
    pixels, _ = project(camera, top)
    torch.testing.assert_close(
        pixels[0, 0], torch.tensor([16.0, 0.0], dtype=F64), rtol=0, atol=1e-9
    )


@given(orbits)
def test_c2w_undoes_w2c(orbit):
    cameras = three_views(orbit)
    eye = torch.eye(4, dtype=F64).expand(3, 4, 4)
    torch.testing.assert_close(cameras.c2w @ cameras.w2c, eye, **CLOSE)


@given(orbits, points_3d)
def test_unproject_undoes_project(orbit, world):
    cameras = three_views(orbit)
    pixels, depth = project(cameras, world)
    back = unproject(cameras, pixels, depth)
    torch.testing.assert_close(back, world.expand(3, -1, -1), rtol=0, atol=1e-10)


@given(orbits, points_3d)
def test_world_to_camera_is_the_matrix_product(orbit, world):
    cameras = three_views(orbit)
    rotation, offset = cameras.w2c[:, :3, :3], cameras.w2c[:, None, :3, 3]
    expected = torch.einsum("vij,nj->vni", rotation, world) + offset
    torch.testing.assert_close(world_to_camera(cameras, world), expected, **CLOSE)


@given(orbits)
def test_rays_meet_their_pixel_centres(orbit):
    cameras = three_views(orbit)
    origins, directions = rays(cameras)
    assert origins.shape == directions.shape == (3, cameras.height, cameras.width, 3)
    torch.testing.assert_close(
        directions.norm(dim=-1), torch.ones(directions.shape[:3], dtype=F64), **CLOSE
    )
    row, column = cameras.height - 1, cameras.width // 2
    for view in range(3):
        point = origins[view, row, column] + 0.7 * directions[view, row, column]
        pixels, _ = project(cameras[view], point[None])
        centre = torch.tensor([column + 0.5, row + 0.5], dtype=F64)
        torch.testing.assert_close(pixels[0, 0], centre, rtol=0, atol=1e-9)


def test_skewed_intrinsics_survive_project_and_unproject():
    camera = orbit_cameras(20.0, 10.0, 2.0, 50.0, 30, 40, dtype=F64)
    k = torch.tensor([[[55.0, 3.0, 17.0], [0, 48.0, 12.0], [0, 0, 1]]], dtype=F64)
    camera = Cameras(camera.w2c, k, 30, 40)
    world = torch.tensor([[0.1, 0.2, -0.1]], dtype=F64)
    pixels, depth = project(camera, world)
    torch.testing.assert_close(unproject(camera, pixels, depth)[0], world, **CLOSE)


@given(orbits)
def test_opengl_round_trip_is_identity(orbit):
    cameras = three_views(orbit)
    size = (cameras.height, cameras.width)
    back = cameras_from_opengl(opengl_c2w(cameras), cameras.intrinsics, *size)
    torch.testing.assert_close(back.w2c, cameras.w2c, **CLOSE)
    assert torch.equal(back.intrinsics, cameras.intrinsics)


def test_opengl_front_view_has_identity_rotation():
    matrix = opengl_c2w(orbit_cameras(0.0, 0.0, 2.0, 40.0, 8, 8, dtype=F64))[0]
    expected = torch.eye(4, dtype=F64)
    expected[2, 3] = 2
    torch.testing.assert_close(matrix, expected, **CLOSE)


@given(orbits)
def test_nerfstudio_round_trip_is_identity(orbit):
    cameras = three_views(orbit)
    size = (cameras.height, cameras.width)
    back = cameras_from_nerfstudio(nerfstudio_c2w(cameras), cameras.intrinsics, *size)
    torch.testing.assert_close(back.w2c, cameras.w2c, **CLOSE)


def test_nerfstudio_world_has_z_up_and_front_at_minus_y():
    cameras = orbit_cameras([0.0, 0.0], [0.0, 90.0], 2.0, 40.0, 8, 8, dtype=F64)
    matrix = nerfstudio_c2w(cameras)
    expected = torch.tensor([[0.0, -2, 0], [0, 0, 2]], dtype=F64)
    torch.testing.assert_close(matrix[:, :3, 3], expected, **CLOSE)
    torch.testing.assert_close(matrix[0, :3, 1], torch.tensor([0.0, 0, 1], dtype=F64), **CLOSE)


@given(orbits)
def test_gltf_round_trip_is_identity(orbit):
    cameras = three_views(orbit)
    back = cameras_from_gltf(opengl_c2w(cameras), gltf_yfov(cameras), cameras.height, cameras.width)
    torch.testing.assert_close(back.w2c, cameras.w2c, **CLOSE)
    torch.testing.assert_close(back.intrinsics, cameras.intrinsics, rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    "change", [(0, 2, 3.0), (1, 2, -3.0), (0, 1, 2.0), (0, 0, 5.0)], ids=["cx", "cy", "skew", "fx"]
)
def test_gltf_refuses_cameras_it_cannot_hold(change):
    camera = orbit_cameras(0.0, 0.0, 2.0, 40.0, 64, 64)
    k = camera.intrinsics.clone()
    k[0, change[0], change[1]] += change[2]
    with pytest.raises(InputError, match="glTF cameras need square pixels"):
        gltf_yfov(Cameras(camera.w2c, k, 64, 64))


@pytest.mark.parametrize("broken", ["scaled", "mirrored", "nan"])
def test_matrices_that_are_no_camera_are_refused(broken):
    c2w = opengl_c2w(orbit_cameras([0.0, 40.0], 0.0, 2.0, 40.0, 8, 8))
    c2w[1, :3, 0] *= {"scaled": 1.5, "mirrored": -1.0, "nan": float("nan")}[broken]
    with pytest.raises(InputError, match="camera 1 is not a rotation"):
        cameras_from_opengl(c2w, torch.eye(3).expand(2, 3, 3), 8, 8)


@given(orbits, st.integers(-3, 2))
def test_selection_and_concatenation_are_inverse(orbit, index):
    cameras = three_views(orbit)
    assert len(cameras[index]) == 1
    torch.testing.assert_close(cameras[index].w2c[0], cameras.w2c[index], rtol=0, atol=0)
    joined = concatenate([cameras[:1], cameras[1:], cameras[[2, 0]]])
    assert len(joined) == 5
    assert torch.equal(joined[:3].intrinsics, cameras.intrinsics)
    assert torch.equal(joined[torch.tensor([False] * 3 + [True] * 2)].w2c, cameras.w2c[[2, 0]])


def test_selection_out_of_range_is_an_index_error():
    cameras = orbit_cameras([0.0, 1.0], 0.0, 2.0, 40.0, 8, 8)
    with pytest.raises(IndexError, match="view 2 of 2"):
        cameras[2]
    assert [len(one) for one in cameras] == [1, 1]  # iteration ends


def test_joining_different_sizes_is_refused():
    first, second = (orbit_cameras(0.0, 0.0, 2.0, 40.0, 8, w) for w in (8, 9))
    with pytest.raises(InputError, match=r"\(8, 8\), \(8, 9\)"):
        concatenate([first, second])


@given(orbits, st.integers(1, 4), points_3d)
def test_scaled_picture_shows_the_same_at_more_pixels(orbit, factor, world):
    cameras = three_views(orbit)
    fine = cameras.scaled(factor)
    assert (fine.height, fine.width) == (cameras.height * factor, cameras.width * factor)
    expected = project(cameras, world)[0] * factor
    torch.testing.assert_close(project(fine, world)[0], expected, rtol=1e-12, atol=1e-9)


def test_dtype_is_kept():
    for dtype in (torch.float32, F64):
        cameras = orbit_cameras([10.0, 20.0], 5.0, 2.0, 40.0, 8, 8, dtype=dtype)
        tensors = [cameras.c2w, opengl_c2w(cameras), *rays(cameras), gltf_yfov(cameras)]
        assert {one.dtype for one in tensors} == {dtype}
        assert cameras.to(F64).w2c.dtype == F64


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((0, 91, 2, 40, 8, 8), r"elevation_deg must be in \[-90, 90\]"),
        ((0, math.nan, 2, 40, 8, 8), "elevation_deg"),
        ((0, 0, 0, 40, 8, 8), "camera_distance must be above 0"),
        ((0, 0, math.inf, 40, 8, 8), "camera_distance"),
        ((0, 0, 2, 180, 8, 8), "fovy_deg must be between 0 and 180"),
        ((0, 0, 2, 40, 0, 8), "0 x 8 pixels"),
        (([0, 1], [0, 1, 2], 2, 40, 8, 8), r"views do not go together"),
        (([], 0, 2, 40, 8, 8), r"views do not go together"),
    ],
)
def test_impossible_orbits_are_refused(arguments, message):
    with pytest.raises(InputError, match=message):
        orbit_cameras(*arguments)


def test_poses_and_intrinsics_must_agree():
    camera = orbit_cameras(0.0, 0.0, 2.0, 40.0, 8, 8)
    with pytest.raises((InputError, TypeCheckError)):
        Cameras(camera.w2c, camera.intrinsics.expand(2, 3, 3), 8, 8)
