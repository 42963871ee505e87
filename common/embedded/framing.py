"""Where a clip's first frame has its thing, told from the prompt.

Something that grows begins small, and what slides to the left begins on the right. The image prior
draws things as large as the picture; here each is laid where its motion needs it. A mixture density
network (Bishop 1994) on the prompt's vector gives the distribution of boxes; one of its modes is
drawn, so that what may begin on either side does so, and its mean is the box.
"""

from collections.abc import Sequence

import torch
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.media.fitting import Placement, placed
from common.shapes import Images

_VISIBLE = 0.0
"""Alpha above one half, in [-1, 1]."""
_VALUES = 3
_NARROWEST = -4.0
"""Logarithm of a deviation: two pixels of 128. Likelihood has no bound without one."""

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
        outputs = architecture.num_modes * (1 + 2 * _VALUES)
        self.net = nn.Sequential(
            nn.Linear(architecture.features, architecture.hidden), nn.SiLU(),
            nn.Linear(architecture.hidden, outputs),
        )  # fmt: skip

    def forward(
        self, vectors: Float[Tensor, "b d"]
    ) -> tuple[Float[Tensor, "b m"], Float[Tensor, "b m 3"], Float[Tensor, "b m 3"]]:
        """Logits, means and logarithms of the deviations of the modes."""
        made = self.net(vectors).unflatten(1, (self.architecture.num_modes, -1))
        spreads = made[..., 1 + _VALUES :].clamp(min=_NARROWEST)
        return made[..., 0], made[..., 1 : 1 + _VALUES], spreads

    def log_likelihood(self, vectors: Float[Tensor, "b d"], boxes: Boxes) -> Float[Tensor, " b"]:
        """``log sum_m w_m N(box; mean_m, deviation_m)``."""
        logits, means, spreads = self(vectors)
        modes = torch.distributions.Normal(means, spreads.exp()).log_prob(boxes[:, None])
        return torch.logsumexp(logits.log_softmax(1) + modes.sum(2), 1)

    @torch.no_grad()
    def boxes(self, vectors: Float[Tensor, "b d"], generators: Sequence[torch.Generator]) -> Boxes:
        """A box for each prompt: the mean of a mode that its generator draws."""
        logits, means, _ = self(vectors.float())
        chances = logits.softmax(1).cpu()
        drawn = [
            int(torch.multinomial(row, 1, generator=generator))
            for row, generator in zip(chances, generators, strict=True)
        ]
        return means[torch.arange(len(drawn)), drawn].clamp(0, 1)


def boxes_of(pictures: Images) -> Boxes:
    """The box around what is visible in each premultiplied RGBA picture in [-1, 1].

    Of a picture without anything visible it is the whole picture.
    """
    height, width = pictures.shape[2:]
    found = []
    for visible in pictures[:, 3] > _VISIBLE:
        if not visible.any():
            visible = torch.ones_like(visible)
        rows, columns = (torch.nonzero(visible.any(axis))[:, 0] for axis in (1, 0))
        top, bottom = int(rows[0]), int(rows[-1]) + 1
        left, right = int(columns[0]), int(columns[-1]) + 1
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
