"""Arrays larger than memory, written to disk block by block."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from common.atomic import atomic_path


def fill_array(
    path: Path, shape: tuple[int, ...], dtype: type[np.generic], blocks: Iterable[np.ndarray]
) -> None:
    """Write blocks of rows, one after the other, into a file that appears when all are there.

    Raises:
        ValueError: the blocks have more or fewer rows than ``shape`` says.
    """
    with atomic_path(path) as partial:
        array = np.lib.format.open_memmap(partial, mode="w+", dtype=dtype, shape=shape)
        row = 0
        for block in blocks:
            array[row : row + len(block)] = block  # refuses a block that does not fit
            row += len(block)
        if row != shape[0]:
            raise ValueError(f"{path.name} is for {shape[0]} rows, there are {row}")
        array.flush()
