import json

import numpy as np
import pytest

from common.errors import InputError
from common.media.images import write_picture
from common.training.folder.captioned_folder import METADATA, read_folder
from common.training.folder.folder_pictures import LearntPictures, read_pictures
from common.training.folder.lora_trainer import TrainLora
from tests.common.training.small_folder import write_folder


@pytest.fixture
def folder(tmp_path):
    return write_folder(tmp_path / "pictures", 3)


def write_rows(folder, *rows):
    lines = [row if isinstance(row, str) else json.dumps(row) for row in rows]
    (folder / METADATA).write_text("\n".join(lines) + "\n", encoding="utf-8")


def test_captions_beside_and_in_metadata_are_read(folder):
    assert [(one.path.name, one.caption) for one in read_folder(folder)] == [
        (f"{index}.png", f"a disk number {index}") for index in range(3)
    ]
    (folder / "1.txt").unlink()
    (folder / "inner").mkdir()
    (folder / "2.png").replace(folder / "inner" / "2.png")
    rows = [("1.png", " a  red\ndisk "), ("inner/2.png", "碟")]
    write_rows(folder, *({"file_name": name, "text": text} for name, text in rows))
    assert [one.caption for one in read_folder(folder)] == ["a disk number 0", "a red disk", "碟"]


def test_one_caption_for_all_reads_no_others(folder):
    (folder / "1.txt").unlink()
    assert {one.caption for one in read_folder(folder, "a sks disk")} == {"a sks disk"}


@pytest.mark.parametrize(("change", "message"), [
    (lambda f: (f / "1.txt").unlink(), r"1 of 3 pictures have no caption \(1.png\).*1.txt"),
    (lambda f: (f / "1.txt").write_text("  \n"), "1.txt: the caption is empty"),
    (lambda f: (f / "1.txt").write_bytes(b"\xff\xfe\xff"), "cannot be read as UTF-8"),
    (lambda f: (f / "1.txt").write_text("a" * 10_001), "more than 10,000 bytes"),
    (lambda f: [path.unlink() for path in f.glob("*.png")], "has no pictures"),
    (lambda f: write_rows(f, {"file_name": "0.png", "text": "a"}), "two captions"),
    (lambda f: write_rows(f, "{broken"), "metadata.jsonl:1: is no JSON"),
    (lambda f: write_rows(f, {"file_name": "0.png"}), "needs the keys file_name and text"),
    (lambda f: write_rows(f, ["0.png"]), "needs the keys file_name and text"),
    (lambda f: write_rows(f, {"file_name": "9.png", "text": "a"}), "9.png is no picture"),
    (lambda f: write_rows(f, {"file_name": "../x.png", "text": "a"}), "outside of the folder"),
])  # fmt: skip
def test_bad_folders_are_refused_in_one_message(folder, change, message):
    change(folder)
    with pytest.raises(InputError, match=message):
        read_folder(folder)


def test_a_folder_that_is_not_there_is_refused(tmp_path):
    with pytest.raises(InputError, match="no such folder"):
        read_folder(tmp_path / "none")


@pytest.mark.parametrize(("size", "message"), [
    ((63, 200), "is 63 x 200 pixels.*at least 64"),
    ((100, 401), "is 100 x 401 pixels.*more than 4 times"),
])  # fmt: skip
def test_wrong_sizes_are_refused_with_file_and_numbers(folder, size, message):
    write_picture(folder / "1.png", np.zeros((*size, 3), np.uint8))
    config = TrainLora(folder=folder)
    with pytest.raises(InputError, match=rf"1.png {message}"):
        read_pictures(config, read_folder(folder)[1:])


def test_every_picture_comes_once_a_turn_in_changing_order():
    import torch

    pictures = LearntPictures(torch.zeros(5, 1, 1, 1), tuple("abcde"))
    found = [row for draw in range(5) for row in pictures.rows(draw, 3, seed=1)]
    turns = [found[start : start + 5] for start in (0, 5, 10)]
    assert [sorted(turn) for turn in turns] == [list(range(5))] * 3
    assert len({tuple(turn) for turn in turns}) > 1
    assert pictures.rows(3, 3, seed=1) == found[9:12], "of the batch's number alone"
