from dataclasses import replace

import pytest
import torch
import trimesh

from common.cameras import project
from common.errors import InputError
from common.raster.mesh import TriangleMesh
from threed.drawable import drawable_mesh
from threed.measures.render_back import framed, interior_psnr, render_back, views_all_round


def ball(radius: float = 0.5, shift: float = 0.0) -> TriangleMesh:
    mesh = trimesh.creation.icosphere(2, radius=radius)
    mesh.apply_translation([shift, 0, 0])
    return drawable_mesh(mesh)


def test_same_mesh_agrees_wholly_at_any_size_and_place():
    for one in (ball(), ball(1e-3, 5.0), ball(300.0)):
        found = render_back(one, one)
        assert (found.psnr_db, found.silhouette_iou) == (100.0, 1.0)


def test_colours_that_are_off_have_the_psnr_of_their_difference():
    one = ball()
    tinted = replace(one, vertex_colors=torch.full((len(one.vertices), 3), 0.9))
    dimmed = replace(one, vertex_colors=torch.full((len(one.vertices), 3), 0.8))
    found = render_back(tinted, dimmed)
    # -10 log10(0.1^2) = 20 dB: flat light shows colours as they are
    assert found.psnr_db == pytest.approx(20.0, abs=1e-3)
    assert found.silhouette_iou == 1.0


def test_smaller_ball_overlaps_by_the_ratio_of_the_discs():
    found = render_back(ball(0.5), ball(0.4))
    # 0.8^2 in parallel projection; perspective changes it by under a percent
    assert found.silhouette_iou == pytest.approx(0.64, abs=0.01)


def test_pictures_without_common_pixels_have_no_psnr():
    blank = torch.zeros(1, 4, 4, 4)
    assert interior_psnr(blank, torch.ones(1, 4, 4, 4)) == 0.0


def test_cameras_see_all_of_a_long_thin_mesh():
    rod = drawable_mesh(trimesh.creation.box(extents=(4.0, 0.1, 0.2)))
    pixels, depth = project(views_all_round(64), framed(rod, rod).vertices)
    assert bool((depth > 0).all())
    assert bool(((pixels > 0) & (pixels < 64)).all())


def test_a_point_is_refused():
    point = TriangleMesh(torch.zeros(3, 3), torch.tensor([[0, 1, 2]]))
    with pytest.raises(InputError, match="one point"):
        render_back(point, point)
