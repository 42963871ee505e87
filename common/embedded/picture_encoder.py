"""What is in a picture: a small convolutional network that looks at its latent.

It takes the place that CLIP's picture encoder has for large models, and is trained with the image
prompts (``common/training/image/ip_adapter_trainer.py``), by contrast with what the text encoder
makes of captions (Radford et al. 2021, arXiv 2103.00020).
"""

import torch
import torch.nn.functional as F
from einops import reduce
from jaxtyping import Float
from torch import Tensor, nn

from common.errors import InputError
from common.shapes import Images

SIDE_CELLS = 16
"""Latent cells along a side of the pictures that are looked at: 128 pixels."""
_GROUPS = 8


class NormedBlock(nn.Module):
    """``x + conv(silu(norm(conv(silu(norm(x))))))``, the identity at the start."""

    def __init__(self, channels: int):
        super().__init__()
        self.first_norm = nn.GroupNorm(_GROUPS, channels)
        self.first = nn.Conv2d(channels, channels, 3, padding=1)
        self.second_norm = nn.GroupNorm(_GROUPS, channels)
        self.second = nn.Conv2d(channels, channels, 3, padding=1)
        nn.init.zeros_(self.second.weight)

    def forward(self, features: Tensor) -> Tensor:
        """Features ``(b, channels, h, w)`` to the same shape."""
        inner = self.first(F.silu(self.first_norm(features)))
        return features + self.second(F.silu(self.second_norm(inner)))


class PictureEncoder(nn.Module):
    """Latents to features: a level for each width, each half as wide and high as the one before.

    Args:
        channels: Of the latent.
        widths: Channels of the levels.
        num_blocks: Residual blocks of a level.
    """

    def __init__(self, channels: int, widths: tuple[int, ...], num_blocks: int):
        super().__init__()
        layers: list[nn.Module] = []
        for before, width in zip((channels, *widths), widths, strict=False):
            layers.append(nn.Conv2d(before, width, 3, stride=2 if layers else 1, padding=1))
            layers += [NormedBlock(width) for _ in range(num_blocks)]
        self.levels = nn.Sequential(*layers)
        self.num_features = 2 * widths[-1]

    def forward(self, latents: Images) -> Float[Tensor, "b k"]:
        """The mean and the largest of each feature of the last level.

        Raises:
            InputError: latents of another size.
        """
        if tuple(latents.shape[2:]) != (SIDE_CELLS, SIDE_CELLS):
            raise InputError(
                f"image prompts are looked at as {SIDE_CELLS} x {SIDE_CELLS} latent cells, not "
                f"{latents.shape[2]} x {latents.shape[3]}"
            )
        made = self.levels(latents.contiguous(memory_format=torch.channels_last)).float()
        mean, most = (reduce(made, "b k y x -> b k", how) for how in ("mean", "max"))
        return torch.cat([mean, most], 1)
