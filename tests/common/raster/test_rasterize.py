import math

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.cameras import Cameras, orbit_cameras, rays
from common.errors import InputError
from common.raster.rasterize import rasterize
from tests.common.raster.scenes import front, pixel_camera, sphere, square, triangle_soup
from tests.reference import raster_integers, raster_rays, raster_torch

F64 = torch.float64
ANGLES = st.tuples(st.floats(0, 360), st.floats(-90, 90))


def flat(points):
    """Corners given in pixels for `pixel_camera`, at depth 1."""
    points = torch.as_tensor(points, dtype=F64).reshape(-1, 2)
    return torch.cat([points, torch.zeros(len(points), 1, dtype=F64)], 1)


def counts_by_face(vertices, faces, camera):
    """How many triangles cover each pixel, drawing them one at a time."""
    shown = [rasterize(vertices, faces[i : i + 1], camera).covered for i in range(len(faces))]
    return torch.stack(shown).sum(0)[0]


# ------------------------------------------------------------------------- closed form


def test_right_triangle_covers_the_centres_below_its_diagonal():
    # corners (0, 0), (8, 0), (0, 8) with y up: centres on the diagonal are on its right edge
    fragments = rasterize(
        flat([[0, 0], [8, 0], [0, 8]]), torch.tensor([[0, 1, 2]]), pixel_camera(8, 8)
    )
    rows, columns = np.mgrid[:8, :8]
    assert np.array_equal(fragments.covered[0].numpy(), columns < rows)
    assert fragments.face_index.dtype == torch.int32


def test_perspective_correct_coordinates_of_a_tilted_edge():
    # p0 and p1 at depths 1 and 3 project to pixels 0 and 9; half way on the picture is 1/4 of the
    # way in space (weights proportional to 1/z)
    vertices = torch.tensor([[0, 0, 0], [27, 0, -2], [0, 90.0, 0]], dtype=F64)
    camera = Cameras(pixel_camera(90, 9).w2c, torch.eye(3, dtype=F64)[None], 90, 9)
    camera.w2c[0, :3, 3] = torch.tensor([0.0, 0.0, 1.0])
    k = camera.intrinsics.clone()
    k[0, 1, 2] = 90.0
    fragments = rasterize(vertices, torch.tensor([[0, 1, 2]]), Cameras(camera.w2c, k, 90, 9))
    x, y = 4.5, 0.5  # pixel (row 89, column 4)
    b = fragments.barycentric[0, 89, 4]
    w0, w1 = 1.0, 1 / 3
    s1, s2 = x / 9, y / 90
    weights = torch.tensor([(1 - s1 - s2) * w0, s1 * w1, s2 * w0], dtype=F64)
    torch.testing.assert_close(b, weights / weights.sum(), rtol=1e-12, atol=0)
    torch.testing.assert_close(fragments.depth[0, 89, 4], 1 / weights.sum(), rtol=1e-12, atol=0)


def test_area_of_random_triangles_is_right_on_average():
    # The number of covered centres is an unbiased estimate of the area over random positions; 400
    # triangles of perimeter P have a standard error of about sqrt(P / 400) * 0.3 pixels.
    rng = np.random.default_rng(3)
    shape = np.array([[5.0, 4.0], [21.3, 9.7], [11.1, 24.2]])
    area = 0.5 * abs(np.linalg.det(shape[1:] - shape[0]))
    camera, counts = pixel_camera(32, 32), []
    for offset in rng.uniform(0, 1, (400, 2)):
        fragments = rasterize(flat(shape + offset), torch.tensor([[0, 1, 2]]), camera)
        counts.append(int(fragments.covered.sum()))
    assert abs(np.mean(counts) - area) < 0.3


def test_sphere_silhouette_has_the_perspective_area():
    vertices, faces = sphere(5)
    camera = orbit_cameras(33.0, 21.0, 3.0, 50.0, 256, 256, dtype=F64)
    covered = int(rasterize(vertices, faces, camera).covered.sum())
    radius = float(camera.intrinsics[0, 1, 1]) / math.sqrt(3.0**2 - 1)
    # an inscribed polyhedron of 20480 triangles is smaller by about 4e-4
    assert covered == pytest.approx(math.pi * radius**2, rel=2e-3)


def test_depth_of_a_tilted_plane_is_exact():
    normal, offset = torch.tensor([0.3, 0.8, 0.52], dtype=F64), 0.1
    across = torch.linalg.cross(normal, torch.tensor([1.0, 0, 0], dtype=F64))
    along = torch.linalg.cross(normal, across)
    base = normal * offset / normal.square().sum()
    vertices = torch.stack([base + 30 * (i * across + j * along)
                            for i, j in ((-1, -1), (2, -1), (-1, 2))])  # fmt: skip
    cameras = orbit_cameras([0.0, 70.0], [10.0, 60.0], 3.0, 60.0, 24, 40, dtype=F64)
    fragments = rasterize(vertices, torch.tensor([[0, 1, 2]]), cameras)
    origins, directions = rays(cameras)
    distance = (offset - origins @ normal) / (directions @ normal)
    forward = cameras.w2c[:, 2, :3]
    expected = distance * torch.einsum("vhwc,vc->vhw", directions, forward)
    seen = fragments.covered
    assert int(seen.sum()) > 1500
    torch.testing.assert_close(fragments.depth[seen], expected[seen], rtol=1e-11, atol=0)


def test_plane_through_the_camera_plane_fills_everything_below_the_horizon():
    # a floor that reaches far behind the camera: only near-plane clipping can draw it
    vertices = torch.tensor([[-1e4, -1, -1e4], [1e4, -1, -1e4], [0, -1, 3e4]], dtype=F64)
    camera = orbit_cameras(0.0, 0.0, 2.0, 90.0, 64, 64, dtype=F64)
    fragments = rasterize(vertices, torch.tensor([[0, 2, 1]]), camera)
    row = torch.arange(64, dtype=F64) + 0.5
    expected = (32 / (row - 32))[:, None].expand(64, 64)  # f h / (y - cy), with h = 1
    assert torch.equal(fragments.covered[0], (expected > 0))
    seen = fragments.covered[0]
    torch.testing.assert_close(fragments.depth[0][seen], expected[seen], rtol=1e-9, atol=0)


def test_nothing_nearer_than_near_is_seen():
    vertices = torch.tensor([[-5, -1.0, -5], [5, -1, -5], [0, -1, 50]], dtype=F64)
    camera = orbit_cameras(0.0, 0.0, 2.0, 120.0, 50, 50, dtype=F64)
    for near in (0.7, 1.0, 2.5):
        fragments = rasterize(vertices, torch.tensor([[0, 1, 2]]), camera, near=near)
        depth = fragments.depth[fragments.covered]
        # the cut is snapped to 1/4096 pixel: at the lowest row that is 1e-3 of the depth
        assert near * 0.999 <= float(depth.min()) < near * 1.15  # one row further


def test_square_and_its_back_are_culled_by_their_winding():
    vertices, faces = square()
    cameras = orbit_cameras([0.0, 180.0], 0.0, 4.0, 60.0, 20, 20, dtype=F64)
    both = rasterize(vertices, faces, cameras)
    front_only = rasterize(vertices, faces, cameras, cull_backfaces=True)
    assert bool(both.covered[0].any())
    assert bool(both.covered[1].any())
    assert torch.equal(front_only.face_index[0], both.face_index[0])
    assert not bool(front_only.covered[1].any())


def test_culling_a_closed_mesh_changes_nothing():
    vertices, faces = sphere(2)
    whole = rasterize(vertices, faces, front(48))
    culled = rasterize(vertices, faces, front(48), cull_backfaces=True)
    assert torch.equal(whole.face_index, culled.face_index)


def test_first_of_two_equal_triangles_wins():
    vertices, faces = square()
    fragments = rasterize(vertices, faces[[1, 0, 1, 0]], front(24))
    assert set(fragments.face_index.unique().tolist()) == {-1, 0, 1}


# ------------------------------------------------------------------------- exact coverage

GRID = st.integers(-3, 19).map(lambda i: i / 2)
CORNER = st.tuples(GRID, GRID)


def test_square_on_pixel_centres_owns_its_left_and_top_sides():
    corners = flat([[1.5, 1.5], [4.5, 1.5], [4.5, 4.5], [1.5, 4.5]])
    covered = rasterize(corners, torch.tensor([[0, 1, 2], [0, 2, 3]]), pixel_camera(6, 6)).covered
    expected = torch.zeros(1, 6, 6, dtype=torch.bool)
    expected[0, 1:4, 1:4] = True  # rows count from the top: centres 4.5, 3.5, 2.5 but not 1.5
    assert torch.equal(covered, expected)


@settings(max_examples=150)
@given(st.lists(CORNER, min_size=3, max_size=3))
def test_coverage_equals_integer_arithmetic(corners):
    fragments = rasterize(flat(corners), torch.tensor([[0, 1, 2]]), pixel_camera(8, 8))
    snapped = np.array(corners) * [1, -1] + [0, 8]  # to pixels, y down
    expected = raster_integers.covers(snapped * 4096, 8, 8)
    assert np.array_equal(fragments.covered[0].numpy(), expected)


# One corner in each eighth of the circle, in quarter pixels from the hub: a star-shaped ring.
EIGHTH = st.integers(1, 16).flatmap(lambda r: st.tuples(st.just(r), st.integers(0, r - 1)))


@settings(max_examples=60)
@given(
    st.lists(EIGHTH, min_size=8, max_size=8), st.sampled_from([(4.5, 4.5), (3.75, 4.25), (5, 4)])
)
def test_fan_around_a_point_covers_every_centre_once(corners, hub):
    # Corners on quarter pixels put many centres exactly on edges and corners.
    quarter_turn, ring = (1, 0), []
    for i, (r, s) in enumerate(corners):
        x, y = (r, s) if i % 2 == 0 else (r - s, r)
        cos, sin = quarter_turn
        ring.append((hub[0] + (cos * x - sin * y) / 4, hub[1] + (sin * x + cos * y) / 4))
        quarter_turn = quarter_turn if i % 2 == 0 else (-sin, cos)
    faces = torch.tensor([[0, 1 + i, 1 + (i + 1) % 8] for i in range(8)])
    counts = counts_by_face(flat([hub, *ring]), faces, pixel_camera(10, 10))
    inside = np.zeros((10, 10), bool)
    for row in range(10):
        for column in range(10):
            inside[row, column] = strictly_inside((column + 0.5, 9.5 - row), hub, ring)
    assert int(counts.max()) <= 1
    assert bool((counts[torch.from_numpy(inside)] == 1).all())


def strictly_inside(p, hub, ring):
    """Whether a closed triangle of the fan holds the point, which is not on the ring itself."""

    def side(a, b):
        return (b[0] - a[0]) * (p[1] - a[1]) - (b[1] - a[1]) * (p[0] - a[0])

    return any(
        side(hub, a) >= 0 and side(b, hub) >= 0 and side(a, b) > 0
        for a, b in zip(ring, ring[1:] + ring[:1], strict=True)
    )


def test_grid_with_corners_on_pixel_centres_is_hit_once():
    steps = torch.arange(9, dtype=F64) + 0.5
    grid = torch.stack(torch.meshgrid(steps, steps, indexing="xy"), -1).view(-1, 2)
    quads = [(r * 9 + c, r * 9 + c + 1, r * 9 + c + 10, r * 9 + c + 9)
             for r in range(8) for c in range(8)]  # fmt: skip
    faces = torch.tensor([f for a, b, c, d in quads for f in ((a, b, c), (a, c, d))])
    counts = counts_by_face(flat(grid), faces, pixel_camera(10, 10))
    assert int(counts.sum()) == 64
    assert int(counts.max()) == 1


@settings(max_examples=25)
@given(ANGLES, st.floats(0, 0.9), st.floats(20, 150), st.integers(0, 2**31))
def test_closed_mesh_seen_from_inside_has_no_cracks(angles, distance, fovy, seed):
    # The camera is inside: every ray must hit. Most triangles cross the near plane or lie outside.
    vertices, faces = sphere(3)
    rng = np.random.default_rng(seed)
    bumps = torch.from_numpy(rng.uniform(0.97, 1.1, (len(vertices), 1)))
    camera = orbit_cameras(*angles, distance + 1e-3, fovy, 61, 67, dtype=F64)
    for dtype in (torch.float32, F64):
        fragments = rasterize((vertices * bumps).to(dtype), faces, camera.to(dtype), near=1e-3)
        assert bool(fragments.covered.all())


@settings(max_examples=25)
@given(ANGLES, st.floats(1.3, 6))
def test_closed_mesh_seen_from_outside_has_no_pin_holes(angles, distance):
    vertices, faces = sphere(4)
    camera = orbit_cameras(*angles, distance, 50.0, 90, 90, dtype=F64)
    covered = rasterize(vertices, faces, camera).covered[0]
    rows = covered.nonzero()
    # the picture of a convex body: covered pixels of a row are contiguous, and all front faces
    for row in rows[:, 0].unique().tolist():
        columns = covered[row].nonzero()[:, 0]
        assert len(columns) == int(columns[-1] - columns[0]) + 1
    front_only = rasterize(vertices, faces, camera, cull_backfaces=True)
    assert torch.equal(front_only.covered[0], covered)


# ------------------------------------------------------------------------- against a ray caster


@pytest.mark.parametrize("dtype", [torch.float32, F64])
@pytest.mark.parametrize("seed", range(6))
def test_fragments_agree_with_a_ray_caster(seed, dtype):
    # seeds 3 to 5 put the camera among the triangles
    vertices, faces = triangle_soup(seed, 40)
    distance = 2.5 if seed < 3 else 0.4
    camera = orbit_cameras(40.0 * seed, 20.0, distance, 70.0, 40, 45, dtype=F64)
    fragments = rasterize(vertices.to(dtype), faces, camera.to(dtype), near=0.05)
    hits = raster_rays.cast(vertices, faces, camera, 0.05)
    ours = fragments.face_index[0].numpy()
    wrong = (ours != hits.face_index) & hits.certain
    # float32 positions are off by 1e-7, which moves edges at depth 0.05 by less than the band
    assert not wrong.any()
    assert hits.certain.mean() > 0.7
    same = (ours == hits.face_index) & hits.certain & (ours >= 0)
    tolerance = 1e-9 if dtype == F64 else 2e-4
    difference = np.abs(fragments.barycentric[0].numpy()[same] - hits.barycentric[same])
    assert difference.max() < tolerance
    np.testing.assert_allclose(fragments.depth[0].numpy()[same], hits.depth[same], rtol=tolerance)


@pytest.mark.parametrize("reach", [1e2, 1e5, 1e8])
def test_huge_triangles_agree_with_a_ray_caster(reach):
    rng = np.random.default_rng(7)
    corners = rng.uniform(-1, 1, (12, 3)) * reach
    vertices, faces = torch.from_numpy(corners), torch.arange(12).view(4, 3)
    cameras = orbit_cameras([0.0, 90.0, 200.0], 0.0, 2.0, 100.0, 30, 30, dtype=F64)
    for view in range(3):
        fragments = rasterize(vertices, faces, cameras[view])
        hits = raster_rays.cast(vertices, faces, cameras[view], 0.01)
        ours = fragments.face_index[0].numpy()
        assert np.array_equal(ours[hits.certain], hits.face_index[hits.certain])
        seen = hits.certain & (ours >= 0)
        np.testing.assert_allclose(fragments.depth[0].numpy()[seen], hits.depth[seen], rtol=1e-7)


def test_coordinates_are_convex_weights():
    vertices, faces = triangle_soup(1, 200, torch.float32, size=0.05)
    fragments = rasterize(vertices, faces, front(64, dtype=torch.float32))
    inside = fragments.barycentric[fragments.covered]
    assert float(inside.min()) >= 0
    torch.testing.assert_close(inside.sum(-1), torch.ones(len(inside)), rtol=0, atol=3e-7)
    assert not bool(fragments.barycentric[~fragments.covered].any())
    assert not bool(fragments.depth[~fragments.covered].any())


# ------------------------------------------------------------------------- invariances


@settings(max_examples=15)
@given(st.integers(0, 1000))
def test_order_of_faces_does_not_matter(seed):
    vertices, faces = triangle_soup(seed, 40)
    order = torch.from_numpy(np.random.default_rng(seed).permutation(len(faces)))
    plain = rasterize(vertices, faces, front())
    shuffled = rasterize(vertices, faces[order], front())
    renamed = torch.where(shuffled.covered, order[shuffled.face_index.clamp_min(0)], -1)
    assert torch.equal(renamed.int(), plain.face_index)
    assert torch.equal(shuffled.barycentric, plain.barycentric)
    assert torch.equal(shuffled.depth, plain.depth)


def test_views_do_not_depend_on_their_company():
    vertices, faces = triangle_soup(2)
    cameras = orbit_cameras([0.0, 50.0, 100.0], 10.0, 3.0, 45.0, 33, 33, dtype=F64)
    together = rasterize(vertices, faces, cameras)
    for view in range(3):
        alone = rasterize(vertices, faces, cameras[view])
        assert torch.equal(alone.face_index[0], together.face_index[view])
        assert torch.equal(alone.depth[0], together.depth[view])


def test_degenerate_triangles_draw_nothing():
    vertices, faces = triangle_soup(4)
    line = torch.tensor([[0, 0, 1], [2, 2, 2], [5, 6, 6]])
    collinear = torch.tensor([[0.0, 0, 0.9], [0.1, 0.1, 0.9], [0.2, 0.2, 0.9]], dtype=F64)
    bad = torch.cat([faces, line, torch.tensor([[0, 1, 2]]) + len(vertices)])
    plain = rasterize(vertices, faces, front())
    shown = rasterize(torch.cat([vertices, collinear]), bad, front())
    assert torch.equal(plain.face_index, shown.face_index)
    assert torch.equal(plain.depth, shown.depth)


def test_triangle_seen_exactly_edge_on_is_finite():
    vertices = torch.tensor([[0.0, -1, -1], [0, 1, -1], [0, 0, 1]], dtype=F64).requires_grad_()
    camera = orbit_cameras(0.0, 0.0, 3.0, 40.0, 21, 21, dtype=F64)
    fragments = rasterize(vertices, torch.tensor([[0, 1, 2]]), camera)
    (fragments.depth.sum() + fragments.barycentric[..., 0].sum()).backward()
    assert bool(vertices.grad.isfinite().all())


def test_sliver_behind_a_wall_does_not_show_through():
    # Snapping widens a triangle seen almost edge-on until it owns a row of pixel centres 4.5 times
    # its own thickness away, where its plane would come out in front of the wall.
    k = torch.tensor([[[100.0, 0, 8], [0, 100, 8], [0, 0, 1]]], dtype=F64)
    camera = Cameras(torch.eye(4, dtype=F64)[None], k, 16, 16)
    step = 1 / 4096
    corners = [
        (2, 8.5 + 0.45 * step, 3.5),
        (14, 8.5 + 0.45 * step, 3.5),
        (8, 8.5 + 0.55 * step, 10),
    ]
    sliver = [[(x - 8) * z / 100, (y - 8) * z / 100, z] for x, y, z in corners]
    wall = [[-9.0, -9, 2.5], [9, -9, 2.5], [0, 9, 2.5]]
    alone = rasterize(torch.tensor(sliver, dtype=F64), torch.tensor([[0, 1, 2]]), camera)
    assert int(alone.covered.sum()) == 12
    assert float(alone.depth[alone.covered].min()) >= 3.5
    both = torch.tensor(sliver + wall, dtype=F64)
    fragments = rasterize(both, torch.tensor([[0, 1, 2], [3, 4, 5]]), camera)
    assert bool((fragments.face_index == 1).all())


# ------------------------------------------------------------------------- gradients


@pytest.mark.parametrize("distance", [3.0, 0.7])
def test_gradients_equal_autograd_through_a_linear_solve(distance):
    vertices, faces = triangle_soup(5, 20)
    cameras = orbit_cameras([10.0, 120.0], 25.0, distance, 60.0, 24, 28, dtype=F64)
    generator = np.random.default_rng(1)
    fragments = rasterize(vertices, faces, cameras)
    weights = [torch.from_numpy(generator.standard_normal(one.shape))
               for one in (fragments.barycentric, fragments.depth)]  # fmt: skip
    grads = []
    for twin in (False, True):
        points = vertices.clone().requires_grad_()
        poses = cameras.w2c.clone().requires_grad_()
        moved = Cameras(poses, cameras.intrinsics, cameras.height, cameras.width)
        if twin:
            outputs = raster_torch.locate(points, faces, moved, fragments.face_index)
        else:
            drawn = rasterize(points, faces, moved)
            outputs = (drawn.barycentric, drawn.depth)
        sum((o * w).sum() for o, w in zip(outputs, weights, strict=True)).backward()
        grads.append((points.grad, poses.grad))
    for ours, twins in zip(*grads, strict=True):
        # pixels on the very edge are clamped here and not in the twin: 1e-4 as promised
        torch.testing.assert_close(ours, twins, rtol=1e-4, atol=1e-4 * float(twins.abs().max()))


def test_gradcheck_of_coordinates_and_depth():
    vertices, faces = triangle_soup(6, 5)
    camera = front(9)

    def draw(points):
        fragments = rasterize(points, faces, camera)
        return fragments.barycentric, fragments.depth

    assert torch.autograd.gradcheck(draw, vertices.requires_grad_(), eps=1e-7, atol=1e-5)


@pytest.mark.parametrize("turn", range(3))
def test_gradcheck_where_snapping_puts_the_centre_outside(turn):
    # the left side lies 0.4 grid steps right of the pixel centres that it owns after snapping
    left = 2.5 + 0.4 / 4096
    corners = flat([[left, 1], [8, 4], [left, 7]]) - torch.tensor([0.0, 0, 0.1], dtype=F64)
    corners[:, :2] = (corners[:, :2] - 4) * 1.1 + 4  # back to the same pixels at depth 1.1
    camera, faces = pixel_camera(8, 8), torch.tensor([[0, 1, 2]]).roll(turn, 1)
    camera.intrinsics[0, :2, 2] = torch.tensor([4.0, 4.0])
    camera.w2c[0, :2, 3] = torch.tensor([-4.0, 4.0])

    def draw(points):
        fragments = rasterize(points, faces, camera)
        return fragments.barycentric[0, :, 2], fragments.depth[0, :, 2]

    outside = draw(corners)[0]
    assert int((outside.sum(-1) > 0).sum()) == 6
    assert not bool(outside[:, (1 + turn) % 3].any())  # clamped
    assert torch.autograd.gradcheck(draw, corners.requires_grad_(), eps=1e-8, atol=1e-5)


def test_float32_gradients_are_close_to_float64():
    vertices, faces = sphere(3)
    grads = {}
    for dtype in (torch.float32, F64):
        points = vertices.to(dtype).requires_grad_()
        fragments = rasterize(points, faces, front(40, dtype=dtype))
        (fragments.depth.square().sum() + fragments.barycentric[..., 1].sum()).backward()
        grads[dtype] = points.grad.double()
    scale = float(grads[F64].abs().max())
    torch.testing.assert_close(grads[torch.float32], grads[F64], rtol=0, atol=1e-3 * scale)


# ------------------------------------------------------------------------- refusals


@pytest.mark.parametrize(
    ("vertices", "faces", "message"),
    [
        (torch.zeros(3, 3), torch.zeros(0, 3, dtype=torch.long), "no faces"),
        (torch.zeros(3, 3), torch.tensor([[0, 1, 3]]), "vertex 3, but there are 3"),
        (torch.zeros(3, 3), torch.tensor([[0, -1, 2]]), "vertex -1"),
        (torch.tensor([[0, 0, 0], [0, float("nan"), 0], [1, 1, 1.0]]), torch.tensor([[0, 1, 2]]),
         "1 of 3 vertices are not finite numbers, first vertex 1"),
        (torch.full((3, 3), float("inf")), torch.tensor([[0, 1, 2]]), "3 of 3 vertices"),
        (torch.zeros(0, 3), torch.tensor([[0, 1, 2]]), "vertex 2, but there are 0"),
        (torch.zeros(3, 3).half(), torch.tensor([[0, 1, 2]]), "float32 or float64"),
    ],
)  # fmt: skip
def test_meshes_that_cannot_be_drawn_are_refused(vertices, faces, message):
    with pytest.raises(InputError, match=message):
        rasterize(vertices, faces, front(dtype=torch.float32))


def test_requests_that_cannot_be_met_are_refused():
    vertices, faces = square(torch.float32)
    camera = front(dtype=torch.float32)
    with pytest.raises(InputError, match="near must be above 0"):
        rasterize(vertices, faces, camera, near=0.0)
    with pytest.raises(InputError, match="16384 pixels"):
        rasterize(vertices, faces, Cameras(camera.w2c, camera.intrinsics, 20000, 4))
    broken = Cameras(camera.w2c * float("nan"), camera.intrinsics, 8, 8)
    with pytest.raises(InputError, match="poses contain values that are not finite"):
        rasterize(vertices, faces, broken)
    with pytest.raises(InputError, match=r"float32 vertices but torch\.float64 cameras"):
        rasterize(vertices, faces, front())
