"""Clips that follow a sound, end to end on untrained models: what is heard when, and refusals."""

import numpy as np
import pytest

from common.cli.main import main
from common.media.audio import Audio, read_audio, write_wav
from common.media.clips import write_clip
from common.media.images import read_picture, write_picture
from common.media.video_probe import probe
from common.media.video_read import read_clip
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.video.sound.test_tracks import RATE, clicks

CLICKS_S = (0.26, 0.9, 1.41)


@pytest.fixture
def film(tmp_path, monkeypatch, capsys, lifting_models):  # noqa: F811
    """Run ``video/audio_to_video`` of 13 frames at 8 a second: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)
    write_wav(tmp_path / "clicks.wav", clicks(CLICKS_S, 2.0))

    def film(*changes):
        code = main([
            "video/audio_to_video", f"prior={{name: embedded, models_dir: {lifting_models}}}",
            "prompt=a red car", "method.height=64", "method.width=64", "method.num_frames=13",
            "method.windows=null", "method.sound.path=clicks.wav", "sampler.num_steps=2",
            "export={formats: [mp4, png], fps: 8.0}", *changes,
        ], APPS)  # fmt: skip
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return film


def lag_ms(found, wanted):
    """By how much a sound is late, where their correlation is largest."""
    count = len(wanted)
    padded = np.pad(wanted, (0, max(len(found) - count, 0)))[: len(found)]
    size = 2 * len(found)
    products = np.fft.irfft(np.fft.rfft(found, size) * np.fft.rfft(padded, size).conj(), size)
    lag = int(products.argmax())
    return 1000 * (lag if lag < len(found) else lag - size) / RATE


@pytest.mark.parametrize("shown", ["", "export.target_fps=20"])
def test_sound_is_in_the_file_in_time_and_as_long(film, tmp_path, shown):
    code, paths, said = film(*([shown] if shown else []))
    assert code == 0, said
    mp4 = next(path for path in paths if path.suffix == ".mp4")
    info, heard = probe(mp4), read_audio(mp4)
    frames = len(read_clip(mp4).frames)
    assert frames == (32 if shown else 13)
    assert abs(heard.duration_s - frames / float(info.rate)) <= 1 / float(info.rate)
    original = clicks(CLICKS_S, 2.0).samples[0][: round(frames / float(info.rate) * RATE)]
    assert abs(lag_ms(heard.samples[0], original)) < 1.0
    assert np.corrcoef(heard.samples[0][: len(original)], original)[0, 1] > 0.9


def test_given_picture_follows_the_sound(film, tmp_path):
    picture = np.zeros((64, 64, 4), np.uint8)
    picture[36:60, 20:44] = (200, 160, 30, 255)
    write_picture(tmp_path / "in.png", picture)
    moving = ("method.input=in.png", "method.sound.smoothing_ms=0", "prior.trajectory_noise=null")
    code, _, said = film(*moving)
    assert code == 2
    assert "has no effect with prior.trajectory_noise=null" in said


@pytest.mark.parametrize(("make", "message"), [
    (lambda path: path.write_bytes(b""), "is empty (0 bytes)"),
    (lambda path: write_wav(path, Audio(np.zeros((1, 0), np.float32), RATE)), "no sound samples"),
    (lambda path: write_wav(path, Audio(np.full((1, 99), np.nan, np.float32), RATE)),
     "holds samples that are no numbers"),
    (lambda path: write_wav(path, Audio(np.zeros((1, RATE), np.float32), RATE)), "is silent"),
    (lambda path: write_clip(path.with_suffix(".mp4"), np.zeros((3, 16, 16, 3), np.uint8), 8.0),
     "has no sound"),
    (lambda path: path.write_bytes(b"no sound at all"), "of no known format"),
    (lambda path: write_picture(path.with_suffix(".png"), np.zeros((9, 9, 3), np.uint8)),
     "is a PNG file"),
], ids=["0 bytes", "no samples", "nan", "silence", "no stream", "text", "picture"])  # fmt: skip
def test_files_without_a_sound_end_with_code_2(film, tmp_path, make, message):
    make(tmp_path / "bad.wav")
    (made,) = tmp_path.glob("bad.*")
    code, paths, said = film(f"method.sound.path={made.name}")
    assert (code, paths) == (2, [])
    assert message in said
    assert "Traceback" not in said
    assert not (tmp_path / "outputs").exists()


def test_bands_that_are_not_there_are_refused(film):
    code, _, said = film("method.timeline={size: {track: mel, band: 8, low: 1.0, high: 1.5}}")
    assert code == 2
    assert "size follows the track mel 8, and the sound has onset, energy, mel 0" in said


def test_nothing_that_follows_the_sound_is_noted(film):
    code, lines, said = film("method.timeline=null", "--dry-run")
    assert code == 0
    shown = said + "".join(map(str, lines))
    assert "no curve of method.timeline follows a track" in shown


def test_stopped_run_is_resumed_with_its_sound(film, tmp_path, capsys):
    from tests.stopped_runs import stopped_at

    with stopped_at(1):
        assert film("name=stopped")[0] == 130
    assert main(["resume", "stopped"], APPS) == 0
    capsys.readouterr()
    folder = (tmp_path / "outputs/stopped/latest/samples").resolve()
    assert probe(folder / "000.mp4").has_audio
    assert read_picture(folder / "000_frames" / "00000.png").shape == (64, 64, 4)
