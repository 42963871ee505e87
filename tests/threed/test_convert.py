import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from common.cli.main import main
from common.errors import InputError
from common.report.json_report import read_record
from run import APPS
from threed.convert import Convert
from threed.drawable import corner_colors, drawable_mesh
from threed.glb import glb_bytes
from threed.mesh_files import read_mesh


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
        ("a.glb", "glTF rubbish", "cut off"),
        ("a.glb", "rubbish", "not JSON"),
        ("a.ply", "ply\nformat ascii 1.0\nelement vertex 9999999999\nend_header\n", "at most"),
        ("a.ply", "ply\nformat ascii 1.0\nelement vertex 9999\nend_header\n", "truncated"),
        ("a.ply", "ply\nformat ascii 1.0\nelement face x\nend_header\n", "no element"),
        ("a.ply", "plyplyply", "no ply header"),
        ("a.off", "OFF\n3 900000000 0\n", "at most 2,000,000"),
        ("a.off", "OFF\n3 900000 0\n", "truncated"),
        ("a.off", "off we go", "not an OFF file"),
        ("a.stl", "rubbish" * 20, "truncated"),
        ("a.obj", "mtllib ../up.mtl\nv 0 0 0\nf 1 1 1\n", "outside its folder"),
        ("a.obj", "mtllib a.mtl /etc/passwd\nv 0 0 0\nf 1 1 1\n", "outside its folder"),
        ("a.obj", "mtllib ..\\..\\up.mtl\nv 0 0 0\nf 1 1 1\n", "outside its folder"),
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


def test_obj_pictures_outside_its_folder_are_refused(tmp_path):
    (tmp_path / "secret.png").write_bytes(b"")
    folder = tmp_path / "model"
    folder.mkdir()
    (folder / "link.png").symlink_to(tmp_path / "secret.png")
    (folder / "a.obj").write_text("mtllib a.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    for named in ("../secret.png", str(tmp_path / "secret.png"), "-s 1 1 1 ../secret.png",
                  "link.png"):  # fmt: skip
        (folder / "a.mtl").write_text(f"newmtl m\nmap_Kd {named}\n")
        with pytest.raises(InputError, match="outside its folder"):
            Convert(input=folder / "a.obj").check()


@pytest.mark.parametrize("kind", ["obj", "stl", "ascii stl", "ply"])
def test_too_many_faces_are_refused_before_they_are_read(tmp_path, kind):
    """A little over two million faces, in files that are read no further than to count them."""
    count = 2_000_001
    path = tmp_path / f"many.{kind.rpartition(' ')[2]}"
    if kind == "obj":
        path.write_bytes(b"v 0 0 0\nv 1 0 0\nv 0 1 0\n" + b"f 1 2 3\n" * count)
    elif kind == "stl":
        path.write_bytes(bytes(80) + count.to_bytes(4, "little") + bytes(50 * count))
    elif kind == "ascii stl":
        path.write_bytes(b"solid x\n" + b"endfacet\n" * count)
    else:
        path.write_bytes(b"ply\nelement vertex 3\nelement face %d\nend_header\n" % count)
    with pytest.raises(InputError, match="has 2,000,001 faces; at most 2,000,000"):
        Convert(input=path).check()


@pytest.mark.parametrize("kind", ["stl", "ply", "glb", "off"])
def test_truncated_files_are_refused(tmp_path, kind):
    path = tmp_path / f"ball.{kind}"
    trimesh.creation.icosphere(3).export(path)
    path.write_bytes(path.read_bytes()[:-2000])
    with pytest.raises(InputError, match="ball"):
        read_mesh(path)


def test_edges_of_three_faces_are_kept_as_they_are(tmp_path):
    path = tmp_path / "fan.obj"
    path.write_text("v 0 0 0\nv 0 1 0\nv 1 0 0\nv -1 0 0\nv 0 0 1\nf 1 2 3\nf 1 2 4\nf 1 2 5\n")
    tree = document(glb_bytes(Convert(input=path).make().mesh))
    assert tree["materials"][0]["doubleSided"]
    assert len(read_mesh(path).mesh.faces) == 3


def test_what_an_obj_names_and_lacks_is_said(tmp_path):
    path = textured_obj(tmp_path)
    (tmp_path / "checker.png").unlink()
    assert read_mesh(path).losses == ("its picture checker.png is missing",)
    (tmp_path / "quad.mtl").unlink()
    assert read_mesh(path).losses == ("its material library quad.mtl is missing",)


def test_several_materials_are_packed_and_said(tmp_path):
    for name, color in (("red", (255, 0, 0)), ("blue", (0, 0, 255))):
        Image.new("RGB", (8, 8), color).save(tmp_path / f"{name}.png")
    (tmp_path / "two.mtl").write_text("newmtl red\nmap_Kd red.png\nnewmtl blue\nmap_Kd blue.png\n")
    path = tmp_path / "two.obj"
    path.write_text(
        "mtllib two.mtl\nv 0 0 0\nv 1 0 0\nv 0 1 0\nv 0 0 1\nvt 0 0\nvt 1 0\nvt 0 1\n"
        "usemtl red\nf 1/1 2/2 3/3\nusemtl blue\nf 1/1 2/2 4/3\n"
    )
    asset = Convert(input=path).make()
    assert asset.losses == ("2 materials became one, their textures packed on one page",)
    colours = corner_colors(drawable_mesh(asset.mesh)).reshape(2, 3, 3).mean(1).numpy()
    upper = asset.mesh.triangles[:, :, 2].max(1) > 0.5
    assert np.allclose(colours[~upper], [[1, 0, 0]], atol=0.01)
    assert np.allclose(colours[upper], [[0, 0, 1]], atol=0.01)


def test_dark_phong_colour_is_what_the_screen_showed(tmp_path):
    (tmp_path / "m.mtl").write_text("newmtl m\nKd 0.5 0.5 0.5\n")
    (tmp_path / "m.obj").write_text("mtllib m.mtl\nusemtl m\nv 0 0 0\nv 1 0 0\nv 0 1 0\nf 1 2 3\n")
    asset = Convert(input=tmp_path / "m.obj").make()
    # a factor of 8 bits in linear light
    assert np.allclose(corner_colors(drawable_mesh(asset.mesh)).numpy(), 0.5, atol=0.01)


def test_run_writes_every_format_and_says_what_is_lost(tmp_path, monkeypatch, capsys):
    pytest.importorskip("pxr", reason="needs the extra usd")
    monkeypatch.chdir(tmp_path)
    path = textured_obj(tmp_path)
    formats = "export.formats=[obj,ply,stl,usdz,html]"
    assert main(["threed/convert", f"method.input={path}", formats], APPS) == 0
    said = capsys.readouterr()
    paths = [tmp_path / line for line in said.out.splitlines()]
    assert [one.name for one in paths] == [
        "quad.glb", "quad.obj", "quad.ply", "quad.stl", "quad.usdz", "quad.html", "quad.mp4",
        "report.html",
    ]  # fmt: skip
    assert "quad.ply: the texture became colours at the vertices (colours agree to" in said.err
    assert "quad.stl: the texture and smooth normals are left out" in said.err
    (sample,) = read_record(paths[-1].parent).samples
    assert set(sample.metrics) == {
        f"render_back/{kind}/{name}"
        for kind in ("glb", "obj", "ply", "usdz") for name in ("psnr_db", "silhouette_iou")
    } | {"render_back/stl/silhouette_iou"}  # fmt: skip
    assert sample.metrics["render_back/glb/psnr_db"] > 50
    # checker squares between four corners cannot be kept
    assert sample.metrics["render_back/ply/psnr_db"] < 15
    assert "Lost in this format" in paths[-1].read_text()


def test_inspect_lists_contents_and_findings(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    trimesh.load_mesh(textured_obj(tmp_path)).export("bad.glb")
    assert main(["inspect", "bad.glb"], APPS) == 0
    said = capsys.readouterr().out
    assert "drawn: 2 faces, 4 vertices in 1 parts" in said
    assert "image 0: PNG, 16 x 16, no alpha" in said
    assert "size: 1 x 1 x 0 m" in said
    assert "warning missing-metallic-factor: " in said
    assert "    fix: " in said
    assert "made by: not recorded" in said
    assert main(["threed/convert", "method.input=quad.obj"], APPS) == 0
    path = capsys.readouterr().out.splitlines()[0]
    assert main(["inspect", path], APPS) == 0
    said = capsys.readouterr().out
    assert "findings: none" in said
    assert "app threed" in said
