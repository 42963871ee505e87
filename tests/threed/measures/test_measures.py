import math

import pytest
import torch
import trimesh

from common.cameras import orbit_cameras
from common.embedded.orbit import DISTANCE_M, FOVY_DEG
from common.errors import InputError
from common.raster.mesh import TriangleMesh
from tests.threed.scenes.test_visual_hull import ball_alpha
from threed.measures.billboard import flatness, surface_covariance
from threed.measures.consistency import view_psnr
from threed.measures.ellipsoid import Ellipsoid, best_ellipsoid, ellipsoid_iou, outline_distance
from threed.measures.silhouettes import mesh_iou, silhouette_iou, silhouettes

F64 = torch.float64


def as_mesh(solid) -> TriangleMesh:
    return TriangleMesh(
        torch.tensor(solid.vertices, dtype=torch.float32), torch.tensor(solid.faces)
    )


def around(size=64, count=8):
    azimuths = [360.0 * i / count for i in range(count)]
    return orbit_cameras(azimuths, [12.0, 30.0] * (count // 2), DISTANCE_M, FOVY_DEG, size, size)


def test_iou_of_known_rectangles():
    ours, theirs = torch.zeros(1, 8, 8), torch.zeros(1, 8, 8)
    ours[:, :4, :4] = 1.0
    theirs[:, 2:6, :4] = 0.9
    assert silhouette_iou(ours, theirs).item() == pytest.approx(8 / 24)
    assert silhouette_iou(theirs, theirs).item() == 1.0
    with pytest.raises(InputError, match=r"views \[0\] show nothing"):
        silhouette_iou(ours, torch.zeros(1, 8, 8))


def test_silhouette_of_a_sphere_has_its_disc():
    sphere = as_mesh(trimesh.creation.icosphere(4, 0.4))
    cameras = around(96)
    area = silhouettes(sphere, cameras, 4).sum((1, 2))
    focal = float(cameras.intrinsics[0, 0, 0])
    expected = math.pi * (focal * math.tan(math.asin(0.4 / DISTANCE_M))) ** 2
    # the faceted ball lies inside the sphere, by 0.2 % of its area
    assert area.tolist() == pytest.approx([expected] * 8, rel=0.005)
    assert float(mesh_iou(sphere, ball_alpha(cameras, 0.4).float(), cameras).min()) > 0.98


def test_outline_of_a_turned_ellipsoid_is_that_of_its_mesh():
    turn = trimesh.transformations.rotation_matrix(0.7, [1, 2, 3])[:3, :3]
    shape = turn @ torch.diag(torch.tensor([0.45, 0.2, 0.1], dtype=F64)).numpy()
    centre = torch.tensor([0.05, -0.1, 0.08], dtype=F64)
    solid = trimesh.creation.icosphere(5, 1.0)
    solid.vertices = solid.vertices @ shape.T + centre.numpy()
    cameras = around()
    ellipsoid = Ellipsoid(centre, torch.from_numpy(shape))
    inside = outline_distance(ellipsoid, cameras.to(F64)) > 0
    drawn = silhouettes(as_mesh(solid), cameras, 1) > 0.5
    # pixel centres that lie on the outline to within the mesh's facets
    assert float((inside != drawn).double().mean()) < 5e-4
    few = cameras[0:8:2]
    fitted = best_ellipsoid(drawn[0:8:2].float(), few)
    # one pixel along the outline of the thinnest view is 6 % of its area
    assert float(ellipsoid_iou(fitted, drawn[0:8:2].float(), few).mean()) > 0.96


def test_best_ellipsoid_of_a_box_is_good_but_not_perfect():
    cameras = around(48, 4)
    box = silhouettes(as_mesh(trimesh.creation.box((0.9, 0.5, 0.3))), cameras)
    iou = float(ellipsoid_iou(best_ellipsoid(box, cameras), box, cameras).mean())
    # a disc of the best size overlaps a square by 0.82 or so, and outlines of boxes are rounder
    assert 0.75 < iou < 0.93


def test_best_ellipsoid_is_no_worse_than_any_ball():
    cameras = around(48, 4)
    handle = silhouettes(as_mesh(trimesh.creation.capsule(0.6, 0.12)), cameras)
    fitted = float(ellipsoid_iou(best_ellipsoid(handle, cameras), handle, cameras).mean())
    balls = [
        float(silhouette_iou(ball_alpha(cameras, radius), handle.double()).mean())
        for radius in (0.15, 0.2, 0.3, 0.4)
    ]
    assert fitted > max(balls) + 0.1


def test_surface_covariance_is_that_of_many_points():
    box = trimesh.creation.box((1.0, 0.5, 0.2))
    ours = surface_covariance(torch.tensor(box.vertices), torch.tensor(box.faces))
    points, _ = trimesh.sample.sample_surface(box, 100_000, seed=0)
    # standard error of a variance of 1e5 points: 0.5 %
    torch.testing.assert_close(
        ours, torch.from_numpy(points.T @ points / len(points)), rtol=0.02, atol=5e-4
    )


def test_plates_are_billboards_and_bodies_are_not():
    plate = flatness(as_mesh(trimesh.creation.box((0.9, 0.9, 0.03))))
    assert plate.is_billboard
    assert plate.side_share < 0.06  # 0.03 / 0.9, and pixels of 1.7 cm
    ball = flatness(as_mesh(trimesh.creation.icosphere(3, 0.4)))
    assert not ball.is_billboard
    assert ball.thinness == pytest.approx(1.0, abs=1e-6)
    assert ball.side_share > 0.97
    lying = flatness(as_mesh(trimesh.creation.box((0.9, 0.03, 0.9))))
    assert lying.thinness < 0.06
    assert not lying.is_billboard  # a plate that lies is as broad from all sides


def test_view_psnr_is_that_of_a_known_error():
    pictures = torch.zeros(2, 16, 16, 4)
    pictures[:, 4:12, 4:12] = torch.tensor([0.5, 0.5, 0.5, 1.0])
    off = pictures.clone()
    off[0, 4:12, 4:12, :3] += 0.1
    psnr = view_psnr(off, pictures)
    assert psnr[0].item() == pytest.approx(20.0, abs=1e-3)
    assert psnr[1].item() == 100.0
