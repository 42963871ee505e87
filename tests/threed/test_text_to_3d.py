"""Text to 3-D end to end, on untrained models."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import trimesh
from safetensors.torch import load_file, save_file

from common.cli.main import main
from common.media.images import read_picture
from common.media.provenance import read_provenance
from common.media.video_read import read_clip
from common.report.asset_check import check_glb
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.stopped_runs import stopped_at
from tests.threed.glb_validator import problems, validation

ROOT = Path(__file__).parents[2]
SMALL = (
    "threed/text_to_3d", "prompt=a red mug", "method.size_px=64", "method.sampler.num_steps=2",
    "method.num_cells=16", "method.fit_steps=4", "method.distil.num_steps=2",
    "method.outline_steps=3", "method.texture_px=256", "turntable={num_frames: 2, size_px: 32}",
    "num_threads=1",
)  # fmt: skip
CHOOSING = ("method.num_fronts=3", "method.num_view_sets=2")


@pytest.fixture
def make(tmp_path, monkeypatch, capsys, lifting_models):  # noqa: F811
    """Run ``threed/text_to_3d``: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)

    def make(*changes, models_dir=lifting_models):
        code = main([*SMALL, *CHOOSING, f"prior.models_dir={models_dir}", *changes], APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return make


def test_run_writes_an_asset_a_turntable_and_its_views(make):
    code, paths, said = make()

    assert code == 0, said
    assert [path.name for path in paths] == ["asset.glb", "turntable.mp4", "views.png",
                                             "candidates.png", "report.html"]  # fmt: skip
    check_glb(paths[0])
    mesh = trimesh.load_mesh(paths[0])
    assert mesh.visual.material.metallicFactor == 0
    assert read_clip(paths[1]).frames.shape == (2, 32, 32, 3)
    assert read_picture(paths[2]).ndim == 3
    record = read_provenance(paths[0])
    assert record.prompt == "a red mug"
    assert record.config["method"]["name"] == "text_to_3d"


def test_same_seed_gives_the_same_asset_and_another_another(make):
    first = make("name=one")[1][0].read_bytes()
    second = make("name=one", "seed=1", "embed_provenance=false")[1][0].read_bytes()

    again = make("name=one")[1][0].read_bytes()

    assert first == again
    assert make("name=one", "embed_provenance=false")[1][0].read_bytes() != second


@pytest.mark.parametrize(("front", "step"), [
    ("together", 1), ("together", 3), ("together", 6), ("together", 7), ("together", 8),
    ("picture", 1), ("picture", 3), ("picture", 8),
])  # fmt: skip
def test_run_that_is_stopped_in_any_phase_ends_in_the_same_asset(make, tmp_path, front, step):
    """Of 8 steps the first 2 draw, 4 fit and 2 distil."""
    same = (f"method.front={front}", "embed_provenance=false")
    whole = make("name=whole", *same)[1]
    with stopped_at(step):
        code, _, _ = make("name=stopped", *same)
    assert code == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    for path in (whole[0], whole[3]):
        assert (folder / "samples" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.parametrize(("step", "phase"), [(1, "drawn views"), (4, "fit"), (7, "distil")])
def test_nan_in_the_runs_own_checkpoint_is_said(make, tmp_path, capsys, step, phase):
    with stopped_at(step):
        make("name=stopped")
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")
    (path,) = (folder / "checkpoints").glob("step-*/*.safetensors")
    tensors = load_file(path)
    for tensor in tensors.values():
        if tensor.is_floating_point() and tensor.ndim > 2:
            tensor.view(-1)[: tensor.numel() // 2] = torch.nan
    save_file(tensors, path)

    assert main(["resume", str(folder)], APPS) == 2

    said = capsys.readouterr().err.strip().splitlines()[-1]
    assert phase in said
    assert "damaged" in said
    assert not (folder / "samples" / "asset.glb").exists()


@pytest.mark.parametrize(("change", "message"), [
    ("prompt=", "prompt is empty"),
    ("method.num_cells=17", "multiple of 2"),
    ("method.distil.max_time=0.05", "above max_time"),
    ("method.size_px=60", "multiple of 8"),
])  # fmt: skip
def test_wrong_settings_end_with_code_2(make, tmp_path, change, message):
    code, paths, said = make(change)

    assert (code, paths) == (2, [])
    assert message in said
    assert not any(tmp_path.iterdir())


def test_missing_view_layers_end_with_code_2(make, tmp_path, models):  # noqa: F811
    code, paths, said = make(models_dir=models)

    assert (code, paths) == (2, [])
    assert "has no view_layers" in said
    assert not any(tmp_path.iterdir())


def test_choosing_without_what_reads_pictures_ends_with_code_2(make, tmp_path, lifting_models):  # noqa: F811
    folder = tmp_path / "models"
    shutil.copytree(lifting_models, folder, ignore=shutil.ignore_patterns("ip_adapter*"))

    code, paths, said = make(models_dir=folder)

    assert (code, paths) == (2, [])
    assert "method.num_view_sets=1" in said
    assert make("method.num_fronts=1", "method.num_view_sets=1", models_dir=folder)[0] == 0


def test_dry_run_says_sizes_and_leaves_nothing(make, tmp_path):
    code, paths, said = make("--dry-run")

    assert code == 0, said
    assert "views: 4 x 64 x 64" in [path.name for path in paths]
    assert not any(tmp_path.iterdir())


@pytest.mark.node
def test_asset_is_a_valid_file_that_stands_upright(make, node):
    path = make()[1][0]

    assert problems(node, path) == []
    found = validation(node, path)["info"]
    assert found["hasTextures"]
    assert found["materialCount"] == 1


def test_neither_kit_nor_training_data_is_imported_to_make_an_asset(lifting_models, tmp_path):  # noqa: F811
    code = (
        "import sys\nfrom common.cli.main import main\nfrom run import APPS\n"
        "assert main(sys.argv[1:], APPS) == 0\n"
        "print(*(m for m in sys.modules if m.startswith(('common.kit', 'common.training'))))"
    )
    arguments = [*SMALL, *CHOOSING, f"prior.models_dir={lifting_models}", f"output_dir={tmp_path}"]
    done = subprocess.run([sys.executable, "-c", code, *arguments], cwd=ROOT, text=True,
                          capture_output=True, check=True)  # fmt: skip
    assert done.stdout.splitlines()[-1] == ""
