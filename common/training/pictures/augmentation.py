"""Random changes of training pictures: place, size, turn, colour, and what is behind them.

Pictures here are floats in [0, 1] with premultiplied alpha, ``(b, 4, h, w)``, so that resampling,
mixing and compositing are linear and a transparent pixel is all zeros.
"""

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Bool, Float
from torch import Tensor

from common.shapes import Images


@dataclass(frozen=True)
class Augmentation:
    """How strongly pictures are changed; every share is a probability per picture."""

    affine: float = 0.5
    """Share that is moved, scaled and turned; the rest keeps its pixels as they are."""
    max_zoom: float = 1.4
    """Scales lie between ``1 / max_zoom`` and ``max_zoom``, log-uniformly."""
    max_shift: float = 0.15
    """Largest shift, as a share of the side."""
    max_turn_deg: float = 15.0
    """Largest turn in the plane."""
    flip: float = 0.5
    """Share that is mirrored left to right."""
    recolor: float = 0.25
    """Share whose colour channels are exchanged and dimmed."""
    opaque: float = 0.1
    """Share that is laid on a colour or on another picture of the batch, without alpha."""


def augment(pictures: Images, settings: Augmentation, generator: torch.Generator) -> Images:
    """Change each picture at random."""
    count = len(pictures)
    flipped = chance(count, settings.flip, generator)
    pictures = torch.where(flipped, pictures.flip(-1), pictures)
    pictures = _moved(pictures, settings, generator)
    recolored = chance(count, settings.recolor, generator)
    pictures = torch.where(recolored, _recolored(pictures, generator), pictures)
    opaque = chance(count, settings.opaque, generator)
    return torch.where(opaque, _on_background(pictures, generator), pictures)


def chance(count: int, share: float, generator: torch.Generator) -> Bool[Tensor, "b 1 1 1"]:
    """True with probability ``share``, for each picture."""
    drawn = torch.rand(count, 1, 1, 1, generator=generator, device=generator.device)
    return drawn < share


def uniform(count: int, low: float, high: float, generator: torch.Generator) -> Float[Tensor, " b"]:
    """One number in [low, high) for each picture."""
    drawn = torch.rand(count, generator=generator, device=generator.device)
    return low + (high - low) * drawn


def _moved(pictures: Images, settings: Augmentation, generator: torch.Generator) -> Images:
    """Shift, scale and turn the chosen share; what comes in from outside is transparent."""
    count = len(pictures)
    chosen = chance(count, settings.affine, generator).flatten()
    zoom = uniform(count, -1.0, 1.0, generator).mul(math.log(settings.max_zoom)).exp()
    turn = uniform(count, -1.0, 1.0, generator) * math.radians(settings.max_turn_deg)
    shift = torch.stack([uniform(count, -2.0, 2.0, generator) for _ in range(2)], 1)
    grid_from = torch.stack([turn.cos() / zoom, -turn.sin() / zoom], 1)
    grid_to = torch.stack([turn.sin() / zoom, turn.cos() / zoom], 1)
    matrix = torch.cat(
        [torch.stack([grid_from, grid_to], 1), (shift * settings.max_shift)[..., None]], 2
    )
    if not bool(chosen.any()):
        return pictures
    some = pictures[chosen]
    grid = F.affine_grid(matrix[chosen], list(some.shape), align_corners=False)
    moved = pictures.clone()
    moved[chosen] = F.grid_sample(some, grid, mode="bilinear", align_corners=False)
    return moved


def _recolored(pictures: Images, generator: torch.Generator) -> Images:
    """Colour channels in another order, each dimmed by a factor of 0.6 to 1."""
    count = len(pictures)
    scores = torch.rand(count, 3, generator=generator, device=generator.device)
    order = repeat(scores.argsort(1), "b c -> b c h w", h=pictures.shape[2], w=pictures.shape[3])
    gain = rearrange(uniform(3 * count, 0.6, 1.0, generator), "(b c) -> b c 1 1", c=3)
    return torch.cat([pictures[:, :3].gather(1, order) * gain, pictures[:, 3:]], 1)


def _on_background(pictures: Images, generator: torch.Generator) -> Images:
    """Over a random colour and, half of the time, over the batch's previous picture, enlarged."""
    count = len(pictures)
    color = torch.rand(count, 3, 1, 1, generator=generator, device=generator.device)
    height, width = pictures.shape[2:]
    rows, columns = slice(height // 4, height - height // 4), slice(width // 4, width - width // 4)
    behind = F.interpolate(
        pictures.roll(1, 0)[:, :, rows, columns], size=(height, width), mode="bilinear"
    )
    behind = behind * chance(count, 0.5, generator)
    backdrop = behind[:, :3] + (1 - behind[:, 3:]) * color
    colors = pictures[:, :3] + (1 - pictures[:, 3:]) * backdrop
    return torch.cat([colors, torch.ones_like(pictures[:, 3:])], 1)
