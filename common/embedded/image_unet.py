"""The embedded image U-Net: diffusers' ``UNet2DConditionModel`` in a small shape of our own.

It is conditioned twice: on token states through cross-attention, and on the pooled text and the
camera through the time embedding (``class_labels``), without which a small model learns nothing
about its prompt for hours. There is no attention at the latent's full size, where it costs most
and brings least.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float
from pydantic import Field, model_validator
from torch import Tensor

from common.config import Config

NUM_VIEW_FEATURES = 7
"""Whether a view is given, then sine and cosine of azimuth, twice the azimuth, and elevation."""
VIEW_SCALE = 4.0
"""Size of the view's features, seven beside hundreds of unit size that say the text."""


@dataclass(frozen=True)
class View:
    """Where the camera stands: azimuth 0 looks at the front, 90 at the object's left side."""

    azimuth_deg: float
    elevation_deg: float


FRONT = View(0.0, 12.0)
"""The front, seen from slightly above as pictograms are: the view of an emoji."""


class ImageUNetArchitecture(Config):
    """Sizes of the U-Net."""

    latent_channels: int = Field(8, ge=1, le=64)
    """Channels of the latent."""
    text_channels: int = Field(256, ge=8, le=4096)
    """Features of a token state and of the pooled text."""
    block_channels: tuple[int, ...] = Field((96, 144, 192), min_length=2, max_length=4)
    """Channels of each level, at the latent's size, half of it, and so on."""
    layers_per_block: int = Field(1, ge=1, le=4)
    """Residual layers of each level on the way down; one more on the way up."""
    head_channels: int = Field(48, ge=8, le=256)
    """Features of an attention head."""
    norm_groups: int = Field(16, ge=1, le=64)
    """Groups of the normalisation."""

    @model_validator(mode="after")
    def _channels_divide(self) -> "ImageUNetArchitecture":
        for channels in self.block_channels:
            if channels % self.head_channels or channels % self.norm_groups:
                raise ValueError(
                    f"block_channels {channels} do not divide by head_channels "
                    f"{self.head_channels} and norm_groups {self.norm_groups}"
                )
        return self


def build_image_unet(sizes: ImageUNetArchitecture) -> Any:
    """An untrained ``UNet2DConditionModel`` with the plain attention processor.

    The plain processor trains faster than the fused one in bfloat16 on a CPU.
    """
    from diffusers import UNet2DConditionModel
    from diffusers.models.attention_processor import AttnProcessor

    lower = len(sizes.block_channels) - 1
    unet: Any = UNet2DConditionModel(
        sample_size=16,
        in_channels=sizes.latent_channels,
        out_channels=sizes.latent_channels,
        block_out_channels=sizes.block_channels,
        layers_per_block=sizes.layers_per_block,
        down_block_types=("DownBlock2D", *["CrossAttnDownBlock2D"] * lower),
        up_block_types=(*["CrossAttnUpBlock2D"] * lower, "UpBlock2D"),
        cross_attention_dim=sizes.text_channels,
        attention_head_dim=tuple(c // sizes.head_channels for c in sizes.block_channels),
        norm_num_groups=sizes.norm_groups,
        class_embed_type="projection",
        projection_class_embeddings_input_dim=sizes.text_channels + NUM_VIEW_FEATURES,
        use_linear_projection=True,
    )
    unet.set_attn_processor(AttnProcessor())
    return unet


def view_features(views: Sequence[View | None]) -> Float[Tensor, "b 7"]:
    """One row a view, in multiples of `VIEW_SCALE`; all zeros where there is none."""
    rows = []
    for view in views:
        if view is None:
            rows.append([0.0] * NUM_VIEW_FEATURES)
            continue
        azimuth, elevation = math.radians(view.azimuth_deg), math.radians(view.elevation_deg)
        rows.append(
            [1.0, math.sin(azimuth), math.cos(azimuth), math.sin(2 * azimuth),
             math.cos(2 * azimuth), math.sin(elevation), math.cos(elevation)]
        )  # fmt: skip
    return VIEW_SCALE * torch.tensor(rows, dtype=torch.float32)
