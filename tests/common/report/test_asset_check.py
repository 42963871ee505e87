import contextlib
import json
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from common.report.asset_check import check_glb
from tests.common.report.samples import write_asset


def glb(document: object, *, version: int = 2, cut: int = 0) -> bytes:
    text = json.dumps(document).encode()
    text += b" " * (-len(text) % 4)
    data = struct.pack("<4sIII4s", b"glTF", version, 20 + len(text), len(text), b"JSON") + text
    return data[: len(data) - cut]


def test_exported_asset_is_accepted(tmp_path):
    check_glb(write_asset(tmp_path / "a.glb"))


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"glTF", "not a binary glTF"),
        (b"PK\x03\x04" + bytes(40), "not a binary glTF"),
        (glb({}, version=1), "glTF version 1"),
        (glb({"asset": {}}, cut=4), "says it has 36 bytes but has 32"),
        (glb([1, 2]), "not an object"),
        (
            glb({"extensionsRequired": ["KHR_draco_mesh_compression"]}),
            "needs KHR_draco_mesh_compression, .*without compression",
        ),
        (glb({"buffers": [{"uri": "data.bin"}]}), r"other files \(data.bin\)"),
        (glb({"images": [{"uri": "https://x.example/a.png"}]}), "other files"),
    ],
)
def test_asset_that_needs_anything_else_is_refused(tmp_path, data, message):
    path = tmp_path / "a.glb"
    path.write_bytes(data)
    with pytest.raises(InputError, match=message):
        check_glb(path)


def test_embedded_data_is_accepted(tmp_path):
    path = tmp_path / "a.glb"
    path.write_bytes(glb({"images": [{"uri": "data:image/png;base64,AA"}], "buffers": [{}]}))
    check_glb(path)


@given(st.binary(max_size=80), st.integers(0, 40))
def test_damaged_asset_raises_nothing_else(tmp_path, data, position):
    path = tmp_path / "a.glb"
    whole = glb({"asset": {"version": "2.0"}, "buffers": 3, "images": ["x"]})
    path.write_bytes(whole[:position] + data + whole[position + len(data) :])
    with contextlib.suppress(InputError):
        check_glb(path)
