"""Clips that follow clips, end to end on untrained models."""

import json
import shutil

import numpy as np
import pytest

from common.media.clips import write_clip
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.zoo.small_zoo import store_control_net
from tests.video.test_embedded_run import draw, frames  # noqa: F401


@pytest.fixture(scope="module")
def controlled(lifting_models, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("controlled")
    for path in lifting_models.iterdir():
        shutil.copy(path, folder)
    store_control_net(folder)
    return folder


@pytest.fixture
def clip(tmp_path):
    """Four frames of a square that moves."""
    shown = np.zeros((4, 64, 72, 4), np.uint8)
    for number in range(4):
        shown[number, 20:44, 8 * number : 8 * number + 30] = 255
    write_clip(tmp_path / "clip.webp", shown, 8.0)
    return tmp_path / "clip.webp"


def controls(**row):
    return "prior.controls=" + json.dumps([row])


def test_frames_follow_a_clip(draw, controlled, clip):  # noqa: F811
    def drawn(*changes):
        code, paths, said = draw("num_samples=1", *changes, models_dir=controlled)
        assert code == 0, said
        return frames(paths)

    plain = drawn()
    made = drawn(controls(kind="canny", image=str(clip), preprocessor="canny"))
    assert np.abs(made - plain).max() > 2
    none = controls(kind="canny", image=str(clip), preprocessor="canny", weight=[0.0] * 3)
    assert np.array_equal(drawn(none), plain)


@pytest.mark.parametrize(("changes", "message"), [
    (("method.num_frames=5",), "has 4 frames, and 5 are drawn"),
    (("method={name: long_video, num_frames: 6, height: 64, width: 72, segment_frames: 3}",),
     "has 4 frames, and 6 are drawn"),
])  # fmt: skip
def test_clips_that_cannot_be_followed_end_with_code_2(
    draw, controlled, clip, changes, message  # noqa: F811
):  # fmt: skip
    row = controls(kind="depth", image=str(clip))
    code, paths, said = draw(row, *changes, models_dir=controlled)
    assert (code, paths) == (2, [])
    assert message in said
