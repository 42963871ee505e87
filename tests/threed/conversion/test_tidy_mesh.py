"""Meshes cleaned, decimated and textured anew on their way through a conversion."""

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image
from trimesh.visual import TextureVisuals
from trimesh.visual.material import PBRMaterial

from common.raster.mesh import TriangleMesh, face_normals
from tests.threed.real_meshes import mesh_file
from threed.conversion.options import Cleaning
from threed.conversion.tidy_mesh import tidied
from threed.convert import Convert
from threed.drawable import drawable_mesh
from threed.measures.render_back import render_back
from threed.texturing.carried_texture import carried_texture, nearest_points, surface_colours
from threed.texturing.unwrap import UnwrapOptions, unwrapped


def ball(level=3) -> trimesh.Trimesh:
    """A unit ball whose colours at vertices vary smoothly with position."""
    mesh = trimesh.creation.icosphere(level)
    colours = (255 * (0.5 + 0.45 * mesh.vertices)).round().astype(np.uint8)
    mesh.visual = trimesh.visual.ColorVisuals(vertex_colors=colours)
    return mesh


def test_nothing_asked_for_changes_nothing():
    mesh = ball()
    tidy = tidied(mesh, None, None, None)
    assert tidy.mesh is mesh
    assert (tidy.losses, tidy.notes) == ((), ())


def test_nearest_points_are_exact_and_on_the_right_side():
    """Two parallel squares a hair apart that look away from each other."""
    square = np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0.0]])
    both = TriangleMesh(
        torch.tensor(np.concatenate([square, square - np.array([0, 0, 1e-3])])).float(),
        torch.tensor([[0, 1, 2], [0, 2, 3], [4, 6, 5], [4, 7, 6]]).int(),
        face_colors=torch.tensor([[1.0, 0, 0]] * 2 + [[0, 0, 1.0]] * 2),
    )
    points = torch.rand(200, 3, generator=torch.Generator().manual_seed(0))
    points[:, 2] = -5e-4
    for sign, colour in ((1.0, [1.0, 0, 0]), (-1.0, [0, 0, 1.0])):
        normals = torch.tensor([[0.0, 0, sign]]).expand(200, 3)
        faces, weights = nearest_points(both, points, normals)
        corners = both.vertices.double()[both.faces[faces].long()]
        found = (corners * weights[..., None]).sum(1)
        torch.testing.assert_close(found[:, :2], points[:, :2].double(), atol=1e-6, rtol=0)
        seen = surface_colours(both, faces, weights)
        torch.testing.assert_close(seen, torch.tensor([colour]).double().expand(200, 3))


def test_carried_colours_are_those_of_the_surface():
    source = drawable_mesh(ball(4))
    coarse = drawable_mesh(ball(2))
    page = unwrapped(coarse, UnwrapOptions(256, 4, deadline_s=0.0)).mesh
    textured = carried_texture(page, source, 256)
    assert textured.vertex_colors is None
    back = render_back(source, textured)
    # the coarse ball lies up to 2 % within the fine one; colours vary by 0.45 over its radius
    assert back.psnr_db > 38


def test_decimated_mesh_keeps_colours_in_a_new_texture(tmp_path):
    ball(5).export(tmp_path / "ball.ply")
    asset = Convert(input=tmp_path / "ball.ply", max_faces=1000, texture_px=256).make()
    assert 500 < len(asset.mesh.faces) <= 1000
    assert any(note.startswith("Decimated from 20,480 to") for note in asset.notes)
    assert any(note.startswith("Texture coordinates: ") for note in asset.notes)
    given = drawable_mesh(Convert(input=tmp_path / "ball.ply").make().mesh)
    back = render_back(given, drawable_mesh(asset.mesh))
    assert back.psnr_db > 38
    assert back.silhouette_iou > 0.98


def test_texture_survives_closing_a_hole():
    """Faces that are made have no coordinates, so the page is made anew and painted as it was."""
    whole = drawable_mesh(ball(3))
    page = carried_texture(unwrapped(whole, UnwrapOptions(128, 4, deadline_s=0.0)).mesh, whole, 128)
    corners = page.uv_faces.numpy()[:-40]
    material = PBRMaterial(
        baseColorTexture=Image.fromarray((page.texture * 255).byte().numpy()),
        baseColorFactor=[255, 255, 255, 255], metallicFactor=0.25, roughnessFactor=0.5,
    )  # fmt: skip
    vertices = np.zeros((len(page.uvs), 3))
    vertices[page.uv_faces.numpy().ravel()] = page.vertices[page.faces.flatten().long()].numpy()
    open_ball = trimesh.Trimesh(
        vertices, corners, visual=TextureVisuals(uv=page.uvs.numpy(), material=material),
        process=False,
    )  # fmt: skip
    tidy = tidied(open_ball, Cleaning(), None, None)
    assert "holes closed; closed." in tidy.notes[0]
    assert len(corners) < len(tidy.mesh.faces) < len(whole.faces)
    assert tidy.mesh.visual.material.metallicFactor == 0.25
    assert tidy.mesh.visual.material.roughnessFactor == 0.5
    given, back = drawable_mesh(open_ball), drawable_mesh(tidy.mesh)
    count = len(given.faces)
    wanted = surface_colours(given, torch.arange(count), torch.full((count, 3), 1 / 3).double())
    middles = given.vertices[given.faces.long()].mean(1)
    found = nearest_points(back, middles, face_normals(given.vertices, given.faces))
    # linear colours from 0 to 1 over 128 texels, 1 % of them a texel
    assert float((surface_colours(back, *found) - wanted).abs().mean()) < 0.01


def test_spots_own_coordinates_carry_its_texture():
    asset = Convert(input=mesh_file("spot"), texture_px=256).make()
    assert any("all shrunk to 0.953" in note for note in asset.notes)
    assert any(note.startswith("Texture coordinates: kept") for note in asset.notes)
    assert asset.mesh.visual.material.baseColorTexture.size == (256, 256)


@pytest.mark.parametrize("cleaning", [None, Cleaning()])
def test_plain_meshes_keep_their_factor(tmp_path, cleaning):
    (tmp_path / "m.mtl").write_text("newmtl m\nKd 0.5 0.1 0.1\n")
    (tmp_path / "m.obj").write_text(
        "mtllib m.mtl\nusemtl m\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\n"
        "f 1 3 2\nf 1 2 4\nf 2 3 4\nf 3 1 4\n"
    )
    mesh = Convert(input=tmp_path / "m.obj", cleaning=cleaning).make().mesh
    colours = drawable_mesh(mesh).vertex_colors
    assert np.allclose(colours.numpy(), [[0.5, 0.1, 0.1]], atol=0.02)
