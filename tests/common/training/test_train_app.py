import json
import shutil

import numpy as np
import pytest

from common.cli.main import main
from common.media.images import read_picture
from common.runs.apps import Apps
from common.runs.folder import RunFolder, runs_of
from common.training.app import APP
from common.training.emoji.emoji_cache import new_array, write_index
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_packages import STILLS
from common.training.emoji.emoji_split import load_split
from common.zoo.models import load_autoencoder
from tests.common.training.small_training import disks

APPS = Apps(("train",), lambda name: APP)
CONFIG = """\
app: train
name: small
output_dir: {output}
cache_dir: {cache}
num_threads: 1
device: cpu
checkpoint: {{every_s: 0.0, keep: 9}}
method:
  name: autoencoder
  architecture:
    {{coarse_channels: 8, middle_channels: 8, fine_channels: 8, latent_channels: 2,
      encoder_blocks: [1, 1], decoder_blocks: [1, 1, 1]}}
  size_px: 64
  sources: [{{name: emoji_stills}}]
  loop:
    {{num_steps: 5, batch_size: 2, log_every: 2, preview_every: 5, evaluate_every: 5,
      learning_rate: {{warmup_steps: 1}}}}
"""


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    """Stills as training finds them: disks under the emoji's keys."""
    folder = tmp_path_factory.mktemp("cache")
    keys = list(load_concepts())
    (folder / "emoji").mkdir()
    array = new_array(folder / "emoji" / "stills-64.npy", len(keys), 64)
    rows = [keys.index(key) for key in load_split().reconstruction] + list(range(40))
    array[rows] = np.resize(disks(12), (len(rows), 64, 64, 4))
    array.flush()
    write_index(folder / "emoji" / "stills.json", STILLS.sha256, {"sizes_px": [64], "keys": keys})
    return folder


def run(tmp_path, cache, *changes):
    path = tmp_path / "small.yaml"
    path.write_text(CONFIG.format(output=tmp_path / "out", cache=cache), encoding="utf-8")
    code = main([str(path), *changes], APPS)
    return code, RunFolder(tmp_path / "out" / "small" / "latest").path.resolve()


def test_run_stores_a_model_that_loads_and_shows_what_it_does(tmp_path, cache, capsys):
    code, folder = run(tmp_path, cache)
    assert code == 0
    loaded = load_autoencoder(folder / "samples")
    assert loaded.model.architecture.latent_channels == 2
    assert float(loaded.model.latent_std.min()) > 0, "statistics are measured"
    assert read_picture(folder / "previews" / "step-000005.png").ndim == 3
    manifest = json.loads((folder / "samples" / "autoencoder.json").read_text())
    assert set(manifest["figures"]) == {"psnr/emoji"}
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].endswith("autoencoder.json")
    assert printed[-1].endswith("report.html")


def test_resumed_run_ends_in_the_same_bytes_and_rows(tmp_path, cache):
    _, folder = run(tmp_path, cache)
    weights = next((folder / "samples").glob("*.safetensors")).read_bytes()
    rows = without_times(folder)
    for step in (4, 5):
        shutil.rmtree(folder / "checkpoints" / f"step-{step:06d}")
    shutil.rmtree(folder / "samples")
    RunFolder(folder).set_status("running")
    assert main(["resume", str(folder)], APPS) == 0
    assert next((folder / "samples").glob("*.safetensors")).read_bytes() == weights
    assert without_times(folder) == rows


def test_training_continues_from_another_runs_weights(tmp_path, cache):
    _, first = run(tmp_path, cache)
    code, second = run(tmp_path, cache, f"init_from={first}", "method.loop.num_steps=3")
    assert code == 0
    assert second != first
    told = [float(row["train/loss"]) for folder in (first, second)
            for row in without_times(folder)[:1]]  # fmt: skip
    assert told[1] < told[0], "it begins where the other ended"


def test_init_from_without_checkpoint_is_refused_before_a_folder_exists(tmp_path, cache, capsys):
    code, _ = run(tmp_path, cache, f"init_from={tmp_path}")
    assert code == 2
    assert "has no checkpoint" in capsys.readouterr().err
    assert not (tmp_path / "out").exists()


def test_data_that_is_not_prepared_is_refused(tmp_path, capsys):
    code, _ = run(tmp_path, tmp_path / "nowhere")
    assert code == 2
    assert "Prepare them" in capsys.readouterr().err
    assert not (tmp_path / "out").exists() or not runs_of(tmp_path / "out" / "small")


def without_times(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    return [{k: v for k, v in json.loads(line).items() if k != "time_s"} for line in lines]
