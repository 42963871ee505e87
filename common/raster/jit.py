"""How the raster kernels are compiled.

Kernels are numba functions that release the interpreter lock and are cached on disk: in
``__pycache__`` beside the source, or in the user's cache folder where the install is read-only;
``NUMBA_CACHE_DIR`` overrides both. No ``parallel=True``: see `common.raster.threads`. No
``fastmath``: contraction and reordering would break the exact agreement between the two faces of
an edge, and with it watertightness and determinism.

Write ``@kernel`` above ``@no_type_check`` on each kernel: numba needs the bare function, which the
run-time type checks of the tests would otherwise wrap. A kernel that kernels of other files call
belongs in a ``*_kernels.py`` of this folder or of its callers', or changes to it would not reach
compiled callers.
"""

import hashlib
import warnings
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import numba

Kernel = Callable[..., Any]
"""A compiled function of numpy arrays and scalars."""


def kernel(function: Kernel) -> Kernel:
    """Compile ``function`` at its first call for each combination of argument types."""
    try:
        compiled: Any = numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError as error:  # numba: "cannot cache function ...: no locator available"
        warnings.warn(
            f"compiled kernels cannot be kept and are compiled anew in every process ({error}); "
            "set NUMBA_CACHE_DIR to a writable folder",
            stacklevel=2,
        )
        return numba.njit(nogil=True, error_model="numpy")(function)
    # numba keeps machine code while the kernel's own file is unchanged, though it holds a copy of
    # whatever that calls in other files; and times of files say little after a checkout.
    compiled._cache._cache_file._source_stamp = _sources_digest(function.__code__.co_filename)
    return compiled


@cache
def _sources_digest(own_file: str) -> str:
    """SHA-256 over a kernel's file and all shared kernels of its folder and this one."""
    own = Path(own_file)
    shared = (path for folder in (own.parent, Path(__file__).parent)
              for path in folder.glob("*_kernels.py"))  # fmt: skip
    files = {own, *shared}
    content = b"\0".join(file.read_bytes() for file in sorted(files) if file.is_file())
    return hashlib.sha256(content).hexdigest()
