"""How well a picture with transparency is reproduced: PSNR inside the box of its alpha."""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.shapes import Images

BACKGROUNDS = ((1.0, 1.0, 1.0), (0.0, 0.0, 0.0), (1.0, 0.0, 1.0))
"""White, black and magenta."""

_VISIBLE = 0.5 / 255
MAX_PSNR = 100.0
"""What identical pictures get, so that means stay finite."""


def alpha_box_psnr(
    reconstructed: Images,
    target: Images,
    backgrounds: Sequence[tuple[float, float, float]] = BACKGROUNDS,
) -> Float[Tensor, "b g"]:
    """PSNR in dB of each picture laid on each background, inside its alpha box.

    The alpha box is the smallest upright rectangle that holds every pixel of the *target* whose
    alpha rounds to at least 1/255. Both pictures are laid on the background in [0, 1] and
    ``PSNR = -10 log10(mean squared error)`` over the box and the three colours, at most 100 dB.
    The reconstruction is first brought into range as the picture writer does it: alpha into
    [0, 1], premultiplied colours into [0, alpha].

    Args:
        reconstructed: premultiplied RGBA in [-1, 1], may overshoot.
        target: premultiplied RGBA in [-1, 1].
        backgrounds: colours in [0, 1].

    Raises:
        InputError: a target has no visible pixel.
    """
    made, wanted = in_range((reconstructed.float() + 1) / 2), (target.float() + 1) / 2
    inside = alpha_boxes(wanted[:, 3])
    columns = []
    for background in backgrounds:
        behind = wanted.new_tensor(background).reshape(1, 3, 1, 1)
        difference = (made - wanted)[:, :3] - (made - wanted)[:, 3:] * behind
        squares = (difference**2).mean(1) * inside
        mse = squares.sum((1, 2)) / inside.sum((1, 2))
        columns.append((-10 * mse.log10()).clamp(max=MAX_PSNR))
    return torch.stack(columns, 1)


def worst_mean_psnr(psnr: Float[Tensor, "b g"]) -> float:
    """The mean over pictures in dB, on the background where it is lowest."""
    return float(psnr.mean(0).min())


def in_range(pictures: Images) -> Images:
    """Premultiplied RGBA in [0, 1] with alpha in range and no colour brighter than its alpha."""
    alpha = pictures[:, 3:].clamp(0, 1)
    return torch.cat([pictures[:, :3].clamp(min=0).minimum(alpha), alpha], 1)


def alpha_boxes(alpha: Float[Tensor, "b h w"]) -> Float[Tensor, "b h w"]:
    """One inside the box of each picture's visible pixels, else zero."""
    visible = alpha >= _VISIBLE
    if not bool(visible.any((1, 2)).all()):
        raise InputError("a picture without a visible pixel has no alpha box to measure in")
    boxes = torch.zeros_like(alpha)
    for index, mask in enumerate(visible):
        rows, columns = mask.any(1).nonzero(), mask.any(0).nonzero()
        boxes[index, rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1] = 1
    return boxes
