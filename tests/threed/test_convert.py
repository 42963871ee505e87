import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from common.errors import InputError
from threed.convert import Convert, read_mesh
from threed.glb import glb_bytes


def checker(size: int) -> np.ndarray:
    """A picture of red and blue squares."""
    rows, columns = np.indices((size, size))
    red = (rows // 4 + columns // 4) % 2 == 0
    return np.where(red[..., None], [255, 0, 0], [0, 0, 255]).astype(np.uint8)


def document(data: bytes) -> dict:
    (length,) = struct.unpack_from("<I", data, 12)
    return json.loads(data[20 : 20 + length])


def textured_obj(folder: Path) -> Path:
    Image.fromarray(checker(16)).save(folder / "checker.png")
    (folder / "quad.mtl").write_text("newmtl m\nKd 0.4 0.4 0.4\nmap_Kd checker.png\n")
    (folder / "quad.obj").write_text(
        "mtllib quad.mtl\nusemtl m\n"
        "v 0 0 0\nv 1 0 0\nv 1 1 0\nv 0 1 0\nvt 0 0\nvt 1 0\nvt 1 1\nvt 0 1\n"
        "f 1/1 2/2 3/3\nf 1/1 3/3 4/4\n"
    )
    return folder / "quad.obj"


def test_convert_keeps_geometry_and_texture(tmp_path):
    data = glb_bytes(Convert(input=textured_obj(tmp_path)).make().mesh)
    (tmp_path / "out.glb").write_bytes(data)
    back = trimesh.load_mesh(tmp_path / "out.glb")
    # glTF stores float32; these coordinates are exact in it.
    assert back.area == 1.0
    picture = np.asarray(back.visual.material.baseColorTexture.convert("RGB"))
    assert np.array_equal(picture, checker(16))


def test_convert_texture_is_not_darkened_by_the_phong_colour(tmp_path):
    material = document(glb_bytes(Convert(input=textured_obj(tmp_path)).make().mesh))["materials"][
        0
    ]
    factors = material["pbrMetallicRoughness"]
    assert factors.get("baseColorFactor", [1, 1, 1, 1]) == [1.0, 1.0, 1.0, 1.0]
    assert "baseColorTexture" in factors


@pytest.mark.parametrize("kind", ["obj", "ply", "stl", "off", "glb"])
def test_convert_every_format_gets_explicit_material_and_normals(tmp_path, kind):
    path = tmp_path / f"box.{kind}"
    trimesh.creation.box(extents=(1, 2, 3)).export(path)
    tree = document(glb_bytes(Convert(input=path).make().mesh))
    for mesh in tree["meshes"]:
        for primitive in mesh["primitives"]:
            assert "NORMAL" in primitive["attributes"]
            factors = tree["materials"][primitive["material"]]["pbrMetallicRoughness"]
            assert factors["metallicFactor"] == 0.0
            assert factors["roughnessFactor"] > 0


def test_convert_up_axis_and_fit(tmp_path):
    path = tmp_path / "box.stl"
    trimesh.creation.box(extents=(1, 2, 4)).export(path)
    mesh = Convert(input=path, up="+z", fit=2.0).make().mesh
    # What pointed up (z, 4 long) now is y; the whole was scaled by 2 / 4 and centred.
    assert np.allclose(mesh.extents, [0.5, 2.0, 1.0], atol=1e-6)
    assert np.allclose(mesh.bounds.mean(axis=0), 0, atol=1e-6)
    top = trimesh.Trimesh([[0, 0, 1], [1, 0, 1], [0, 1, 1]], [[0, 1, 2]])
    top.export(tmp_path / "top.ply")
    turned = Convert(input=tmp_path / "top.ply", up="+z").make().mesh
    assert np.allclose(turned.face_normals, [[0, 1, 0]])  # still facing up


def test_convert_two_runs_give_the_same_bytes(tmp_path):
    path = textured_obj(tmp_path)
    first, second = (glb_bytes(Convert(input=path).make().mesh) for _ in range(2))
    assert first == second


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("a.obj", "", "between 1 and"),
        ("a.txt", "x", "not '.txt' files"),
        ("a.obj", "v 0 0 0\n", "no faces"),
        ("a.obj", "v 0 0 0\nv nan 0 0\nv 0 1 0\nf 1 2 3\n", "not finite"),
        ("a.glb", "glTF rubbish", "not a readable mesh"),
        ("a.ply", "ply\nformat ascii 1.0\nelement vertex 9999999999\nend_header\n", "a.ply"),
    ],
)
def test_convert_bad_file_is_refused_with_reason(tmp_path, name, content, words):
    path = tmp_path / name
    path.write_text(content)

    def read() -> None:
        Convert(input=path).check()
        read_mesh(path)

    with pytest.raises(InputError, match=words):
        read()


def test_convert_missing_file_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such file"):
        Convert(input=tmp_path / "gone.obj").check()
