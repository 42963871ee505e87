import hashlib
import json
import math
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from common.report.json_report import (
    RunRecord,
    SampleMetrics,
    artefact,
    read_record,
    sample_metrics,
    split_undefined,
    write_record,
)

GOLDEN = Path(__file__).parent / "report_v1.json"
RECORD = RunRecord(
    name="fox",
    app="video",
    status="done",
    metrics={"fvd": 12.5, "psnr_db": None},
    reasons={"psnr_db": "infinite"},
    samples=(
        sample_metrics("a red fox 🦊", 0, 7, {"clip": 0.25, "psnr_db": math.inf}),
        sample_metrics("a red fox 🦊", 1, 7, {"clip": 0.5, "psnr_db": 30.0}),
    ),
    timings_s={"sampling": 3.5, "export": 0.25},
    peak_memory_mb=812.5,
    peak_device_memory_mb=None,
    artefacts=(),
    environment={"device": "cpu", "versions": {"torch": "2.13.0"}},
)


def changed(tmp_path: Path, **values: object) -> Path:
    """A report.json with some keys changed."""
    document = json.loads(write_record(RECORD, tmp_path).read_text()) | values
    (tmp_path / "report.json").write_text(json.dumps(document))
    return tmp_path / "report.json"


def test_record_survives_the_file(tmp_path):
    path = write_record(RECORD, tmp_path)
    assert path == tmp_path / "report.json"
    assert read_record(path) == RECORD
    assert read_record(tmp_path) == RECORD
    assert list(read_record(path).timings_s) == ["sampling", "export"]


def test_every_report_of_version_1_stays_readable():
    record = read_record(GOLDEN)
    assert record == replace(RECORD, artefacts=record.artefacts)
    assert record.artefacts[0].path == "samples/000-7.mp4"


def test_file_has_no_nan(tmp_path):
    text = write_record(RECORD, tmp_path).read_text()
    json.loads(text, parse_constant=pytest.fail)
    assert json.loads(text)["samples"][0] == {
        "prompt": "a red fox 🦊",
        "sample": 0,
        "seed": 7,
        "metrics": {"clip": 0.25, "psnr_db": None},
        "reasons": {"psnr_db": "infinite"},
    }


@given(st.dictionaries(st.text(max_size=5), st.none() | st.floats()))
def test_undefined_values_become_null_with_a_reason(values):
    metrics, reasons = split_undefined(values)
    assert list(metrics) == list(values)
    assert {name for name, value in metrics.items() if value is None} == set(reasons)
    for name, value in metrics.items():
        assert value is None or value == values[name]
    SampleMetrics("p", 0, 1, metrics, reasons)


def test_reasons_tell_what_the_value_was():
    values = {"a": math.nan, "b": math.inf, "c": -math.inf, "d": None, "e": 1}
    assert split_undefined(values) == (
        {"a": None, "b": None, "c": None, "d": None, "e": 1},
        {"a": "not a number", "b": "infinite", "c": "minus infinite", "d": "not measured"},
    )


def test_contradictions_are_refused():
    with pytest.raises(ValueError, match="metric 'a' is nan"):
        SampleMetrics("p", 0, 1, {"a": math.nan})
    with pytest.raises(ValueError, match=r"null \(\['a'\]\) and reasons \(\[\]\)"):
        SampleMetrics("p", 0, 1, {"a": None})
    with pytest.raises(ValueError, match=r"samples occur more than once: \[\('p', 0, 1\)\]"):
        replace(RECORD, samples=(sample_metrics("p", 0, 1, {}),) * 2)
    with pytest.raises(ValueError, match="status 'failed' contradicts error ''"):
        replace(RECORD, status="failed")
    with pytest.raises(ValueError, match="status 'done' contradicts"):
        replace(RECORD, error="x")


def test_artefact_has_size_and_hash_and_a_relative_path(tmp_path):
    (tmp_path / "samples").mkdir()
    path = tmp_path / "samples" / "a b.mp4"
    path.write_bytes(b"abc" * 1000)
    made = artefact(tmp_path, path)
    assert made == artefact(tmp_path, Path("samples/a b.mp4"))
    assert (made.path, made.size_bytes) == ("samples/a b.mp4", 3000)
    assert made.sha256 == hashlib.sha256(b"abc" * 1000).hexdigest()


def test_artefact_outside_of_the_folder_or_missing_is_refused(tmp_path):
    (tmp_path / "a").write_bytes(b"x")
    (tmp_path / "run").mkdir()
    with pytest.raises(InputError, match="must be inside the run folder"):
        artefact(tmp_path / "run", tmp_path / "a")
    with pytest.raises(InputError, match="No such file"):
        artefact(tmp_path, Path("b"))


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"schema_version": 2}, "schema version 2, but this program reads version 1"),
        ({"schema_version": "1"}, "schema_version: Input should be a valid integer"),
        ({"status": "ok", "name": 3}, r"name: .*valid string\n  status: Input should be 'done'"),
        ({"surprise": 1}, "surprise: Unexpected"),
        ({"metrics": {"a": None}}, "null .* and reasons"),
        ({"timings_s": {"a": -1}}, "timings_s.a.*greater than or equal to 0"),
        ({"samples": [{"prompt": "p"}]}, "samples.0.seed: Field required"),
        (
            {"artefacts": [{"path": "../x", "size_bytes": 1, "sha256": "0" * 64}]},
            "not inside the run folder",
        ),
        ({"artefacts": [{"path": "x", "size_bytes": 1, "sha256": "0"}]}, "sha256: String should"),
    ],
)
def test_wrong_report_is_refused_with_all_problems(tmp_path, values, message):
    path = changed(tmp_path, **values)
    with pytest.raises(InputError, match=message) as refused:
        read_record(path)
    assert str(path) in str(refused.value)


@pytest.mark.parametrize("data", [b"", b"{", b"\xff\xfe\x00", b"[]", b"null", b'{"a": NaN}'])
def test_foreign_file_is_refused(tmp_path, data):
    (tmp_path / "report.json").write_bytes(data)
    with pytest.raises(InputError, match="not a readable report"):
        read_record(tmp_path)


def test_nan_in_a_file_is_refused(tmp_path):
    path = changed(tmp_path, metrics={"a": math.nan}, reasons={})
    assert "NaN" in path.read_text()
    with pytest.raises(InputError, match="finite number"):
        read_record(path)


def test_missing_report_is_refused(tmp_path):
    with pytest.raises(InputError, match=r"report\.json: the report cannot be read"):
        read_record(tmp_path)
