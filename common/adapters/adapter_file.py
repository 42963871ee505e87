"""The tensors of an adapter's one file, read with bounds."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from torch import Tensor

from common.errors import InputError

_PICKLES = (".bin", ".ckpt", ".pt", ".pth", ".pkl")


@dataclass(frozen=True, eq=False)
class Stored:
    """What a file holds."""

    tensors: dict[str, Tensor]
    """By their names."""
    metadata: Mapping[str, str]


def read_tensors(path: Path, what: str, max_bytes: int) -> dict[str, Tensor]:
    """All tensors of a safetensors file by their names, as `read_stored`."""
    return read_stored(path, what, max_bytes).tensors


def read_stored(path: Path, what: str, max_bytes: int) -> Stored:
    """All tensors of a safetensors file, and what is said beside them.

    Args:
        path: of the file.
        what: it should be, for messages, with its article.
        max_bytes: more than that is something else.

    Raises:
        InputError: missing, pickled, too large or damaged.
    """
    from safetensors import SafetensorError, safe_open

    if path.suffix.lower() in _PICKLES:
        raise InputError(
            f"{path} is not read: pickled files can run code. Get the same as .safetensors"
        )
    if not path.is_file():
        raise InputError(f"{path} is missing: {what} is one .safetensors file")
    if path.stat().st_size > max_bytes:
        raise InputError(f"{path} has {path.stat().st_size:,} bytes: that is not {what}")
    try:
        with safe_open(path, framework="pt") as file:
            tensors = {key: file.get_tensor(key) for key in file.keys()}  # noqa: SIM118
            return Stored(tensors, file.metadata() or {})
    except (SafetensorError, OSError, ValueError) as broken:
        raise InputError(f"{path} is no safetensors file, or damaged: {broken}") from None
