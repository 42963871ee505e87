"""Bringing a picture to the size that is drawn."""

from dataclasses import dataclass
from typing import Literal, assert_never

from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

Fit = Literal["contain", "cover", "stretch"]
"""How a picture of another shape is fitted: with room around it, cut at two sides, or deformed."""


@dataclass(frozen=True)
class Placement:
    """Where a resized picture lies on the canvas; beyond its edges it is cut off."""

    height: int
    """Of the picture after scaling, pixels."""
    width: int
    top: int
    """Row of the canvas that the picture's first row is at; negative where rows are cut off."""
    left: int


def placement(source: tuple[int, int], target: tuple[int, int], fit: Fit) -> Placement:
    """Where a picture of ``(height, width)`` lies on a canvas of ``(height, width)``, centred."""
    (height, width), (rows, columns) = source, target
    match fit:
        case "stretch":
            return Placement(rows, columns, 0, 0)
        case "contain":
            scale = min(rows / height, columns / width)
        case "cover":
            scale = max(rows / height, columns / width)
        case _:
            assert_never(fit)
    scaled = max(round(height * scale), 1), max(round(width * scale), 1)
    return Placement(*scaled, (rows - scaled[0]) // 2, (columns - scaled[1]) // 2)


def placed(
    image: Float[Tensor, "c h w"], place: Placement, canvas: Float[Tensor, "c y x"]
) -> Float[Tensor, "c y x"]:
    """The picture scaled and laid into the canvas.

    Bicubic with a low-pass filter when it shrinks; a picture of that size already is not touched.
    Values stay within the picture's own range, which bicubic filters overshoot.
    """
    scaled = image
    if image.shape[1:] != (place.height, place.width):
        scaled = functional.interpolate(
            image[None], size=(place.height, place.width), mode="bicubic", antialias=True,
            align_corners=False,
        )[0].clamp(float(image.min()), float(image.max()))  # fmt: skip
    made = canvas.clone()
    rows, columns = canvas.shape[1:]
    top, left = max(place.top, 0), max(place.left, 0)
    bottom = min(place.top + place.height, rows)
    right = min(place.left + place.width, columns)
    made[:, top:bottom, left:right] = scaled[
        :, top - place.top : bottom - place.top, left - place.left : right - place.left
    ]
    return made
