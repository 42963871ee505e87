import json
import struct
from contextlib import suppress

import numpy as np
import pytest
import trimesh
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from common.media.gltf_extras import embed, extract
from common.media.provenance import from_json, read_provenance
from tests.common.media.sample_media import sample_provenance


def box_glb() -> bytes:
    return trimesh.creation.box((1, 2, 3)).export(file_type="glb")


def parts(glb: bytes) -> tuple[dict, bytes]:
    length = struct.unpack_from("<I", glb, 12)[0]
    return json.loads(glb[20 : 20 + length]), glb[20 + length :]


@pytest.mark.parametrize("prompt", ["a cube", "立方体 🧊\0", "x" * 10_000])
def test_record_survives_a_glb(tmp_path, prompt):
    record = sample_provenance(prompt)
    path = tmp_path / "a.glb"
    path.write_bytes(embed(box_glb(), record))
    assert read_provenance(path) == record


def test_document_and_chunks_stay_as_they_were():
    before = box_glb()
    after = embed(before, sample_provenance())
    document, rest = parts(after)
    old_document, old_rest = parts(before)
    assert rest == old_rest
    assert document["asset"].pop("extras")["extrude"]["prompt"] == "a red ball rolls"
    assert document == old_document


@given(st.integers(0, 40))
def test_glb_stays_aligned_for_any_length(length):
    glb = embed(box_glb(), sample_provenance("p" * length))
    total, json_length = struct.unpack_from("<8xII", glb)
    assert total == len(glb)
    assert json_length % 4 == 0
    # The specification pads JSON with spaces, and the next chunk starts right behind.
    assert struct.unpack_from("<4xI", glb, 20 + json_length)[0] == 0x004E4942


def test_other_programs_still_read_the_mesh():
    mesh = trimesh.load(
        trimesh.util.wrap_as_stream(embed(box_glb(), sample_provenance())), file_type="glb"
    )
    assert np.allclose(mesh.extents, (1, 2, 3))


def test_embedding_again_replaces_and_none_removes():
    first = embed(box_glb(), sample_provenance("one"))
    second = embed(first, sample_provenance("two"))
    assert from_json(extract(second)).prompt == "two"
    assert embed(second, None) == embed(box_glb(), None)
    assert b"extrude" not in embed(second, None)


def test_other_extras_are_kept():
    document = {"asset": {"version": "2.0", "extras": {"author": "Ann"}}}
    data = embed(json.dumps(document).encode(), sample_provenance())
    assert json.loads(data)["asset"]["extras"]["author"] == "Ann"
    assert json.loads(embed(data, None)) == document


def test_gltf_text_files_are_read(tmp_path):
    path = tmp_path / "a.gltf"
    path.write_bytes(embed(b'{"asset": {"version": "2.0"}}', sample_provenance()))
    assert read_provenance(path) == sample_provenance()


def test_extras_that_are_no_object_are_refused():
    with pytest.raises(InputError, match=r"asset\.extras"):
        embed(b'{"asset": {"version": "2.0", "extras": 3}}', sample_provenance())


@pytest.mark.parametrize(
    "data",
    [b"glTF", b"glTF" + bytes(40), b"{", b"{}", b"[]", b'{"asset": {"version": "1.0"}}',
     b'{"asset": {"version": "2.0"}, "x": NaN}', b'{"asset": {"version": "2.0"}, "x": 1e999}',
     b"\xff\xfe{}", b"[" * 100_000],
)  # fmt: skip
def test_foreign_and_damaged_documents_are_refused(data):
    with pytest.raises(InputError, match=r"glTF|GLB"):
        embed(data, sample_provenance())


@given(st.data())
@settings(max_examples=150)
def test_damaged_glbs_are_refused_or_read_never_crash(data):
    glb = bytearray(embed(box_glb(), sample_provenance()))
    for _ in range(data.draw(st.integers(1, 4))):
        glb[data.draw(st.integers(0, 60))] = data.draw(st.integers(0, 255))
    cut = data.draw(st.integers(0, len(glb)))
    for variant in (bytes(glb), bytes(glb[:cut])):
        with suppress(InputError):  # any other error fails
            extract(variant)
