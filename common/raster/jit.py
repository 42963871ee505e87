"""How the raster kernels are compiled.

Kernels are numba functions that release the interpreter lock and are cached on disk: in
``__pycache__`` beside the source, or in the user's cache folder where the install is read-only;
``NUMBA_CACHE_DIR`` overrides both. No ``parallel=True``: see `common.raster.threads`. No
``fastmath``: contraction and reordering would break the exact agreement between the two faces of
an edge, and with it watertightness and determinism.

Write ``@kernel`` above ``@no_type_check`` on each kernel: numba needs the bare function, which the
run-time type checks of the tests would otherwise wrap.
"""

import warnings
from collections.abc import Callable
from typing import Any

import numba

Kernel = Callable[..., Any]
"""A compiled function of numpy arrays and scalars."""


def kernel(function: Kernel) -> Kernel:
    """Compile ``function`` at its first call for each combination of argument types."""
    try:
        return numba.njit(cache=True, nogil=True, error_model="numpy")(function)
    except RuntimeError as error:  # numba: "cannot cache function ...: no locator available"
        warnings.warn(
            f"compiled kernels cannot be kept and are compiled anew in every process ({error}); "
            "set NUMBA_CACHE_DIR to a writable folder",
            stacklevel=2,
        )
        return numba.njit(nogil=True, error_model="numpy")(function)
