"""Clips in windows: the embedded prior and AnimateDiff, from the command line to frames."""

import json

import numpy as np
import pytest
import torch

from common.cli.main import main
from common.diffusion.frame_windows import FrameWindows
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import View
from common.media.images import read_picture
from common.pretrained.config import PretrainedPriorConfig
from common.seeding import generators_for
from common.zoo.models import load_frame_prior
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.pretrained.tiny_pipelines import SIZE
from tests.stopped_runs import stopped_at
from tests.video.animatediff.conftest import checkpoint, modules, pipeline  # noqa: F401
from video.animatediff.build import build_animatediff_prior
from video.motion_config import MotionModuleConfig

TIMES = torch.tensor([700.0])


@pytest.fixture
def draw(tmp_path, monkeypatch, capsys, lifting_models):  # noqa: F811
    """Run a clip of 9 frames in windows of 4: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)

    def draw(*changes, windows=None, method=None):
        keys = {"name": "text_to_video", "num_frames": 9, "height": 64, "width": 64,
                "windows": {"frames": 4, "overlap": 2} | (windows or {})}  # fmt: skip
        keys |= method or {}
        arguments = [
            "video/text_to_video", f"prior={{name: embedded, models_dir: {lifting_models}}}",
            "prompt=a red car slides to the left", "sampler.num_steps=2",
            "export.formats=[mp4,png]", f"method={json.dumps(keys)}", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return draw


def frames(paths, sample=0):
    first = next(p for p in paths if p.parent.name == f"{sample:03d}_frames")
    return np.stack([read_picture(path) for path in sorted(first.parent.glob("*.png"))]).astype(int)


def test_clips_longer_than_training_are_drawn_in_windows(draw):
    code, paths, said = draw(windows={"frames": None, "overlap": 5}, method={"num_frames": 21})
    assert code == 0, said
    made = frames(paths)
    assert made.shape == (21, 64, 64, 4)
    assert len({frame.tobytes() for frame in made}) == 21, "every frame is another"
    code, _, said = draw(method={"num_frames": 21, "windows": None})
    assert code == 2
    assert "num_frames is 21; the embedded motion layers" in said
    assert "method.windows" in said


@pytest.mark.parametrize("windows", [
    {"schedule": "looped"}, {"schedule": "straight"}, {"overlap": 0}, {"weights": "flat"},
    {"dilations": [1, 2]}, {"noise": "repeated"},
], ids=str)  # fmt: skip
def test_each_key_of_windows_counts(draw, windows):
    plain = frames(draw("name=plain")[1])
    code, paths, said = draw("name=other", windows=windows)
    assert code == 0, said
    made = frames(paths)
    assert made.shape == plain.shape
    assert np.abs(made - plain).max() > 0


def test_long_video_in_windows_and_sample_by_sample(draw):
    long = {"name": "long_video"}
    code, paths, said = draw("name=both", "num_samples=2", "batch_size=2", method=long)
    assert code == 0, said
    alone = frames(draw("name=alone", "num_samples=2", "batch_size=1", method=long)[1], 1)
    both = frames(paths, 1)
    # Latents agree to 1e-4; straight colours of nearly transparent pixels divide by alpha.
    assert np.abs(both - alone)[both[..., 3] > 25].max() <= 2
    config = str(paths[-1].parent / "config.yaml")
    assert main([config, "--dry-run"], APPS) == 0, "a run's own config, with every key, loads"


@pytest.mark.parametrize("step", [1, 3])
def test_windowed_clip_that_is_stopped_ends_in_the_same_frames(draw, tmp_path, step):
    whole = frames(draw("name=whole", "num_samples=2", "batch_size=1")[1], 1)
    with stopped_at(step):
        assert draw("name=stopped", "num_samples=2", "batch_size=1")[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")
    assert main(["resume", str(folder)], APPS) == 0
    resumed = frames(sorted((folder / "samples").glob("001_frames/*.png")), 1)
    assert np.array_equal(resumed, whole)


@pytest.mark.parametrize(("windows", "method", "message"), [
    ({"frames": 12}, {}, "windows cover 8 of the clip's 9"),
    ({"frames": 17}, {"num_frames": 40}, "num_frames is 18; the embedded motion layers"),
    ({"overlap": 4}, {}, "cannot share 4: use an overlap of 0 to 3"),
    ({"overlap": 1, "noise": "repeated"}, {}, "use an overlap of one of 0, 2, 3"),
    ({"schedule": "looped", "noise": "repeated"}, {}, "9 frames are no multiple of 4; use 8 or 12"),
    ({"dilations": [2]}, {}, "begin with 1"),
    ({}, {"name": "long_video", "segment_frames": 4}, "segment_frames has no effect with windows"),
    ({}, {"timeline": {"prompts": {"keys": {99: "a duck"}}}}, "prompts has a key at frame 99"),
    ({}, {"free_init": {}}, "no use for the embedded prior"),
])  # fmt: skip
def test_wrong_windows_end_with_code_2(draw, windows, method, message):
    code, paths, said = draw(windows=windows, method=method)
    assert (code, paths) == (2, [])
    assert message in said


def test_one_window_is_said_to_have_no_effect_and_dry_runs_count_windows(draw):
    _, lines, said = draw("--dry-run", method={"num_frames": 5})
    assert "method.windows has no effect" in said + "".join(map(str, lines))
    _, lines, _ = draw("--dry-run")
    assert any("of 4 frames at a step" in str(line) for line in lines)


@pytest.fixture(scope="module")
def clips(lifting_models):  # noqa: F811
    return load_frame_prior("motion_layers", 16, (64, 64), lifting_models)


def latents(count, seed=0):
    return torch.randn(1, 4, count, 8, 8, generator=torch.Generator().manual_seed(seed))


def test_one_window_is_the_plain_prior(clips):
    """The first frame and a window of 15 are a clip of 16."""
    cut = clips.in_windows(FrameWindows(16, 15, 5, first=1))
    first = latents(1, 5)[:, :, 0]
    for hidden in (False, True):
        plain = clips.predict(latents(16), TIMES, clips.embed(["mug"], None, first, hidden))
        made = cut.predict(latents(16), TIMES, cut.embed(["mug"], None, first, hidden))
        # The same numbers; a fused value is p w / w.
        torch.testing.assert_close(made, plain, rtol=1e-5, atol=1e-6)


def test_windows_of_a_loop_turn_with_the_clip(clips):
    """Whatever frame a loop is said to begin with, as long as none is given."""
    windows = FrameWindows(20, 15, 5, "looped")
    cut = FramePrior(clips.pictures, clips.lifted, 20, windows=windows)
    cond, noised = cut.embed(["mug"]), latents(20)
    shift = 7
    made = cut.predict(noised, TIMES, cond)
    (begin, *_), turned = windows.at(700.0)[0].tolist(), noised.roll(shift, 2)

    class Turned(FrameWindows):
        def at(self, timestep):
            return [(window + shift) % 20 for window in FrameWindows.at(self, timestep)]

    other = FramePrior(
        clips.pictures, clips.lifted, 20, windows=Turned(20, 15, 5, "looped")
    ).predict(turned, TIMES, cond)
    assert 0 <= begin < 20
    torch.testing.assert_close(other, made.roll(shift, 2), rtol=1e-5, atol=1e-6)


def test_views_that_change_are_told_of_every_frame(clips):
    cut = clips.in_windows(FrameWindows(20, 15, 5, first=1))
    views = [View(10.0 * frame, 0.0) for frame in range(20)]
    changing = cut.embed(["mug"], [views])
    assert changing.of_clip
    assert changing.rows.vector.shape[0] == 20
    first = latents(1, 5)[:, :, 0]
    alike = [views[:1] * 20]
    assert cut.embed(["mug"], alike).rows.vector.shape[0] == 15
    assert cut.embed(["mug"], alike, first).rows.vector.shape[0] == 16


def test_repeated_noise_is_that_of_the_first_window(clips):
    cut = clips.in_windows(FrameWindows(33, 8, 4, first=1), repeats_noise=True)
    noise = cut.noise(generators_for(3, range(2), "latents"))
    assert noise.shape == (2, 4, 33, 8, 8)
    for own in noise:
        values = {frame.numpy().tobytes() for frame in own.transpose(0, 1)}
        assert len(values) == 9, "the first frame, and those of one window"
    assert not torch.equal(noise[0], noise[1])


def animatediff(checkpoint, modules, num_frames, windows=None, repeats=False):  # noqa: F811
    return build_animatediff_prior(
        PretrainedPriorConfig(path=str(checkpoint)),
        MotionModuleConfig(path=modules["v3"][1]), (num_frames, *SIZE), "cpu", windows, repeats,
    )  # fmt: skip


@torch.no_grad()
def test_motion_modules_in_windows_are_those_of_each_window(checkpoint, modules):  # noqa: F811
    windows = FrameWindows(11, 5, 2, "looped", "flat")
    prior = animatediff(checkpoint, modules, 11, windows)
    noise = prior.noise(generators_for(0, range(1), "latents"))
    made = prior.predict(noise, TIMES, prior.embed(["a red cat"]))

    one = animatediff(checkpoint, modules, 5)
    cond, total = one.embed(["a red cat"]), torch.zeros_like(noise)
    counts = torch.zeros(11)
    for window in windows.at(700.0):
        total[:, :, window] += one.predict(noise[:, :, window], TIMES, cond)
        counts[window] += 1
    torch.testing.assert_close(made, total / counts[:, None, None], rtol=1e-5, atol=1e-5)
    assert int(counts.min()) >= 1
    repeated = animatediff(checkpoint, modules, 40, FrameWindows(40, 8, 4), True)
    drawn = repeated.noise(generators_for(0, range(1), "latents"))[0].transpose(0, 1)
    assert len({frame.numpy().tobytes() for frame in drawn}) == 8


def test_clips_of_a_checkpoint_in_windows_with_free_init(
    checkpoint, modules, tmp_path, monkeypatch, capsys  # noqa: F811
):  # fmt: skip
    monkeypatch.chdir(tmp_path)

    def draw(name, *changes):
        keys = {"name": "text_to_video", "num_frames": 40, "height": SIZE[0], "width": SIZE[1],
                "motion": {"path": str(modules["v3"][1])},
                "windows": {"frames": 6, "overlap": 2}}  # fmt: skip
        arguments = [
            "video/animatediff_sd15", f"prior.path={checkpoint}", f"method={json.dumps(keys)}",
            "sampler.num_steps=2", "export.formats=[png]", f"name={name}", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    code, paths, said = draw("plain")
    assert code == 0, said
    plain = frames(paths)
    assert plain.shape == (40, *SIZE, 3)
    twice = "method.free_init={iterations: 2}"
    code, paths, said = draw("refined", twice)
    assert code == 0, said
    refined = frames(paths)
    assert np.abs(refined - plain).max() > 0
    with stopped_at(3):
        assert draw("stopped", twice)[0] == 130
    (folder,) = (tmp_path / "outputs" / "stopped").glob("2*")
    assert main(["resume", str(folder)], APPS) == 0
    resumed = frames(sorted((folder / "samples").glob("000_frames/*.png")))
    assert np.array_equal(resumed, refined)
