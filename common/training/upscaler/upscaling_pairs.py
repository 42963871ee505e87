"""Patches of pictures beside the same at half the size, made smaller in several ways.

What generated pictures have is what the autoencoder leaves of a picture, so part of the small
patches went through it. It sees whole pictures, once, before training.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float, UInt8
from torch import Tensor

from common.embedded.autoencoder import Autoencoder
from common.shapes import Images
from common.training.autoencoder.autoencoder_trainer import reconstruct, to_unit_range
from common.training.pictures.augmentation import chance, uniform
from common.training.pictures.picture_pools import WeightedPool
from common.training.upscaler.picture_patches import draw_patches

Reduction = Literal["area", "bicubic", "autoencoder"]
"""How a picture was made smaller: by area, by Pillow's bicubic filter, or by area and then through
the autoencoder."""
REDUCTIONS: tuple[Reduction, ...] = ("area", "bicubic", "autoencoder")

_OPAQUE = 0.15
_BATCH = 16


@dataclass(frozen=True)
class RoundTrips:
    """Pictures, and what the autoencoder makes of each at half its size; row belongs to row."""

    large: UInt8[np.ndarray, "n h w 4"]
    small: UInt8[np.ndarray, "n h2 w2 4"]


def reduced(pictures: Images, how: Literal["area", "bicubic"]) -> Float[Tensor, "b c y x"]:
    """Half of the sides."""
    if how == "area":
        return F.avg_pool2d(pictures, 2)
    return F.interpolate(pictures, scale_factor=0.5, mode="bicubic", antialias=True)


def round_trips(model: Autoencoder, large: UInt8[np.ndarray, "n h w 4"], device: str) -> RoundTrips:
    """Halve pictures by area and send them through the autoencoder."""
    rows = []
    for start in range(0, len(large), _BATCH):
        pictures = to_unit_range(np.asarray(large[start : start + _BATCH]), device) * 2 - 1
        made = reconstruct(model, reduced(pictures, "area")).clamp(-1, 1)
        pixels = ((made + 1) * 127.5).round().to(torch.uint8).cpu()
        rows.append(rearrange(pixels, "b c h w -> b h w c").numpy())
    return RoundTrips(large, np.concatenate(rows))


def draw_pairs(
    pools: Sequence[WeightedPool],
    encoded: RoundTrips | None,
    sizes: tuple[int, int],
    shares: tuple[float, float],
    seeds: tuple[int, int],
    device: str,
) -> tuple[Float[Tensor, "b 4 y x"], Images]:
    """A batch of small pictures and of large ones, in [-1, 1].

    Args:
        pools: What is drawn from.
        encoded: Pictures that went through the autoencoder, if there are any.
        sizes: How many, and the side of the large patches.
        shares: Of those through the autoencoder, and of the bicubic ones among the others.
        seeds: Of the patches, and of how they are changed.
        device: Where the pictures are wanted.
    """
    (count, size_px), (through, bicubic) = sizes, shares
    rng, generator = np.random.default_rng(seeds[0]), torch.Generator().manual_seed(seeds[1])
    num_encoded = int((rng.random(count) < through).sum()) if encoded is not None else 0
    large = to_unit_range(draw_patches(pools, size_px, count - num_encoded, rng), "cpu")
    by_bicubic = chance(len(large), bicubic, generator)
    small = torch.where(by_bicubic, reduced(large, "bicubic"), reduced(large, "area"))
    if encoded is not None and num_encoded:
        pairs = [_encoded_patch(encoded, size_px, rng) for _ in range(num_encoded)]
        large = torch.cat([large, to_unit_range(np.stack([pair[0] for pair in pairs]), "cpu")])
        small = torch.cat([small, to_unit_range(np.stack([pair[1] for pair in pairs]), "cpu")])
    small, large = _changed(small, large, generator)
    return (2 * small - 1).to(device), (2 * large - 1).to(device)


def _encoded_patch(
    encoded: RoundTrips, size_px: int, rng: np.random.Generator
) -> tuple[UInt8[np.ndarray, "h w 4"], UInt8[np.ndarray, "h2 w2 4"]]:
    row, half = int(rng.integers(len(encoded.large))), size_px // 2
    top, left = rng.integers(0, encoded.small.shape[1] - half + 1, 2)
    large = encoded.large[row, 2 * top : 2 * top + size_px, 2 * left : 2 * left + size_px]
    return np.asarray(large), encoded.small[row, top : top + half, left : left + half]


def _changed(
    small: Float[Tensor, "b 4 y x"], large: Images, generator: torch.Generator
) -> tuple[Float[Tensor, "b 4 y x"], Images]:
    """Both of a pair mirrored and turned alike, colours exchanged, some laid on a colour."""
    count = len(small)
    mirrored, upside, turned = (chance(count, 0.5, generator) for _ in range(3))
    order = torch.rand(count, 3, generator=generator).argsort(1)
    color = rearrange(uniform(3 * count, 0.0, 1.0, generator), "(b c) -> b c 1 1", c=3)
    opaque = chance(count, _OPAQUE, generator)

    def change(pictures: Tensor) -> Tensor:
        pictures = torch.where(mirrored, pictures.flip(-1), pictures)
        pictures = torch.where(upside, pictures.flip(-2), pictures)
        pictures = torch.where(turned, pictures.transpose(-1, -2), pictures)
        index = order[:, :, None, None].expand(-1, -1, *pictures.shape[2:])
        colors, alpha = pictures[:, :3].gather(1, index), pictures[:, 3:]
        laid = torch.cat([colors + (1 - alpha) * color, torch.ones_like(alpha)], 1)
        return torch.where(opaque, laid, torch.cat([colors, alpha], 1))

    return change(small), change(large)
