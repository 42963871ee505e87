"""The world that our nerfstudio plugin trains in: one object about the origin, +Z up, front -Y.

    x_train = scale (R x_data + t),   x_ours = M x_train

`M` turns +Z up into +Y up (`common.cameras`). A dataset stays as it is, or the sphere about what
its outlines show is brought to half a unit about the origin, where fits look for objects; nothing
is turned, so that the object's front stays its front. The first transform is what nerfstudio keeps
as ``dataparser_transforms.json``.
"""

from dataclasses import dataclass

import torch
from einops import einsum
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.errors import InputError
from threed.capture.posed_object import RADIUS_M, framed_cameras, object_frame
from threed.measures.cloud_views import Frame
from threed.nerfstudio.dataparser import TRAINING_AXES
from threed.nerfstudio.transforms import PosedPictures, picture_rgba
from threed.scenes.voxel_field import Corner
from threed.splats.axes import axes_matrix
from threed.texturing.picture_size import resized_cameras, resized_picture, size_within

OUTLINE_PX = 256
"""Longer side of the pictures whose outlines tell where the object is."""


@dataclass(frozen=True, eq=False)
class TrainingWorld:
    """Where a dataset's cameras stand in training."""

    cameras: Cameras
    """Of all pictures, in our axes, float64."""
    transform: Float[Tensor, "3 4"]
    """``[R, t]``, from the original data."""
    scale: float


def training_world(posed: PosedPictures, *, centred: bool) -> TrainingWorld:
    """Where the pictures of a dataset are trained on.

    Args:
        posed: the dataset.
        centred: bring the object, as far as transparent pictures show it, about the origin.

    Raises:
        InputError: pictures without outlines, or none of one object.
    """
    if not centred:
        return TrainingWorld(posed.cameras, posed.applied_transform.clone(), 1.0)
    frame = _frame(posed)
    transform = posed.applied_transform.clone()
    transform[:, 3] -= axes_matrix(TRAINING_AXES).T @ torch.tensor(frame.centre).double()
    cameras = framed_cameras(posed.cameras, frame, RADIUS_M)
    return TrainingWorld(cameras, transform, RADIUS_M / frame.radius_m)


def ours_of_training(vectors: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n 3"]:
    """Points or directions of the training world in our axes."""
    turn = axes_matrix(TRAINING_AXES).to(vectors)
    return einsum(turn, vectors, "i j, ... j -> ... i").contiguous()


def our_box(aabb: Float[Tensor, "2 3"]) -> tuple[Corner, Corner]:
    """The box of a training world in our axes: its lowest and its highest corner."""
    turned = ours_of_training(aabb.double())
    low, high = turned.amin(0).tolist(), turned.amax(0).tolist()
    return (low[0], low[1], low[2]), (high[0], high[1], high[2])


def _frame(posed: PosedPictures) -> Frame:
    size = size_within(posed.cameras, OUTLINE_PX)
    alpha = torch.stack(
        [resized_picture(picture_rgba(posed, view), size)[..., 3] for view in range(len(posed))]
    )
    opaque = (alpha > 0.99).flatten(1).all(1).nonzero()[:, 0].tolist()
    if opaque:
        raise InputError(
            f"{posed.pictures[opaque[0]]}: is opaque all over, as are {len(opaque) - 1} others, so "
            "where the object is cannot be told; cut it out (a transparent background), or leave "
            "the dataset in its place with --centred False"
        )
    return object_frame(alpha, resized_cameras(posed.cameras, size))
