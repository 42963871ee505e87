"""Files that the apps write, before the Khronos validator."""

import struct

import pytest
import trimesh
from PIL import Image

from common.cli.main import main
from run import APPS
from tests.threed.files.test_formats import colored_box
from tests.threed.glb_validator import problems, validation
from tests.threed.gltf.samples import painted_ball
from tests.threed.test_convert import document, textured_obj
from threed.glb import glb_bytes
from threed.gltf.document import read_gltf
from threed.gltf.lint import lint
from threed.textured_trimesh import textured_trimesh

pytestmark = pytest.mark.node


def converted(tmp_path, monkeypatch, capsys, source, *changes):
    monkeypatch.chdir(tmp_path)
    assert main(["threed/convert", f"method.input={source}", *changes], APPS) == 0
    return tmp_path / capsys.readouterr().out.splitlines()[0]


@pytest.mark.parametrize("provenance", ["true", "false"])
def test_converted_textured_mesh_is_valid(node, tmp_path, monkeypatch, capsys, provenance):
    path = converted(tmp_path, monkeypatch, capsys, textured_obj(tmp_path),
                     f"embed_provenance={provenance}")  # fmt: skip
    assert problems(node, path) == []
    found = validation(node, path)
    assert found["info"]["totalTriangleCount"] == 2
    assert found["info"]["hasTextures"]


@pytest.mark.parametrize("kind", ["obj", "ply", "stl", "off", "glb"])
def test_converted_bare_mesh_is_valid(node, tmp_path, monkeypatch, capsys, kind):
    source = tmp_path / f"ball.{kind}"
    trimesh.creation.icosphere(2).export(source)
    assert problems(node, converted(tmp_path, monkeypatch, capsys, source)) == []


def test_validator_finds_an_index_of_no_vertex(node, tmp_path):
    data = bytearray(glb_bytes(trimesh.creation.box()))
    path = tmp_path / "box.glb"
    path.write_bytes(data)
    assert problems(node, path) == []

    tree = document(bytes(data))
    indices = tree["accessors"][tree["meshes"][0]["primitives"][0]["indices"]]
    (json_length,) = struct.unpack_from("<I", data, 12)
    begin = 20 + json_length + 8 + tree["bufferViews"][indices["bufferView"]]["byteOffset"]
    data[begin : begin + 2] = b"\xf0\x7f"
    path.write_bytes(data)

    assert any("INDEX_OOB" in one for one in problems(node, path))


@pytest.mark.parametrize("of", ["vertex", "face"])
def test_coloured_mesh_is_valid(node, tmp_path, of):
    path = tmp_path / "box.glb"
    path.write_bytes(glb_bytes(colored_box(of)))
    assert problems(node, path) == []


@pytest.mark.parametrize("alpha", [255, 100, 0])
def test_jpeg_and_transparent_textures_are_valid(node, tmp_path, alpha):
    mesh = textured_trimesh(painted_ball())
    picture = mesh.visual.material.baseColorTexture.convert("RGBA")
    channel = Image.new("L", picture.size, 255)
    channel.paste(alpha, (0, 0, 100, 100))
    picture.putalpha(channel)
    mesh.visual.material.baseColorTexture = picture
    path = tmp_path / "ball.glb"
    path.write_bytes(glb_bytes(mesh, "jpeg"))
    assert problems(node, path) == []
    assert lint(read_gltf(path)) == []
