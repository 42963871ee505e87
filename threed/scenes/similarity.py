"""A cloud of Gaussians moved as a whole: turned, scaled and shifted.

    mean' = s Q mean + t,   covariance' = s^2 Q covariance Q^T,   c'(d) = c(Q^T d)

so that the moved cloud, seen by cameras that moved with it, is the same picture.
"""

import math

import torch
from einops import einsum
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.scenes.sh_rotation import rotated_sh

_ORTHOGONAL = 1e-4
"""Largest error of ``Q Q^T``: files keep turns in seven digits."""


def moved_cloud(
    cloud: GaussianCloud,
    turn: Float[Tensor, "3 3"],
    *,
    scale: float = 1.0,
    shift: Float[Tensor, " 3"] | None = None,
) -> GaussianCloud:
    """The cloud after ``x -> scale * turn x + shift``.

    Args:
        cloud: in any dtype; the result has it.
        turn: orthogonal; a mirror (determinant -1) is allowed, since an ellipsoid's mirror image
            is the ellipsoid turned by the mirror times -1.
        scale: above 0.
        shift: in the units of the new world; none by default.

    Raises:
        InputError: ``turn`` is not orthogonal, or ``scale`` is not above 0.
    """
    turn = turn.double()
    _check(turn, scale)
    proper = turn * torch.linalg.det(turn).sign()
    means = einsum(turn.to(cloud.means), cloud.means, "i j, n j -> n i")
    if scale != 1.0:
        means = means * scale
    if shift is not None:
        means = means + shift.to(means)
    log_scales = cloud.log_scales + math.log(scale) if scale != 1.0 else cloud.log_scales
    return GaussianCloud(
        means, log_scales, _turned(cloud.quaternions, proper), cloud.opacity_logits,
        rotated_sh(cloud.sh, turn),
    )  # fmt: skip


def _check(turn: Tensor, scale: float) -> None:
    error = float((turn @ turn.T - torch.eye(3, dtype=torch.float64)).abs().max())
    if not error <= _ORTHOGONAL:
        raise InputError(f"a turn must be orthogonal; this one is off by {error:.3g}")
    if not (scale > 0 and math.isfinite(scale)):
        raise InputError(f"a scene can be scaled by numbers above 0, not by {scale}")


def _turned(quaternions: Float[Tensor, "n 4"], proper: Float[Tensor, "3 3"]) -> Tensor:
    """The bodies' rotations after the turn."""
    if bool((proper == proper.diagonal().diag()).all()):
        # Flips of axes flip the bodies' own axes too, ``Q R Q``: the same ellipsoids, to the bit
        # there and back, and what other programs do.
        return quaternions * torch.cat([torch.ones(1), proper.diagonal()]).to(quaternions)
    return _hamilton(_quaternion(proper).to(quaternions), quaternions)


def _quaternion(rotation: Float[Tensor, "3 3"]) -> Float[Tensor, " 4"]:
    """``w x y z`` of a rotation matrix.

    The column of ``4 q q^T`` with the largest diagonal entry, made of sums of the matrix's entries
    (Shepperd 1978): exact for half and quarter turns about the axes.
    """
    r = rotation
    trace = r.trace()
    outer = r.new_zeros(4, 4)
    outer[0, 0] = 1 + trace
    for i in range(3):
        j, k = (i + 1) % 3, (i + 2) % 3
        outer[i + 1, i + 1] = 1 + 2 * r[i, i] - trace
        outer[0, i + 1] = outer[i + 1, 0] = r[k, j] - r[j, k]
        outer[j + 1, k + 1] = outer[k + 1, j + 1] = r[j, k] + r[k, j]
    largest = int(outer.diagonal().argmax())
    return outer[largest] / outer[largest].norm()


def _hamilton(left: Float[Tensor, " 4"], right: Float[Tensor, "n 4"]) -> Float[Tensor, "n 4"]:
    """The product of quaternions: the turn ``right`` and then ``left``."""
    w, x, y, z = left
    rows = ((w, -x, -y, -z), (x, w, -z, y), (y, z, w, -x), (z, -y, x, w))
    return einsum(torch.stack([torch.stack(row) for row in rows]), right, "i j, n j -> n i")
