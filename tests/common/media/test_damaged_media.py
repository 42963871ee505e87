"""Whatever a file holds, readers answer with pixels or with one InputError, fast."""

import shutil
import subprocess
import sys
import time

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from PIL import Image

from common.errors import InputError
from common.media.audio import read_audio, write_wav
from common.media.clips import write_clip
from common.media.images import read_picture, write_picture
from common.media.video_probe import probe
from common.media.video_read import iter_clip, read_clip
from tests.common.media.sample_media import damaged_copies, ffmpeg, moving_clip, noise_clip
from tests.common.media.test_video_write import tone

CLIPS = ("a.mp4", "a.webm", "alpha.webm", "a.gif", "a.webp")
PICTURES = ("a.png", "a.jpg", "a.webp", "a.bmp", "a.tiff")
SOUNDS = ("a.wav", "a.flac", "a.mp3", "a.m4a")
READERS = (read_clip, probe, read_picture, read_audio, lambda path: list(iter_clip(path)))
FOREIGN = {
    "text.mp4": b"this is no video\n" * 20,
    "zeros.mp4": bytes(5000),
    "noise.mp4": bytes(np.random.default_rng(0).integers(0, 256, 5000, dtype=np.uint8)),
    "playlist.mp4": b"#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\nhttp://127.0.0.1:9/a.ts\n",
    "concat.mp4": b"ffconcat version 1.0\nfile /etc/passwd\n",
    "page.gif": b"<!doctype html><html></html>",
    "svg.png": b"<svg xmlns='http://www.w3.org/2000/svg'/>",
    "postscript.png": b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 9 9\n",
    "onlymagic.png": b"\x89PNG\r\n\x1a\n",
    "onlymagic.gif": b"GIF89a",
    "onlymagic.webp": b"RIFF\x04\x00\x00\x00WEBP",
    "onlymagic.mp4": b"\x00\x00\x00\x18ftypisom",
    "onlymagic.webm": b"\x1aE\xdf\xa3",
    "onlymagic.wav": b"RIFF\x24\x00\x00\x00WAVE",
    "onlymagic.flac": b"fLaC",
    "onlymagic.mp3": b"ID3\x04\x00\x00\x00\x00\x00\x00",
    "onebyte.mp4": b"\xff",
}


@pytest.fixture(scope="module")
def whole_files(tmp_path_factory):
    """One small good file of each kind."""
    folder = tmp_path_factory.mktemp("whole")
    for name in CLIPS:
        write_clip(folder / name, moving_clip(12, 48, 64, alpha="alpha" in name), 8)
    noise = noise_clip(1, 40, 56)[0]
    for name in PICTURES:
        Image.fromarray(noise).save(folder / f"picture-{name}")
    write_wav(folder / "a.wav", tone(1.0))
    for name in SOUNDS[1:]:
        ffmpeg("-i", folder / "a.wav", folder / name)
    return folder


def read_or_refuse(reader, path) -> bool:
    """Whether the file was read; an InputError must name it. Anything else fails the test."""
    try:
        reader(path)
    except InputError as error:
        message = str(error)
        assert message.startswith(str(path))
        assert "\n" not in message
        return False
    return True


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("name", FOREIGN)
def test_foreign_files_are_refused(tmp_path, reader, name):
    (tmp_path / name).write_bytes(FOREIGN[name])
    assert not read_or_refuse(reader, tmp_path / name)


@pytest.mark.parametrize("reader", READERS)
def test_missing_empty_and_special_files_are_refused(tmp_path, reader):
    import os

    (tmp_path / "empty.mp4").touch()
    (tmp_path / "folder.mp4").mkdir()
    os.mkfifo(tmp_path / "pipe.mp4")
    (tmp_path / "dangling.mp4").symlink_to(tmp_path / "nowhere")
    for name in ("missing", "empty", "folder", "pipe", "dangling"):
        assert not read_or_refuse(reader, tmp_path / f"{name}.mp4")


@pytest.mark.parametrize("name", CLIPS)
def test_cut_and_inverted_clips_are_refused(whole_files, tmp_path, name):
    shutil.copy(whole_files / name, tmp_path / name)
    assert read_or_refuse(read_clip, tmp_path / name)
    for label, copy in damaged_copies(tmp_path / name, tmp_path).items():
        was_read = read_or_refuse(read_clip, copy)
        # GIF has no checksums, and its decoders skip what follows a frame's last pixel.
        assert not was_read or (name == "a.gif" and label == "inverted"), copy


@pytest.mark.parametrize("name", PICTURES)
def test_cut_pictures_are_refused(whole_files, tmp_path, name):
    path = tmp_path / name
    shutil.copy(whole_files / f"picture-{name}", path)
    assert read_or_refuse(read_picture, path)
    for label, copy in damaged_copies(path, tmp_path).items():
        was_read = read_or_refuse(read_picture, copy)
        # JPEG, BMP and TIFF have no checksums: other pixels are as good as these.
        assert not was_read or label == "inverted"


@pytest.mark.parametrize("name", SOUNDS)
def test_cut_sounds_are_refused_where_the_format_tells(whole_files, tmp_path, name):
    path = tmp_path / name
    shutil.copy(whole_files / name, path)
    assert read_or_refuse(read_audio, path)
    for label, copy in damaged_copies(path, tmp_path).items():
        was_read = read_or_refuse(read_audio, copy)
        # MP3 states no length; samples of WAV have no checksums.
        assert not was_read or name == "a.mp3" or label == "inverted"


def test_a_clip_of_sound_only_says_so(whole_files, tmp_path):
    with pytest.raises(InputError, match="sound but no pictures"):
        read_clip(whole_files / "a.m4a")
    with pytest.raises(InputError, match="has no sound"):
        read_audio(whole_files / "a.mp4")


def test_wrong_suffixes_do_not_matter(whole_files, tmp_path):
    for name in CLIPS:
        shutil.copy(whole_files / name, tmp_path / "a.dat")
        assert len(read_clip(tmp_path / "a.dat").frames) == 12
    shutil.copy(whole_files / "picture-a.png", tmp_path / "a.jpg")
    assert read_picture(tmp_path / "a.jpg").shape == (40, 56, 3)


def test_names_that_look_like_addresses_are_files(whole_files, tmp_path, monkeypatch):
    from pathlib import Path

    monkeypatch.chdir(tmp_path)
    for name in ("http:a.mp4", "concat:a|b.mp4", "data:x", "pipe:0"):
        shutil.copy(whole_files / "a.mp4", name)
        assert len(read_clip(Path(name)).frames) == 12


def test_giant_canvas_is_refused_without_the_memory(tmp_path):
    # 65535 x 65535 would take 17 GB; 16383 x 16383 twice 1 GB.
    (tmp_path / "a.gif").write_bytes(b"GIF89a\xff\xff\xff\xff\x00\x00\x00;")
    (tmp_path / "a.webp").write_bytes(
        b"RIFF\x1e\x00\x00\x00WEBPVP8X\x0a\x00\x00\x00\x02\0\0\0\xfe\x3f\0\xfe\x3f\0"
        b"ANMF\x00\x00\x00\x00"
    )
    script = (
        "import resource, sys; from pathlib import Path\n"
        "from common.errors import InputError\n"
        "from common.media.video_read import read_clip\n"
        "from common.media.images import read_picture\n"
        "import PIL.Image, av, decord\n"
        "before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss\n"
        "for name in ('a.gif', 'a.webp'):\n"
        "    for read in (read_clip, read_picture):\n"
        "        try: read(Path(sys.argv[1]) / name)\n"
        "        except InputError as error: print(error)\n"
        "print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before)\n"
    )
    command = [sys.executable, "-c", script, str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    *messages, grown_kib = done.stdout.splitlines()
    assert len(messages) == 4
    assert int(grown_kib) < 100_000


@pytest.mark.parametrize("size", [(80, 60), (1280, 960)])
def test_clip_that_changes_its_size_is_refused(tmp_path, size):
    # A transport stream may be cut and joined anywhere.
    for name, (width, height) in (("small", (64, 48)), ("other", size)):
        write_clip(tmp_path / f"{name}.mp4", moving_clip(8, height, width), 8)
        ffmpeg("-i", tmp_path / f"{name}.mp4", "-c", "copy", tmp_path / f"{name}.ts")
    joined = b"".join((tmp_path / f"{name}.ts").read_bytes() for name in ("small", "other"))
    (tmp_path / "joined.ts").write_bytes(joined)
    assert read_clip(tmp_path / "small.ts").frames.shape == (8, 48, 64, 3)
    assert not read_or_refuse(read_clip, tmp_path / "joined.ts")


def test_picture_bombs_are_refused(tmp_path):
    path = tmp_path / "bomb.png"
    Image.new("1", (20_000, 20_000)).save(path)  # 400 million pixels in 50 kB
    start = time.monotonic()
    with pytest.raises(InputError, match="pixels"):
        read_picture(path)
    write_picture(tmp_path / "a.png", noise_clip(1, 10, 11)[0])
    with pytest.raises(InputError, match="11x10, 110 pixels; at most 109"):
        read_picture(tmp_path / "a.png", max_pixels=109)
    assert time.monotonic() - start < 5


@given(data=st.data())
@settings(
    max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_random_damage_never_crashes_a_reader(whole_files, tmp_path, data):
    names = [*CLIPS, *(f"picture-{name}" for name in PICTURES), *SOUNDS]
    name = data.draw(st.sampled_from(names))
    content = bytearray((whole_files / name).read_bytes())
    for _ in range(data.draw(st.integers(1, 6))):
        # Headers are where parsers decide, so half of the damage goes there.
        reach = data.draw(st.sampled_from([min(200, len(content)), len(content)]))
        content[data.draw(st.integers(0, reach - 1))] = data.draw(st.integers(0, 255))
    end = data.draw(st.sampled_from([len(content), data.draw(st.integers(1, len(content)))]))
    path = tmp_path / f"damaged-{name}"
    path.write_bytes(content[:end])
    for reader in (read_clip, read_picture, read_audio):
        read_or_refuse(reader, path)
