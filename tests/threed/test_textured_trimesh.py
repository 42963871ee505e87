import io
import json
import struct

import numpy as np
import pytest
import trimesh

from common.cameras import orbit_cameras
from common.errors import InputError
from common.raster.mesh import vertex_normals
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from common.report.asset_check import check_glb
from tests.threed.texturing.test_bake import painted_ball, sphere
from threed.glb import glb_bytes
from threed.measures.consistency import view_psnr
from threed.textured_trimesh import textured_trimesh, triangle_mesh
from threed.texturing.bake import BakeOptions, baked
from threed.texturing.unwrap import unwrap


@pytest.fixture(scope="module")
def ball():
    return baked(unwrap(sphere(), 256), painted_ball(), None, BakeOptions(size=256))


def test_material_is_matte_paint(ball):
    data = glb_bytes(textured_trimesh(ball))
    (length,) = struct.unpack_from("<I", data, 12)
    tree = json.loads(data[20 : 20 + length])
    (material,) = tree["materials"]
    factors = material["pbrMetallicRoughness"]
    assert factors["metallicFactor"] == 0.0
    assert factors["roughnessFactor"] == 0.9
    assert factors.get("baseColorFactor", [1, 1, 1, 1]) == [1, 1, 1, 1]
    assert factors["baseColorTexture"]["index"] == 0
    assert tree["images"][0]["mimeType"] == "image/png"
    (primitive,) = tree["meshes"][0]["primitives"]
    assert {"POSITION", "NORMAL", "TEXCOORD_0"} <= set(primitive["attributes"])


def test_file_is_whole_and_the_same_bytes_each_time(ball, tmp_path):
    first, second = (glb_bytes(textured_trimesh(ball)) for _ in range(2))
    assert first == second
    (tmp_path / "ball.glb").write_bytes(first)
    check_glb(tmp_path / "ball.glb")


def test_read_back_file_looks_the_same_from_all_sides(ball):
    read = trimesh.load_mesh(io.BytesIO(glb_bytes(textured_trimesh(ball))), file_type="glb")
    back = triangle_mesh(read)
    cameras = orbit_cameras([0.0, 80.0, 190.0, 300.0], [0.0, 40.0, -30.0, 10.0], 3.6, 25.0, 96, 96)
    before = render_mesh(ball, cameras, lighting=FLAT_LIGHTING).rgba
    after = render_mesh(back, cameras, lighting=FLAT_LIGHTING).rgba
    # colours are rounded to 1/255: 53 dB and more
    assert float(view_psnr(after, before).min()) > 50
    shaded = [render_mesh(one, cameras).rgba for one in (ball, back)]
    assert float(view_psnr(shaded[1], shaded[0]).min()) > 45


def test_seams_have_one_normal(ball):
    mesh = textured_trimesh(ball)
    assert len(mesh.vertices) > len(ball.vertices)
    assert np.allclose(mesh.extents, 0.8, atol=1e-3)
    _, first, inverse = np.unique(
        mesh.vertices.round(6), axis=0, return_index=True, return_inverse=True
    )
    assert np.allclose(mesh.vertex_normals, mesh.vertex_normals[first][inverse.ravel()])
    smooth = vertex_normals(ball.vertices, ball.faces).numpy()
    assert np.allclose(np.sort(mesh.vertex_normals[first], 0), np.sort(smooth, 0), atol=1e-5)


def test_meshes_without_texture_are_refused():
    with pytest.raises(InputError, match="see unwrap and baked"):
        textured_trimesh(sphere())
    with pytest.raises(InputError, match="no base colour texture"):
        triangle_mesh(trimesh.creation.box())
