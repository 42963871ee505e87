"""Sums over pixels into vertices that do not depend on the number of threads.

The picture's rows are cut into a few bands, fixed by the sizes alone; each band adds into its own
buffer, in pixel order; the buffers are added in band order. All in float64.
"""

from typing import no_type_check

import numpy as np
from numpy.typing import NDArray

from common.raster.jit import kernel
from common.raster.threads import run_blocks

MAX_BANDS = 8
MAX_BUFFER = 2**24
"""Numbers in all buffers together (128 MiB); larger sums use fewer bands."""


def band_buffers(num_rows: int, shape: tuple[int, ...]) -> tuple[NDArray[np.float64], int]:
    """Zeroed buffers ``(bands, *shape)`` and the rows per band."""
    size = max(int(np.prod(shape)), 1)
    bands = max(1, min(MAX_BANDS, num_rows, MAX_BUFFER // size))
    rows = -(-num_rows // bands)
    return np.zeros((-(-num_rows // rows), *shape)), rows


def add_bands(buffers: NDArray[np.float64], total: NDArray) -> None:
    """Write the sum of the bands, in order, to ``total`` in its dtype."""
    flat = buffers.reshape(len(buffers), -1)
    run_blocks(_add_block, flat.shape[1], 2**15, flat, total.reshape(-1))


@kernel
@no_type_check
def _add_block(start, stop, buffers, total):
    for i in range(start, stop):
        value = 0.0
        for band in range(buffers.shape[0]):
            value += buffers[band, i]
        total[i] = value
