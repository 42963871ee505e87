"""Files and sizes that are not what one means: a clear refusal or a right clip."""

import numpy as np
import pytest

from common.cli.main import main
from common.media.clips import write_clip
from common.media.images import read_picture, write_picture
from common.media.video_read import read_clip
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401


@pytest.fixture
def run(tmp_path, monkeypatch, capsys, lifting_models):  # noqa: F811
    """Run a preset at 64 pixels and four frames: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)

    def run(preset, *changes):
        code = main([
            preset, f"prior={{name: embedded, models_dir: {lifting_models}}}",
            "prompt=a red car slides to the left", "method.height=64", "method.width=64",
            "method.num_frames=4", "sampler.num_steps=2", "num_samples=1",
            "export.formats=[mp4, png]", *changes,
        ], APPS)  # fmt: skip
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return run


def frames_of(paths):
    first = next(path for path in paths if path.suffix == ".png")
    return np.stack([read_picture(path) for path in sorted(first.parent.glob("*.png"))])


@pytest.fixture
def one_frame(tmp_path):
    pixels = np.zeros((1, 40, 56, 3), np.uint8)
    pixels[:, 10:30, 20:40] = (200, 30, 30)
    write_clip(tmp_path / "one.gif", pixels, 8.0)
    return "one.gif"


@pytest.mark.parametrize("preset", ["video/video_to_video", "video/video_inpaint"])
def test_gif_of_one_frame_is_no_clip(run, one_frame, tmp_path, preset):
    write_picture(tmp_path / "mask.png", np.full((40, 56, 3), 255, np.uint8))
    code, paths, said = run(preset, f"method.input={one_frame}")
    assert (code, paths) == (2, [])
    assert "one.gif has 1 frames from 0 s on at 8 frames a second, and 4 are to be drawn" in said


def test_gif_of_one_frame_is_a_picture(run, one_frame):
    code, paths, said = run("video/image_to_video", f"method.input={one_frame}")
    assert code == 0, said
    first = frames_of(paths)[0].astype(int)
    # The red square is where the picture has it, contained in 64 x 64: an untrained autoencoder
    # shows no colours, but the frame is whole.
    assert first.shape == (64, 64, 4)
    assert len(read_clip(paths[0]).frames) == 4


@pytest.mark.parametrize(("preset", "key"), [
    ("video/video_to_video", "method.input"), ("video/image_to_video", "method.input"),
    ("video/video_inpaint", "method.input"), ("video/audio_to_video", "method.sound.path"),
    ("video/long_video", "method.input"),
])  # fmt: skip
def test_empty_mp4_is_refused(run, tmp_path, preset, key):
    (tmp_path / "empty.mp4").write_bytes(b"")
    code, paths, said = run(preset, f"{key}=empty.mp4")
    assert (code, paths) == (2, [])
    assert "empty.mp4: is empty (0 bytes)" in said
    assert "Traceback" not in said
    assert not (tmp_path / "outputs").exists()


@pytest.mark.parametrize(("preset", "key"), [
    ("video/image_to_video", "method.input"), ("video/video_to_video", "method.input"),
])  # fmt: skip
@pytest.mark.parametrize("shape", [(3, 1), (1, 3)])
def test_picture_of_three_pixels_is_drawn_from(run, tmp_path, preset, key, shape):
    """As large as it fits, and whole: nothing is stretched."""
    pixels = np.full((*shape, 3), 120, np.uint8)
    if preset == "video/video_to_video":
        write_clip(tmp_path / "few.webp", np.stack([pixels] * 4 + [pixels // 2]), 8.0)
        code, paths, said = run(preset, f"{key}=few.webp")
    else:
        write_picture(tmp_path / "few.png", pixels)
        code, paths, said = run(preset, f"{key}=few.png")
    assert code == 0, said
    assert frames_of(paths).shape == (4, 64, 64, 4)


def test_ten_thousand_frames_are_refused_or_cut_into_segments(run):
    code, _, said = run("video/text_to_video", "method.num_frames=10000")
    assert code == 2
    assert "num_frames is 10000; the embedded motion layers were trained on clips of up to" in said
    assert "video/long_video draw longer ones" in said
    code, lines, said = run("video/long_video", "method.num_frames=10000", "--dry-run")
    assert code == 0, said
    assert any("667 of 16 frames" in str(line) for line in lines)
    for preset in ("video/text_to_video", "video/long_video"):
        code, _, said = run(preset, "method.num_frames=10001")
        assert code == 2
        assert "less than or equal to 10000" in said


@pytest.mark.parametrize(("change", "message"), [
    ("method.height=65", "multiple of 8"), ("method.width=0", "greater than or equal to 8"),
    ("method.height=56", "the nearest are 64 x 64"),
    ("method.width=264", "the nearest are 64 x 256"),
    ("method.num_frames=0", "greater than or equal to 1"),
])  # fmt: skip
def test_sizes_that_are_not_drawn_are_refused_with_the_nearest(run, change, message):
    code, paths, said = run("video/text_to_video", change)
    assert (code, paths) == (2, [])
    assert message in said


def test_clip_of_odd_sizes_is_drawn_again(run, tmp_path):
    shown = np.zeros((5, 33, 47, 4), np.uint8)
    for number in range(5):
        shown[number, 8:25, 4 * number : 4 * number + 17] = 255
    write_clip(tmp_path / "odd.webp", shown, 8.0)
    code, paths, said = run("video/video_to_video", "method.input=odd.webp", "method.width=72")
    assert code == 0, said
    assert frames_of(paths).shape == (4, 64, 72, 4)
    info = read_clip(paths[0])
    assert info.frames.shape == (4, 64, 72, 3)
