import io

import numpy as np
import pytest
import torch
import trimesh

from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from common.report.asset_check import check_glb
from tests.threed.kit_views import AROUND_8, HELD_OUT, kit_views
from threed.finishing import FinishOptions, finished
from threed.glb import glb_bytes
from threed.measures.billboard import flatness
from threed.measures.consistency import view_psnr
from threed.measures.silhouettes import mesh_iou
from threed.meshing.surface import SurfaceOptions
from threed.optimise.fit_options import FitOptions
from threed.optimise.fit_views import fit_views
from threed.rendering.volume import render
from threed.scenes.voxel_field import VoxelField
from threed.textured_trimesh import textured_trimesh, triangle_mesh
from threed.texturing.bake import BakeOptions, Pictures
from threed.texturing.refine import RefineOptions, solid_pixels

OPTIONS = FinishOptions(bake=BakeOptions(size=512))


@pytest.fixture(scope="module")
def duck():
    """The pictures of a duck, and what is made of them."""
    torch.set_num_threads(1)
    given = kit_views("duck", AROUND_8, 64)
    pictures = Pictures(given.rgba, given.cameras)
    options = FitOptions(num_cells=48, steps=(40, 40), rays_per_step=2048)
    *_, last = fit_views(pictures.rgba, pictures.cameras, options)
    live = last.field
    field = VoxelField(live.density.detach(), live.colour.detach(), live.low, live.high)
    return pictures, field, finished(field, pictures, OPTIONS)


def test_mesh_is_one_closed_body_of_the_right_size(duck):
    mesh = duck[2].mesh
    solid = trimesh.Trimesh(mesh.vertices.numpy(), mesh.faces.numpy(), process=False)
    assert solid.is_watertight
    assert solid.volume > 0
    assert len(solid.split()) == 1
    assert 2_000 < len(mesh.faces) < 20_000
    assert float(solid.extents.max()) == pytest.approx(1.0, abs=0.05)
    assert not flatness(mesh).is_billboard


def test_file_looks_like_the_object_from_new_sides(duck, tmp_path):
    pictures, _, made = duck
    data = glb_bytes(textured_trimesh(made.mesh))
    (tmp_path / "duck.glb").write_bytes(data)
    check_glb(tmp_path / "duck.glb")
    back = triangle_mesh(trimesh.load_mesh(io.BytesIO(data), file_type="glb"))
    held = kit_views("duck", HELD_OUT, 64)
    for views, min_psnr, min_iou in ((pictures, 22.0, 0.95), (held, 20.0, 0.93)):
        seen = render_mesh(back, views.cameras, lighting=FLAT_LIGHTING).rgba
        assert float(view_psnr(seen, views.rgba).mean()) > min_psnr
        assert float(mesh_iou(back, views.rgba[..., 3], views.cameras).mean()) > min_iou
    assert made.silhouette_iou > 0.95


def interior_psnr(mesh, field, cameras):
    """PSNR in dB of the mesh against the scene, where both fill a pixel and its neighbours."""
    with torch.no_grad():
        wanted = render(field, cameras).rgba
    shown = render_mesh(mesh, cameras, lighting=FLAT_LIGHTING).rgba
    inside = solid_pixels(wanted[..., 3], 0.95, 1) & solid_pixels(shown[..., 3], 0.99, 1)
    assert float(inside.double().mean()) > 0.05
    straight = [one[..., :3][inside] / one[..., 3:][inside] for one in (wanted, shown)]
    return float(-10 * (straight[0] - straight[1]).square().mean().log10())


def test_mesh_looks_like_the_scene_it_was_made_from(duck):
    pictures, field, made = duck
    with torch.no_grad():
        alpha = render(field, pictures.cameras).opacity
    assert float(mesh_iou(made.mesh, alpha, pictures.cameras).mean()) > 0.95
    assert interior_psnr(made.mesh, field, pictures.cameras) > 30  # measured 30.7
    assert made.unwrapped.way == "xatlas"
    assert made.unwrapped.reasons == ()


def test_budget_surface_and_refinement_are_options(duck):
    pictures, field, _ = duck
    options = FinishOptions(
        SurfaceOptions("dual_contouring"), 1500, BakeOptions(size=256, supersample=1),
        padding_texels=4, refine=RefineOptions(num_steps=4),
    )  # fmt: skip
    light = finished(field, pictures, options)
    solid = trimesh.Trimesh(light.mesh.vertices.numpy(), light.mesh.faces.numpy(), process=False)
    assert len(solid.faces) <= 1500
    assert solid.is_watertight
    iou = mesh_iou(light.mesh, pictures.rgba[..., 3], pictures.cameras)
    assert float(iou.mean()) > 0.94


def test_front_of_the_file_is_the_front_of_the_object(duck):
    pictures, _, made = duck
    front = render_mesh(made.mesh, pictures.cameras[0], lighting=FLAT_LIGHTING).rgba
    scores = [float(view_psnr(front, pictures.rgba[view : view + 1])) for view in range(8)]
    assert int(np.argmax(scores)) == 0


def test_the_scene_alone_can_be_baked(duck):
    pictures, field, made = duck
    alone = finished(field, pictures, FinishOptions(bake=OPTIONS.bake, bake_pictures=False))
    assert torch.equal(alone.mesh.vertices, made.mesh.vertices)
    assert not torch.equal(alone.mesh.texture, made.mesh.texture)
    seen = render_mesh(alone.mesh, pictures.cameras, lighting=FLAT_LIGHTING).rgba
    assert float(view_psnr(seen, pictures.rgba).mean()) > 20


def test_the_same_scene_gives_the_same_bytes(duck):
    pictures, field, made = duck
    again = finished(field, pictures, OPTIONS)
    assert glb_bytes(textured_trimesh(again.mesh)) == glb_bytes(textured_trimesh(made.mesh))
