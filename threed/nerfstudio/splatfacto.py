"""splatfacto's checkpoints as clouds of Gaussians.

Tensors, under ``gauss_params.`` (before nerfstudio 1.0 without it):

    means n 3, scales n 3 (logarithms), quats n 4 (w x y z), opacities n 1 (logits),
    features_dc n 3, features_rest n k 3

With ``sh_degree=0`` splatfacto keeps the logit of the colour in ``features_dc``; it becomes the
constant that shows the same colour. Everything stands in the training world (`dataparser`).
"""

import torch
from einops import rearrange
from torch import Tensor

from common.errors import InputError
from threed.nerfstudio.checkpoint import NerfstudioCheckpoint, tensor_of
from threed.nerfstudio.dataparser import TRAINING_AXES, DataparserTransform
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.similarity import moved_cloud
from threed.scenes.spherical_harmonics import SH_CONSTANT
from threed.splats.axes import from_axes, to_axes
from threed.splats.contents import check_whole

_SHAPES = {"means": 3, "scales": 3, "quats": 4, "opacities": 1, "features_dc": 3}


def splatfacto_cloud(
    checkpoint: NerfstudioCheckpoint, transform: DataparserTransform | None = None
) -> GaussianCloud:
    """The Gaussians of a checkpoint, float32, +Y up.

    Args:
        checkpoint: of splatfacto.
        transform: of the run. With it, the cloud stands where the dataset's cameras see it; without
            it, in the training world, turned so that its up is ours.

    Raises:
        InputError: not of splatfacto, tensors of other shapes, values that are no numbers.
    """
    found = {name: _tensor(checkpoint, name) for name in (*_SHAPES, "features_rest")}
    for name, width in _SHAPES.items():
        if found[name].shape != (len(found["means"]), width):
            raise InputError(
                f"{name} is {tuple(found[name].shape)}, not {len(found['means'])} x {width}"
            )
    rest = found["features_rest"]
    if rest.ndim != 3 or len(rest) != len(found["means"]) or rest.shape[2] != 3:
        raise InputError(f"features_rest is {tuple(rest.shape)}, not n x k x 3")
    constant = found["features_dc"]
    if rest.shape[1] == 0:
        constant = (constant.sigmoid() - 0.5) / SH_CONSTANT
    sh = torch.cat([rearrange(constant, "n c -> n 1 c"), rest], 1)
    cloud = check_whole(
        GaussianCloud(
            found["means"], found["scales"], found["quats"], found["opacities"][:, 0], sh
        )
    )  # fmt: skip
    if transform is not None:
        cloud = _undone(cloud, transform)
    return from_axes(cloud, TRAINING_AXES)


def splatfacto_tensors(
    cloud: GaussianCloud, transform: DataparserTransform | None = None
) -> dict[str, Tensor]:
    """The tensors that splatfacto keeps of a cloud, by their names in a pipeline's state.

    Undoes `splatfacto_cloud`, for clouds of degree 1 and above: colours of degree 0 are logits
    there, which have no place for values outside (0, 1).

    Raises:
        InputError: a cloud of degree 0.
    """
    if cloud.degree == 0:
        raise InputError("splatfacto keeps colours of degree 0 as logits; give degree 1 or more")
    placed = to_axes(check_whole(cloud), TRAINING_AXES)
    if transform is not None:
        shift = transform.scale * transform.shift
        placed = moved_cloud(placed, transform.turn, scale=transform.scale, shift=shift)
    tensors = {
        "means": placed.means,
        "scales": placed.log_scales,
        "quats": placed.quaternions,
        "features_dc": placed.sh[:, 0],
        "features_rest": placed.sh[:, 1:],
        "opacities": placed.opacity_logits[:, None],
    }
    return {f"_model.gauss_params.{name}": value.clone() for name, value in tensors.items()}


def _tensor(checkpoint: NerfstudioCheckpoint, name: str) -> Tensor:
    new = f"gauss_params.{name}"
    return tensor_of(checkpoint, new if new in checkpoint.tensors else name)


def _undone(cloud: GaussianCloud, transform: DataparserTransform) -> GaussianCloud:
    """``x_file = R^T (x_train / scale - t)``."""
    back = transform.turn.T.contiguous()
    return moved_cloud(cloud, back, scale=1 / transform.scale, shift=-(back @ transform.shift))
