"""Each trap on a file that has exactly that one, and none on files that are right."""

from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from common.errors import InputError
from tests.threed.gltf import samples
from tests.threed.gltf.samples import appended, changed, magenta_gutters, with_picture
from threed.drawable import drawable_mesh
from threed.glb import glb_bytes
from threed.gltf.document import parse_gltf
from threed.gltf.lint import lint


def codes(data: bytes) -> list[str]:
    return [finding.code for finding in lint(parse_gltf(data))]


def test_files_of_this_program_have_no_findings():
    assert codes(samples.clean()) == []
    colored = trimesh.creation.icosphere(2)
    colored.visual.vertex_colors = np.random.default_rng(0).integers(0, 256, (162, 4), np.uint8)
    assert codes(glb_bytes(colored)) == []
    faces = trimesh.creation.box()
    faces.visual.face_colors = np.arange(48).reshape(12, 4).astype(np.uint8) * 5
    assert codes(glb_bytes(faces)) == []
    open_surface = trimesh.creation.box()
    open_surface.update_faces(np.arange(12) > 1)
    assert codes(glb_bytes(open_surface)) == []


def material(tree: dict) -> dict:
    return tree["materials"][0]


def factors(tree: dict) -> dict:
    return material(tree)["pbrMetallicRoughness"]


def primitive(tree: dict) -> dict:
    return tree["meshes"][0]["primitives"][0]


def position_accessor(tree: dict) -> dict:
    return tree["accessors"][primitive(tree)["attributes"]["POSITION"]]


def drop_metallic(tree, binary):
    del factors(tree)["metallicFactor"]


def drop_material(tree, binary):
    del primitive(tree)["material"]


def grey(tree, binary):
    factors(tree)["baseColorFactor"] = [0.4, 0.4, 0.4, 1.0]


def byte_colors(tree, binary):
    count = position_accessor(tree)["count"]
    values = np.full((count, 4), 200, np.uint8)
    index = appended(tree, binary, values, "VEC4", 5121)
    tree["accessors"][index]["normalized"] = True
    primitive(tree)["attributes"]["COLOR_0"] = index


def drop_normals(tree, binary):
    del primitive(tree)["attributes"]["NORMAL"]


def drop_sampler(tree, binary):
    del tree["textures"][0]["sampler"]


def hide_alpha(tree, binary):
    pixels = np.asarray(picture_of(tree, binary).convert("RGBA")).copy()
    pixels[:40, :40, 3] = 0
    with_picture(tree, binary, Image.fromarray(pixels))


def picture_of(tree, binary):
    import io

    view = tree["bufferViews"][tree["images"][0]["bufferView"]]
    begin = view["byteOffset"]
    return Image.open(io.BytesIO(bytes(binary[begin : begin + view["byteLength"]])))


def both_sides(tree, binary):
    material(tree)["doubleSided"] = True


def odd_size(tree, binary):
    with_picture(tree, binary, picture_of(tree, binary).resize((250, 250)))


def scale(factor: float):
    def act(tree, binary):
        tree["nodes"][0]["scale"] = [factor] * 3

    return act


def move(tree, binary):
    tree["nodes"][0]["translation"] = [3.0, 0.0, 0.0]


def drop_bounds(tree, binary):
    del position_accessor(tree)["max"]


def wrong_bounds(tree, binary):
    position_accessor(tree)["max"][0] = 7.0


def mirror(tree, binary):
    tree["nodes"][0]["scale"] = [-1.0, 1.0, 1.0]


def misalign(tree, binary):
    index = primitive(tree)["attributes"]["NORMAL"]
    accessor = tree["accessors"][index]
    view = tree["bufferViews"][accessor["bufferView"]]
    begin = view["byteOffset"]
    values = bytes(binary[begin : begin + view["byteLength"]])
    binary += b"\0" * (-len(binary) % 4) + b"\0\0" + values
    tree["bufferViews"].append(
        {"buffer": 0, "byteOffset": len(binary) - len(values), "byteLength": len(values)}
    )
    tree["buffers"][0]["byteLength"] = len(binary)
    accessor["bufferView"] = len(tree["bufferViews"]) - 1


def require_draco(tree, binary):
    tree["extensionsUsed"] = tree["extensionsRequired"] = ["KHR_draco_mesh_compression"]


def flat_face(tree, binary):
    accessor = tree["accessors"][primitive(tree)["indices"]]
    begin = tree["bufferViews"][accessor["bufferView"]]["byteOffset"]
    # one more face, all of whose corners are one
    indices = np.frombuffer(bytes(binary[begin : begin + 4 * accessor["count"]]), np.uint32)
    values = np.append(indices, [indices[0]] * 3).astype(np.uint32)
    primitive(tree)["indices"] = appended(tree, binary, values, "SCALAR", 5125)


def many_materials(tree, binary):
    tree["materials"] = [dict(material(tree)) for _ in range(17)]
    tree["meshes"][0]["primitives"] = [primitive(tree) | {"material": index} for index in range(17)]


TRAPS = {
    "metallic factor": (drop_metallic, "missing-metallic-factor"),
    "no material": (drop_material, "missing-metallic-factor"),
    "grey factor": (grey, "grey-base-color"),
    "byte colours": (byte_colors, "srgb-vertex-colors"),
    "no normals": (drop_normals, "missing-normals"),
    "no sampler": (drop_sampler, "missing-sampler"),
    "hidden alpha": (hide_alpha, "opaque-alpha"),
    "both sides": (both_sides, "double-sided-closed-surface"),
    "250 pixels": (odd_size, "texture-not-power-of-two"),
    "kilometre": (scale(1000.0), "unit-scale"),
    "tenth of a millimetre": (scale(1e-4), "unit-scale"),
    "far away": (move, "off-centre"),
    "no bounds": (drop_bounds, "missing-position-bounds"),
    "wrong bounds": (wrong_bounds, "wrong-position-bounds"),
    "mirror": (mirror, "mirrored-node"),
    "alignment": (misalign, "misaligned-accessor"),
    "Draco": (require_draco, "unknown-required-extension"),
    "flat face": (flat_face, "degenerate-faces"),
    "17 materials": (many_materials, "many-materials"),
}


@pytest.mark.parametrize("case", TRAPS)
def test_trap_is_the_only_finding(case):
    act, code = TRAPS[case]
    (finding,) = lint(parse_gltf(changed(act)))
    assert finding.code == code
    assert finding.message
    assert finding.fix


def test_background_between_charts_bleeds():
    assert codes(glb_bytes(magenta_gutters())) == ["gutter-bleed"]


def test_picture_upside_down_is_suspected():
    assert codes(glb_bytes(magenta_gutters(upside_down=True))) == ["flipped-v"]


def box_page(cell: float) -> trimesh.Trimesh:
    """A box with each side in a cell of a 3 x 2 page of colours; how much of it it fills."""
    box = trimesh.creation.box()
    corners = box.vertices[box.faces].reshape(-1, 3)
    side = np.repeat(np.abs(box.face_normals).argmax(1) * 2 + (box.face_normals.sum(1) > 0), 3)
    axes = np.array([[1, 2], [0, 2], [0, 1]])[side // 2]
    inside = np.take_along_axis(corners, axes, 1) + 0.5
    middle = np.stack([side % 3 + 0.5, side // 3 + 0.5], 1)
    uv = (middle + cell * (inside - 0.5)) / [3, 2]
    colours = np.array(
        [[[255, 0, 0], [0, 255, 0], [0, 0, 255]], [[255, 255, 0], [0, 255, 255], [255, 0, 255]]],
        np.uint8,
    )
    # 100 texels a cell: blocks of 8 do not end where cells do
    page = np.kron(colours[::-1], np.ones((100, 100, 1), np.uint8))
    material = trimesh.visual.material.PBRMaterial(
        baseColorTexture=Image.fromarray(page), metallicFactor=0.0, roughnessFactor=1.0,
        doubleSided=None,
    )  # fmt: skip
    return trimesh.Trimesh(
        corners, np.arange(36).reshape(-1, 3), process=False,
        visual=trimesh.visual.TextureVisuals(uv=uv, material=material),
    )  # fmt: skip


def test_charts_side_by_side_mix_and_those_apart_do_not():
    size = "texture-not-power-of-two"
    assert codes(glb_bytes(box_page(1.0))) == ["charts-too-close", size]
    assert codes(glb_bytes(box_page(0.9))) == [size]


def test_open_surface_drawn_from_one_side_is_found():
    sheet = trimesh.creation.box()
    sheet.update_faces(np.arange(12) > 1)

    def one_side(tree, binary):
        material(tree)["doubleSided"] = False

    assert codes(changed(one_side, glb_bytes(sheet))) == ["single-sided-open-surface"]


def test_object_made_with_z_up_lies_on_its_back():
    cone = trimesh.creation.cone(0.4, 1.0)  # its base is on z = 0, facing -z
    assert codes(glb_bytes(cone)) == ["not-upright"]
    cone.apply_transform(trimesh.transformations.rotation_matrix(-np.pi / 2, [1, 0, 0]))
    assert codes(glb_bytes(cone)) == []


def test_output_of_plain_trimesh_shows_its_known_traps(tmp_path):
    """The library's own writer, without what `glb.py` adds."""
    ball = trimesh.creation.icosphere(2)
    ball.visual.vertex_colors = np.random.default_rng(0).integers(1, 255, (162, 4), np.uint8)
    found = codes(ball.export(file_type="glb", include_normals=False))
    assert set(found) == {"srgb-vertex-colors", "missing-metallic-factor", "missing-normals"}


def test_required_extension_keeps_the_geometry_from_being_read():
    from threed.gltf.as_trimesh import gltf_trimesh

    with pytest.raises(InputError, match="KHR_draco_mesh_compression"):
        gltf_trimesh(parse_gltf(changed(require_draco)))


def test_drawn_colours_of_the_box_are_those_of_its_page():
    """The page that the tests above rest on is laid on as meant."""
    from threed.drawable import corner_colors

    found = (corner_colors(drawable_mesh(box_page(0.5))) * 255).round().int()
    assert found[0].tolist() in ([255, 0, 0], [0, 255, 0])
    assert len({tuple(one) for one in found.tolist()}) == 6


def test_traps_cover_every_code_of_the_checks():
    import re

    folder = Path(__file__).parents[3] / "threed" / "gltf"
    known = set()
    for path in folder.glob("*_checks.py"):
        known |= set(re.findall(r'Finding\(\s*"([a-z0-9-]+)"', path.read_text()))
    tested = set(re.findall(r'"([a-z0-9]+(?:-[a-z0-9]+)+)"', Path(__file__).read_text()))
    assert known <= tested
