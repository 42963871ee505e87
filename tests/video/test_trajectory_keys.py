"""Where the thing in a clip is told to be."""

import math
import shutil

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from common.cli.main import main
from common.media.images import read_picture, write_picture
from common.training.frames.trajectory_fit import fit_trajectories
from common.zoo.models import load_prior_models
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.training.frames.test_frame_layers_trainer import Steps
from tests.stopped_runs import stopped_at
from video.image_to_video import ImageToVideo, KeyFrame
from video.text_to_video import TextToVideo
from video.trajectory_keys import TrajectoryKey, track_of

KEYS = (
    TrajectoryKey(frame=4, right=0.2, down=-0.1, size=2.0, turn_deg=90),
    TrajectoryKey(frame=8, right=0.2, size=0.5, turn_deg=-180),
)


def test_track_begins_at_rest_and_goes_through_its_keys():
    track = track_of(KEYS, 12)[0]
    assert track.shape == (12, 5)
    assert track[0].tolist() == [0] * 5
    two, turn = math.log(2), math.pi
    torch.testing.assert_close(track[4], torch.tensor([0.2, -0.1, two, two, turn / 2]))
    torch.testing.assert_close(track[8], torch.tensor([0.2, 0.0, -two, -two, -turn]))
    torch.testing.assert_close(track[9:], track[8].expand(3, -1))


def test_track_does_not_overshoot():
    track = track_of(KEYS, 9)[0]
    assert bool((track[:5, 0].diff() >= 0).all())
    torch.testing.assert_close(track[4:, 0], torch.full((5,), 0.2))
    assert float(track[:, 4].max()) <= math.pi / 2 + 1e-6


@pytest.mark.parametrize(("frames", "message"), [((8, 4), "let them rise"), ((16,), "frames 0 to")])
def test_keys_out_of_order_or_of_the_clip_are_refused(frames, message):
    keys = tuple(TrajectoryKey(frame=frame) for frame in frames)
    with pytest.raises(ValidationError, match=message):
        TextToVideo(trajectory=keys)


def test_trajectory_goes_with_neither_key_frames_nor_strength(tmp_path):
    with pytest.raises(ValidationError, match="neither key_frames"):
        ImageToVideo(input=tmp_path, trajectory=KEYS, strength=0.5)
    others = (KeyFrame(frame=3, input=tmp_path),)
    with pytest.raises(ValidationError, match="neither key_frames"):
        ImageToVideo(input=tmp_path, trajectory=KEYS, key_frames=others)


@pytest.fixture
def draw(tmp_path, monkeypatch, capsys, lifting_models):  # noqa: F811
    """Run a clip of three frames with the zoo's trajectories: exit code, frames and messages."""
    monkeypatch.chdir(tmp_path)
    folder = tmp_path / "zoo"
    shutil.copytree(lifting_models, folder)
    fit_trajectories(load_prior_models(folder), Steps(), folder, num_clips=8)

    def draw(*changes, preset="video/text_to_video", noise=0.01):
        prior = f"prior={{name: embedded, models_dir: {folder}, trajectory_noise: {noise}}}"
        code = main([
            preset, prior, "prompt=a red car slides to the left", "method.height=64",
            "method.width=64", "method.num_frames=3", "sampler.num_steps=4", "num_samples=1",
            "export.formats=[png]", *changes,
        ], APPS)  # fmt: skip
        said = capsys.readouterr()
        first = [tmp_path / line for line in said.out.splitlines() if line.endswith(".png")]
        shown = [read_picture(path) for one in first for path in sorted(one.parent.glob("*.png"))]
        return code, np.stack(shown).astype(int) if shown else None, said.err

    return draw


def frames_of(draw, *changes, **others):
    code, frames, said = draw(*changes, **others)
    assert code == 0, said
    assert frames is not None
    assert len(frames) == 3
    return frames


def test_noise_says_how_much_of_the_move_is_kept(draw):
    little, much, none = (frames_of(draw, noise=noise) for noise in (0.01, 900, "null"))
    assert np.abs(little - none).max() > 0
    np.testing.assert_array_equal(much, none)
    np.testing.assert_array_equal(frames_of(draw, noise=0.01), little)


def test_given_picture_moves_as_told(draw, tmp_path):
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[24:40, 8:24] = (200, 30, 30, 255)
    write_picture(tmp_path / "in.png", picture)
    given = "method.input=in.png"
    still, moved = (
        frames_of(draw, given, f"method.trajectory={keys}", preset="video/image_to_video")
        for keys in ("[{frame: 2, right: 0}]", "[{frame: 2, right: 0.4}]")
    )
    np.testing.assert_array_equal(still[0], moved[0])
    assert np.abs(still[2] - moved[2]).max() > 0


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        (["prior={name: gaussian}"], "for the embedded prior"),
        (["prior.trajectory_noise=null"], "no effect with prior.trajectory_noise=null"),
    ],
)
def test_trajectory_without_what_follows_it_is_refused(draw, changes, message):
    code, _, said = draw("method.trajectory=[{frame: 2, right: 0.4}]", *changes)
    assert code == 2
    assert message in said


def test_stopped_run_resumes_to_the_same_frames(draw, tmp_path, capsys):
    whole = frames_of(draw, "name=whole", noise=0.5)
    with stopped_at(1):
        code, _, _ = draw("name=stopped", noise=0.5)
    assert code == 130
    assert main(["resume", "stopped"], APPS) == 0
    capsys.readouterr()
    folder = (tmp_path / "outputs/stopped/latest/samples/000_frames").resolve()
    shown = np.stack([read_picture(path) for path in sorted(folder.glob("*.png"))])
    np.testing.assert_array_equal(shown, whole)
