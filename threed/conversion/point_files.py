"""Point clouds from PLY files: positions with colours, and no faces."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from threed.mesh_headers import check_declared
from threed.splats.ply_table import MAX_HEADER_BYTES, read_ply_header

_GREY = 0.5


@dataclass(frozen=True, eq=False)
class PointFile:
    """Points, metres, and straight sRGB-encoded colours in [0, 1]."""

    points: Float[Tensor, "n 3"]
    colours: Float[Tensor, "n 3"]
    losses: tuple[str, ...]


def has_points(path: Path) -> bool:
    """Whether a file is a PLY without faces, that is no file of Gaussians."""
    if path.suffix.lower() != ".ply":
        return False
    with path.open("rb") as file:
        head = file.read(MAX_HEADER_BYTES)
    try:
        header = read_ply_header(head)
    except InputError:
        return False  # the mesh reader says what is wrong with it
    return not any(element.name == "face" and element.count for element in header.elements)


def read_points(path: Path, most: int, generator: torch.Generator) -> PointFile:
    """Read a point cloud; of more than ``most`` points a random part.

    Raises:
        InputError: not readable, fewer than four points, or points that are not numbers.
    """
    import trimesh

    check_declared(path)
    try:
        read: Any = trimesh.load(path, process=False)
    except Exception as error:  # trimesh's readers raise whatever their parsing runs into
        said = f"{path}: is not a readable point cloud ({type(error).__name__}: {error})"
        raise InputError(said) from error
    places = np.asarray(getattr(read, "vertices", ()), dtype=np.float32).reshape(-1, 3)
    if len(places) < 4:
        raise InputError(f"{path}: has {len(places)} points; a scene needs at least 4")
    bad = int((~np.isfinite(places)).any(axis=1).sum())
    if bad:
        raise InputError(f"{path}: {bad} of {len(places)} points are not finite")
    colours = np.asarray(getattr(read, "colors", ()), dtype=np.float32)
    losses = []
    if colours.shape[:1] != places.shape[:1]:
        colours = np.full((len(places), 3), 255 * _GREY, np.float32)
        losses.append("points without colours are grey")
    chosen = torch.arange(len(places))
    if len(places) > most:
        chosen = torch.randperm(len(places), generator=generator)[:most].sort().values
        losses.append(f"{len(places) - most:,} of {len(places):,} points are left out")
    points, shown = torch.from_numpy(places), torch.from_numpy(colours[:, :3] / 255)
    return PointFile(points[chosen], shown[chosen], tuple(losses))
