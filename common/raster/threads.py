"""Running a kernel over a range on all cores.

Own threads around kernels that release the interpreter lock, rather than numba's ``parallel=True``:
its ``workqueue`` layer ends the process when two threads enter it, its ``omp`` layer when a process
that used it forks (data loaders do), and ``tbb`` is seldom installed. These threads serve any
number of callers and forks, and follow ``torch.set_num_threads``. Blocks are handed out as threads
become free; results must not depend on who computes which block, so kernels write only to places
that belong to their block.
"""

import itertools
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Any

import torch

from common.raster.jit import Kernel


def run_blocks(kernel: Kernel, count: int, block: int, *arguments: Any) -> None:
    """Call ``kernel(start, stop, *arguments)`` until ``[0, count)`` is covered by blocks."""
    num_blocks = -(-count // block)
    num_workers = min(torch.get_num_threads(), num_blocks)
    tickets = itertools.count()  # next() is atomic
    if num_workers <= 1:
        _work(kernel, count, block, arguments, tickets)
        return
    pool = _pool(num_workers - 1)
    others = [
        pool.submit(_work, kernel, count, block, arguments, tickets) for _ in range(num_workers - 1)
    ]
    try:
        _work(kernel, count, block, arguments, tickets)
    finally:
        for other in others:
            if not other.cancel():  # a worker that never started has nothing to finish
                other.result()


def _work(
    kernel: Kernel, count: int, block: int, arguments: tuple[Any, ...], tickets: Iterator[int]
) -> None:
    while (start := next(tickets) * block) < count:
        kernel(start, min(start + block, count), *arguments)


@cache
def _pool(num_workers: int) -> ThreadPoolExecutor:
    return ThreadPoolExecutor(num_workers, thread_name_prefix="raster")


# A forked child inherits the pool objects but none of their threads.
if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_pool.cache_clear)
