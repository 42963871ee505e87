"""Every format against the mesh that was written: read again here, and by other libraries."""

import zipfile

import numpy as np
import pytest
import torch
import trimesh
from PIL import Image

from common.errors import InputError
from common.raster.color import srgb_to_linear
from tests.threed.gltf.samples import painted_ball
from threed.asset_files import write_asset_files
from threed.drawable import corner_colors, drawable_mesh
from threed.files.obj import write_obj
from threed.files.plain import ply_bytes, stl_bytes
from threed.files.usdz import write_usdz
from threed.files.welded import distinct
from threed.glb import glb_bytes
from threed.gltf.document import parse_gltf
from threed.gltf.primitives import primitives
from threed.mesh_files import read_mesh
from threed.textured_trimesh import textured_trimesh


@pytest.fixture(scope="module")
def ball() -> trimesh.Trimesh:
    return textured_trimesh(painted_ball())


def colored_box(of: str) -> trimesh.Trimesh:
    box = trimesh.creation.box()
    count = len(box.vertices) if of == "vertex" else len(box.faces)
    colors = np.random.default_rng(0).integers(0, 256, (count, 4)).astype(np.uint8)
    colors[:, 3] = 255
    if of == "vertex":
        box.visual.vertex_colors = colors
    else:
        box.visual.face_colors = colors
    return box


@pytest.mark.parametrize("of", ["vertex", "face"])
def test_vertex_colors_are_linear_in_the_file_and_the_same_when_read(tmp_path, of):
    box = colored_box(of)
    data = glb_bytes(box)
    (part,) = primitives(parse_gltf(data))
    wanted = corner_colors(drawable_mesh(box)).numpy()
    stored = part.colors[part.faces.ravel(), :3]
    # 16 bits hold linear light to 1/65535
    assert np.abs(stored - srgb_to_linear(torch.from_numpy(wanted)).numpy()).max() <= 1 / 65535
    (tmp_path / "box.glb").write_bytes(data)
    back = corner_colors(drawable_mesh(read_mesh(tmp_path / "box.glb").mesh)).numpy()
    assert np.array_equal((back * 255).round(), (wanted * 255).round())


def test_all_formats_show_the_asset(tmp_path, ball):
    pytest.importorskip("pxr", reason="needs the extra usd")
    kinds = ("obj", "ply", "stl", "usdz", "html")
    glb, obj, ply, stl, usdz, html = write_asset_files(
        tmp_path, "a ball", ball, painted_ball(), kinds, "png", None
    )
    for file in (glb, obj, usdz):
        # Pictures keep their bytes of 1/255 (53 dB), coordinates their float32 bits.
        assert file.check.psnr_db > 50
        assert file.check.silhouette_iou > 0.9999
        assert file.losses == ()
    # Colours at 642 vertices of a smooth function of the place.
    assert 30 < ply.check.psnr_db < 60
    assert "texture" in ply.losses[0]
    assert not stl.has_colors
    assert stl.check.silhouette_iou > 0.9999
    assert html.check is None
    names = {
        path.relative_to(tmp_path).as_posix() for path in tmp_path.rglob("*") if path.is_file()
    }
    assert names == {"a ball.glb", "a ball_obj/a_ball.obj", "a ball_obj/a_ball.mtl",
                     "a ball_obj/a_ball.png", "a ball.ply", "a ball.stl", "a ball.usdz",
                     "a ball.html"}  # fmt: skip


def test_jpeg_is_smaller_and_close_and_kept_off_transparency(ball):
    noisy = ball.copy()
    pixels = np.asarray(ball.visual.material.baseColorTexture).astype(int)
    noise = np.random.default_rng(0).integers(-4, 5, pixels.shape)
    picture = Image.fromarray((pixels + noise).clip(0, 255).astype(np.uint8))
    noisy.visual.material.baseColorTexture = picture
    png, jpeg = glb_bytes(noisy), glb_bytes(noisy, "jpeg")
    assert len(jpeg) < 0.6 * len(png)
    tree = parse_gltf(jpeg).document
    assert tree["images"][0]["mimeType"] == "image/jpeg"
    clear = noisy.copy()
    clear.visual.material.baseColorTexture = picture.copy()
    clear.visual.material.baseColorTexture.putalpha(100)
    tree = parse_gltf(glb_bytes(clear, "jpeg")).document
    assert tree["images"][0]["mimeType"] == "image/png"
    assert tree["materials"][0]["alphaMode"] == "BLEND"


def test_cut_out_textures_are_masks_and_hidden_alpha_is_dropped(ball):
    cut = ball.copy()
    picture = ball.visual.material.baseColorTexture.convert("RGBA")
    alpha = np.full(picture.size[::-1], 255, np.uint8)
    alpha[:100] = 0
    picture.putalpha(Image.fromarray(alpha))
    cut.visual.material.baseColorTexture = picture
    made = parse_gltf(glb_bytes(cut)).document["materials"][0]
    assert (made["alphaMode"], made["alphaCutoff"]) == ("MASK", 0.5)
    cut.visual.material.alphaMode = "OPAQUE"
    read = trimesh.load_mesh(trimesh.util.wrap_as_stream(glb_bytes(cut)), file_type="glb")
    assert read.visual.material.baseColorTexture.mode == "RGB"


def test_obj_is_closed_and_reads_the_same_in_trimesh(tmp_path, ball):
    write_obj(tmp_path / "ball_obj", "ball", ball)
    text = (tmp_path / "ball_obj" / "ball.obj").read_text()
    assert sum(line.startswith("v ") for line in text.splitlines()) == len(painted_ball().vertices)
    read = trimesh.load_mesh(tmp_path / "ball_obj" / "ball.obj", process=False)
    assert read.volume == pytest.approx(ball.volume, rel=1e-6)
    one, other = (np.sort(m.triangles.reshape(len(m.faces), 9).sum(1)) for m in (ball, read))
    assert np.allclose(one, other, atol=1e-6)
    picture = np.asarray(read.visual.material.image.convert("RGB"))
    assert np.array_equal(picture, np.asarray(ball.visual.material.baseColorTexture))


@pytest.mark.parametrize("name", ["../up", "a b/c", "猫", "", "x" * 300])
def test_obj_names_are_words_inside_the_folder(tmp_path, name):
    write_obj(tmp_path / "out", name, trimesh.creation.box())
    (obj,) = (tmp_path / "out").glob("*.obj")
    library = obj.read_text().splitlines()[0].split(" ", 1)[1]
    assert " " not in library
    assert (tmp_path / "out" / library).is_file()


def test_ply_is_closed_with_bytes_of_srgb(tmp_path, ball):
    data, _ = ply_bytes(ball)
    (tmp_path / "ball.ply").write_bytes(data)
    read = trimesh.load_mesh(tmp_path / "ball.ply", process=False)
    assert read.is_watertight
    assert b"property uchar red" in data[:600]
    # where the texture is smooth, the colour at a vertex is that function of its place
    wanted = (read.vertices + 0.5) * 255
    assert np.abs(read.visual.vertex_colors[:, :3] - wanted).max() < 6


def test_stl_is_closed_and_says_what_is_lost(ball):
    data, losses = stl_bytes(ball)
    assert len(data) == 84 + 50 * len(ball.faces)
    assert losses == ("the texture and smooth normals are left out",)


def test_distinct_rows_keep_their_first_order():
    found = distinct(np.array([[2.0, 0.0], [1.0, 1.0], [2.0, -0.0], [1.0, 1.0]]))
    assert found.rows.tolist() == [[2, 0], [1, 1]]
    assert found.of.tolist() == [0, 1, 0, 1]


@pytest.mark.parametrize("kind", ["texture", "vertex", "face", "plain"])
def test_usdz_is_what_the_format_demands(tmp_path, ball, kind):
    pytest.importorskip("pxr", reason="needs the extra usd")
    from pxr import Usd, UsdGeom, UsdShade, UsdValidation

    mesh = {"texture": ball, "plain": trimesh.creation.icosphere(2)}.get(kind)
    mesh = colored_box(kind) if mesh is None else mesh
    path = tmp_path / "asset.usdz"
    write_usdz(path, mesh)
    with zipfile.ZipFile(path) as archive:
        for one in archive.infolist():
            assert one.compress_type == zipfile.ZIP_STORED
            with path.open("rb") as file:
                file.seek(one.header_offset + 26)
                lengths = np.frombuffer(file.read(4), "<u2")
            assert (one.header_offset + 30 + int(lengths.sum())) % 64 == 0
        assert archive.infolist()[0].filename.endswith(".usdc")
    stage = Usd.Stage.Open(str(path))
    assert UsdGeom.GetStageUpAxis(stage) == "Y"
    assert UsdGeom.GetStageMetersPerUnit(stage) == 1.0
    assert stage.GetDefaultPrim().GetName() == "Asset"
    (prim,) = (one for one in stage.Traverse() if one.IsA(UsdGeom.Mesh))
    shape = UsdGeom.Mesh(prim)
    assert np.allclose(shape.GetPointsAttr().Get(), mesh.vertices, atol=1e-6)
    assert shape.GetSubdivisionSchemeAttr().Get() == "none"
    material = UsdShade.MaterialBindingAPI(prim).ComputeBoundMaterial()[0]
    assert material.ComputeSurfaceSource()[0].GetIdAttr().Get() == "UsdPreviewSurface"
    every = UsdValidation.ValidationRegistry().GetOrLoadAllValidators()
    found = UsdValidation.ValidationContext(every).Validate(stage)
    assert [one.GetErrorAsString() for one in found] == []
    first = path.read_bytes()
    write_usdz(path, mesh)
    assert path.read_bytes() == first
    back = corner_colors(drawable_mesh(read_mesh(path).mesh))
    assert len(back) == 3 * len(mesh.faces)
    if kind in ("vertex", "face"):
        wanted = corner_colors(drawable_mesh(mesh))
        order = [np.lexsort((one * 255).round().numpy().T) for one in (back, wanted)]
        assert torch.allclose(back[order[0]], wanted[order[1]], atol=1 / 255)


def test_usdz_with_other_units_and_axes_is_turned_and_scaled(tmp_path):
    pytest.importorskip("pxr", reason="needs the extra usd")
    from pxr import Gf, Usd, UsdGeom, UsdUtils

    stage = Usd.Stage.CreateNew(str(tmp_path / "quad.usdc"))
    UsdGeom.SetStageUpAxis(stage, "Z")
    UsdGeom.SetStageMetersPerUnit(stage, 0.01)
    above = UsdGeom.Xform.Define(stage, "/Root")
    above.AddTranslateOp().Set(Gf.Vec3d(0, 0, 100))
    shape = UsdGeom.Mesh.Define(stage, "/Root/Quad")
    shape.CreatePointsAttr([(0, 0, 0), (100, 0, 0), (100, 100, 0), (0, 100, 0)])
    shape.CreateFaceVertexCountsAttr([4])
    shape.CreateFaceVertexIndicesAttr([0, 1, 2, 3])
    stage.GetRootLayer().Save()
    path = tmp_path / "quad.usdz"
    assert UsdUtils.CreateNewUsdzPackage(str(tmp_path / "quad.usdc"), str(path))
    mesh = read_mesh(path).mesh
    assert np.allclose(mesh.bounds, [[0, 1, -1], [1, 1, 0]])
    assert np.allclose(mesh.face_normals, [[0, 1, 0], [0, 1, 0]])  # up stays up


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04", b"rubbish" * 50])
def test_damaged_usdz_is_refused(tmp_path, content):
    pytest.importorskip("pxr", reason="needs the extra usd")
    (tmp_path / "x.usdz").write_bytes(content)
    with pytest.raises(InputError, match=r"x\.usdz"):
        read_mesh(tmp_path / "x.usdz")


def test_usdz_that_is_packed_or_leads_out_is_refused(tmp_path):
    pytest.importorskip("pxr", reason="needs the extra usd")
    for name, method in (("a.usda", zipfile.ZIP_DEFLATED), ("../a.usda", zipfile.ZIP_STORED)):
        with zipfile.ZipFile(tmp_path / "x.usdz", "w", method) as archive:
            archive.writestr(name, "#usda 1.0\n")
        with pytest.raises(InputError, match="leads out"):
            read_mesh(tmp_path / "x.usdz")


def test_usdz_that_refers_to_other_files_is_refused(tmp_path):
    pytest.importorskip("pxr", reason="needs the extra usd")
    (tmp_path / "secret.usda").write_text('#usda 1.0\ndef Sphere "s" {}\n')
    outside = f'#usda 1.0\ndef "a" (references = @{tmp_path}/secret.usda@</s>) {{}}\n'
    with zipfile.ZipFile(tmp_path / "x.usdz", "w") as archive:
        archive.writestr("a.usda", outside)
    with pytest.raises(InputError, match="outside itself"):
        read_mesh(tmp_path / "x.usdz")
