"""Numbers and paths of a stranger's JSON."""

import math
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError


def number_of(value: Any, name: str) -> float:
    """A finite number.

    Raises:
        InputError: anything else.
    """
    if type(value) not in (int, float) or not math.isfinite(value):
        raise InputError(f"{name} is {str(value)[:60]}, no number")
    return float(value)


def matrix_of(value: Any, name: str) -> Float[Tensor, "4 4"]:
    """A 4 x 4 matrix, float64, from 3 or 4 rows of 4 numbers; a fourth row must be 0 0 0 1.

    Raises:
        InputError: another shape, something that is no number, another fourth row.
    """
    rows = value if isinstance(value, list) else []
    if len(rows) not in (3, 4) or not all(isinstance(row, list) and len(row) == 4 for row in rows):
        raise InputError(f"{name} is no matrix of 3 or 4 rows of 4 numbers")
    last = [0.0, 0.0, 0.0, 1.0]
    found = [[number_of(entry, f"an entry of {name}") for entry in row] for row in rows]
    if len(found) == 4 and found[3] != last:
        raise InputError(f"the last row of {name} is {found[3]}, not 0 0 0 1")
    return torch.tensor([*found[:3], last], dtype=torch.float64)


def confined(folder: Path, value: Any, name: str) -> Path:
    """The file that a relative path names, which must lie in the folder, links followed.

    Raises:
        InputError: no text, an absolute path, or one that leaves the folder.
    """
    if not isinstance(value, str) or not value or "\0" in value:
        raise InputError(f"{name} is {str(value)[:60]!r}, no path")
    path = folder / value
    inside = path.resolve().is_relative_to(folder.resolve())
    if Path(value).is_absolute() or not inside:
        raise InputError(f"{name} leaves the dataset's folder: {value[:120]}")
    return path
