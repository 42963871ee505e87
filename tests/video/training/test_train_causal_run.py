"""``train/causal_autoencoder`` from the command line."""

import json

import pytest

from common.cli.main import main
from common.zoo.models import load_autoencoder
from run import APPS
from tests.common.generation.conftest import models  # noqa: F401
from tests.video.training.small_causal_training import Waves
from video.causal_autoencoder.load import load_causal_autoencoder

SIZES = {"latent_channels": 4, "channels": 16, "decoder_blocks": 1}


@pytest.fixture
def train(tmp_path, monkeypatch, capsys, models):  # noqa: F811
    """Exit code, run folder and messages."""
    monkeypatch.chdir(tmp_path)

    def train(*changes):
        arguments = [
            "train/causal_autoencoder", f"method.models_dir={models}",
            f"method.architecture={json.dumps(SIZES)}", "method.pixel_crops=2",
            "method.loop={num_steps: 3, batch_size: 2, learning_rate: {warmup_steps: 1}}",
            "num_threads=1", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, (tmp_path / "outputs" / "causal_autoencoder" / "latest").resolve(), said

    return train


def test_trained_model_is_stored_and_read_again(train, monkeypatch, models):  # noqa: F811
    monkeypatch.setattr(
        "video.training.causal_autoencoder_trainer.prepared_coded_clips", lambda *_: Waves()
    )
    code, folder, said = train()
    assert code == 0, said.err
    manifest = json.loads((folder / "samples" / "causal_autoencoder.json").read_text())
    assert {"error/waves", "interpolated/waves"} == set(manifest["figures"])
    model = load_causal_autoencoder(load_autoencoder(models), folder / "samples").model
    assert model.architecture.channels == 16
    assert (folder / "previews" / "step-000003.png").is_file()


@pytest.mark.parametrize(("change", "message"), [
    ("cache_dir=nowhere", "prepare/clips"),
    ("method.architecture.latent_channels=8", "4 latent channels; architecture.latent_channels"),
    ("init_from=nowhere", "has no checkpoint"),
    ("method.architecture.frames_per_code=1", "frames_per_code"),
])  # fmt: skip
def test_what_cannot_be_trained_ends_with_code_2(train, change, message):
    code, _, said = train(change)
    assert code == 2
    assert message in said.err


def test_dry_run_says_sizes_and_keys_without_effect(train):
    code, _, said = train("--dry-run", "method.pixel_weight=0")
    assert code == 0
    assert "codes: 4 x 5 x 16 x 16" in said.out
    assert "pixel_crops has no effect" in said.out
