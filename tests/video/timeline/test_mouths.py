"""Mouths on a timeline: tracks and keys, what is left out, and where they have no use."""

import numpy as np
import pytest

from common.cli.main import main
from common.embedded.prior_config import EmbeddedPriorConfig
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from video.config import VideoConfig
from video.text_to_video import TextToVideo
from video.timeline.config import Timeline
from video.timeline.curve import Curve
from video.timeline.resolved import mouths


def config_of(**keys):
    told = TextToVideo(num_frames=4, timeline=Timeline(**keys))
    return VideoConfig(name="clip", prompt="a face", method=told, prior=EmbeddedPriorConfig())


def test_what_is_left_out_is_as_it_is_at_rest():
    assert mouths(config_of(), None) is None
    found = mouths(config_of(mouth_open=Curve(keys={0: 0.0, 3: 0.9})), None)
    assert found is not None
    np.testing.assert_allclose(found, [[0, 0.5, 0], [0.3, 0.5, 0], [0.6, 0.5, 0], [0.9, 0.5, 0]])


def test_mouths_follow_tracks():
    tracks = {"mouth_open": np.array([0, 0.5, 1, 0.25]), "mouth_round": np.array([0, 1, 0, 1.0])}
    told = {name: Curve(track=name) for name in tracks}
    told["mouth_width"] = Curve(keys={0: 0.2})
    found = mouths(config_of(**told), tracks)
    assert found is not None
    wanted = np.stack([tracks["mouth_open"], np.full(4, 0.2), tracks["mouth_round"]], 1)
    np.testing.assert_allclose(found, wanted, atol=1e-7)


def test_no_mouth_is_wider_open_than_open():
    with pytest.raises(ValueError, match=r"mouth_open at high is 1\.3; it goes from 0 to 1"):
        Timeline(mouth_open=Curve(track="mouth_open", high=1.3))


KEYS = "method.timeline={mouth_open: {keys: {0: 0.0, 3: 1.0}}}"


@pytest.mark.parametrize(("changes", "message"), [
    ((KEYS,), "has no mouth_finder"),
    ((KEYS, "prior.trajectory_noise=null",), "has no effect with prior.trajectory_noise=null"),
    ((KEYS, "prior={name: gaussian}",), "is for the embedded prior"),
])  # fmt: skip
def test_mouths_of_nobody_are_refused(
    lifting_models,  # noqa: F811
    tmp_path,
    monkeypatch,
    capsys,
    changes,
    message,
):
    monkeypatch.chdir(tmp_path)
    code = main([
        "video/text_to_video", f"prior={{name: embedded, models_dir: {lifting_models}}}",
        "prompt=a red car", "method.height=64", "method.width=64", "sampler.num_steps=2",
        *changes,
    ], APPS)  # fmt: skip
    assert code == 2
    assert message in capsys.readouterr().err
    assert not list(tmp_path.rglob("*.mp4"))
