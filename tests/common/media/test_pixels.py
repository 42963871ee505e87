import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays

from common.errors import InputError
from common.media.pixels import (
    composite,
    from_frames,
    from_picture,
    parse_color,
    to_frames,
    to_picture,
)

ANY_FRAMES = arrays.arrays(
    np.uint8,
    st.tuples(st.integers(1, 3), st.integers(1, 5), st.integers(1, 5), st.sampled_from([3, 4])),
)


def all_pairs_of_color_and_alpha() -> np.ndarray:
    color, alpha = np.meshgrid(np.arange(256, dtype=np.uint8), np.arange(256, dtype=np.uint8))
    return np.stack([color, color, color, alpha], axis=-1)[None]


def test_values_are_rounded_not_truncated():
    # 100.6 levels: truncation would give 100.
    clip = torch.full((3, 1, 1, 1), 2 * 100.6 / 255 - 1)
    assert to_frames(clip).tolist() == [[[[101, 101, 101]]]]


def test_every_level_is_the_centre_of_its_range():
    level = torch.arange(256, dtype=torch.float64)
    for offset in (-0.49, 0.0, 0.49):
        clip = (2 * (level + offset) / 255 - 1).reshape(1, 1, 1, -1).repeat(3, 1, 1, 1)
        assert to_frames(clip)[0, 0, :, 0].tolist() == list(range(256))


def test_overshooting_values_become_the_nearest_colour():
    clip = torch.tensor([-1.7, 0.0, 1.3]).reshape(3, 1, 1, 1)
    assert to_frames(clip).ravel().tolist() == [0, 128, 255]


def test_every_straight_colour_survives_the_tensor_and_back():
    frames = all_pairs_of_color_and_alpha()
    found = to_frames(from_frames(frames))
    visible = frames[..., 3] > 0
    assert np.array_equal(found[visible], frames[visible])
    assert not found[~visible].any()


@given(ANY_FRAMES)
def test_frames_survive_the_tensor_and_back(frames):
    expected = frames.copy()
    if frames.shape[3] == 4:
        expected[frames[..., 3] == 0] = 0
    assert np.array_equal(to_frames(from_frames(frames)), expected)


def test_tensor_of_four_channels_is_premultiplied():
    clip = from_frames(np.array([[[[255, 128, 0, 51]]]], np.uint8))
    parts = (clip.ravel() + 1) / 2
    # 51/255 = 0.2; float32 in [-1, 1] resolves 6e-8.
    assert parts.tolist() == pytest.approx([0.2, 0.2 * 128 / 255, 0.0, 0.2], abs=1e-7)


def test_colour_brighter_than_its_alpha_is_limited():
    parts = torch.tensor([0.9, 0.1, 0.0, 0.5]).reshape(4, 1, 1, 1)
    assert to_frames(2 * parts - 1).ravel().tolist() == [255, 51, 0, 128]


@pytest.mark.parametrize("dtype", [torch.float64, torch.float16, torch.bfloat16])
def test_other_float_types_give_their_own_values_rounded(dtype):
    clip = torch.linspace(-1, 1, 48).reshape(3, 1, 4, 4).to(dtype)
    assert np.array_equal(to_frames(clip), to_frames(clip.float()))


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), float("-inf")])
def test_values_that_are_no_numbers_are_refused_with_their_place(bad):
    clip = torch.zeros(3, 4, 5, 6)
    clip[1, 2, 3, 4] = bad
    with pytest.raises(InputError, match=r"1 of 360 .* channel 1, frame 2, row 3, column 4"):
        to_frames(clip)


def test_other_numbers_of_channels_are_refused():
    with pytest.raises(InputError, match="this one has 2"):
        to_frames(torch.zeros(2, 1, 4, 4))


def test_empty_clips_are_refused():
    with pytest.raises(InputError, match="no pixels"):
        to_frames(torch.zeros(3, 0, 4, 4))


def test_picture_is_the_clip_of_one_frame():
    image = torch.linspace(-1, 1, 4 * 3 * 5).reshape(4, 3, 5)
    assert np.array_equal(to_picture(image), to_frames(image[:, None])[0])
    picture = to_picture(image)
    assert torch.equal(from_picture(picture), from_frames(picture[None])[:, 0])


def test_composite_is_the_exact_blend_rounded_once():
    frames = all_pairs_of_color_and_alpha()
    for background in (0, 37, 255):
        color, alpha = frames[..., 0].astype(np.int64), frames[..., 3].astype(np.int64)
        numerator = alpha * color + (255 - alpha) * background
        found = composite(frames, f"#{background:02x}{background:02x}{background:02x}")[..., 0]
        error = np.abs(found * 255.0 - numerator)
        # Half a level is 127.5; float32 may decide exact ties either way.
        assert error.max() <= 127.5


def test_composite_of_a_visible_pixel_is_the_pixel_and_of_a_hidden_one_the_background():
    picture = np.array([[[10, 20, 30, 255], [10, 20, 30, 0]]], np.uint8)
    assert composite(picture, "#0a64FF").tolist() == [[[10, 20, 30], [10, 100, 255]]]


@pytest.mark.parametrize("text", ["white", "#fff", "#12345g", "123456", "#1234567", ""])
def test_other_ways_to_write_a_colour_are_refused(text):
    with pytest.raises(InputError, match="#rrggbb"):
        parse_color(text)
