from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.errors import InputError
from common.training.emoji.emoji_stills import load_stills, store_stills

COLOURS = {"1f40c": (255, 0, 0, 255), "2764-fe0f": (0, 0, 255, 128), "1f680": (0, 0, 0, 0)}
SOURCE = "a" * 64


@pytest.fixture
def unpacked(tmp_path: Path) -> Path:
    """A package folder of one-coloured pictures."""
    folder = tmp_path / "package"
    (folder / "assets").mkdir(parents=True)
    for name, colour in COLOURS.items():
        path = folder / f"assets/{name}.webp"
        Image.new("RGBA", (16, 16), colour).save(path, format="WEBP", lossless=True)
    return folder


def test_store_and_load_every_size(tmp_path: Path, unpacked: Path) -> None:
    store_stills(unpacked, tmp_path / "cache/emoji", (4, 8), SOURCE)
    for size_px in (4, 8):
        stills = load_stills(tmp_path / "cache", size_px, SOURCE)
        assert stills.keys == ("1f40c", "1f680", "2764")
        assert stills.size_px == size_px
        assert stills.pixels.shape == (3, size_px, size_px, 4)
        assert isinstance(stills.pixels, np.memmap)
        assert not stills.pixels.flags.writeable
        # 0 0 255 at alpha 128 premultiplied is 0 0 128.
        assert stills.pixels[:, 1, 2].tolist() == [[255, 0, 0, 255], [0] * 4, [0, 0, 128, 128]]


def test_store_twice_gives_the_same_bytes(tmp_path: Path, unpacked: Path) -> None:
    found = []
    for name in ("one", "two"):
        store_stills(unpacked, tmp_path / name, (4, 8), SOURCE)
        found.append({path.name: path.read_bytes() for path in (tmp_path / name).iterdir()})
    assert found[0] == found[1]
    assert set(found[0]) == {"stills.json", "stills-4.npy", "stills-8.npy"}


def test_rows_follow_the_asked_order(tmp_path: Path, unpacked: Path) -> None:
    store_stills(unpacked, tmp_path / "cache/emoji", (4,), SOURCE)
    stills = load_stills(tmp_path / "cache", 4, SOURCE)
    assert stills.rows(("2764", "1f40c")) == [2, 0]
    with pytest.raises(InputError, match=r"no still for 1 of 2 keys: \['1f600'\]"):
        stills.rows(("1f40c", "1f600"))


def test_load_unprepared_size_says_what_there_is(tmp_path: Path, unpacked: Path) -> None:
    with pytest.raises(InputError, match=r"no emoji stills at 8 px \(sizes there: none\)"):
        load_stills(tmp_path / "cache", 8, SOURCE)
    store_stills(unpacked, tmp_path / "cache/emoji", (4,), SOURCE)
    with pytest.raises(InputError, match=r"no emoji stills at 8 px \(sizes there: \[4\]\)"):
        load_stills(tmp_path / "cache", 8, SOURCE)
    with pytest.raises(InputError, match="sizes there: none"):
        load_stills(tmp_path / "cache", 4, "b" * 64)


def test_damaged_picture_leaves_no_index_and_no_partial(tmp_path: Path, unpacked: Path) -> None:
    folder = tmp_path / "cache/emoji"
    store_stills(unpacked, folder, (4,), SOURCE)
    last = unpacked / "assets/2764-fe0f.webp"
    last.write_bytes(last.read_bytes()[:20])
    with pytest.raises(InputError, match="no readable WebP"):
        store_stills(unpacked, folder, (4,), SOURCE)
    assert [path.name for path in folder.iterdir()] == ["stills-4.npy"]


def test_load_cut_short_or_foreign_array_refused(tmp_path: Path, unpacked: Path) -> None:
    store_stills(unpacked, tmp_path / "cache/emoji", (4,), SOURCE)
    array = tmp_path / "cache/emoji/stills-4.npy"
    array.write_bytes(array.read_bytes()[:-1])
    with pytest.raises(InputError, match=r"stills-4\.npy cannot be read"):
        load_stills(tmp_path / "cache", 4, SOURCE)
    np.save(array, np.zeros((3, 4, 4, 4), np.float32))
    with pytest.raises(InputError, match=r"holds float32 .* its index says uint8"):
        load_stills(tmp_path / "cache", 4, SOURCE)


def test_load_damaged_index_refused(tmp_path: Path) -> None:
    index = tmp_path / "emoji/stills.json"
    index.parent.mkdir()
    index.write_text('{"format": 1')
    with pytest.raises(InputError, match="Delete it to prepare anew"):
        load_stills(tmp_path, 4, SOURCE)
