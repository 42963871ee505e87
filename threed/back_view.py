"""The view from behind, made to agree with a front that is right."""

import torch
from jaxtyping import Float
from torch import Tensor

_FAINT = 1e-3


def with_mirrored_outline(
    back: Float[Tensor, "h w 4"], front: Float[Tensor, "h w 4"]
) -> Float[Tensor, "h w 4"]:
    """The back, covering at least the mirror image of the front.

    From behind, an object has the mirrored outline of its front, up to perspective and the camera's
    height. What a drawn back leaves out would be carved from the front, which is known; it is
    filled in with the front's colours instead: ``b + (a_f - a_b)+ c_f``, with opacities ``a`` and
    straight colours ``c``.

    Args:
        back: premultiplied, in [0, 1], from opposite the front at the same height.
        front: the same of the front.
    """
    mirrored = front.flip(1)
    opaque = mirrored[..., 3:]
    missing = (opaque - back[..., 3:]).clamp_min(0)
    straight = torch.cat([mirrored[..., :3] / opaque.clamp_min(_FAINT), torch.ones_like(opaque)], 2)
    return back + missing * straight
