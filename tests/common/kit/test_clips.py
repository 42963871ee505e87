"""The ground truth of a clip is true of its frames."""

import numpy as np
import pytest
import torch
from PIL import Image, ImageDraw

from common.cameras import Cameras, project, unproject
from common.kit.catalogue import category_named
from common.kit.clips import KitClip, moved, render_clip
from common.kit.instances import instance
from common.kit.motions import MOTIONS, motion_named
from common.kit.revolve import ball
from common.kit.textured import textured_mesh
from common.kit.views import View
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh

SIZE = 64
FRAMES = 6
STILL_FACED = [motion.name for motion in MOTIONS if motion.name != "talk"]


def filmed(motion: str, category: str = "teapot", azimuth: float = 0.0, seed: int = 0) -> KitClip:
    one = instance(category_named(category), 1)
    view = View(azimuth, 20.0, 35.0, 0.8)
    rng = np.random.default_rng(seed)
    return render_clip(one, motion_named(motion), view, FRAMES, rng, size=SIZE)


def rest_mesh(category: str = "teapot") -> TriangleMesh:
    return textured_mesh(instance(category_named(category), 1).parts)


def projected(clip: KitClip, frame: int, vertices: torch.Tensor) -> np.ndarray:
    """Where the track says that the vertices are in the picture, by the test's own arithmetic."""
    world = vertices.double().numpy() @ clip.track.transforms[frame, :3, :3].T
    world += clip.track.transforms[frame, :3, 3]
    camera = clip.frames.cameras[frame].to(torch.float64)
    return project(camera, torch.from_numpy(world))[0][0].numpy()


@pytest.mark.parametrize("azimuth", [0.0, 130.0, 290.0])
@pytest.mark.parametrize("motion", STILL_FACED)
def test_object_stays_inside_the_picture_and_fills_it(motion: str, azimuth: float):
    clip = filmed(motion, azimuth=azimuth)
    vertices = rest_mesh().vertices
    pixels = np.concatenate([projected(clip, frame, vertices) for frame in range(FRAMES)])
    low, high = pixels.min(0), pixels.max(0)
    # Never more than asked; the search for the distance may stop a little too far away.
    assert 0.87 * 0.8 * SIZE < (high - low).max() < 0.8 * SIZE + 0.05
    assert (low + high) / 2 == pytest.approx(SIZE / 2, abs=0.05)
    alpha = clip.frames.rgba[..., 3]
    border = torch.ones(SIZE, SIZE, dtype=torch.bool)
    border[1:-1, 1:-1] = False
    assert not alpha[:, border].any()
    assert (alpha > 0.5).sum((1, 2)).min() > 50


@pytest.mark.parametrize("motion", STILL_FACED)
def test_silhouette_is_that_of_the_transformed_mesh(motion: str):
    clip = filmed(motion, azimuth=40.0, seed=3)
    mesh = rest_mesh()
    for frame in (1, FRAMES - 2):
        drawn = painted_triangles(projected(clip, frame, mesh.vertices), mesh.faces.numpy())
        alpha = clip.frames.rgba[frame, ..., 3].double().numpy()
        # 2 x 2 against 16 x 16 samples a pixel, the latter with an outline a sample wide: they
        # differ by some 0.1 pixels along the outline, and nowhere else.
        assert np.abs(alpha - drawn).max() <= 0.6
        assert np.abs(alpha - drawn).sum() < 0.05 * drawn.sum()
        grid = np.arange(SIZE) + 0.5
        for axis in (0, 1):
            seen = (alpha.sum(axis) @ grid) / alpha.sum()
            assert seen == pytest.approx((drawn.sum(axis) @ grid) / drawn.sum(), abs=0.15)


def painted_triangles(pixels: np.ndarray, faces: np.ndarray, finer: int = 16) -> np.ndarray:
    """What any projected triangle covers of every pixel, by another library."""
    canvas = Image.new("L", (SIZE * finer, SIZE * finer))
    draw = ImageDraw.Draw(canvas)
    for corners in pixels[faces] * finer - 0.5:
        draw.polygon([tuple(corner) for corner in corners.tolist()], fill=255)
    covered = np.asarray(canvas).astype(float) / 255
    coverage = np.pad(covered.reshape(SIZE, finer, SIZE, finer).mean((1, 3)), 1)
    # The pixel filter of kit pictures: (1, 6, 1) / 8 along both axes.
    rows = (coverage[:-2] + 6 * coverage[1:-1] + coverage[2:]) / 8
    return (rows[:, :-2] + 6 * rows[:, 1:-1] + rows[:, 2:]) / 8


@pytest.mark.parametrize("motion", ["turntable", "spin", "wobble", "tip over", "slide left"])
def test_moving_the_object_is_moving_the_camera_the_other_way(motion: str):
    clip = filmed(motion, azimuth=40.0)
    frame = FRAMES - 2
    camera = clip.frames.cameras[frame]
    move = torch.from_numpy(clip.track.transforms[frame]).float()
    other = Cameras(camera.w2c @ move, camera.intrinsics, SIZE, SIZE)
    still = render_mesh(rest_mesh(), other)
    # Positions agree to float32 rounding, so pixels can differ only where an edge is hit exactly.
    assert (still.part_id[0] != clip.frames.part_id[frame]).float().mean() < 2e-3
    same = still.part_id[0] == clip.frames.part_id[frame]
    depth = (still.depth[0] - clip.frames.depth[frame]).abs()[same]
    assert float(depth.quantile(0.99)) < 1e-4
    world = still.normal[0] @ move[:3, :3].T
    turned = (world - clip.frames.normal[frame]).norm(dim=-1)[same]
    assert float(turned.quantile(0.99)) < 1e-3


@pytest.mark.parametrize("motion", ["turntable", "hop", "shrink", "tip over"])
def test_every_pixel_lies_on_the_part_that_it_names(motion: str):
    clip = filmed(motion, category="hammer", azimuth=30.0)
    mesh = rest_mesh("hammer")
    assert mesh.part_ids is not None
    for frame in (0, 2, FRAMES - 1):
        seen = clip.frames.part_id[frame] >= 0
        rows, columns = torch.nonzero(seen, as_tuple=True)
        keep = torch.arange(0, len(rows), max(1, len(rows) // 40))
        rows, columns = rows[keep], columns[keep]
        centres = torch.stack([columns, rows], -1)[None].double() + 0.5
        depth = clip.frames.depth[frame, rows, columns][None].double()
        world = unproject(clip.frames.cameras[frame].to(torch.float64), centres, depth)[0].numpy()
        back = np.linalg.inv(clip.track.transforms[frame])
        points = world @ back[:3, :3].T + back[:3, 3]
        parts = clip.frames.part_id[frame, rows, columns].numpy()
        for point, part in zip(points, parts, strict=True):
            corners = mesh.vertices[mesh.faces[mesh.part_ids == int(part)]].double().numpy()
            # Depth is float32 of about 3 metres: rounding of 2e-7, times the slope of the surface.
            assert distance_to(corners, point) < 2e-5


def distance_to(triangles: np.ndarray, point: np.ndarray) -> float:
    from trimesh.triangles import closest_point

    nearest = closest_point(triangles, np.tile(point, (len(triangles), 1)))
    return float(np.linalg.norm(nearest - point, axis=1).min())


def test_parts_keep_their_numbers_through_the_clip():
    clip = filmed("slide left", category="hammer")
    one = instance(category_named("hammer"), 1)
    for frame in clip.frames.part_id:
        seen = set(frame.unique().tolist())
        assert seen <= set(range(-1, len(one.parts)))
        names = {one.parts[index].name for index in seen - {-1}}
        assert {"handle", "head"} <= names


@pytest.mark.usefixtures("unchecked_builders")
def test_talking_face_keeps_colours_and_parts():
    one = instance(category_named("cat face"), 3, main="green", accent="red")
    view = View(0.0, 12.0, 25.0)
    clip = render_clip(one, motion_named("talk"), view, 4, np.random.default_rng(0), size=SIZE)
    still = render_clip(
        one, motion_named("slide left"), view, 2, np.random.default_rng(0), size=SIZE
    )
    fur = [index for index, part in enumerate(one.parts) if part.name == "fur"]
    for frames in (clip.frames, still.frames):
        mask = torch.isin(frames.part_id[0], torch.tensor(fur, dtype=torch.int32))
        red, green, blue = frames.rgba[0][mask][:, :3].mean(0)
        assert green > 1.5 * torch.maximum(red, blue)
    assert set(clip.frames.part_id.unique().tolist()) <= set(range(-1, len(one.parts)))


def test_normals_of_a_stretched_ball_are_those_of_the_ellipsoid():
    sphere = ball(1.0, 24, 16)
    mesh = TriangleMesh(
        torch.from_numpy(sphere.vertices).float(),
        torch.from_numpy(sphere.faces),
        normals=torch.from_numpy(sphere.vertices).float(),
    )
    stretch = np.diag([1.7, 0.5, 0.9, 1.0])
    stretch[:3, 3] = 0.3, -0.2, 0.1
    result = moved(mesh, stretch)
    # The gradient of (x/a)^2 + (y/b)^2 + (z/c)^2 at the stretched point is (x, y, z) of the ball
    # divided by (a, b, c).
    wanted = torch.nn.functional.normalize(mesh.vertices / torch.tensor([1.7, 0.5, 0.9]), dim=-1)
    assert result.normals is not None
    assert torch.allclose(result.normals, wanted, atol=1e-6)  # float32 rounding
    centre = torch.tensor([0.3, -0.2, 0.1])
    assert torch.allclose(
        result.vertices - centre, mesh.vertices * torch.tensor([1.7, 0.5, 0.9]), atol=1e-6
    )


def test_normals_of_a_squashed_object_still_fit_its_faces():
    mesh = rest_mesh("mug")
    squashed = moved(mesh, np.diag([1.3, 0.6, 1.3, 1.0]))
    before, after = (agreement(one) for one in (mesh, squashed))
    assert float(after.min()) > 0
    assert float(after.mean()) > float(before.mean()) - 0.01


def agreement(mesh: TriangleMesh) -> torch.Tensor:
    """Cosine between each face's own normal and the mean of the normals at its corners."""
    corners = mesh.vertices[mesh.faces]
    own = torch.linalg.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert mesh.normals is not None
    mean = mesh.normals[mesh.faces].mean(1)
    large = own.norm(dim=-1) > 1e-5
    return torch.nn.functional.cosine_similarity(own, mean, dim=-1)[large]


def test_clip_is_the_same_to_the_bit_again():
    first, again = (filmed("hop", seed=4) for _ in range(2))
    for name in ("rgba", "depth", "normal", "part_id"):
        assert torch.equal(getattr(first.frames, name), getattr(again.frames, name))
    assert len(first.frames.cameras) == FRAMES
    assert torch.equal(first.frames.cameras.w2c[0], first.frames.cameras.w2c[-1])
