"""Talking faces held against what they say: figures by hand, and a run with untrained models."""

import json
import shutil

import numpy as np
import pytest
import torch

from common.cli.main import main
from common.embedded.mouth import MouthFinder, MouthFinderArchitecture
from common.media.video_read import read_clip
from common.training.emoji.emoji_cache import write_index
from common.training.talking import speech_set
from common.zoo.models import load_autoencoder
from common.zoo.storage import save_model
from run import APPS
from tests.common.evaluation.conftest import zoo  # noqa: F401
from video.evaluation.talking_face import figures_of

RATE = 22_050


def row(said, drawn, duration=0.0):
    return {"said": said, "heard": said, "drawn": drawn, "truth": said, "duration": duration}


def test_figures_are_of_each_clip_and_of_the_others():
    rng = np.random.default_rng(0)
    said = [rng.random(16).tolist() for _ in range(6)]
    found = figures_of([row(one, [0.2 + 0.5 * v for v in one], 0.3) for one in said])
    assert found["drawn"] == pytest.approx(1)
    assert found["lag"] == found["lag_each"] == found["error"] == 0
    assert found["duration"] == 0.3
    others = [np.corrcoef(a, b)[0, 1] for a in said for b in said if a is not b]
    assert found["shuffled"] == pytest.approx(np.mean(others))


def test_a_late_mouth_is_told_by_how_much():
    rng = np.random.default_rng(1)
    said = [rng.random(16) for _ in range(6)]
    found = figures_of([row(one.tolist(), np.roll(one, 2).tolist()) for one in said])
    assert found["lag"] == 2
    assert found["drawn"] < 0.5


def test_a_mouth_that_never_moves_follows_nothing():
    found = figures_of([row([0.0, 0.5, 1.0, 0.2] * 4, [0.3] * 16) for _ in range(2)])
    assert found["drawn"] == found["shuffled"] == 0


@pytest.fixture
def evaluate(zoo, tmp_path, monkeypatch, capsys):  # noqa: F811
    """A run with a finder and an utterance of its own."""
    monkeypatch.chdir(tmp_path)
    models = tmp_path / "models"
    shutil.copytree(zoo, models)
    autoencoder = load_autoencoder(models)
    channels = autoencoder.model.encode(torch.zeros(1, 4, 64, 64)).shape[1]
    sizes = MouthFinderArchitecture(latent_channels=channels, channels=8, num_blocks=1)
    save_model(
        models, "mouth_finder", MouthFinder(sizes).state_dict(), "float32", kind="mouth_finder",
        architecture=sizes.model_dump(mode="json"),
        requires={"autoencoder": autoencoder.identity}, figures={},
    )  # fmt: skip

    def evaluate(*changes):
        code = main([
            "evaluate/talking_face", f"prior.models_dir={models}", "sampler.num_steps=2",
            "method.size_px=64", "method.num_frames=8", "method.num_clips=1",
            f"method.cache_dir={tmp_path / 'cache'}", *changes,
        ], APPS)  # fmt: skip
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return evaluate


def say_something(cache):
    time = np.arange(int(1.2 * RATE)) / RATE
    samples = (8000 * np.sin(2 * np.pi * 220 * time) * (time % 0.4 < 0.2)).astype(np.int16)
    (cache / "speech").mkdir(parents=True)
    np.save(cache / "speech" / "samples.npy", samples)
    phonemes = [[0.2 * i, ("ɑ", "m")[i % 2]] for i in range(6)]
    entry = {"part": "held_out", "text": "Ah.", "voice": ["nobody", 150, 50], "begin": 0,
             "count": len(samples), "phonemes": phonemes}  # fmt: skip
    index = {"num_samples": len(samples), "sample_rate": RATE, "said": [entry]}
    write_index(cache / "speech" / "index.json", speech_set._digest(), index)


def test_a_face_is_drawn_and_measured(evaluate, tmp_path):
    say_something(tmp_path / "cache")
    code, paths, said = evaluate()
    assert code == 0, said
    path = next(path for path in paths if path.name == "figures.json")
    found = json.loads(path.read_text())
    assert all(np.isfinite(value) for name, value in found.items() if name != "each")
    assert found["duration"] <= 1
    (only,) = found["each"]
    assert all(len(only[name]) == 8 for name in ("said", "heard", "drawn", "truth"))
    assert np.ptp(only["said"]) > 0.3
    assert len(read_clip(path.with_name("00.mp4")).frames) == 8
    assert not (path.parent.parent / "parts").exists()


def test_speech_is_prepared_first(evaluate):
    code, _, said = evaluate()
    assert code == 2
    assert "python run.py prepare/speech" in said


def test_other_priors_have_no_mouths(evaluate):
    code, _, said = evaluate("prior={name: spacetime_dit}")
    assert code == 2
    assert "faces talk with the embedded prior" in said
