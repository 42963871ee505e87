import base64
import io
import shutil
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from common.report.media_files import plan_media
from tests.common.report.samples import write_alpha_clip, write_asset, write_clip, write_picture

PLENTY = 10**9


def poster_of(url: str) -> Image.Image:
    head, _, data = url.partition(",")
    assert head == "data:image/webp;base64"
    return Image.open(io.BytesIO(base64.b64decode(data)))


def test_clip_is_measured_and_gets_its_first_frame_as_poster(tmp_path):
    write_clip(tmp_path / "a.mp4", num_frames=20, fps=10, color=250)
    file = plan_media([Path("a.mp4")], tmp_path, PLENTY)[Path("a.mp4")]
    assert (file.kind, file.mime, file.width, file.height) == ("video", "video/mp4", 96, 64)
    assert (file.fps, file.duration_s) == (10, 2.0)
    poster = np.asarray(poster_of(file.poster).convert("RGB"), int)
    assert poster.shape == (64, 96, 3)
    # The square stands at the left in the first frame. Two lossy codecs blur by some levels.
    assert np.abs(poster[32, 12] - (250, 120, 5)).max() < 25
    assert np.abs(poster[32, 60] - 40).max() < 15


def test_poster_keeps_transparency(tmp_path):
    write_alpha_clip(tmp_path / "a.webm")
    file = plan_media([Path("a.webm")], tmp_path, PLENTY)[Path("a.webm")]
    alpha = np.asarray(poster_of(file.poster).convert("RGBA"))[32, :, 3]
    assert alpha[8] > 240
    assert alpha[56] < 15


def test_pictures_are_measured(tmp_path):
    write_picture(tmp_path / "a.png", (30, 20))
    frames = [Image.new("RGB", (8, 8), color) for color in ("red", "blue", "green")]
    frames[0].save(tmp_path / "a.gif", save_all=True, append_images=frames[1:])
    plan = plan_media([Path("a.png"), Path("a.gif")], tmp_path, PLENTY)
    still, animated = plan[Path("a.png")], plan[Path("a.gif")]
    assert (still.kind, still.width, still.height, still.num_frames) == ("image", 30, 20, 1)
    assert (animated.mime, animated.num_frames) == ("image/gif", 3)


def test_kind_is_told_by_content_and_not_by_name(tmp_path):
    write_picture(tmp_path / "a.png")
    shutil.copy(tmp_path / "a.png", tmp_path / "a.mp4")
    file = plan_media([Path("a.mp4")], tmp_path, PLENTY)[Path("a.mp4")]
    assert (file.kind, file.mime) == ("image", "image/png")


def test_budget_embeds_assets_first_and_then_what_fits_in_order(tmp_path):
    names = ["big.png", "small.png", "cube.glb"]
    (tmp_path / "big.png").write_bytes(write_picture(tmp_path / "x.png").read_bytes() + bytes(9000))
    write_picture(tmp_path / "small.png")
    size = write_asset(tmp_path / "cube.glb").stat().st_size
    plan = plan_media(map(Path, names), tmp_path, size + 5000)
    assert [plan[Path(name)].embedded for name in names] == [False, True, True]
    plan = plan_media(map(Path, names), tmp_path, 0)
    assert not any(file.embedded for file in plan.values())


def test_one_file_by_two_paths_is_embedded_once(tmp_path):
    full = write_picture(tmp_path / "a.png")
    plan = plan_media([Path("a.png"), full, Path("a.png")], tmp_path, full.stat().st_size)
    assert len(plan) == 2
    assert len({file.key for file in plan.values()}) == 1
    assert all(file.embedded for file in plan.values())


def test_links_are_relative_and_quoted(tmp_path):
    folder = tmp_path / "report"
    folder.mkdir()
    write_picture(folder / "a #1 狐?.png")
    write_picture(tmp_path / "cell" / "b.png")
    plan = plan_media([Path("a #1 狐?.png"), tmp_path / "cell" / "b.png"], folder, 0)
    assert [file.link for file in plan.values()] == ["a%20%231%20%E7%8B%90%3F.png", "../cell/b.png"]


@pytest.mark.parametrize(
    ("name", "data", "message"),
    [
        ("a.mp4", None, "no such file"),
        ("a.mp4", b"", "empty"),
        ("a.png", b"\x89PNG\r\n\x1a\n" + bytes(30), "not a readable picture"),
        ("a.mp4", b"\x00\x00\x00\x18ftypmp42" + bytes(12), "a.mp4"),
        ("a.txt", b"hello", "cannot show this kind of file; it shows mp4"),
        ("a.glb", b"glTF" + bytes(40), "a.glb"),
    ],
)
def test_file_that_cannot_be_shown_is_refused(tmp_path, name, data, message):
    if data is not None:
        (tmp_path / name).write_bytes(data)
    with pytest.raises(InputError, match=message) as refused:
        plan_media([Path(name)], tmp_path, PLENTY)
    assert str(tmp_path / name) in str(refused.value)


def test_truncated_clip_is_refused(tmp_path):
    data = write_clip(tmp_path / "a.mp4").read_bytes()
    (tmp_path / "a.mp4").write_bytes(data[: len(data) // 2])
    with pytest.raises(InputError, match=r"a\.mp4"):
        plan_media([Path("a.mp4")], tmp_path, PLENTY)


def test_folder_is_no_file(tmp_path):
    (tmp_path / "a.png").mkdir()
    with pytest.raises(InputError, match="not a file"):
        plan_media([Path("a.png")], tmp_path, PLENTY)
