"""glTF scenes as one mesh, and what is said of what gets lost."""

import numpy as np
import pytest
import trimesh

from common.errors import InputError
from tests.threed.gltf.samples import changed, clean, painted_ball
from threed.drawable import corner_colors, drawable_mesh
from threed.glb import glb_bytes
from threed.gltf.as_trimesh import gltf_trimesh
from threed.gltf.document import parse_gltf
from threed.measures.render_back import render_back


def test_own_file_comes_back_as_it_was():
    read = gltf_trimesh(parse_gltf(clean()))
    assert read.losses == ()
    found = render_back(painted_ball(), drawable_mesh(read.mesh))
    # pictures of 1/255: 53 dB and more
    assert found.psnr_db > 50
    again = gltf_trimesh(parse_gltf(glb_bytes(read.mesh)))
    assert np.array_equal(again.mesh.vertices, read.mesh.vertices)
    assert np.array_equal(again.mesh.visual.uv, read.mesh.visual.uv)


def test_mirrored_and_scaled_nodes_keep_their_outside():
    def mirror(tree, binary):
        tree["nodes"][0] |= {"scale": [-2.0, 1.0, 1.0], "translation": [0.0, 3.0, 0.0]}

    mesh = gltf_trimesh(parse_gltf(changed(mirror))).mesh
    assert mesh.volume == pytest.approx(2 * gltf_trimesh(parse_gltf(clean())).mesh.volume, rel=1e-5)
    assert mesh.bounds.mean(0) == pytest.approx([0, 3, 0], abs=1e-3)
    # normals still point away from the middle: those of an ellipsoid are its gradient
    away = (mesh.vertices - [0, 3, 0]) / np.array([4.0, 1.0, 1.0])
    away /= np.linalg.norm(away, axis=1, keepdims=True)
    assert (np.asarray(mesh.vertex_normals) * away).sum(1).min() > 0.99


def test_everything_that_is_left_out_is_said():
    def enrich(tree, binary):
        material = tree["materials"][0]
        material["extensions"] = {"KHR_materials_clearcoat": {}, "KHR_materials_unlit": {}}
        del material["pbrMetallicRoughness"]["metallicFactor"]
        material["normalTexture"] = {"index": 0, "texCoord": 1}
        tree["animations"] = [{}]
        tree["cameras"] = [{}]

    said = gltf_trimesh(parse_gltf(changed(enrich))).losses
    assert set(said) == {
        "animations are left out",
        "cameras are left out",
        "material extensions are left out: KHR_materials_clearcoat, KHR_materials_unlit",
        "a normalTexture on coordinates of its own is left out",
        "a metallicFactor that is left out, 1 by default, is taken for 0",
    }


def test_two_materials_keep_their_colours():
    scene = trimesh.Scene()
    for x, color in ((-1.0, [255, 0, 0, 255]), (1.0, [0, 0, 255, 255])):
        box = trimesh.creation.box()
        box.apply_translation([x, 0, 0])
        material = trimesh.visual.material.PBRMaterial(
            baseColorFactor=color, metallicFactor=0.0, roughnessFactor=1.0
        )
        box.visual = trimesh.visual.TextureVisuals(material=material)
        scene.add_geometry(box)
    read = gltf_trimesh(parse_gltf(scene.export(file_type="glb", include_normals=True)))
    assert read.losses == ("2 materials became one, their textures packed on one page",)
    colours = corner_colors(drawable_mesh(read.mesh)).reshape(-1, 3, 3).mean(1).numpy()
    left = read.mesh.triangles_center[:, 0] < 0
    assert np.allclose(colours[left], [[1, 0, 0]], atol=0.01)
    assert np.allclose(colours[~left], [[0, 0, 1]], atol=0.01)


def test_vertex_colours_take_the_factor_with_them():
    def tint(tree, binary):
        tree["materials"][0]["pbrMetallicRoughness"]["baseColorFactor"] = [0.5, 1.0, 1.0, 1.0]

    box = trimesh.creation.box()
    box.visual.vertex_colors = np.full((8, 4), [188, 100, 255, 255], np.uint8)
    mesh = gltf_trimesh(parse_gltf(changed(tint, glb_bytes(box)))).mesh
    # 188 is half of linear light to a level; half of that again is 137
    assert np.abs(mesh.visual.vertex_colors[:, :3].astype(int) - [137, 100, 255]).max() <= 1


def test_scene_without_triangles_is_refused():
    def points(tree, binary):
        tree["meshes"][0]["primitives"][0]["mode"] = 0

    with pytest.raises(InputError, match="no faces"):
        gltf_trimesh(parse_gltf(changed(points)))
