import itertools
from fractions import Fraction

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from common.media.animation_write import write_png_frames, write_webp
from common.media.clips import write_clip
from common.media.gif_write import write_gif
from common.media.images import read_picture
from common.media.video_probe import probe
from common.media.video_read import read_clip
from common.media.webp_frames import webp_header
from tests.common.media.sample_media import moving_clip, noise_clip, psnr_db


def few_colours_clip(num_colors: int) -> np.ndarray:
    palette = np.random.default_rng(3).integers(0, 256, (num_colors, 3), dtype=np.uint8)
    indices = np.random.default_rng(4).integers(0, num_colors, (5, 24, 40))
    return palette[indices]


def gif_delays(path) -> list[int]:
    with Image.open(path) as picture:
        return [
            picture.seek(index) or picture.info["duration"] // 10
            for index in range(picture.n_frames)
        ]


@pytest.mark.parametrize("channels", [3, 4])
def test_webp_is_exact_but_for_colours_nobody_sees(tmp_path, channels):
    frames = noise_clip(5, 17, 23, channels)
    write_webp(tmp_path / "a.webp", frames, 8)
    found = read_clip(tmp_path / "a.webp").frames
    assert found.shape == frames.shape
    if channels == 4:
        assert np.array_equal(found[..., 3], frames[..., 3])
        visible = frames[..., 3] > 0
        found, frames = found[visible], frames[visible]
    assert np.array_equal(found, frames)


@pytest.mark.parametrize("quality", [None, 80])
def test_a_thing_with_hard_edges_that_stays_in_place_keeps_what_is_around_it(tmp_path, quality):
    frames = np.zeros((4, 24, 32, 4), np.uint8)
    frames[:, 8:16, 10:20] = noise_clip(4, 8, 10, 4)
    frames[:, 8:16, 10:20, 3] = 255
    write_webp(tmp_path / "a.webp", frames, 8, quality=quality)
    assert np.array_equal(read_clip(tmp_path / "a.webp").frames[..., 3], frames[..., 3])


def test_lossy_webp_is_smaller_and_close(tmp_path):
    frames = moving_clip(6, 64, 96)
    write_webp(tmp_path / "exact.webp", noise_clip(6, 64, 96), 8)
    write_webp(tmp_path / "lossy.webp", noise_clip(6, 64, 96), 8, quality=50)
    exact, lossy = (tmp_path / f"{name}.webp" for name in ("exact", "lossy"))
    assert lossy.stat().st_size < exact.stat().st_size / 2
    write_webp(lossy, frames, 8, quality=90)
    # Lossy WebP halves the colour resolution too; 34 dB is what that leaves of the ball's edge.
    assert psnr_db(frames, read_clip(lossy).frames) > 34


@pytest.mark.parametrize("fps", [8, 12.5, 23.976, 24, 30, 50])
@pytest.mark.parametrize("suffix", ["webp", "gif"])
def test_times_do_not_drift(tmp_path, fps, suffix):
    path = tmp_path / f"a.{suffix}"
    write_clip(path, noise_clip(50, 4, 4), fps)
    ticks_per_s = 1000 if suffix == "webp" else 100
    delays = webp_header(path).durations_ms if suffix == "webp" else gif_delays(path)
    assert len(delays) == 50
    for index, end in enumerate(itertools.accumulate(delays)):
        # Half a tick, and the difference of 23.976 and 24000/1001 over two seconds.
        assert abs(end / ticks_per_s - (index + 1) / fps) <= 0.5 / ticks_per_s + 1e-4
    assert float(read_clip(path).rate) == pytest.approx(fps, rel=2e-3)


@pytest.mark.parametrize("num_colors", [2, 17, 256])
def test_gif_of_few_colours_is_exact(tmp_path, num_colors):
    frames = few_colours_clip(num_colors)
    write_gif(tmp_path / "a.gif", frames, 10)
    assert np.array_equal(read_clip(tmp_path / "a.gif").frames, frames)


def test_gif_keeps_one_palette_and_a_still_picture_still(tmp_path):
    # Many colours, so it dithers; the left half moves, the right half must not flicker at all.
    frames = moving_clip(6, 48, 64)
    frames[:, :, 32:] = frames[0, :, 32:]
    write_gif(tmp_path / "a.gif", frames, 10)
    found = read_clip(tmp_path / "a.gif").frames
    assert np.ptp(found[:, :, 32:].astype(int), axis=0).max() == 0
    colors = np.unique(found.reshape(-1, 3), axis=0)
    assert len(colors) <= 256
    # 256 colours for a smooth gradient: measured 31 dB; a fixed web palette gives 20.
    assert psnr_db(frames, found) > 28


@pytest.mark.parametrize("suffix", ["webp", "gif"])
def test_equal_frames_come_back_as_many(tmp_path, suffix):
    # WebP stores equal neighbours once.
    frames = few_colours_clip(9)[[0, 0, 0, 1, 2, 2, 3, 3, 3, 3]]
    path = tmp_path / f"a.{suffix}"
    write_clip(path, frames, 8)
    found = read_clip(path)
    assert found.rate == 8
    assert np.array_equal(found.frames, frames)
    assert probe(path).duration_s == 1.25


@pytest.mark.parametrize("suffix", ["webp", "gif"])
def test_clip_of_one_frame_is_read_as_one(tmp_path, suffix):
    frames = few_colours_clip(5)[:1]
    write_clip(tmp_path / f"a.{suffix}", frames, 8)
    found = read_clip(tmp_path / f"a.{suffix}")
    assert np.array_equal(found.frames, frames)
    with Image.open(tmp_path / f"a.{suffix}") as picture:
        assert np.array_equal(np.asarray(picture.convert("RGB")), frames[0])


@pytest.mark.parametrize("shape", [(1, 3, 1), (3, 1, 1), (2, 1, 3)])
@pytest.mark.parametrize("suffix", ["webp", "gif"])
def test_tiny_pictures_work(tmp_path, suffix, shape):
    frames = noise_clip(*shape)
    write_clip(tmp_path / f"a.{suffix}", frames, 10)
    assert np.array_equal(read_clip(tmp_path / f"a.{suffix}").frames, frames)


@pytest.mark.parametrize("suffix", ["webp", "gif"])
def test_animations_loop_for_ever(tmp_path, suffix):
    write_clip(tmp_path / f"a.{suffix}", noise_clip(3, 8, 8), 8)
    with Image.open(tmp_path / f"a.{suffix}") as picture:
        assert picture.info["loop"] == 0


@pytest.mark.parametrize("suffix", ["webp", "gif"])
def test_same_frames_give_the_same_bytes(tmp_path, suffix):
    for name in ("a", "b"):
        write_clip(tmp_path / f"{name}.{suffix}", moving_clip(), 8)
    assert (tmp_path / f"a.{suffix}").read_bytes() == (tmp_path / f"b.{suffix}").read_bytes()


def test_gif_refuses_what_it_cannot_hold(tmp_path):
    with pytest.raises(InputError, match="no partial transparency"):
        write_gif(tmp_path / "a.gif", moving_clip(alpha=True), 8)
    with pytest.raises(InputError, match="at most 50 frames/s, not 60"):
        write_gif(tmp_path / "a.gif", moving_clip(), 60)
    with pytest.raises(InputError, match="frames of 3 channels"):
        write_gif(tmp_path / "a.gif", moving_clip()[:0], 8)
    assert not list(tmp_path.iterdir())


def test_webp_refuses_what_it_cannot_hold(tmp_path):
    with pytest.raises(InputError, match="16383"):
        write_webp(tmp_path / "a.webp", np.zeros((1, 1, 16_384, 3), np.uint8), 8)
    with pytest.raises(InputError, match="quality must be"):
        write_webp(tmp_path / "a.webp", moving_clip(), 8, quality=101)
    with pytest.raises(InputError, match="a clip needs"):
        write_webp(tmp_path / "a.webp", moving_clip()[:0], 8)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("channels", [3, 4])
def test_png_frames_are_exact_and_in_order(tmp_path, channels):
    frames = noise_clip(11, 5, 7, channels)
    paths = write_png_frames(tmp_path / "frames", frames)
    assert [path.name for path in paths] == sorted(path.name for path in paths)
    assert sorted((tmp_path / "frames").iterdir()) == paths
    assert np.array_equal(np.stack([read_picture(path) for path in paths]), frames)


def test_png_frames_never_mix_with_others(tmp_path):
    write_png_frames(tmp_path / "frames", noise_clip(2, 4, 4))
    with pytest.raises(InputError, match="exists already"):
        write_png_frames(tmp_path / "frames", noise_clip(1, 4, 4))
    assert len(list((tmp_path / "frames").iterdir())) == 2


def test_one_door_writes_every_format(tmp_path):
    for name in ("a.mp4", "a.webm", "a.WEBP", "a.gif"):
        write_clip(tmp_path / name, moving_clip(3), 8)
        assert read_clip(tmp_path / name).frames.shape == (3, 48, 64, 3)
        assert read_clip(tmp_path / name).rate == Fraction(8)
    write_clip(tmp_path / "frames", moving_clip(3), 8)
    assert len(list((tmp_path / "frames").iterdir())) == 3
    with pytest.raises(InputError, match="clips end in"):
        write_clip(tmp_path / "a.avi", moving_clip(3), 8)
    from tests.common.media.test_video_write import tone

    with pytest.raises(InputError, match="hold sound"):
        write_clip(tmp_path / "b.gif", moving_clip(3), 8, audio=tone(3 / 8))
