"""The world that nerfstudio trains in: ``dataparser_transforms.json`` beside a run's config.

    x_train = scale (R x_data + t),   x_file = A x_data

``transform = [R, t]`` and ``scale`` are in the JSON file: original data to training, oriented,
centred and scaled into a box. ``A`` is `transforms.json`'s ``applied_transform``: original data to
the world of its cameras. To see a checkpoint with a dataset's cameras, a point goes from the
training world to the original data and on to the file's world.
"""

from dataclasses import dataclass
from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import check_rigid, rigid_inverse
from common.errors import InputError
from common.json_files import read_object
from threed.nerfstudio.numbers import matrix_of, number_of
from threed.nerfstudio.transforms import PosedPictures

FILE_NAME = "dataparser_transforms.json"
TRAINING_AXES = "RFU"
"""Of nerfstudio's worlds, as far as the pictures' "up" was found: x right, y forward, z up."""


@dataclass(frozen=True, eq=False)
class DataparserTransform:
    """From a dataset's world to the training world: ``x_train = scale (turn x_file + shift)``."""

    turn: Float[Tensor, "3 3"]
    shift: Float[Tensor, " 3"]
    scale: float


def read_dataparser_transform(path: Path, posed: PosedPictures | None) -> DataparserTransform:
    """Read the transform of a run, from the world of `transforms.json` to that of its training.

    Args:
        path: the JSON file, or the run's folder.
        posed: the dataset, for what it applied to the original data; None if nothing was.

    Raises:
        InputError: missing or damaged, no rotation, or a dataset that was scaled, for which
            nerfstudio's file does not say enough.
    """
    path = path / FILE_NAME if path.is_dir() else path
    if not path.is_file():
        raise InputError(f"{path}: there is no such file")
    content = read_object(path)
    try:
        matrix = matrix_of(content.get("transform"), "transform")[None]
        scale = number_of(content.get("scale"), "scale")
        check_rigid(matrix)
        if scale <= 0:
            raise InputError(f"scale is {scale}, not above 0")
        if posed is not None:
            matrix = _after(matrix, posed)
    except InputError as error:
        raise InputError(f"{path}: {error}") from None
    return DataparserTransform(matrix[0, :3, :3], matrix[0, :3, 3], scale)


def _after(matrix: Float[Tensor, "1 4 4"], posed: PosedPictures) -> Float[Tensor, "1 4 4"]:
    """``[R, t] A^-1``."""
    if posed.applied_scale != 1:
        raise InputError(
            f"the dataset was scaled by {posed.applied_scale} (applied_scale); where its world "
            "lies in that of the training is then not recorded"
        )
    applied = torch.eye(4, dtype=torch.float64)[None]
    applied[0, :3] = posed.applied_transform
    check_rigid(applied)
    return matrix @ rigid_inverse(applied)
