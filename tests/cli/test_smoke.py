"""Every smoke preset, as a user runs it."""

import json
from pathlib import Path

import pytest

from common.config.load import preset_names
from common.report.json_report import read_record

SMOKE = [name for name in preset_names() if name.startswith("smoke/")]


@pytest.mark.slow
@pytest.mark.parametrize("preset", SMOKE)
def test_smoke_preset_makes_what_it_prints(extrude, preset, tmp_path):
    done = extrude(preset)
    assert done.code == 0, done.err
    assert done.paths
    assert all(path.is_file() and path.stat().st_size > 0 for path in done.paths)
    assert done.paths[-1].name == "report.html"
    folder = done.paths[-1].parent
    record = read_record(folder)
    assert record.status == "done"
    assert {(folder / a.path).resolve() for a in record.artefacts} >= {
        path.resolve() for path in done.paths[:-1]
    }
    assert json.loads((folder / "environment.json").read_text())["versions"]["torch"]
    assert (folder.parent / "latest").resolve() == folder.resolve()
    assert not list(tmp_path.rglob("*.partial*"))


@pytest.mark.slow
@pytest.mark.parametrize("preset", [name for name in SMOKE if "compare" not in name])
def test_snapshot_of_a_run_repeats_it_to_the_byte(extrude, preset):
    first = extrude(preset)
    again = extrude(str(first.paths[-1].parent / "config.yaml"))
    assert again.code == 0, again.err
    pairs = list(zip(first.paths[:-1], again.paths[:-1], strict=True))
    assert pairs
    for one, two in pairs:
        assert Path(one) != Path(two)
        assert one.read_bytes() == two.read_bytes()


@pytest.mark.slow
@pytest.mark.parametrize("preset", [name for name in SMOKE if "compare" not in name])
def test_rerun_of_each_artefact_repeats_it_to_the_byte(extrude, preset):
    first = extrude(preset)
    for path in {p.suffix: p for p in first.paths[:-1]}.values():
        again = extrude("rerun", str(path))
        assert again.code == 0, again.err
        twin = next(p for p in again.paths if p.name == path.name)
        assert twin.read_bytes() == path.read_bytes()
