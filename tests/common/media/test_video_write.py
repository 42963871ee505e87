import os
import signal
import subprocess
import sys
from fractions import Fraction

import av
import numpy as np
import pytest

from common.errors import InputError
from common.media.audio import Audio
from common.media.edge_colors import with_edge_colors
from common.media.pixels import composite
from common.media.video_read import read_clip
from common.media.video_write import video_writer, write_video
from tests.common.media.sample_media import (
    ffmpeg,
    moving_clip,
    noise_clip,
    psnr_db,
    sample_provenance,
)

FORMATS = ("a.mp4", "a.webm")


def tone(seconds: float, sample_rate: int = 48_000, num_channels: int = 2) -> Audio:
    times = np.arange(round(seconds * sample_rate)) / sample_rate
    wave = 0.4 * np.sin(2 * np.pi * 440 * times)
    return Audio(np.repeat(wave[None], num_channels, axis=0).astype(np.float32), sample_rate)


def boxes(data: bytes) -> list[bytes]:
    found, offset = [], 0
    while offset < len(data):
        found.append(data[offset + 4 : offset + 8])
        offset += int.from_bytes(data[offset : offset + 4])
    return found


# Half-resolution colour limits the first two: the ball's edge is a sharp step in colour. H.264 at
# crf 16 and VP9 at crf 18 add less than that: grey noise-free pictures come out above 45 dB.
@pytest.mark.parametrize(
    ("name", "alpha", "least_db"),
    [("a.mp4", False, 34), ("a.webm", False, 34), ("a.webm", True, 34)],
)
def test_clip_survives_encoding_within_what_chroma_subsampling_allows(
    tmp_path, name, alpha, least_db
):
    frames = moving_clip(12, 64, 96, alpha=alpha)
    write_video(tmp_path / name, frames, 8)
    found = read_clip(tmp_path / name)
    assert found.frames.shape == frames.shape
    assert found.rate == 8
    if not alpha:
        assert psnr_db(frames, found.frames) > least_db
        return
    # Transparency is stored at full resolution.
    assert psnr_db(frames[..., 3], found.frames[..., 3]) > 45
    on_black = composite(frames, "#000000"), composite(found.frames, "#000000")
    assert psnr_db(*on_black) > least_db


@pytest.mark.parametrize("name", FORMATS)
def test_grey_clip_is_nearly_exact(tmp_path, name):
    frames = np.repeat(moving_clip(8)[..., :1], 3, axis=3)
    write_video(tmp_path / name, frames, 8)
    assert psnr_db(frames, read_clip(tmp_path / name).frames) > 45


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "color", [(255, 0, 0), (0, 255, 0), (0, 0, 255), (255, 255, 255), (0, 0, 0), (128, 128, 128)]
)
def test_flat_colours_are_right_by_our_reader_and_by_ffmpeg(tmp_path, name, color):
    # Wrong matrices or ranges are off by 10 to 40 levels; rounding to 8-bit YUV by at most 2,
    # and quantisation by at most 2 more.
    frames = np.full((3, 32, 64, 3), color, np.uint8)
    write_video(tmp_path / name, frames, 8)
    by_us = read_clip(tmp_path / name).frames
    raw = ffmpeg("-i", tmp_path / name, "-f", "rawvideo", "-pix_fmt", "rgb24", "-")
    by_ffmpeg = np.frombuffer(raw, np.uint8).reshape(frames.shape)
    for found in (by_us, by_ffmpeg):
        assert np.abs(found.astype(int) - frames).max() <= 4


def test_mp4_plays_in_browsers(tmp_path):
    write_video(tmp_path / "a.mp4", moving_clip(), 8, audio=tone(1))
    order = boxes((tmp_path / "a.mp4").read_bytes())
    assert order.index(b"moov") < order.index(b"mdat")
    with av.open(str(tmp_path / "a.mp4")) as container:
        video, sound = container.streams.video[0].codec_context, container.streams.audio[0]
        frame = next(container.decode(video=0))
        assert (video.name, video.profile, video.pix_fmt) == ("h264", "High", "yuv420p")
        assert sound.codec_context.name == "aac"
        # 1 is BT.709 in all three, and limited range.
        colors = (frame.colorspace, frame.color_primaries, frame.color_trc, frame.color_range)
        assert colors == (1, 1, 1, 1)
        assert video.sample_aspect_ratio in (None, 0, 1)


def test_webm_is_vp9_with_alpha(tmp_path):
    write_video(tmp_path / "a.webm", moving_clip(alpha=True), 8)
    with av.open(str(tmp_path / "a.webm")) as container:
        stream = container.streams.video[0]
        assert stream.codec_context.name == "vp9"
        assert stream.metadata["alpha_mode"] == "1"


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize("with_sound", [False, True])
def test_same_frames_give_the_same_bytes_however_they_are_cut(tmp_path, name, with_sound):
    frames = moving_clip(21)
    options = {
        "audio": tone(21 / 8, 44_100) if with_sound else None,
        "provenance": sample_provenance(),
    }
    write_video(tmp_path / name, frames, 8, **options)
    expected = (tmp_path / name).read_bytes()
    for size in (1, 2, 8, 21):
        with video_writer(tmp_path / f"{size}-{name}", 8, **options) as writer:
            for start in range(0, 21, size):
                writer.write(frames[start : start + size])
            assert writer.num_frames == 21
        assert (tmp_path / f"{size}-{name}").read_bytes() == expected


def test_same_bytes_on_another_processor_count_and_whatever_memory_held_before(tmp_path):
    script = (
        "import os, sys; from pathlib import Path; from common.media.clips import write_clip\n"
        "from common.media.audio import Audio\n"
        "from tests.common.media.sample_media import moving_clip, noise_clip\n"
        "from tests.common.media.test_video_write import tone\n"
        "os.sched_setaffinity(0, list(os.sched_getaffinity(0))[: int(sys.argv[2])])\n"
        "for suffix in ('mp4', 'webm', 'gif', 'webp'):\n"
        "    sound = tone(2.0) if suffix in ('mp4', 'webm') else None\n"
        "    for size in (48, 130):\n"
        "        path = Path(sys.argv[1]) / f'{size}.{suffix}'\n"
        "        write_clip(path, moving_clip(16, size, size), 8, audio=sound)\n"
    )
    # glibc fills fresh and freed memory with this byte: what reads it unwritten shows.
    for fill, processors in ((85, 1), (170, 2)):
        subprocess.run(
            [sys.executable, "-c", script, str(tmp_path / str(fill)), str(processors)],
            env=os.environ | {"MALLOC_PERTURB_": str(fill)},
            check=True,
        )
    for first in (tmp_path / "85").iterdir():
        assert first.read_bytes() == (tmp_path / "170" / first.name).read_bytes(), first.name


@pytest.mark.parametrize(
    ("fps", "rate"),
    [(23.976, Fraction(24000, 1001)), (12.5, Fraction(25, 2)), (8, Fraction(8)),
     (29.97, Fraction(30000, 1001)), (0.5, Fraction(1, 2)), (120, Fraction(120))],
)  # fmt: skip
@pytest.mark.parametrize("name", FORMATS)
def test_frame_rates_are_stored_exactly(tmp_path, name, fps, rate):
    write_video(tmp_path / name, moving_clip(6), fps)
    found = read_clip(tmp_path / name)
    assert found.rate == rate
    assert len(found.frames) == 6


@pytest.mark.parametrize("size", [(63, 48), (64, 47), (1, 1)])
def test_odd_sizes_are_refused_in_mp4_with_the_ways_out(tmp_path, size):
    with pytest.raises(InputError, match=r"even sides.*generate \d+x\d+, or write \.webm"):
        write_video(tmp_path / "a.mp4", moving_clip(2, *size), 8)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(("height", "width"), [(1, 3), (1, 1), (31, 47), (2, 2), (3, 1)])
def test_odd_sizes_keep_their_size_in_webm(tmp_path, height, width):
    for alpha in (False, True):
        frames = moving_clip(3, height, width, alpha=alpha)
        write_video(tmp_path / "a.webm", frames, 8)
        assert read_clip(tmp_path / "a.webm").frames.shape[1:3] == (height, width)


@pytest.mark.parametrize(("height", "width"), [(2, 2), (16, 2), (50, 66)])
def test_sizes_that_are_no_multiple_of_16_are_kept_in_mp4(tmp_path, height, width):
    write_video(tmp_path / "a.mp4", moving_clip(3, height, width), 8)
    assert read_clip(tmp_path / "a.mp4").frames.shape[1:3] == (height, width)


def test_transparency_is_refused_in_mp4(tmp_path):
    with pytest.raises(InputError, match="no transparency"):
        write_video(tmp_path / "a.mp4", moving_clip(alpha=True), 8)


def test_other_sizes_in_mid_clip_are_refused(tmp_path):
    with video_writer(tmp_path / "a.mp4", 8) as writer:
        writer.write(moving_clip(2))
        with pytest.raises(InputError, match=r"\(48, 64, 3\), then \(48, 32, 3\)"):
            writer.write(moving_clip(2, 48, 32))
        writer.write(moving_clip(2))
    assert len(read_clip(tmp_path / "a.mp4").frames) == 4


@pytest.mark.parametrize("name", FORMATS)
def test_no_frames_are_refused(tmp_path, name):
    with pytest.raises(InputError, match="at least one frame"):
        write_video(tmp_path / name, moving_clip()[:0], 8)
    assert not list(tmp_path.iterdir())


def test_other_suffixes_and_qualities_are_refused(tmp_path):
    with pytest.raises(InputError, match=r"must end in \.mp4 or \.webm"):
        write_video(tmp_path / "a.avi", moving_clip(), 8)
    with pytest.raises(InputError, match="crf must be from 0 to 51"):
        write_video(tmp_path / "a.mp4", moving_clip(), 8, crf=52)


def test_lower_crf_is_closer_to_the_frames(tmp_path):
    frames = noise_clip(4, 32, 64)
    quality = []
    for crf in (0, 20, 40):
        write_video(tmp_path / "a.mp4", frames, 8, crf=crf)
        quality.append(psnr_db(frames, read_clip(tmp_path / "a.mp4").frames))
    assert quality == sorted(quality, reverse=True)


@pytest.mark.parametrize("error", [RuntimeError("stop"), KeyboardInterrupt(), OSError("input")])
@pytest.mark.parametrize("name", FORMATS)
def test_interrupted_writer_leaves_nothing_and_passes_the_error(tmp_path, name, error):
    with pytest.raises(type(error)) as caught, video_writer(tmp_path / name, 8) as writer:  # noqa: PT012
        writer.write(moving_clip())
        raise error
    assert caught.value is error
    assert not list(tmp_path.iterdir())


def test_interrupted_writer_keeps_the_file_that_was_there(tmp_path):
    path = tmp_path / "a.mp4"
    write_video(path, moving_clip(), 8)
    before = path.read_bytes()
    with pytest.raises(RuntimeError), video_writer(path, 8) as writer:  # noqa: PT012
        writer.write(moving_clip(3))
        raise RuntimeError
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("stop", [signal.SIGKILL, signal.SIGINT])
def test_killed_process_leaves_no_file_of_that_name(tmp_path, stop):
    script = (
        "import signal, sys; from pathlib import Path\n"
        "from common.media.video_write import video_writer\n"
        "from tests.common.media.sample_media import noise_clip\n"
        # A shell that starts the tests in the background lets them ignore Ctrl-C.
        "signal.signal(signal.SIGINT, signal.default_int_handler)\n"
        "with video_writer(Path(sys.argv[1]), 8) as writer:\n"
        "    while True:\n"
        "        writer.write(noise_clip(8, 64, 64)); print('.', flush=True)\n"
    )
    path = tmp_path / "a.mp4"
    process = subprocess.Popen(
        [sys.executable, "-c", script, str(path)],
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.read(6)
    process.send_signal(stop)
    process.communicate(timeout=120)  # a guard against waiting for ever, not a bar
    assert process.returncode != 0
    assert not path.exists()
    # SIGKILL leaves no time to remove the hidden partial file; it never has the real name.
    assert all(".partial" in entry.name for entry in tmp_path.iterdir())
    if stop == signal.SIGINT:
        assert not list(tmp_path.iterdir())


def test_unwritable_place_is_one_error(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(InputError, match="cannot be written"):
        write_video(tmp_path / "file" / "a.mp4", moving_clip(), 8)


def test_full_disk_is_one_error(tmp_path):
    # A limit on the file size fails the same write call as a full disk does.
    script = (
        "import resource, signal, sys; from pathlib import Path\n"
        "from common.errors import InputError\n"
        "from common.media.video_write import write_video\n"
        "from tests.common.media.sample_media import noise_clip\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, 20_000))\n"
        "for name in ('a.mp4', 'a.webm'):\n"
        "    try: write_video(Path(sys.argv[1]) / name, noise_clip(40, 64, 64), 8)\n"
        "    except InputError as error: print(error)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.stdout.count("cannot be written: File too large") == 2, done.stderr
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("name", ["a: b %d.mp4", "球🎈.webm", "-i.mp4", "x" * 200 + ".mp4"])
def test_unusual_names_are_plain_files(tmp_path, name, monkeypatch):
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    write_video(Path(name), moving_clip(2), 8)
    assert [entry.name for entry in tmp_path.iterdir()] == [name]
    assert len(read_clip(Path(name)).frames) == 2


@pytest.mark.parametrize("fps", [8, 23.976, 30])
@pytest.mark.parametrize("sample_rate", [16_000, 44_100, 48_000, 11_111])
@pytest.mark.parametrize("name", FORMATS)
def test_sound_and_pictures_last_equally_long_within_a_frame(tmp_path, name, fps, sample_rate):
    frames = moving_clip(13, 16, 32)
    write_video(tmp_path / name, frames, fps, audio=tone(13 / fps, sample_rate, 1))
    with av.open(str(tmp_path / name)) as container:
        video, sound = container.streams.video[0], container.streams.audio[0]
        if name.endswith(".mp4"):
            lengths = [float(stream.duration * stream.time_base) for stream in (video, sound)]
        else:  # WebM states "00:00:01.234" as a tag of each stream
            stated = [stream.metadata["DURATION"].split(":")[-1] for stream in (video, sound)]
            lengths = [float(seconds) for seconds in stated]
        assert sound.start_time == 0
    assert lengths[0] == pytest.approx(13 / fps, abs=2e-3)  # WebM counts in ms
    assert abs(lengths[0] - lengths[1]) <= 1 / fps


@pytest.mark.parametrize("name", FORMATS)
def test_sound_is_the_one_that_was_given(tmp_path, name):
    from common.media.audio import read_audio

    sound = tone(2.0)
    write_video(tmp_path / name, moving_clip(16), 8, audio=sound)
    found = read_audio(tmp_path / name)
    assert found.sample_rate == 48_000
    inner = slice(4_800, 90_000)
    error = found.samples[:, inner] - sound.samples[:, inner]
    # A pure tone at 64 kbit/s and above keeps 30 dB below itself; one sample of delay would give
    # 0.058 * 0.4 = -25 dB, a lost encoder delay everything.
    assert np.sqrt((error**2).mean()) < 0.4 / np.sqrt(2) * 10 ** (-30 / 20)


@pytest.mark.parametrize("seconds", [0.5, 2.5])
def test_sound_of_another_length_is_refused_with_the_fix(tmp_path, seconds):
    with pytest.raises(InputError, match="fit_audio"):
        write_video(tmp_path / "a.mp4", moving_clip(12), 8, audio=tone(seconds))
    assert not list(tmp_path.iterdir())


def test_memory_does_not_grow_with_the_clip(tmp_path):
    # 600 frames of 320x240 are 138 MB of pixels.
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from common.media.video_read import iter_clip\n"
        "from common.media.video_write import video_writer\n"
        "from tests.common.media.sample_media import moving_clip\n"
        "def peak(): return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024\n"
        "chunk = moving_clip(20, 240, 320); path = Path(sys.argv[1])\n"
        "def write(count):\n"
        "    with video_writer(path, 24, crf=30) as writer:\n"
        "        for _ in range(count): writer.write(chunk)\n"
        "def read(): return sum(len(part) for part in iter_clip(path))\n"
        "write(5); read(); before = peak()\n"
        "write(30); assert read() == 600\n"
        "print(peak() - before)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path / "a.mp4")]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    assert int(done.stdout) < 50


def test_edge_colours_change_only_hidden_pixels_near_visible_ones():
    picture = np.zeros((9, 9, 4), np.uint8)
    picture[4, 4] = (200, 100, 50, 255)
    filled = with_edge_colors(picture)
    assert np.array_equal(filled[..., 3], picture[..., 3])
    assert filled[4, 6].tolist() == [200, 100, 50, 0]
    assert filled[4, 7].tolist() == [0, 0, 0, 0]
    for uniform in (np.zeros((3, 3, 4), np.uint8), np.full((3, 3, 4), 255, np.uint8)):
        assert np.array_equal(with_edge_colors(uniform), uniform)


def test_edges_of_transparent_clips_are_not_dark(tmp_path):
    frames = moving_clip(4, 64, 64, alpha=True)
    frames[..., :3] = np.where(frames[..., 3:] > 0, 255, 0)  # a white ball
    write_video(tmp_path / "a.webm", frames, 8)
    found = read_clip(tmp_path / "a.webm").frames
    edge = (frames[..., 3] > 20) & (frames[..., 3] < 235)
    # Left black outside, the edge of a white ball is stored some 60 levels too dark.
    assert found[edge][:, :3].mean() > 240
