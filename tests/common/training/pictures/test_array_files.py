import numpy as np
import pytest

from common.training.pictures.array_files import fill_array


def test_blocks_lie_one_after_the_other(tmp_path):
    blocks = [np.full((rows, 2), rows, np.float16) for rows in (1, 3, 2)]
    fill_array(tmp_path / "some.npy", (6, 2), np.float16, iter(blocks))
    found = np.load(tmp_path / "some.npy", mmap_mode="r")
    assert found.dtype == np.float16
    np.testing.assert_array_equal(found, np.concatenate(blocks))


def test_no_rows_make_an_empty_array(tmp_path):
    fill_array(tmp_path / "none.npy", (0, 4), np.uint8, ())
    assert np.load(tmp_path / "none.npy").shape == (0, 4)


@pytest.mark.parametrize("rows", [2, 4, 7])
def test_wrong_number_of_rows_leaves_no_file(tmp_path, rows):
    blocks = (np.ones((1, 2), np.uint8) for _ in range(rows))
    with pytest.raises(ValueError):  # noqa: PT011 - numpy's own words where a block does not fit
        fill_array(tmp_path / "some.npy", (3, 2), np.uint8, blocks)
    assert not list(tmp_path.iterdir())
