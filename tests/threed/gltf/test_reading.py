"""Reading glTF against closed forms, and damaged files."""

import base64
import contextlib
import json
import struct

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.spatial.transform import Rotation

from common.errors import InputError
from tests.threed.gltf.samples import appended, changed, clean, joined, split
from threed.gltf.document import parse_gltf, read_gltf
from threed.gltf.lint import lint
from threed.gltf.primitives import node_matrix, primitives


def triangle_tree() -> tuple[dict, bytearray]:
    """One triangle with three indices, as a document to change."""
    tree: dict = {"asset": {"version": "2.0"}, "buffers": [{"byteLength": 0}], "bufferViews": [],
                  "accessors": [], "scenes": [{"nodes": [0]}], "nodes": [{"mesh": 0}]}  # fmt: skip
    binary = bytearray()
    corners = np.array([[0, 0, 0], [1, 0, 0], [0, 1, 0]], np.float32)
    position = appended(tree, binary, corners, "VEC3", 5126)
    index = appended(tree, binary, np.array([0, 1, 2, 0], np.uint16), "SCALAR", 5123)
    tree["accessors"][index]["count"] = 3
    tree["meshes"] = [{"primitives": [{"attributes": {"POSITION": position}, "indices": index}]}]
    return tree, binary


def read(tree: dict, binary: bytes):
    return primitives(parse_gltf(joined(tree, binary)))


def test_interleaved_and_sparse_values_are_those_written():
    tree, binary = triangle_tree()
    rows = np.arange(18, dtype=np.float32).reshape(3, 6)
    both = appended(tree, binary, rows, "VEC3", 5126)
    tree["bufferViews"][-1]["byteStride"] = 24
    tree["accessors"].append(dict(tree["accessors"][both], byteOffset=12))
    changed_row = appended(tree, binary, np.array([1, 0], np.uint16), "SCALAR", 5123)
    value = appended(tree, binary, np.array([[7, 8, 9]], np.float32), "VEC3", 5126)
    tree["accessors"][both]["sparse"] = {
        "count": 1,
        "indices": {"bufferView": tree["accessors"][changed_row]["bufferView"],
                    "componentType": 5123},
        "values": {"bufferView": tree["accessors"][value]["bufferView"]},
    }  # fmt: skip
    tree["meshes"][0]["primitives"][0]["attributes"] = {"POSITION": both, "NORMAL": both + 1}
    (part,) = read(tree, binary)
    assert part.positions.tolist() == [[0, 1, 2], [7, 8, 9], [12, 13, 14]]
    assert part.normals.tolist() == rows[:, 3:].tolist()


def test_strips_and_fans_are_the_triangles_of_the_specification():
    tree, binary = triangle_tree()
    corners = np.random.default_rng(0).normal(size=(5, 3)).astype(np.float32)
    primitive = tree["meshes"][0]["primitives"][0]
    primitive["attributes"]["POSITION"] = appended(tree, binary, corners, "VEC3", 5126)
    del primitive["indices"]
    primitive["mode"] = 5
    assert read(tree, binary)[0].faces.tolist() == [[0, 1, 2], [1, 3, 2], [2, 3, 4]]
    primitive["mode"] = 6
    assert read(tree, binary)[0].faces.tolist() == [[1, 2, 0], [2, 3, 0], [3, 4, 0]]


def test_node_transforms_are_scaled_turned_and_moved():
    turn = Rotation.from_rotvec([0.3, -0.5, 0.7])
    node = {"translation": [1, 2, 3], "rotation": turn.as_quat().tolist(), "scale": [2, 3, 4]}
    point = np.array([0.1, 0.2, 0.3])
    wanted = turn.apply(point * [2, 3, 4]) + np.array([1, 2, 3])
    assert np.allclose(node_matrix(node, "x") @ [*point, 1], [*wanted, 1])
    flat = node_matrix(node, "x").T.ravel().tolist()
    assert np.allclose(node_matrix({"matrix": flat}, "x"), node_matrix(node, "x"))


def test_texture_transform_moves_coordinates():
    tree, binary = triangle_tree()
    uvs = np.array([[0.0, 0.0], [1.0, 0.0], [0.0, 1.0]], np.float32)
    coordinates = appended(tree, binary, uvs, "VEC2", 5126)
    tree["meshes"][0]["primitives"][0]["attributes"]["TEXCOORD_0"] = coordinates
    tree["meshes"][0]["primitives"][0]["material"] = 0
    moved = {"offset": [0.25, 0.5], "rotation": np.pi / 2, "scale": [0.5, 2.0]}
    texture = {"index": 0, "extensions": {"KHR_texture_transform": moved}}
    tree["materials"] = [{"pbrMetallicRoughness": {"baseColorTexture": texture}}]
    (part,) = read(tree, binary)
    # a quarter counter-clockwise, with v down: u goes up (to -v), v goes right (to u)
    assert np.allclose(part.uvs, [[0.25, 0.5], [0.25, 0.0], [2.25, 0.5]], atol=1e-6)


def test_normalized_integers_reach_both_ends():
    tree, binary = triangle_tree()
    values = np.array([[127, -128, 0, 0], [0, 127, -127, 0], [1, 2, 3, 0]], np.int8)
    index = appended(tree, binary, values, "VEC3", 5120)
    tree["bufferViews"][-1]["byteStride"] = 4
    tree["accessors"][index]["normalized"] = True
    tree["meshes"][0]["primitives"][0]["attributes"]["NORMAL"] = index
    (part,) = read(tree, binary)
    assert part.normals[0].tolist() == [1.0, -1.0, 0.0]
    assert np.allclose(part.normals[2], np.array([1, 2, 3]) / 127)


def test_document_with_data_inside_is_read_like_the_binary_file(tmp_path):
    tree, binary = split(clean())
    uri = "data:application/octet-stream;base64," + base64.b64encode(binary).decode()
    tree["buffers"][0]["uri"] = uri
    (tmp_path / "ball.gltf").write_text(json.dumps(tree))
    (tmp_path / "ball.glb").write_bytes(clean())
    one, other = (primitives(read_gltf(tmp_path / name))[0] for name in ("ball.gltf", "ball.glb"))
    assert np.array_equal(one.positions, other.positions)
    assert np.array_equal(one.faces, other.faces)


def put(path: str, value):
    """A change of one place of the document, named with dots."""

    def act(tree, binary):
        *above, last = [int(one) if one.isdigit() else one for one in path.split(".")]
        place = tree
        for key in above:
            place = place[key]
        place[last] = value

    return act


def nan_position(tree, binary):
    index = tree["meshes"][0]["primitives"][0]["attributes"]["POSITION"]
    view = tree["bufferViews"][tree["accessors"][index]["bufferView"]]
    binary[view["byteOffset"] : view["byteOffset"] + 4] = struct.pack("<f", float("nan"))


def big_index(tree, binary):
    view = tree["bufferViews"][tree["accessors"][0]["bufferView"]]
    binary[view["byteOffset"] : view["byteOffset"] + 4] = struct.pack("<I", 10**9)


def many_zeros(tree, binary):
    """An accessor without bytes stands for zeros, as many as it says."""
    del tree["accessors"][0]["bufferView"]
    tree["accessors"][0]["count"] = 10**9


DAMAGE = {
    "huge buffer": (put("buffers.0.byteLength", 2**40), "says 1,099,511,627,776 bytes and has"),
    "huge count": (put("accessors.0.count", 10**9), "reaches to byte"),
    "many zeros": (many_zeros, "1,000,000,000 zeros; at most 6,000,000"),
    "long count": (put("accessors.0.count", 5_000_000), "reaches to byte"),
    "long view": (put("bufferViews.0.byteLength", 10**8), "of a buffer of"),
    "negative offset": (put("bufferViews.0.byteOffset", -4), "not a whole number from 0"),
    "offset as text": (put("bufferViews.0.byteOffset", "0"), "not a whole number"),
    "no such view": (put("accessors.0.bufferView", 99), "bufferViews[99], but there are"),
    "no such accessor": (put("meshes.0.primitives.0.indices", 99), "accessors[99]"),
    "no such type": (put("accessors.0.componentType", 5124), "which is none"),
    "no such mesh": (put("nodes.0.mesh", 3), "meshes[3]"),
    "nodes in a circle": (put("nodes.0.children", [0]), "is there twice"),
    "other file": (put("buffers.0.uri", "../secret.bin"), "another file"),
    "other picture": (put("images.0.uri", "http://example.org/x.png"), "another file"),
    "file URI": (put("buffers.0.uri", "file:///etc/passwd"), "another file"),
    "meshes as text": (put("meshes", "many"), "not a list of objects"),
    "infinite scale": (put("nodes.0.scale", [1e300, 1, 1]), "finite numbers"),
    "zero rotation": (put("nodes.0.rotation", [0, 0, 0, 0]), "no rotation"),
    "version 1": (put("asset.version", "1.0"), "only glTF 2"),
    "NaN": (nan_position, "1 of"),
    "index out of range": (big_index, "name vertex 1,000,000,000"),
}  # fmt: skip


@pytest.mark.parametrize("case", DAMAGE)
def test_damage_is_refused_with_its_numbers(case):
    act, words = DAMAGE[case]
    with pytest.raises(InputError) as caught:
        lint(parse_gltf(changed(act)))
    assert words in str(caught.value)


@pytest.mark.parametrize("share", [0.0, 0.001, 0.3, 0.999])
def test_truncated_files_are_refused(tmp_path, share):
    path = tmp_path / "cut.glb"
    path.write_bytes(clean()[: int(share * len(clean()))])
    with pytest.raises(InputError, match=r"cut\.glb"):
        read_gltf(path)


@settings(max_examples=60)
@given(st.data())
def test_any_changed_byte_is_read_or_refused(data):
    tree, binary = triangle_tree()
    whole = bytearray(joined(tree, binary))
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(whole) - 1))
        whole[place] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):
        lint(parse_gltf(bytes(whole)))
