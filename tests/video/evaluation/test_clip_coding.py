"""What is left of clips after they are coded."""

import json

import numpy as np
import pytest
import torch

from common.cli.main import main
from common.embedded.clip_coding import ClipCoding
from run import APPS
from tests.common.training.small_training import disks
from tests.common.zoo.small_zoo import store_prior
from tests.video.causal_autoencoder.small_causal import store_causal
from video.causal_autoencoder.interpolated import kept, mixed
from video.evaluation.coding_scores import coded_clip, figures_of
from video.evaluation.held_out_clips import as_clip


class Pixels:
    """Every frame as it is, or every fourth with mixtures between, made a little more opaque."""

    def __init__(self, size, alpha=0.0):
        self.size, self.alpha = size, alpha

    def num_latent_frames(self, num_frames):
        return num_frames

    def encode(self, clips):
        return clips if self.size == 1 else kept(clips, self.size)

    def decode(self, latents, num_frames=None):
        made = latents if self.size == 1 else mixed(latents, self.size, num_frames)
        return made + 2 * self.alpha * torch.tensor([0.0, 0, 0, 1]).view(1, 4, 1, 1, 1)

    def drawn_latents(self, drawn):
        return drawn


def blinking(count=9):
    """A square whose brightness goes to and fro, half transparent."""
    frames = np.zeros((count, 32, 32, 4), np.uint8)
    frames[:, 8:24, 8:24] = (60, 60, 60, 128)
    frames[1::2, 8:24, 8:24, :3] = 100
    return as_clip(frames)


def test_what_comes_back_as_it_was_has_no_error():
    coding = Pixels(1)
    assert isinstance(coding, ClipCoding)
    found = coded_clip(coding, blinking())
    assert found.psnr_db == pytest.approx((100.0,) * 3)
    assert found.clip_psnr_db == pytest.approx((100.0,) * 3)
    assert found.alpha_error == 0
    assert found.num_values == 4 * 9 * 32 * 32
    # Colours are the mean over channels and backgrounds, of which premultiplied ones shift all.
    assert found.flicker == pytest.approx(40 / 255 / 2 / (128 / 255), rel=0.1)


def test_fewer_frames_flicker_less_and_are_further_off():
    whole, fewer = coded_clip(Pixels(1), blinking()), coded_clip(Pixels(4), blinking())
    assert fewer.num_values == 4 * 3 * 32 * 32
    assert fewer.flicker < 0.1 * whole.flicker
    # Odd frames are off by 40 of 255, and they are 4 of 9: decibels are averaged over frames.
    off = -20 * np.log10(40 / 255)
    assert fewer.psnr_db[1] == pytest.approx((5 * 100 + 4 * off) / 9, abs=0.01)
    assert fewer.clip_psnr_db[1] == pytest.approx(off - 10 * np.log10(4 / 9), abs=0.01)


def test_alpha_error_is_within_the_box():
    found = coded_clip(Pixels(1, alpha=0.1), blinking())
    assert found.alpha_error == pytest.approx(0.1, abs=1e-5)


def test_figures_are_of_the_worst_background():
    clips = [coded_clip(Pixels(1, alpha=share), blinking()) for share in (0.05, 0.1)]
    found = figures_of(clips)
    means = torch.tensor([one.psnr_db for one in clips]).mean(0)
    assert found["psnr_db"] == pytest.approx(float(means.min()))
    assert found["alpha_error"] == pytest.approx(0.075, abs=1e-5)


def test_empty_frames_are_left_out():
    clip = blinking()
    clip[:, 0] = -1
    assert coded_clip(Pixels(1), clip).psnr_db == (100.0,) * 3


@pytest.fixture
def evaluate(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    models = tmp_path / "models"
    models.mkdir()
    store_prior(models)
    store_causal(models)
    moving = [np.roll(disks(1)[[0] * 16], 2 * n, axis=2) for n in range(2)]
    monkeypatch.setattr(
        "video.evaluation.clip_coding_app.held_out_clips", lambda cache, count: {"disks": moving}
    )

    def evaluate(*changes):
        code = main(
            ["evaluate/clip_coding", f"models_dir={models}", f"bases_dir={models}", *changes], APPS
        )
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said

    return evaluate


def test_run_holds_three_codings_against_each_other(evaluate):
    code, paths, said = evaluate()
    assert code == 0, said.err
    figures = json.loads(next(p for p in paths if p.name == "figures.json").read_text())
    assert figures["disks/frames/values"] == 4 * 16 * 8 * 8
    assert figures["disks/causal/values"] == figures["disks/kept_and_mixed/values"] == 4 * 5 * 8 * 8
    assert "kept_and_mixed" in said.err
    assert figures["disks/true"] >= 0
    assert len(list(paths[0].parent.glob("disks-*.webp"))) == 2


def test_dry_run_says_sizes_and_missing_models_are_refused(evaluate, tmp_path):
    code, _, said = evaluate("--dry-run")
    assert code == 0
    assert "frames_per_code: 4" in said.out
    code, _, said = evaluate(f"models_dir={tmp_path}")
    assert code == 2
    assert "train/causal_autoencoder" in said.err
