import contextlib
import re
import struct

import gsply
import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.cameras import Cameras
from common.errors import InputError
from tests.reference.splat_scipy import draw
from tests.threed.splats.clouds import CAMERAS, cloud_of, psnr
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splats.axes import axes_in_words, axes_matrix, from_axes, to_axes
from threed.splats.ply import axes_of_ply, ply_bytes, property_names, read_ply
from threed.splats.ply_table import read_ply_header


def same(one, other):
    for name in ("means", "log_scales", "quaternions", "opacity_logits", "sh"):
        assert torch.equal(getattr(one, name), getattr(other, name)), name


@pytest.mark.parametrize("normals", [True, False])
@pytest.mark.parametrize("degree", range(5))
def test_round_trip_keeps_every_bit(degree, normals):
    cloud = cloud_of(20, degree)
    data = ply_bytes(cloud, normals=normals)
    same(read_ply(data), cloud)
    assert ply_bytes(read_ply(data), normals=normals) == data
    assert (b"property float nx\n" in data) == normals


def test_file_is_laid_out_as_inrias():
    """Byte by byte, from the published order of properties and nothing of ours."""
    cloud = cloud_of(3, degree=1)
    data = ply_bytes(cloud, "RUB")  # our axes: values as they are
    head, _, body = data.partition(b"end_header\n")
    names = re.findall(r"property float (\w+)", head.decode())
    assert names == [
        "x", "y", "z", "nx", "ny", "nz", "f_dc_0", "f_dc_1", "f_dc_2",
        *(f"f_rest_{i}" for i in range(9)),
        "opacity", "scale_0", "scale_1", "scale_2", "rot_0", "rot_1", "rot_2", "rot_3",
    ]  # fmt: skip
    assert b"format binary_little_endian 1.0\n" in head
    assert b"element vertex 3\n" in head
    row = dict(zip(names, struct.unpack_from(f"<{len(names)}f", body, len(names) * 4), strict=True))
    assert (row["x"], row["ny"], row["rot_0"]) == (cloud.means[1, 0], 0, cloud.quaternions[1, 0])
    assert (row["opacity"], row["scale_2"]) == (cloud.opacity_logits[1], cloud.log_scales[1, 2])
    # channel by channel: three of R, three of G, three of B
    assert [row[f"f_rest_{i}"] for i in range(3)] == cloud.sh[1, 1:, 0].tolist()
    assert [row[f"f_rest_{i}"] for i in range(3, 6)] == cloud.sh[1, 1:, 1].tolist()


@pytest.mark.parametrize("degree", range(4))
def test_gsply_reads_what_is_written_and_its_files_are_read(degree, tmp_path):
    cloud = cloud_of(30, degree)
    path = tmp_path / "ours.ply"
    path.write_bytes(ply_bytes(cloud, "RUB"))
    found = gsply.plyread(path)
    assert np.array_equal(found.means, cloud.means)
    assert np.array_equal(found.scales, cloud.log_scales)
    assert np.array_equal(found.opacities, cloud.opacity_logits)
    assert np.array_equal(found.sh0, cloud.sh[:, 0])
    if degree:
        assert np.array_equal(found.shN, cloud.sh[:, 1:])
    gsply.plywrite(tmp_path / "theirs.ply", found)
    theirs = read_ply(tmp_path / "theirs.ply", "RUB")
    assert torch.equal(theirs.sh, cloud.sh)
    assert torch.equal(theirs.means, cloud.means)


@pytest.mark.parametrize("axes", ["RDF", "RFU", "LDB", "RUF"])
def test_file_shows_cameras_of_its_axes_what_the_scene_shows_ours(axes):
    """The border, by pictures: values of the file as they stand, cameras turned by hand."""
    cloud = cloud_of(40, degree=3)
    raw = read_ply(ply_bytes(cloud, axes), "RUB")  # no turn: what stands in the file
    turns = {  # our coordinates to the file's, written out
        "RDF": [[1, 0, 0], [0, -1, 0], [0, 0, -1]],
        "RFU": [[1, 0, 0], [0, 0, -1], [0, 1, 0]],
        "LDB": [[-1, 0, 0], [0, -1, 0], [0, 0, 1]],
        "RUF": [[1, 0, 0], [0, 1, 0], [0, 0, -1]],
    }
    turn = torch.tensor(turns[axes], dtype=torch.float64)
    w2c = CAMERAS.w2c.clone()
    w2c[:, :3, :3] = w2c[:, :3, :3] @ turn.T
    seen = draw(raw, Cameras(w2c, CAMERAS.intrinsics, CAMERAS.height, CAMERAS.width))
    # coefficients of quarter turns are rounded to float32
    assert torch.allclose(seen, draw(cloud, CAMERAS), rtol=0, atol=1e-5)
    assert psnr(read_ply(ply_bytes(cloud, axes), axes), cloud) > 100  # float32's rounding
    assert psnr(raw, cloud) < 30  # and the axes matter


def test_axes_that_a_comment_states_are_used():
    cloud = cloud_of(10)
    for axes in ("RFU", "RUB"):
        data = ply_bytes(cloud, axes)
        assert axes_of_ply(read_ply_header(data)) == axes
        assert torch.allclose(read_ply(data).means, cloud.means)
    assert b"comment" not in ply_bytes(cloud)
    assert axes_of_ply(read_ply_header(ply_bytes(cloud))) == "RDF"


@settings(max_examples=30)
@given(st.text("RLUDFBX", max_size=4))
def test_axes_are_three_letters_for_three_directions(axes):
    named = [sum(letter in pair for letter in axes) for pair in ("RL", "UD", "FB")]
    if len(axes) == 3 and named == [1, 1, 1]:
        matrix = axes_matrix(axes)
        assert torch.equal(matrix @ matrix.T, torch.eye(3, dtype=torch.float64))
        cloud = cloud_of(4, degree=1)
        back = from_axes(to_axes(cloud, axes), axes)
        assert torch.allclose(back.sh, cloud.sh, atol=1e-6)
        assert torch.equal(back.means, cloud.means)
    else:
        with pytest.raises(InputError, match="three letters"):
            axes_matrix(axes)
    assert axes_in_words("RDF") == "x right, y down, z forward"


def rewritten(cloud, order="<", kind="f4", names=None, extra=b""):
    """A PLY file made here: any order of properties, any number type."""
    written = property_names(cloud.degree, normals=False)
    values = dict(zip(written, np.hstack([
        cloud.means, cloud.sh[:, 0], cloud.sh[:, 1:].mT.reshape(len(cloud), -1),
        cloud.opacity_logits[:, None], cloud.log_scales, cloud.quaternions,
    ]).T, strict=True))  # fmt: skip
    names = names or written
    table = np.zeros(len(cloud), [(name, order + kind) for name in names])
    for name in names:
        table[name] = values.get(name, 0)
    form = "binary_little_endian" if order == "<" else "binary_big_endian"
    word = {"f4": "float", "f8": "double"}[kind]
    lines = [f"property {word} {name}" for name in names]
    head = "\n".join([f"ply\nformat {form} 1.0\nobj_info made here", extra.decode() or "comment -",
                      f"element vertex {len(cloud)}", *lines, "end_header\n"])  # fmt: skip
    return head.encode() + table.tobytes()


def with_crlf(data):
    head, end, body = data.partition(b"end_header\n")
    return (head + end).replace(b"\n", b"\r\n") + body


def test_other_orders_types_and_elements_are_read():
    cloud = cloud_of(9, degree=2)
    shuffled = sorted([*property_names(2), "label"])
    for data in (
        rewritten(cloud, ">"), rewritten(cloud, kind="f8"), rewritten(cloud, names=shuffled),
        rewritten(cloud) + b"trailing bytes of other elements", with_crlf(rewritten(cloud)),
    ):  # fmt: skip
        same(read_ply(data, "RUB"), cloud)


def test_colours_in_bytes_stand_in_for_the_constant():
    cloud = cloud_of(5, degree=0)
    names = [name for name in property_names(0, False) if not name.startswith("f_dc")]
    plain = rewritten(cloud, names=names)
    head, _, body = plain.partition(b"end_header\n")
    rows = np.frombuffer(body, "<f4").reshape(5, -1)
    wide = b"".join(row.tobytes() + bytes([255, 0, 51]) for row in rows)
    colours = b"".join(b"property uchar %s\n" % name for name in (b"red", b"green", b"blue"))
    read = read_ply(head + colours + b"end_header\n" + wide, "RUB")
    shown = 0.5 + 0.28209479177387814 * read.sh[:, 0]
    assert torch.allclose(shown, torch.tensor([1.0, 0.0, 0.2]).expand(5, 3), atol=1e-6)
    with pytest.raises(InputError, match="without colour"):
        read_ply(plain)


def damaged():
    cloud = cloud_of(6, degree=1)
    data = ply_bytes(cloud)
    holes = {name: getattr(cloud, name).clone() for name in ("means", "quaternions")}
    holes["means"][4, 1] = torch.nan
    holes["quaternions"][2] = 0
    rest = (cloud.log_scales, cloud.quaternions, cloud.opacity_logits, cloud.sh)
    names = property_names(1, False)
    yield "no ply", b"hello", "not a PLY"
    yield "empty", b"", "empty"
    yield "no end", data[:60], "end_header"
    yield "cut off", data[:-1], "cut off"
    yield "claims", data.replace(b"vertex 6", b"vertex 99999999999"), "cut off"
    yield "no vertices", data.replace(b"vertex 6", b"vertex 0"), "no Gaussians"
    yield (
        "mesh",
        b"ply\nformat binary_little_endian 1.0\nelement vertex 1\nproperty float x\n"
        b"property float y\nproperty float z\nend_header\n" + bytes(12),
        "without Gaussians",
    )
    yield "ascii", data.replace(b"binary_little_endian", b"ascii"), "ASCII"
    yield "compressed", data.replace(b"float x", b"uint packed_position"), "compressed PLY"
    yield "word", data.replace(b"element", b"elephant"), "unknown line"
    yield "lists", data.replace(b"property float nx", b"property list uchar int nx"), "lists"
    yield "twice", data.replace(b"float ny", b"float nx"), "twice"
    yield "rest", rewritten(cloud, names=[n for n in names if n != "f_rest_8"]), "8 f_rest"
    yield "gap", data.replace(b"f_rest_8", b"f_rest_9"), "f_rest_8"
    yield "nan", rewritten(GaussianCloud(holes["means"], *rest)), "1 of 6 .* means .* Gaussian 4"
    yield (
        "zero",
        rewritten(GaussianCloud(cloud.means, rest[0], holes["quaternions"], *rest[2:])),
        "length 0.*Gaussian 2",
    )


@pytest.mark.parametrize(("data", "reason"), [(d, r) for _, d, r in damaged()],
                         ids=[n for n, _, _ in damaged()])  # fmt: skip
def test_damaged_and_foreign_files_are_refused_with_the_reason(data, reason):
    with pytest.raises(InputError, match=reason):
        read_ply(data)


def test_a_missing_file_and_a_broken_cloud_are_refused(tmp_path):
    with pytest.raises(InputError, match="cannot be read"):
        read_ply(tmp_path / "gone.ply")
    cloud = cloud_of(3)
    broken = GaussianCloud(cloud.means * torch.inf, cloud.log_scales, cloud.quaternions,
                           cloud.opacity_logits, cloud.sh)  # fmt: skip
    with pytest.raises(InputError, match="means that are no numbers"):
        ply_bytes(broken)


@settings(max_examples=40)
@given(st.data())
def test_random_damage_is_refused_or_read_but_never_crashes(data):
    whole = bytearray(ply_bytes(cloud_of(3, degree=0)))
    for _ in range(data.draw(st.integers(1, 4))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with contextlib.suppress(InputError):  # the only error there may be
        assert len(read_ply(bytes(whole))) <= 3
