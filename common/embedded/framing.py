"""Where a clip's first frame has its thing, told from the prompt.

Something that grows begins small, and what slides to the left begins on the right. The image prior
draws things as large as the picture; here each is laid where its motion needs it. The box is a mode
of a mixture that the prompt's vector tells, so that what may begin on either side does so.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.embedded.mixture_density import MixtureDensity
from common.media.fitting import Placement, placed
from common.media.mask_box import mask_box
from common.shapes import Images

_VISIBLE = 0.0
"""Alpha above one half, in [-1, 1]."""
_VALUES = 3
_NARROWEST = -4.0
"""Logarithm of a deviation: two pixels of 128."""

Boxes = Float[Tensor, "b 3"]
"""Of each picture: the longer side of the box around what is visible, as a share of the picture's
shorter side, and the box's centre as shares of the width and of the height."""


class FramingArchitecture(Config):
    """Sizes of the network."""

    features: int = Field(263, ge=1)
    """Of the prompt's vector."""
    hidden: int = Field(64, ge=1)
    """Units."""
    num_modes: int = Field(4, ge=1)
    """Of the mixture."""


class Framing(nn.Module):
    """Mixtures of Gaussians over boxes."""

    def __init__(self, architecture: FramingArchitecture):
        super().__init__()
        self.architecture = architecture
        self.mixture = MixtureDensity(
            architecture.features,
            architecture.hidden,
            architecture.num_modes,
            _VALUES,
            _NARROWEST,
        )

    def boxes(self, vectors: Float[Tensor, "b d"], generators: Sequence[torch.Generator]) -> Boxes:
        """A box for each prompt: the mean of a mode that its generator draws."""
        return self.mixture.drawn(vectors, generators).clamp(0, 1)


def boxes_of(pictures: Images) -> Boxes:
    """The box around what is visible in each premultiplied RGBA picture in [-1, 1].

    Of a picture without anything visible it is the whole picture.
    """
    height, width = pictures.shape[2:]
    found = []
    for visible in pictures[:, 3] > _VISIBLE:
        if not visible.any():
            visible = torch.ones_like(visible)
        rows, columns = mask_box(visible)
        top, bottom, left, right = rows.start, rows.stop, columns.start, columns.stop
        side = max(bottom - top, right - left) / min(height, width)
        found.append((side, (left + right) / (2 * width), (top + bottom) / (2 * height)))
    return torch.tensor(found)


def laid(pictures: Images, boxes: Boxes) -> Images:
    """The pictures scaled and moved so that what is visible in each fills its box."""
    height, width = pictures.shape[2:]
    made = []
    for picture, own, box in zip(pictures, boxes_of(pictures), boxes.cpu(), strict=True):
        (side, x, y), (own_side, own_x, own_y) = box.tolist(), own.tolist()
        scale = side / own_side
        place = Placement(
            max(round(height * scale), 1), max(round(width * scale), 1),
            round(height * (y - own_y * scale)), round(width * (x - own_x * scale)),
        )  # fmt: skip
        made.append(placed(picture, place, torch.full_like(picture, -1)))
    return torch.stack(made)
