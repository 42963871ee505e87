import json
import math
import struct

import numpy as np
import pytest
import torch
import trimesh
from scipy.spatial.transform import Rotation

from common.errors import InputError
from common.media.gltf_extras import document_of, embed
from common.media.provenance import Provenance
from tests.threed.glb_validator import validation
from tests.threed.splats.clouds import cloud_of, psnr
from threed.glb import glb_bytes
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.similarity import moved_cloud
from threed.splats.khr_gltf import EXTENSION, khr_gltf_bytes, khr_losses, read_khr_gltf


def repacked(data, change):
    """The file with its document changed."""
    tree = document_of(data)
    (old,) = struct.unpack_from("<I", data, 12)
    change(tree)
    text = json.dumps(tree).encode()
    text += b" " * (-len(text) % 4)
    rest = data[20 + old :]
    return struct.pack("<4s4I", b"glTF", 2, 20 + len(text) + len(rest), len(text),
                       0x4E4F534A) + text + rest  # fmt: skip


@pytest.mark.parametrize("degree", range(4))
def test_round_trip_looks_the_same(degree):
    cloud = cloud_of(40, degree)
    data = khr_gltf_bytes(cloud)
    back = read_khr_gltf(data)
    assert torch.equal(back.means, cloud.means)
    assert torch.equal(back.sh, cloud.sh)
    # exp and log, sigmoid and logit in float32
    assert torch.allclose(back.log_scales, cloud.log_scales, rtol=0, atol=1e-5)
    assert torch.allclose(back.opacity_logits, cloud.opacity_logits, rtol=0, atol=1e-4)
    assert psnr(back, cloud) > 90
    assert khr_losses(cloud) == ()


def test_degree_four_is_declared_lost():
    cloud = cloud_of(10, degree=4)
    assert "degree 4" in khr_losses(cloud)[0]
    assert torch.equal(read_khr_gltf(khr_gltf_bytes(cloud)).sh, cloud.sh[:, :16])


def test_file_is_laid_out_as_the_release_candidate_says():
    cloud = cloud_of(5, degree=2)
    data = khr_gltf_bytes(cloud)
    tree = document_of(data)
    (primitive,) = tree["meshes"][0]["primitives"]
    assert primitive["mode"] == 0
    assert primitive["extensions"] == {EXTENSION: {
        "kernel": "ellipse", "colorSpace": "srgb_rec709_display", "projection": "perspective",
        "sortingMethod": "cameraDistance",
    }}  # fmt: skip
    assert tree["extensionsUsed"] == [EXTENSION]
    (json_length,) = struct.unpack_from("<I", data, 12)
    chunk = data[28 + json_length :]

    def column(name):
        accessor = tree["accessors"][primitive["attributes"][name]]
        view = tree["bufferViews"][accessor["bufferView"]]
        raw = chunk[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        kind = {5126: "<f4", 5123: "<u2"}[accessor["componentType"]]
        return np.frombuffer(raw, kind).reshape(accessor["count"], width), accessor

    position, accessor = column("POSITION")
    assert np.array_equal(position, cloud.means)
    assert accessor["min"] == position.min(0).tolist()
    assert accessor["max"] == position.max(0).tolist()
    rotation = Rotation.from_quat(column(f"{EXTENSION}:ROTATION")[0])
    ours = Rotation.from_quat(cloud.quaternions[:, [1, 2, 3, 0]])
    assert np.allclose(rotation.as_matrix(), ours.as_matrix(), atol=1e-6)
    assert np.allclose(np.linalg.norm(column(f"{EXTENSION}:ROTATION")[0], axis=1), 1, atol=1e-6)
    assert np.allclose(column(f"{EXTENSION}:SCALE")[0], cloud.scales)
    assert np.allclose(column(f"{EXTENSION}:OPACITY")[0][:, 0], cloud.opacities)
    assert np.array_equal(column(f"{EXTENSION}:SH_DEGREE_0_COEF_0")[0], cloud.sh[:, 0])
    assert np.array_equal(column(f"{EXTENSION}:SH_DEGREE_2_COEF_4")[0], cloud.sh[:, 8])
    # the fallback is linear light: by hand for one Gaussian
    shown, accessor = column("COLOR_0")
    assert accessor["normalized"]
    encoded = min(max(0.5 + 0.28209479 * float(cloud.sh[2, 0, 1]), 0), 1)
    linear = encoded / 12.92 if encoded <= 0.04045 else ((encoded + 0.055) / 1.055) ** 2.4
    assert shown[2, 1] / 65535 == pytest.approx(linear, abs=1e-5)
    assert shown[2, 3] / 65535 == pytest.approx(float(cloud.opacities[2]), abs=1e-5)


@pytest.mark.node
def test_validator_knows_nothing_against_it_but_the_extensions_names(node, tmp_path):
    path = tmp_path / "cloud.glb"
    cloud = cloud_of(20, degree=3)
    path.write_bytes(khr_gltf_bytes(cloud))
    said = validation(node, path)
    attributes = document_of(path.read_bytes())["meshes"][0]["primitives"][0]["attributes"]
    prefixed = {f"/meshes/0/primitives/0/attributes/{name}" for name in attributes
                if name.startswith(EXTENSION)}  # fmt: skip
    # the extension is not ratified: its names are unknown to the validator, and nothing else is
    known = [
        one for one in said["issues"]["messages"]
        if one["code"] == "MESH_PRIMITIVE_INVALID_ATTRIBUTE" and one["pointer"] in prefixed
    ]  # fmt: skip
    rest = [one for one in said["issues"]["messages"] if one not in known]
    assert len(known) == len(prefixed) == 19
    assert {one["code"] for one in rest} <= {"UNSUPPORTED_EXTENSION"}
    assert [one["severity"] for one in rest if one["severity"] < 2] == []
    assert said["info"]["totalVertexCount"] == 20


def test_nodes_place_what_they_hold():
    cloud = cloud_of(20, degree=3)
    xyzw = [0.1, -0.7, 0.3, 0.6]
    turn = Rotation.from_quat(xyzw)

    def place(tree):
        size = math.sqrt(sum(v * v for v in xyzw))
        tree["nodes"] = [
            {"children": [1], "translation": [1.0, 2.0, 3.0]},
            {"mesh": 0, "rotation": [v / size for v in xyzw], "scale": [0.5, 0.5, 0.5]},
        ]

    placed = read_khr_gltf(repacked(khr_gltf_bytes(cloud), place))
    expected = moved_cloud(cloud, torch.from_numpy(turn.as_matrix()), scale=0.5,
                           shift=torch.tensor([1.0, 2.0, 3.0]))  # fmt: skip
    assert torch.allclose(placed.means, expected.means, atol=1e-6)
    assert psnr(placed, expected) > 90

    def by_matrix(tree):
        matrix = np.eye(4)
        matrix[:3, :3] = 0.5 * turn.as_matrix()
        matrix[:3, 3] = [1, 2, 3]
        tree["nodes"] = [{"mesh": 0, "matrix": matrix.T.ravel().tolist()}]

    again = read_khr_gltf(repacked(khr_gltf_bytes(cloud), by_matrix))
    assert torch.allclose(again.sh, placed.sh, atol=1e-6)
    assert torch.allclose(again.means, placed.means, atol=1e-6)


def test_two_nodes_show_a_mesh_twice():
    cloud = cloud_of(10, degree=1)

    def twice(tree):
        tree["nodes"] = [{"mesh": 0}, {"mesh": 0, "translation": [5.0, 0.0, 0.0]}]
        tree["scenes"] = [{"nodes": [0, 1]}]

    both = read_khr_gltf(repacked(khr_gltf_bytes(cloud), twice))
    assert len(both) == 20
    assert torch.allclose(both.means[10:] - both.means[:10], torch.tensor([5.0, 0.0, 0.0]))


def test_quantised_attributes_are_read():
    """Bytes as the extension allows: signed for rotations, 255ths for opacity and scale."""
    columns = {
        "POSITION": (np.array([[1, 2, 3], [4, 5, 6]], "<f4"), 5126, False),
        "ROTATION": (np.array([[0, 127, 0, 0], [0, 0, 0, 127]], "i1"), 5120, True),
        "SCALE": (np.array([[255, 51, 51, 0], [2, 2, 2, 0]], "u1"), 5121, True),
        "OPACITY": (np.array([[128, 0, 0, 0], [255, 0, 0, 0]], "u1"), 5121, True),
        "SH_DEGREE_0_COEF_0": (np.zeros((2, 3), "<f4"), 5126, False),
    }
    chunk, views, accessors, attributes = b"", [], [], {}
    widths = {"OPACITY": "SCALAR", "ROTATION": "VEC4"}
    for name, (values, kind, normalized) in columns.items():
        full = name if name == "POSITION" else f"{EXTENSION}:{name}"
        attributes[full] = len(views)
        views.append({"buffer": 0, "byteOffset": len(chunk), "byteLength": values.nbytes,
                      "byteStride": values.strides[0]})  # fmt: skip
        accessors.append({"bufferView": len(views) - 1, "componentType": kind, "count": 2,
                          "type": widths.get(name, "VEC3"), "normalized": normalized})  # fmt: skip
        chunk += values.tobytes()
    data = khr_gltf_bytes(cloud_of(2, degree=0))

    def replace(tree):
        tree["bufferViews"], tree["accessors"] = views, accessors
        tree["meshes"][0]["primitives"][0]["attributes"] = attributes
        tree["buffers"] = [{"byteLength": len(chunk)}]

    (json_length,) = struct.unpack_from("<I", data, 12)
    bare = data[: 20 + json_length] + struct.pack("<I4s", len(chunk), b"BIN\0") + chunk
    bare = bare[:8] + struct.pack("<I", len(bare)) + bare[12:]
    read = read_khr_gltf(repacked(bare, replace))
    assert read.means.tolist() == [[1, 2, 3], [4, 5, 6]]
    assert torch.allclose(read.quaternions, torch.tensor([[0.0, 0, 1, 0], [1, 0, 0, 0]]))
    assert torch.allclose(read.scales[0], torch.tensor([1.0, 0.2, 0.2]))
    assert read.opacities[0] == pytest.approx(128 / 255)
    assert bool(read.opacity_logits.isfinite().all())


def changes():
    def settings(tree):
        return tree["meshes"][0]["primitives"][0]["extensions"][EXTENSION]

    def primitive(tree):
        return tree["meshes"][0]["primitives"][0]

    yield "kernel", lambda t: settings(t).update(kernel="box"), "kernel 'box'"
    yield "space", lambda t: settings(t).update(colorSpace="lin_rec709_display"), "lin_rec709"
    yield "packed", lambda t: settings(t).update(extensions={"KHR_x_spz_2": {}}), "KHR_x_spz_2"
    yield "mode", lambda t: primitive(t).update(mode=4), "points"
    yield "none", lambda t: primitive(t).pop("extensions"), "no Gaussians"
    yield "hidden", lambda t: t.update(nodes=[{}]), "no Gaussians"
    yield "count", lambda t: t["accessors"][2].update(count=10**9), "reaches to byte"
    yield "offset", lambda t: t["bufferViews"][2].update(byteOffset=-4), "byteOffset"
    yield "type", lambda t: t["accessors"][2].update(type="VEC2"), "2 components, not"
    yield "uri", lambda t: t["buffers"][0].update(uri="../../secret"), "another file"
    yield "sparse", lambda t: t["accessors"][1].update(sparse={}) or t["accessors"][2].update(
        sparse={}), "sparse"  # fmt: skip
    yield "lost", lambda t: primitive(t)["attributes"].pop(f"{EXTENSION}:SCALE"), "SCALE"
    yield (
        "part",
        lambda t: primitive(t)["attributes"].pop(f"{EXTENSION}:SH_DEGREE_1_COEF_2"),
        "SH_DEGREE_1_COEF_2",
    )
    yield "loop", lambda t: t.update(nodes=[{"children": [0], "mesh": 0}]), "there twice"
    yield "shear", lambda t: t.update(nodes=[{"mesh": 0, "scale": [1, 2, 1]}]), "one number"
    yield "zero", lambda t: t.update(nodes=[{"mesh": 0, "scale": [0, 0, 0]}]), "one number"
    yield "words", lambda t: t.update(nodes=[{"mesh": 0, "scale": "big"}]), "3 finite numbers"
    yield "mesh", lambda t: t.update(nodes=[{"mesh": 7}]), r"meshes\[7\]"


@pytest.mark.parametrize(("change", "reason"), [(c, r) for _, c, r in changes()],
                         ids=[n for n, _, _ in changes()])  # fmt: skip
def test_damaged_and_foreign_files_are_refused_with_the_reason(change, reason):
    data = khr_gltf_bytes(cloud_of(4, degree=1))
    with pytest.raises(InputError, match=reason):
        read_khr_gltf(repacked(data, change))


def test_other_files_are_refused():
    data = khr_gltf_bytes(cloud_of(4, degree=1))
    for wrong, reason in (
        (data[:-4], "damaged"), (b"no file", "damaged"), (b"", "empty"),
        (glb_bytes(trimesh.creation.box()), "no Gaussians"),
        (b'{"asset": {"version": "2.0"}}', "no Gaussians"),
    ):  # fmt: skip
        with pytest.raises(InputError, match=reason):
            read_khr_gltf(wrong)


def test_provenance_is_kept_beside_the_gaussians():
    cloud = cloud_of(4, degree=1)
    record = Provenance("threed", "a fox", 1, 0, {}, {"extrude": "0"})
    data = embed(khr_gltf_bytes(cloud), record)
    assert torch.equal(read_khr_gltf(data).means, cloud.means)


def test_transparent_and_opaque_and_flat_gaussians_stay_finite():
    cloud = cloud_of(2, degree=0)
    logits, scales = torch.tensor([200.0, -200.0]), cloud.log_scales.clone()
    scales[0, 0] = -500
    extreme = GaussianCloud(cloud.means, scales, cloud.quaternions, logits, cloud.sh)
    back = read_khr_gltf(khr_gltf_bytes(extreme))
    assert bool(back.opacity_logits.isfinite().all() & back.log_scales.isfinite().all())
    assert back.opacities.tolist() == pytest.approx([1, 0], abs=1e-6)
