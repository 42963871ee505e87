"""Clips of the spacetime DiT, end to end, on untrained models."""

import json
import shutil

import numpy as np
import pytest
import torch

from common.cli.main import main
from common.media.clips import write_clip
from common.media.images import read_picture, write_picture
from common.media.pixels import from_picture, to_picture
from common.media.video_read import read_clip
from common.zoo.models import load_embedded_prior
from run import APPS
from tests.common.generation.conftest import models  # noqa: F401
from tests.stopped_runs import stopped_at
from tests.video.spacetime_dit.small_dit import SIZES, store_dit, store_trajectories


@pytest.fixture(scope="module")
def trained(tmp_path_factory, models):  # noqa: F811
    folder = tmp_path_factory.mktemp("trained")
    store_dit(folder, models)
    return folder


@pytest.fixture
def draw(tmp_path, monkeypatch, capsys, trained, models):  # noqa: F811
    """Run ``video/spacetime_dit``: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)

    def draw(*changes, preset="video/spacetime_dit", models_dir=trained):
        prior = {"name": "spacetime_dit", "models_dir": str(models_dir), "bases_dir": str(models)}
        arguments = [
            preset, f"prior={json.dumps(prior)}", "prompt=a red car slides to the left",
            "method.height=64", "method.width=72", "method.num_frames=3", "sampler.num_steps=3",
            "export.formats=[mp4,png]", "export.upscale=1", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return draw


def frames(paths, sample=0):
    """The frames of a sample, from its folder of pictures."""
    first = next(p for p in paths if p.parent.name == f"{sample:03d}_frames")
    return np.stack([read_picture(path) for path in sorted(first.parent.glob("*.png"))]).astype(int)


def of(name, **others):
    values = {"name": name, "num_frames": 3, "height": 64, "width": 72} | others
    return "method=" + json.dumps(values)


@pytest.fixture
def given(tmp_path):
    """A picture, a clip of two colours, and a mask."""
    shown = np.full((4, 64, 72, 4), 255, np.uint8)
    shown[:, :, 36:, :2] = 40
    shown[3, :8] = 0  # equal frames would be merged into a still
    write_picture(tmp_path / "given.png", shown[0])
    write_clip(tmp_path / "given.webp", shown, 8.0)
    mask = np.zeros((64, 72, 3), np.uint8)
    mask[:, :24] = 255
    write_picture(tmp_path / "mask.png", mask)
    return tmp_path


def test_run_writes_clips_with_transparency(draw):
    code, paths, said = draw("num_samples=2", "batch_size=2")

    assert code == 0, said
    assert read_clip(paths[0]).frames.shape == (3, 64, 72, 3)
    made = frames(paths)
    assert made.shape == (3, 64, 72, 4)
    assert np.abs(made[0] - made[1]).max() > 0, "frames differ"
    assert np.abs(made - frames(paths, 1)).max() > 0, "samples differ"


def test_one_frame_is_a_picture_and_other_samplers_do(draw):
    code, paths, said = draw("method.num_frames=1", "sampler={name: unipc, num_steps: 3}")
    assert code == 0, said
    assert frames(paths).shape == (1, 64, 72, 4)


def test_dry_run_says_what_it_takes(capsys, trained, models):  # noqa: F811
    assert main(
        ["video/spacetime_dit", f"prior={{name: spacetime_dit, models_dir: {trained}, "
         f"bases_dir: {models}}}", "method.num_frames=3", "--dry-run"], APPS,
    ) == 0  # fmt: skip
    said = capsys.readouterr().out
    assert "tokens: 3 x 4 x 4" in said
    assert "TFLOP" in said
    assert "latents: 4 x 3 x 8 x 8" in said


def test_stopped_run_ends_in_the_same_frames(draw, tmp_path):
    whole = frames(draw("name=whole")[1])
    with stopped_at(2):
        assert draw("name=stopped")[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")

    assert main(["resume", str(folder)], APPS) == 0

    resumed = frames(sorted((folder / "samples").glob("000_frames/*.png")))
    assert np.array_equal(resumed, whole)


def test_given_first_frame_is_the_clips_first_and_is_seen(draw, given, models):  # noqa: F811
    code, paths, said = draw(of("image_to_video", input="given.png"))

    assert code == 0, said
    made = frames(paths)
    prior = load_embedded_prior((64, 72), models, "cpu", ())
    with torch.inference_mode():
        latents = prior.encode(from_picture(read_picture(given / "given.png"))[None])
        expected = to_picture(prior.decode(latents)[0]).astype(int)
    assert np.abs(made[0] - expected)[expected[..., 3] > 25].max() <= 1
    assert np.abs(made[1:] - frames(draw("name=plain")[1])[1:]).max() > 0


def test_moved_starts_are_those_of_the_samples_whatever_else_is_drawn_and_resume(
    draw, tmp_path, tmp_path_factory, models  # noqa: F811
):  # fmt: skip
    led = tmp_path_factory.mktemp("led")
    for path in models.iterdir():
        shutil.copy(path, led)
    store_dit(led, led)
    store_trajectories(led)
    prior = {"name": "spacetime_dit", "models_dir": str(led), "bases_dir": str(led)}
    few = ("method.width=64", "sampler.num_steps=6", "num_samples=2")
    told = f"prior={json.dumps(prior | {'trajectory_noise': 1e-3})}"
    code, paths, said = draw(told, *few, "batch_size=2", "name=whole")
    assert code == 0, said
    whole = [frames(paths, sample) for sample in range(2)]
    assert np.abs(whole[0] - frames(draw(told, *few, "batch_size=1", "name=one")[1])).max() <= 1
    alone = f"prior={json.dumps(prior | {'trajectory_noise': None})}"
    assert np.abs(whole[0] - frames(draw(alone, *few, "name=alone")[1])).max() > 1
    with stopped_at(1):
        assert draw(told, *few, "batch_size=1", "name=stopped")[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")
    assert main(["resume", str(folder)], APPS) == 0
    resumed = frames(sorted((folder / "samples").glob("000_frames/*.png")))
    assert np.array_equal(resumed, frames(draw(told, *few, "batch_size=1", "name=one")[1]))

    long = of("long_video", num_frames=5, segment_frames=3, width=64)
    code, paths, said = draw(told, long, "name=long")
    assert code == 0, said
    assert frames(paths).shape == (5, 64, 64, 4)


def test_unmasked_pixels_of_a_clip_stay_to_the_byte(draw, given):
    code, paths, said = draw(of("video_inpaint", input="given.webp", mask="mask.png"))

    assert code == 0, said
    made, expected = frames(paths), read_picture(given / "given.png")
    assert (made[:, :, 24:] == expected[:, 24:]).all()
    assert np.abs(made[:, :, :12] - expected[:, :12].astype(int)).max() > 1


def test_long_clips_continue(draw):
    code, paths, said = draw(of("long_video", num_frames=5, segment_frames=3))
    assert code == 0, said
    assert frames(paths).shape == (5, 64, 72, 4)


@pytest.mark.parametrize(("change", "message"), [
    ("method.num_frames=17", "num_frames is 17; this spacetime DiT was trained on"),
    ("method.width=48", "not 64 x 48; the nearest are 64 x 64"),
    ("method.view.azimuth_deg=90", "the spacetime_dit prior knows no views"),
    ("method.trajectory=[{frame: 1, right: 0.3}]", "method.trajectory is for the embedded prior"),
    ("sampler={name: ddim}", "flow"),
])  # fmt: skip
def test_what_it_cannot_do_ends_with_code_2(draw, tmp_path, change, message):
    code, paths, said = draw(change)

    assert (code, paths) == (2, [])
    assert message in said
    assert not any(tmp_path.iterdir())


def test_missing_weights_say_how_to_get_them(draw, tmp_path):
    code, paths, said = draw(models_dir=tmp_path)

    assert (code, paths) == (2, [])
    assert "has no spacetime_dit.json" in said
    assert "train/spacetime_dit" in said
    assert not any(tmp_path.iterdir())


def test_pictures_are_left_to_other_priors(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    code = main(["image/text_to_image", "prior={name: spacetime_dit}", "prompt=a mug"], APPS)
    assert code == 2
    assert "method.num_frames=1" in capsys.readouterr().err


def test_middle_blocks_are_used_again_and_a_stopped_run_ends_in_the_same_frames(
    draw, tmp_path, tmp_path_factory, models  # noqa: F811
):  # fmt: skip
    deeper = tmp_path_factory.mktemp("deeper")
    store_dit(deeper, models, SIZES.model_copy(update={"num_blocks": 3}))
    cache = ("prior.compute.feature_cache.every=2", "sampler.num_steps=5")
    plain = frames(draw("sampler.num_steps=5", "name=plain", models_dir=deeper)[1])
    code, paths, said = draw(*cache, "name=whole", models_dir=deeper)
    assert code == 0, said
    whole = frames(paths)
    assert np.abs(whole - plain).max() > 0
    with stopped_at(1):
        assert draw(*cache, "name=stopped", models_dir=deeper)[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")
    assert main(["resume", str(folder)], APPS) == 0
    (again,) = folder.glob("samples/000_frames")
    assert np.array_equal(frames(sorted(again.glob("*.png"))), whole)

    half = frames(draw("prior.compute.dtype=bfloat16", "name=half", models_dir=deeper)[1])
    # Rounding of every feature by 2^-8 through three steps, in levels of 255.
    assert np.abs(half - frames(draw("name=three", models_dir=deeper)[1])).mean() < 8
    code, _, said = draw(*cache)
    assert code == 2
    assert "nothing to reuse in a spacetime DiT of 2 blocks" in said
