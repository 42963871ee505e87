import errno
import os
from datetime import datetime
from pathlib import Path

import pytest

from common.errors import InputError
from common.runs import folder as folders


def test_create_never_reuses_a_folder_and_latest_follows(tmp_path):
    made = [folders.create(tmp_path, "fox") for _ in range(4)]
    assert len({run.path for run in made}) == 4
    assert (tmp_path / "fox" / "latest").resolve() == made[-1].path.resolve()
    assert [run.path for run in folders.runs_of(tmp_path / "fox")] == [run.path for run in made]


def test_runs_of_sorts_more_than_ten_of_one_second(tmp_path, monkeypatch):
    class Fixed(datetime):
        @classmethod
        def now(cls, tz=None):
            return datetime(2026, 1, 2, 3, 4, 5)

    monkeypatch.setattr(folders, "datetime", Fixed)
    made = [folders.create(tmp_path, "fox").path.name for _ in range(12)]
    assert made[0] == "20260102-030405"
    assert made[11] == "20260102-030405-11"
    assert [run.path.name for run in folders.runs_of(tmp_path / "fox")] == made


def test_discard_leaves_no_trace(tmp_path):
    outputs = tmp_path / "outputs"
    folders.discard(folders.create(outputs, "fox"))
    assert not outputs.exists()


def test_discard_keeps_an_empty_folder_that_was_there_before(tmp_path):
    folders.discard(folders.create(tmp_path, "fox"))
    assert list(tmp_path.iterdir()) == []


def test_discard_points_latest_at_the_run_before(tmp_path):
    first = folders.create(tmp_path, "fox")
    folders.discard(folders.create(tmp_path, "fox"))
    assert (tmp_path / "fox" / "latest").resolve() == first.path.resolve()


def test_create_in_place_of_a_file_is_the_users_error(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="output_dir="):
        folders.create(tmp_path / "file", "fox")


@pytest.mark.parametrize("number", [errno.EACCES, errno.EROFS, errno.ENOSPC])
def test_create_on_unwritable_or_full_disk_is_the_users_error(tmp_path, monkeypatch, number):
    def refuse(self, *args, **kwargs):
        raise OSError(number, os.strerror(number), str(self))

    monkeypatch.setattr(Path, "mkdir", refuse)
    with pytest.raises(InputError, match=f"{os.strerror(number)}.*output_dir="):
        folders.create(tmp_path / "outputs", "fox")


def test_open_run_takes_folder_name_and_latest(tmp_path):
    for _ in range(2):
        run = folders.create(tmp_path, "fox")
        run.config.write_text("")
    for given in (str(run.path), "fox", "fox/latest"):
        assert folders.open_run(given, tmp_path).path.resolve() == run.path.resolve()
    with pytest.raises(InputError, match="nothing"):
        folders.open_run("nothing", tmp_path)
