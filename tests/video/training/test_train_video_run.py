"""From ``train/spacetime_dit`` to a clip of ``video/spacetime_dit``."""

import json

import pytest

from common.cli.main import main
from common.diffusion.guidance_config import CFG
from common.diffusion.sampler_config import FlowEuler
from common.embedded.drawn_clip import Drawing
from common.media.video_read import read_clip
from run import APPS
from tests.common.generation.conftest import models  # noqa: F401
from tests.stopped_runs import stopped_at
from tests.video.training.small_spacetime import NUM_FRAMES, Steps

SIZES = {
    "latent_channels": 4, "text_channels": 32, "channels": 32, "num_blocks": 1, "num_heads": 2
}  # fmt: skip


@pytest.fixture
def train(tmp_path, monkeypatch, capsys, models):  # noqa: F811
    """Run ``train/spacetime_dit`` on climbing constants: exit code, run folder and messages."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(
        "video.training.clip_sheet._DRAWING", Drawing(FlowEuler(num_steps=1), CFG(), 0)
    )

    def train(*changes):
        arguments = [
            "train/spacetime_dit", f"method.models_dir={models}",
            f"method.architecture={json.dumps(SIZES)}", f"method.frames_at_once={NUM_FRAMES}",
            "method.loop={num_steps: 4, batch_size: 2, learning_rate: {warmup_steps: 1}}",
            "num_threads=1", "checkpoint.every_s=0", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, (tmp_path / "outputs" / "spacetime_dit" / "latest").resolve(), said

    return train


@pytest.fixture
def climbing(monkeypatch):
    monkeypatch.setattr(
        "video.training.spacetime_dit_trainer.prepared_source", lambda *_: Steps()
    )  # fmt: skip


def test_trained_model_draws_clips(train, climbing, tmp_path, models, capsys):  # noqa: F811
    code, folder, said = train()

    assert code == 0, said.err
    manifest = json.loads((folder / "samples" / "spacetime_dit.json").read_text())
    assert set(manifest["requires"]) == {"autoencoder", "text_encoder"}
    assert "velocity_error/first_given" in manifest["figures"]
    assert manifest["architecture"]["trained_px"] == 128
    assert (folder / "previews" / "step-000004.png").is_file()
    prior = {
        "name": "spacetime_dit",
        "models_dir": str(folder / "samples"),
        "bases_dir": str(models),
    }
    drawn = main(
        ["video/spacetime_dit", f"prior={json.dumps(prior)}", "sampler.num_steps=1",
         "method.num_frames=2", "method.height=96", "method.width=64", "export.formats=[mp4]",
         "export.upscale=1"],
        APPS,
    )  # fmt: skip
    paths = capsys.readouterr().out.splitlines()
    assert drawn == 0
    assert read_clip(tmp_path / paths[0]).frames.shape == (2, 96, 64, 3)


def test_stopped_training_ends_in_the_same_weights(train, climbing, tmp_path):
    _, whole, _ = train()
    with stopped_at(2):
        assert train("name=stopped")[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    shards = [next((one / "samples").glob("*.safetensors")) for one in (whole, folder)]
    assert shards[0].read_bytes() == shards[1].read_bytes()


@pytest.mark.parametrize(("change", "message"), [
    ("cache_dir=nowhere", "prepare/clips"),
    ("method.architecture.text_channels=64", "text_channels say 4 and 64"),
    ("init_from=nowhere", "has no checkpoint"),
])  # fmt: skip
def test_what_cannot_be_trained_ends_with_code_2(train, change, message):
    code, _, said = train(change)
    assert code == 2
    assert message in said.err


def test_dry_run_says_sizes(train):
    code, _, said = train("--dry-run")
    assert code == 0
    assert "4 frames of 128 x 128 pixels" in said.out
