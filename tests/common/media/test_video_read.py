from dataclasses import replace
from fractions import Fraction

import av  # noqa: F401 - before decord, whose libraries would take the place of PyAV's
import decord
import numpy as np
import pytest

from common.errors import InputError
from common.media.clips import write_clip
from common.media.decord_reader import DecordUnfitError, decord_frames, suits_decord
from common.media.pyav_reader import check_decodable, pyav_frames
from common.media.video_probe import ReadLimits, probe
from common.media.video_read import iter_clip, read_clip
from common.media.video_write import video_writer, write_video
from tests.common.media.sample_media import ffmpeg, moving_clip, noise_clip
from tests.common.media.test_video_write import tone

# Those of the study of readers, where decord 0.6 was wrong at 48x48, and its other wrong widths.
SIZES = (
    (32, 32), (48, 48), (64, 64), (96, 64), (100, 60), (128, 128), (160, 96), (256, 256),
    (320, 240), (512, 288), (2, 2), (8, 8), (16, 16), (24, 24), (66, 48), (72, 40), (74, 48),
)  # fmt: skip


def raw_rgb(path, width: int, height: int) -> np.ndarray:
    """Frames by the ffmpeg program, turned as it turns them."""
    raw = ffmpeg("-i", path, "-f", "rawvideo", "-pix_fmt", "rgb24", "-fps_mode", "passthrough", "-")
    return np.frombuffer(raw, np.uint8).reshape(-1, height, width, 3)


@pytest.mark.parametrize(("width", "height"), SIZES)
@pytest.mark.parametrize("name", ["a.mp4", "a.webm"])
def test_decord_and_pyav_give_equal_pixels_at_every_size(tmp_path, name, width, height):
    write_video(tmp_path / name, moving_clip(6, height, width), 8)
    info = probe(tmp_path / name)
    by_pyav = np.stack(list(pyav_frames(info)))
    assert by_pyav.shape == (6, height, width, 3)
    assert np.array_equal(read_clip(tmp_path / name).frames, by_pyav)
    if suits_decord(info):
        by_decord = np.stack(list(decord_frames(info, range(6), by_pyav[0])))
        assert np.array_equal(by_decord, by_pyav)


@pytest.mark.parametrize("width", range(2, 132, 2))
def test_rule_says_exactly_where_decord_is_wrong(tmp_path, width):
    path = tmp_path / "a.mp4"
    write_video(path, moving_clip(2, 16, width), 8)
    info = probe(path)
    expected = next(pyav_frames(info))
    found = decord.VideoReader(str(path), num_threads=1)[0].asnumpy()
    is_right = found.shape == expected.shape and np.array_equal(found, expected)
    # On processors that pad rows more, decord may be wrong elsewhere too; then the check of its
    # first frame catches it.
    if suits_decord(info) and not is_right:
        with pytest.raises(DecordUnfitError, match="shape"):
            list(decord_frames(info, [0, 1], expected))
    else:
        assert suits_decord(info) == is_right


def test_decord_is_really_used_where_it_is_right(tmp_path, monkeypatch):
    write_video(tmp_path / "a.mp4", moving_clip(4, 64, 64), 8)
    used = []
    reader = decord.VideoReader
    monkeypatch.setattr(
        decord, "VideoReader", lambda *args, **kwargs: used.append(args) or reader(*args, **kwargs)
    )
    read_clip(tmp_path / "a.mp4")
    assert used
    used.clear()
    write_video(tmp_path / "a.mp4", moving_clip(4, 48, 48), 8)
    read_clip(tmp_path / "a.mp4")
    assert not used


def test_decord_that_disagrees_is_not_believed(tmp_path):
    write_video(tmp_path / "a.mp4", moving_clip(4, 64, 64), 8)
    info = probe(tmp_path / "a.mp4")
    first = next(pyav_frames(info))
    with pytest.raises(DecordUnfitError, match="off by"):
        list(decord_frames(info, [0], 255 - first))
    fewer = replace(info, starts=info.starts[:3])
    with pytest.raises(DecordUnfitError, match="counts 4 frames, not 3"):
        list(decord_frames(fewer, [0], first))


@pytest.mark.parametrize("failing_after", [0, 3])
def test_decord_that_fails_is_replaced_without_a_trace(tmp_path, monkeypatch, failing_after):
    import common.media.video_read as video_read

    write_video(tmp_path / "a.mp4", moving_clip(7, 64, 64), 8)
    expected = read_clip(tmp_path / "a.mp4").frames

    def failing(info, indices, first):
        yield from itertools_first(decord_frames(info, indices, first), failing_after)
        raise DecordUnfitError("stopped")

    def itertools_first(frames, count):
        for _, frame in zip(range(count), frames, strict=False):
            yield frame

    monkeypatch.setattr(video_read, "decord_frames", failing)
    assert np.array_equal(read_clip(tmp_path / "a.mp4").frames, expected)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "alpha.webm", "a.gif", "a.webp", "alpha.webp"])
def test_chunks_are_the_whole_clip_cut(tmp_path, name):
    write_clip(tmp_path / name, moving_clip(19, alpha="alpha" in name), 8)
    whole = read_clip(tmp_path / name).frames
    for size in (1, 5, 19, 40):
        chunks = list(iter_clip(tmp_path / name, chunk_frames=size))
        assert all(len(chunk) == size for chunk in chunks[:-1])
        assert np.array_equal(np.concatenate(chunks), whole)
    assert np.array_equal(read_clip(tmp_path / name, max_frames=7).frames, whole[:7])


def test_probe_tells_what_is_there(tmp_path):
    write_video(tmp_path / "a.mp4", moving_clip(12), 23.976, audio=tone(12 / 23.976))
    info = probe(tmp_path / "a.mp4")
    assert (info.codec, info.kind, info.width, info.height) == ("h264", "mp4", 64, 48)
    assert (info.num_frames, info.rate, info.is_regular) == (12, Fraction(24000, 1001), True)
    assert (info.has_audio, info.has_alpha) == (True, False)
    assert info.duration == Fraction(12 * 1001, 24000)
    write_video(tmp_path / "a.webm", moving_clip(3, alpha=True), 8)
    assert probe(tmp_path / "a.webm").has_alpha
    assert not probe(tmp_path / "a.webm").has_audio


@pytest.mark.parametrize("name", ["a.webm", "a.webp"])
def test_transparency_is_read(tmp_path, name):
    frames = moving_clip(5, alpha=True)
    write_clip(tmp_path / name, frames, 8)
    found = read_clip(tmp_path / name).frames
    assert found.shape == frames.shape
    assert np.abs(found[..., 3].astype(int) - frames[..., 3]).mean() < 1


def test_transparent_gif_of_another_program_is_read_with_alpha(tmp_path):
    write_clip(tmp_path / "a.webm", moving_clip(5, alpha=True), 10)
    palette = "split[a][b];[a]palettegen[p];[b][p]paletteuse"
    ffmpeg("-c:v", "libvpx-vp9", "-i", tmp_path / "a.webm", "-lavfi", palette, tmp_path / "a.gif")
    found = read_clip(tmp_path / "a.gif").frames
    assert found.shape == (5, 48, 64, 4)
    assert set(np.unique(found[..., 3])) == {0, 255}


@pytest.mark.parametrize("turn", [["90"], ["180"], ["270"], ["0", "h"], ["90", "v"], ["270", "h"]])
def test_rotation_is_what_ffmpeg_shows(tmp_path, turn):
    write_video(tmp_path / "a.mp4", moving_clip(3, 32, 64), 8)
    flips = [f"-display_{axis}flip" for axis in turn[1:]]
    rotation = ["-display_rotation", turn[0]] if turn[0] != "0" else []
    ffmpeg(*rotation, *flips, "-i", tmp_path / "a.mp4", "-c", "copy", tmp_path / "b.mp4")
    width, height = (32, 64) if turn[0] in ("90", "270") else (64, 32)
    info = probe(tmp_path / "b.mp4")
    assert (info.width, info.height) == (width, height)
    found = read_clip(tmp_path / "b.mp4").frames
    # ffmpeg turns the half-resolution colours, we turn the pixels: equal up to interpolation.
    difference = np.abs(found.astype(int) - raw_rgb(tmp_path / "b.mp4", width, height))
    assert difference.mean() < 2


def test_rotation_by_other_angles_is_refused(tmp_path):
    write_video(tmp_path / "a.mp4", moving_clip(3, 32, 64), 8)
    ffmpeg("-display_rotation", "30", "-i", tmp_path / "a.mp4", "-c", "copy", tmp_path / "b.mp4")
    with pytest.raises(InputError, match="quarter turns"):
        probe(tmp_path / "b.mp4")


def numbered(num_frames: int) -> np.ndarray:
    """Frames whose grey level tells their number."""
    levels = (np.arange(num_frames) * 10 + 5).astype(np.uint8)
    return np.broadcast_to(levels[:, None, None, None], (num_frames, 32, 64, 3)).copy()


def numbers_of(frames: np.ndarray) -> list[int]:
    return [round((float(frame.mean()) - 5) / 10) for frame in frames]


def variable_rate_video(folder, seconds: list[float]):
    """A video by ffmpeg in which frame i lasts seconds[i]."""
    write_clip(folder / "frames", numbered(len(seconds)), 8)
    starts = [round(1000 * start) for start in np.cumsum([0, *seconds[:-1]])]
    times = "+".join(f"eq(N,{index})*{start}" for index, start in enumerate(starts))
    path = folder / "variable.mp4"
    ffmpeg("-i", folder / "frames" / "%05d.png", "-vf", f"settb=1/1000,setpts='{times}'",
           "-fps_mode", "passthrough", "-enc_time_base", "1/1000", "-pix_fmt", "yuv420p",
           path)  # fmt: skip
    return path


def test_variable_rate_is_resampled_to_what_is_on_the_screen(tmp_path):
    seconds = [0.1, 0.37, 0.05, 0.213, 0.5]
    path = variable_rate_video(tmp_path, seconds)
    info = probe(path)
    assert not info.is_regular
    found = numbers_of(read_clip(path, fps=20).frames)
    ends = np.cumsum(seconds)
    expected = [
        int(np.searchsorted(ends, index / 20 + 1e-6, side="right")) for index in range(len(found))
    ]
    assert found == [min(number, 4) for number in expected]
    assert len(found) == pytest.approx(info.duration_s * 20, abs=0.5)


@pytest.mark.parametrize("name", ["a.mp4", "a.webm", "a.gif", "a.webp"])
def test_resampling_keeps_the_length_and_shows_the_right_frames(tmp_path, name):
    write_clip(tmp_path / name, numbered(20), 10)
    assert numbers_of(read_clip(tmp_path / name).frames) == list(range(20))
    assert numbers_of(read_clip(tmp_path / name, fps=5).frames) == list(range(0, 20, 2))
    doubled = read_clip(tmp_path / name, fps=20)
    assert numbers_of(doubled.frames) == [index // 2 for index in range(40)]
    assert doubled.rate == 20
    assert numbers_of(read_clip(tmp_path / name, fps=4, max_frames=3).frames) == [0, 2, 5]


@pytest.mark.parametrize(
    ("suffix", "options"),
    [
        ("mkv", ["-c:v", "ffv1"]), ("avi", ["-c:v", "mpeg4", "-q:v", "2"]),
        ("mov", ["-c:v", "png"]), ("webm", ["-c:v", "libvpx", "-b:v", "2M"]),
        ("mp4", ["-c:v", "libx265", "-x265-params", "log-level=none"]),
        ("mp4", ["-c:v", "libx264", "-pix_fmt", "yuv444p10le"]),
        ("ts", ["-c:v", "mpeg2video", "-q:v", "2", "-r", "25"]), ("flv", ["-c:v", "flv1"]),
        ("mp4", ["-c:v", "libx264", "-movflags", "frag_keyframe+empty_moov"]),
        ("mp4", ["-c:v", "libx264", "-x264-params", "open-gop=1:keyint=4:bframes=3"]),
    ],
)  # fmt: skip
def test_files_of_other_programs_are_read(tmp_path, suffix, options):
    frames = moving_clip(25, 64, 96)
    write_clip(tmp_path / "frames", frames, 25)
    path = tmp_path / f"a.{suffix}"
    pixel_format = [] if "-pix_fmt" in options or "png" in options else ["-pix_fmt", "yuv420p"]
    ffmpeg(
        "-framerate", "25", "-i", tmp_path / "frames" / "%05d.png", *options, *pixel_format, path
    )
    found = read_clip(path)
    assert found.rate == 25
    assert found.frames.shape == frames.shape
    # Each frame is itself, not a neighbour, whose ball is elsewhere.
    distance = np.abs(found.frames[:, None].astype(np.int16) - frames[None].astype(np.int16))
    assert distance.mean(axis=(2, 3, 4)).argmin(axis=1).tolist() == list(range(25))


def test_limits_refuse_before_decoding(tmp_path):
    write_video(tmp_path / "a.mp4", moving_clip(30), 10)
    for limits, problem in (
        (ReadLimits(max_pixels=64 * 48 - 1), "64x48, 3072 pixels; from 1 to 3071"),
        (ReadLimits(max_frames=29), "more than 29 frames"),
        (ReadLimits(max_duration_s=2.9), r"lasts 3\.0 s, at most 2\.9 s"),
    ):
        with pytest.raises(InputError, match=problem):
            read_clip(tmp_path / "a.mp4", limits=limits)
    exact = ReadLimits(max_pixels=64 * 48, max_frames=30, max_duration_s=3.0)
    assert len(read_clip(tmp_path / "a.mp4", limits=exact).frames) == 30


def test_clip_that_does_not_fit_memory_is_refused_with_its_size(tmp_path, monkeypatch):
    import common.media.video_read as video_read

    monkeypatch.setattr(video_read, "MAX_CLIP_BYTES", 20 * 64 * 48 * 3)
    write_video(tmp_path / "a.mp4", moving_clip(21), 10)
    with pytest.raises(InputError, match="21 frames of 64x48"):
        read_clip(tmp_path / "a.mp4")
    assert len(read_clip(tmp_path / "a.mp4", max_frames=20).frames) == 20


@pytest.mark.parametrize("max_frames", [0, -1])
def test_reading_no_frames_is_refused(tmp_path, max_frames):
    write_video(tmp_path / "a.mp4", moving_clip(3), 10)
    with pytest.raises(InputError, match="at least 1 frame"):
        read_clip(tmp_path / "a.mp4", max_frames=max_frames)


def test_damage_that_decord_would_hide_is_found(tmp_path):
    path = tmp_path / "a.mp4"
    with video_writer(path, 24) as writer:
        writer.write(noise_clip(24, 64, 64))
    data = bytearray(path.read_bytes())
    start = data.find(b"mdat") + len(data) // 2
    for offset in range(start, start + 4000, 100):
        data[offset] ^= 0xFF
    path.write_bytes(data)
    info = probe(path)
    hidden = list(decord_frames(info, range(24), check_decodable(info, 1)))
    assert len(hidden) == 24  # nothing said
    with pytest.raises(InputError, match="damaged"):
        read_clip(path)
