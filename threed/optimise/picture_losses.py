"""How far a render is from pictures: in colour where they show something, in opacity everywhere."""

from jaxtyping import Float
from torch import Tensor

FAINT = 0.01
"""Least alpha whose colour is told apart from black."""


def colour_error(
    rgb: Float[Tensor, "*pixels 3"],
    opacity: Float[Tensor, "*pixels"],
    wanted: Float[Tensor, "*pixels 4"],
) -> Float[Tensor, "*pixels"]:
    """``a |rgb - opacity c|^2`` with the picture's alpha ``a`` and straight colour ``c``.

    It asks for the right colour of whatever is there, and for nothing where the picture is empty.
    The squared error of premultiplied colours would ask for black matter there, which stains
    scenes whose pictures do not quite agree; for pictures that agree the two are alike.

    Args:
        rgb: rendered, premultiplied by ``opacity``.
        opacity: rendered, in [0, 1].
        wanted: premultiplied RGBA in [0, 1].
    """
    alpha = wanted[..., 3:]
    straight = wanted[..., :3] / alpha.clamp_min(FAINT)
    return (alpha * (rgb - opacity[..., None] * straight).square()).sum(-1)


def opacity_error(
    opacity: Float[Tensor, "*pixels"], wanted: Float[Tensor, "*pixels 4"]
) -> Float[Tensor, "*pixels"]:
    """The squared difference to the picture's alpha."""
    return (opacity - wanted[..., 3]).square()
