"""The judge: a small image-text encoder that says how well a picture shows what was asked for.

It is trained on its own, by contrast, and only ever scores: it is no loss, no prior and no
image-prompt encoder of anything that generates. It sees pictures at one small size, laid on a
background, without transparency. Beside the features that are compared with texts it has a head
that says from where an object is seen.
"""

import math
from typing import NamedTuple

import torch
import torch.nn.functional as F
from jaxtyping import Bool, Float, Int64
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.embedded.blocks import folded, residual_blocks
from common.embedded.text_encoder import TextEncoder, TextEncoderArchitecture

LAYOUT_CELLS = 4
_TEXT_GROUPS = 4


class JudgeArchitecture(Config):
    """Sizes of the judge."""

    size_px: int = Field(64, ge=16, le=512, multiple_of=8)
    """Side of the pictures it looks at; others are resampled to it."""
    channels: tuple[int, int, int] = (32, 96, 224)
    """Channels at a half, a quarter and an eighth of the side."""
    blocks: tuple[int, int, int] = (1, 2, 2)
    """Residual blocks there."""
    layout_channels: int = Field(32, ge=1, le=1024)
    """Features kept in each cell of a 4 x 4 grid: where things are, beside what there is."""
    joint_channels: int = Field(128, ge=8, le=2048)
    """Features in which pictures and texts are compared."""
    azimuth_bins: int = Field(24, ge=4, le=360)
    """Equal sectors of the circle among which the azimuth is told; the first is about 0 degrees."""
    text: TextEncoderArchitecture
    """Sizes of the text side; its channels are projected to the joint ones."""


class Looked(NamedTuple):
    """What the judge makes of pictures alone."""

    features: Float[Tensor, "b d"]
    """Of length 1, to be compared with those of texts."""
    azimuths: Float[Tensor, "b bins"]
    """Logits of the azimuth: bin ``i`` is centred at ``i * 360 / bins`` degrees."""


class Joint(NamedTuple):
    """Pictures and texts in the space where they are compared, each of length 1."""

    pictures: Float[Tensor, "b d"]
    texts: Float[Tensor, "t d"]
    azimuths: Float[Tensor, "b bins"]
    """Logits of each picture's azimuth."""


class Judge(nn.Module):
    """A picture side and a text side, and the sharpness of their comparison."""

    def __init__(self, architecture: JudgeArchitecture):
        super().__init__()
        sizes = architecture
        self.architecture = sizes
        half, quarter, eighth = sizes.channels
        self.look = nn.Sequential(
            folded(2, 3, half, kernel=3),
            residual_blocks(half, sizes.blocks[0]),
            folded(2, half, quarter),
            residual_blocks(quarter, sizes.blocks[1]),
            folded(2, quarter, eighth),
            residual_blocks(eighth, sizes.blocks[2]),
            nn.SiLU(),
        )
        self.layout = nn.Sequential(
            nn.Conv2d(eighth, sizes.layout_channels, 1), nn.AdaptiveAvgPool2d(LAYOUT_CELLS),
            nn.SiLU(), nn.Flatten(),
        )  # fmt: skip
        summary = 2 * eighth + sizes.layout_channels * LAYOUT_CELLS**2
        self.from_look = nn.Linear(summary, sizes.joint_channels)
        self.to_azimuth = nn.Sequential(
            nn.Linear(summary, 192), nn.SiLU(), nn.Linear(192, sizes.azimuth_bins)
        )
        self.read = TextEncoder(sizes.text)
        self.from_read = nn.Linear(sizes.text.channels, sizes.joint_channels)
        self.log_scale = nn.Parameter(torch.tensor(math.log(1 / 0.07)))

    def look_at(self, pictures: Float[Tensor, "b 3 h w"]) -> Looked:
        """Unit features and azimuths of RGB pictures in [-1, 1], resampled to the judge's size."""
        side = self.architecture.size_px
        if tuple(pictures.shape[2:]) != (side, side):
            pictures = F.interpolate(pictures, size=(side, side), mode="area")
        features = self.look(pictures)
        pooled = [features.mean((2, 3)), features.amax((2, 3)), self.layout(features)]
        summary = torch.cat(pooled, 1)
        joint = F.normalize(self.from_look(summary).float(), dim=1)
        return Looked(joint, self.to_azimuth(summary).float())

    def embed_texts(
        self, tokens: Int64[Tensor, "t l"], mask: Bool[Tensor, "t l"]
    ) -> Float[Tensor, "t d"]:
        """Unit features of texts; groups of similar length are read apart, to skip the padding."""
        lengths = mask.sum(1)
        order = lengths.argsort()
        parts = []
        for rows in order.chunk(_TEXT_GROUPS):
            longest = int(lengths[rows].max())
            read = self.read(tokens[rows, :longest], mask[rows, :longest])
            parts.append(F.normalize(self.from_read(read.pooled).float(), dim=1))
        return torch.cat(parts)[order.argsort()]

    def forward(
        self,
        pictures: Float[Tensor, "b 3 h w"],
        tokens: Int64[Tensor, "t l"],
        mask: Bool[Tensor, "t l"],
    ) -> Joint:
        """Both sides."""
        looked = self.look_at(pictures)
        return Joint(looked.features, self.embed_texts(tokens, mask), looked.azimuths)


def on_backgrounds(
    pictures: Float[Tensor, "b 4 h w"], backgrounds: Float[Tensor, "b 3"]
) -> Float[Tensor, "b 3 h w"]:
    """Premultiplied RGBA in [-1, 1] laid on a colour each, in [0, 1]: RGB in [-1, 1]."""
    parts = (pictures + 1) / 2
    behind = backgrounds[:, :, None, None] * (1 - parts[:, 3:])
    return (parts[:, :3] + behind).clamp(0, 1) * 2 - 1
