"""Pictures, clips and masks as methods of the video app read them."""

from pathlib import Path

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from common.errors import InputError
from common.media.clips import write_clip
from common.media.images import write_picture
from common.media.pixels import to_frames
from video.given_frames import given_frames, strength_of
from video.image_to_video import ImageToVideo, KeyFrame
from video.text_to_video import TextToVideo
from video.video_to_video import VideoInpaint, VideoToVideo

B = Path("b.png")


@pytest.fixture
def picture(tmp_path):
    """A picture of one straight RGBA colour."""

    def picture(name, colour, height=16, width=24):
        path = tmp_path / name
        write_picture(path, np.broadcast_to(np.uint8(colour), (height, width, 4)).copy())
        return path

    return picture


@pytest.fixture
def clip(tmp_path):
    """A clip whose frame ``k`` has red ``10 k``."""

    def clip(name, num_frames=12, fps=8.0, height=16, width=24):
        frames = np.full((num_frames, height, width, 3), 255, np.uint8)
        frames[..., 0] = 10 * np.arange(num_frames)[:, None, None]
        path = tmp_path / name
        write_clip(path, frames, fps)
        return path

    return clip


def keys(**changes):
    return {"num_frames": 5, "height": 16, "width": 24} | changes


def red(found):
    """The red of each frame's first pixel, in bytes."""
    return to_frames(found.frames)[:, 0, 0, 0].tolist()


def test_text_to_video_is_given_nothing():
    assert given_frames(TextToVideo(), 4, 8.0) is None
    assert strength_of(TextToVideo()) == 1.0


def test_key_frames_stay_and_frames_between_are_mixtures(picture):
    first, last = picture("a.png", (0, 0, 0, 255)), picture("b.png", (200, 0, 0, 255))
    method = ImageToVideo(
        input=first, key_frames=(KeyFrame(frame=2, input=last),), strength=0.5, **keys()
    )

    found = given_frames(method, 4, 8.0)

    assert red(found) == [0, 100, 200, 200, 200]
    assert found.drawn.flatten(1).mean(1).tolist() == [0, 1, 0, 1, 1]
    assert given_frames(method, 3, 8.0).frames.shape == (3, 5, 16, 24)
    assert strength_of(method) == 0.5


@pytest.mark.parametrize(("changes", "message"), [
    ({"key_frames": (KeyFrame(frame=5, input=B),)}, "key frame 5 is none of the clip's 5"),
    ({"key_frames": (KeyFrame(frame=2, input=B),) * 2}, "frame 2 is given twice"),
    ({"num_frames": 1}, "use 2 or more"),
])  # fmt: skip
def test_key_frames_of_no_clip_are_refused(changes, message):
    with pytest.raises(ValidationError, match=message):
        ImageToVideo(**({"input": B} | keys(**changes)))


@pytest.mark.parametrize("kind", ["webp", "gif", "webm", "mp4"])
def test_clip_is_read_from_where_it_is_asked_for(clip, kind):
    path = clip(f"clip.{kind}")
    found = given_frames(VideoToVideo(input=path, start_s=0.5, **keys()), 4, 8.0)
    # Codecs with loss move a value by a few steps.
    np.testing.assert_allclose(red(found), [40, 50, 60, 70, 80], atol=6)
    assert found.drawn is None


def test_clip_is_read_at_the_rate_that_is_drawn(clip):
    found = given_frames(VideoToVideo(input=clip("a.webp"), **keys()), 4, 4.0)
    assert red(found) == [0, 20, 40, 60, 80]


@pytest.mark.parametrize(("changes", "left"), [
    ({"start_s": 1.25}, "2 frames from 1.25 s"), ({"start_s": 60.0}, "0 frames from 60 s"),
    ({"num_frames": 16}, "12 frames from 0 s"),
])  # fmt: skip
def test_clips_that_are_too_short_are_refused(clip, changes, left):
    with pytest.raises(InputError, match=left):
        given_frames(VideoToVideo(input=clip("a.webp"), **keys(**changes)), 4, 8.0)


def test_one_frame_and_no_bytes_are_refused(clip, tmp_path):
    with pytest.raises(InputError, match="1 frames from 0 s"):
        given_frames(VideoToVideo(input=clip("one.gif", 1), **keys()), 4, 8.0)
    empty = tmp_path / "empty.mp4"
    empty.touch()
    with pytest.raises(InputError, match="is empty"):
        given_frames(VideoToVideo(input=empty, **keys()), 4, 8.0)


def test_mask_may_be_a_picture_or_a_clip(clip, tmp_path):
    half = np.zeros((16, 24, 3), np.uint8)
    half[:, 12:] = 255
    write_picture(tmp_path / "mask.png", half)
    moving = np.repeat(half[None], 5, 0)
    moving[3] = 0
    write_clip(tmp_path / "mask.webp", moving, 8.0)
    path = clip("a.webp")

    still = given_frames(VideoInpaint(input=path, mask=tmp_path / "mask.png", **keys()), 4, 8.0)
    found = given_frames(VideoInpaint(input=path, mask=tmp_path / "mask.webp", **keys()), 4, 8.0)

    assert still.drawn.shape == (5, 16, 24)
    assert torch.equal(still.drawn[0], torch.from_numpy(half[..., 0] / 255).float())
    assert found.drawn.flatten(1).mean(1).tolist() == [0.5, 0.5, 0.5, 0, 0.5]


def test_masks_that_do_not_fit_are_refused(clip, picture):
    path = clip("a.webp")
    small = picture("small.png", (255, 255, 255, 255), 8, 8)
    with pytest.raises(InputError, match="is 8x8 pixels, and the clip it is the mask of 24x16"):
        given_frames(VideoInpaint(input=path, mask=small, **keys()), 4, 8.0)
    black = picture("black.png", (0, 0, 0, 255))
    with pytest.raises(InputError, match="nothing is white in it"):
        given_frames(VideoInpaint(input=path, mask=black, **keys()), 4, 8.0)
