from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from common.training.emoji.emoji_pixels import (
    MAX_SIDE_PX,
    count_frames,
    emoji_files,
    read_frames,
    read_still,
)


def save(pixels: np.ndarray, path: Path) -> Path:
    """A lossless WebP that keeps colours under transparent pixels."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(pixels).save(path, format="WEBP", lossless=True, exact=True)
    return path


def test_read_still_averages_premultiplied(tmp_path: Path) -> None:
    pixels = np.zeros((4, 4, 4), np.uint8)
    pixels[..., 1] = 255  # green hides under what is transparent
    pixels[0, 0] = (255, 0, 0, 255)
    pixels[2:, 2:] = (200, 100, 50, 255)
    small, full = read_still(save(pixels, tmp_path / "a.webp"), (2, 4))
    # One opaque pixel of four: a quarter of 255 is 63.75, in colour and in alpha alike.
    assert small.tolist() == [[[64, 0, 0, 64], [0, 0, 0, 0]], [[0, 0, 0, 0], [200, 100, 50, 255]]]
    assert full[0, 1].tolist() == [0, 0, 0, 0]


def test_read_still_colour_never_exceeds_alpha(tmp_path: Path) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (32, 32, 4), dtype=np.uint8)
    for picture in read_still(save(noise, tmp_path / "a.webp"), (4, 8, 16, 32)):
        assert (picture[..., :3] <= picture[..., 3:]).all()


def test_read_still_reduces_like_its_composite(tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (32, 32, 4), dtype=np.uint8)
    (small,) = read_still(save(noise, tmp_path / "a.webp"), (8,))
    background = np.array([255.0, 0.0, 255.0])
    alpha = noise[..., 3:] / 255
    composite = noise[..., :3] * alpha + (1 - alpha) * background
    expected = composite.reshape(8, 4, 8, 4, 3).mean(axis=(1, 3))
    composed = small[..., :3] + (1 - small[..., 3:] / 255) * background
    # Premultiplying, averaging colour and averaging alpha each round to a whole level.
    assert np.abs(composed - expected).max() <= 1.5


def test_read_still_pads_to_square(tmp_path: Path) -> None:
    (square,) = read_still(save(np.full((2, 4, 4), 255, np.uint8), tmp_path / "a.webp"), (4,))
    assert square[..., 3].tolist() == [[0] * 4, [255] * 4, [255] * 4, [0] * 4]


def test_read_still_enlarging_refused(tmp_path: Path) -> None:
    path = save(np.zeros((8, 8, 4), np.uint8), tmp_path / "a.webp")
    with pytest.raises(InputError, match="16 px is above the 8 px"):
        read_still(path, (16,))


def test_oversized_refused_before_decoding(tmp_path: Path) -> None:
    path = save(np.zeros((1, MAX_SIDE_PX + 1, 4), np.uint8), tmp_path / "wide.webp")
    with pytest.raises(InputError, match=f"{MAX_SIDE_PX + 1}x1 px and 1 frames"):
        read_still(path, (1,))


@pytest.mark.parametrize("keep", [0, 10, 60])
def test_damaged_file_refused(tmp_path: Path, keep: int) -> None:
    noise = np.random.default_rng(2).integers(0, 256, (32, 32, 4), dtype=np.uint8)
    path = save(noise, tmp_path / "a.webp")
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(InputError, match=r"a\.webp is no readable WebP picture"):
        read_still(path, (8,))


def test_other_format_refused(tmp_path: Path) -> None:
    Image.new("RGBA", (4, 4)).save(tmp_path / "a.webp", format="PNG")
    with pytest.raises(InputError, match="no readable WebP"):
        count_frames(tmp_path / "a.webp")


def test_read_frames_gives_each_frame_and_duration(tmp_path: Path) -> None:
    colours = [(255, 0, 0, 255), (0, 255, 0, 255), (0, 0, 255, 255)]
    frames = [Image.new("RGBA", (8, 8), colour) for colour in colours]
    path = tmp_path / "a.webp"
    frames[0].save(
        path, format="WEBP", save_all=True, append_images=frames[1:], lossless=True,
        duration=[40, 50, 60],
    )  # fmt: skip
    assert count_frames(path) == 3
    read = list(read_frames(path, 4))
    assert [tuple(frame[1, 1].tolist()) for frame, _ in read] == colours
    assert [shown_ms for _, shown_ms in read] == [40, 50, 60]


def test_emoji_files_drops_skin_tones_and_doubles(tmp_path: Path) -> None:
    names = ["37-fe0f-20e3", "0037-fe0f-20e3", "1f44b", "1f44b-1f3fb", "1f40c"]
    for name in names:
        save(np.zeros((2, 2, 4), np.uint8), tmp_path / f"assets/{name}.webp")
    files = emoji_files(tmp_path)
    assert {key: path.stem for key, path in files.items()} == {
        "1f40c": "1f40c", "1f44b": "1f44b", "37-20e3": "0037-fe0f-20e3",
    }  # fmt: skip
    assert list(files) == sorted(files)


def test_emoji_files_unknown_name_or_none_refused(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="holds no WebP files"):
        emoji_files(tmp_path)
    save(np.zeros((2, 2, 4), np.uint8), tmp_path / "assets/logo.webp")
    with pytest.raises(InputError, match="'logo' does not spell"):
        emoji_files(tmp_path)
