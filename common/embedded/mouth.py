"""A face that talks: where its mouth is, found by a small network, and that mouth drawn open.

What a face says is seen in its mouth alone, and that is known before anything is drawn: so the
first frame of a clip gets the mouth of every frame, and what is drawn over it sees it there. The
finder is trained (`common/training/talking/mouth_fit.py`); the mouth is a closed form: a line whose
corners rise, opened to a lens that rounding makes fuller, dark inside, with tongue and teeth.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.embedded.blocks import residual_blocks
from common.errors import InputError
from common.shapes import Clips, Images

MOUTH = ("mouth_open", "mouth_width", "mouth_round")
"""The numbers of a mouth, each from 0 to 1: how far open, how wide, how round."""
AT_REST = (0.0, 0.5, 0.0)
"""A closed mouth."""
MOUTH_RATE_HZ = 100.0
"""How many times a second speech is turned into mouths, before frames take their means."""
_INSIDE, _TONGUE, _TEETH = (0.22, 0.1, 0.07), (0.82, 0.2, 0.2), (0.97, 0.97, 0.95)
"""Colours from 0 to 1."""
_SMILE = 0.3
_OPENS = 0.12
"""Opening up to which the drawn mouth fades in over the face's own."""
_JAW, _MIDDLE = 0.6, 0.1
"""How far below the mouth a chin is looked for, and how far to its sides, in its widths."""
_SKIN = 0.05
"""Of a face below its mouth, at least."""
_AROUND = 0.12
"""Of a face around its mouths that is theirs too."""

Mouths = Float[Tensor, "f 3"]
"""The mouth of every frame."""
Places = Float[Tensor, "b 3"]
"""Of each face the centre of its closed mouth, right of and below the picture's upper left corner,
and the mouth's width; all in shorter sides of the picture."""


class Talk(NamedTuple):
    """How faces talk."""

    places: Places
    mouths: Mouths

    def frames(self, pictures: Images, frames: Sequence[int]) -> Clips:
        """The faces in these pictures with the mouths of some frames."""
        return with_mouths(pictures, self.places, self.mouths[list(frames)])

    def reach(self, pictures: Images) -> Float[Tensor, "b 1 h w"]:
        """Where in these pictures any of the mouths may be: 1 there, -1 elsewhere, soft between."""
        opening, width, rounding = self.mouths.unbind(1)
        largest = torch.stack([opening.amax(), width.amax(), rounding.amin()])
        return 2 * _reach(largest.to(pictures), _seen(pictures, self.places), pictures) - 1

    def of(self, row: int) -> "Talk":
        """Of one face."""
        return Talk(self.places[row : row + 1], self.mouths)


class MouthFinderArchitecture(Config):
    """Sizes of the network."""

    latent_channels: int = Field(8, ge=1)
    """Of the autoencoder."""
    channels: int = Field(32, ge=8)
    """Of the features."""
    num_blocks: int = Field(4, ge=1)
    """Residual blocks; four see as far as a face of 128 pixels is large."""


class MouthFinder(nn.Module):
    """Latents of faces to the places of their mouths: the mean of a map of where they may be.

    Expectation of a heat map in place of its peak: Sun et al. 2018, arXiv 1711.08229.
    """

    def __init__(self, architecture: MouthFinderArchitecture):
        super().__init__()
        self.architecture = architecture
        channels = architecture.channels
        self.enter = nn.Conv2d(architecture.latent_channels, channels, 3, padding=1)
        self.blocks = residual_blocks(channels, architecture.num_blocks)
        self.leave = nn.Conv2d(channels, 2, 1)

    def forward(self, latents: Images) -> Places:
        """Places in pictures with the cells of these latents."""
        height, width = latents.shape[2:]
        heat, size = self.leave(F.silu(self.blocks(self.enter(latents)))).unbind(1)
        shares = rearrange(heat, "b h w -> b (h w)").softmax(1)
        cells = cell_centres(height, width).to(latents)
        widths = (shares * rearrange(size, "b h w -> b (h w)").sigmoid()).sum(1, keepdim=True)
        return torch.cat([shares @ cells, widths], 1)


def cell_centres(height: int, width: int) -> Float[Tensor, "n 2"]:
    """Right of and below the upper left corner, in shorter sides, row after row."""
    side = min(height, width)
    rows, columns = ((torch.arange(count) + 0.5) / side for count in (height, width))
    grid = torch.stack(torch.meshgrid(columns, rows, indexing="xy"), -1)
    return rearrange(grid, "h w p -> (h w) p")


@torch.no_grad()
def with_mouths(pictures: Images, places: Places, mouths: Mouths) -> Clips:
    """Premultiplied RGBA pictures in [-1, 1] with the mouth of each frame where they have theirs.

    Where a mouth is closed it is the picture's own.
    """
    at = _seen(pictures, places)
    bare = _without_mouth(pictures, places, at.x, at.y)
    shown = (pictures + 1) / 2
    frames = []
    for mouth in mouths.to(pictures):
        inside, colours = _lens(mouth, at)
        fades_in = (mouth[0] / _OPENS).clamp(max=1)
        skin = torch.lerp(shown, bare, fades_in)
        cover = (inside * fades_in)[:, None]
        drawn = torch.cat([colours, torch.ones_like(cover)], 1) * shown[:, 3:]
        frames.append(2 * torch.lerp(skin, drawn, cover) - 1)
    return torch.stack(frames, 2)


class _Seen(NamedTuple):
    """Faces about their closed mouths, whose widths are the unit."""

    x: Float[Tensor, "b h w"]
    """Of each pixel, to the right."""
    y: Float[Tensor, "b h w"]
    """Up."""
    pixel: Float[Tensor, "b 1 1"]
    """How large a pixel is."""
    chin: Float[Tensor, "b 1 1"]
    """How high the face ends below the middle of the mouth; no lower than is looked for."""


def _seen(pictures: Images, places: Places) -> _Seen:
    height, width = pictures.shape[2:]
    cells = cell_centres(height, width).to(pictures)
    wide, pixel = places[:, 2, None, None], 1 / min(height, width)
    x = rearrange(cells[:, 0], "(h w) -> 1 h w", h=height) - places[:, 0, None, None]
    y = places[:, 1, None, None] - rearrange(cells[:, 1], "(h w) -> 1 h w", h=height)
    x, y, pixels = x / wide, y / wide, pixel / wide
    shown = pictures[:, 3] > 0
    middle = shown & (x.abs() <= torch.maximum(pixels, torch.tensor(_MIDDLE).to(x)))
    known = middle & (y > -_JAW)
    edge = torch.where(known, y - pixels / 2, torch.inf).amin((1, 2), keepdim=True)
    return _Seen(x, y, pixels, edge.nan_to_num(posinf=-_JAW))


def _lips(
    mouth: Float[Tensor, " 3"], at: _Seen
) -> tuple[Float[Tensor, "b h w"], Float[Tensor, "b h w"], Float[Tensor, "b h w"]]:
    """Shares of the mouth's half-width to the right, and heights of its lower and upper edge.

    A mouth for which a face has no room above its chin opens upwards by what is missing.
    """
    opening, _, rounding = mouth.unbind()
    s = at.x / _half_width(mouth)
    curve = 0.3 * _SMILE * (s**2 - 0.4) * (1 - 0.6 * rounding)
    gap = (0.02 + 0.62 * opening) * (1 - s**2).clamp(min=0) ** (0.8 - 0.35 * rounding)
    low, high = curve - 0.7 * gap - 0.03, curve + 0.3 * gap + 0.03
    lowest = -0.12 * _SMILE * (1 - 0.6 * rounding) - 0.7 * (0.02 + 0.62 * opening) - 0.03
    raised = (at.chin + _SKIN - lowest).clamp(min=0)
    return s, low + raised, high + raised


def _half_width(mouth: Float[Tensor, " 3"]) -> Float[Tensor, ""]:
    _, width, rounding = mouth.unbind()
    return 0.5 * (0.55 + 0.9 * width) * (1 - 0.45 * rounding)


def _reach(mouth: Float[Tensor, " 3"], at: _Seen, pictures: Images) -> Float[Tensor, "b 1 h w"]:
    """Where a mouth and its surroundings are: 1, falling to 0 over as much around them."""
    _, low, high = _lips(mouth, at)
    half = _half_width(mouth) + _AROUND
    tall = _between(at.y, low - _AROUND, high + _AROUND, 2 * _AROUND)
    return (tall * _between(at.x, -half, half, 2 * _AROUND))[:, None].to(pictures)


def _lens(
    mouth: Float[Tensor, " 3"], at: _Seen
) -> tuple[Float[Tensor, "b h w"], Float[Tensor, "b 3 h w"]]:
    """How much of each pixel is mouth, and its colour."""
    opening, half, x, y = mouth[0], _half_width(mouth), at.x, at.y
    s, low, high = _lips(mouth, at)
    inside = _between(y, low, high, at.pixel) * _between(x, -half - 0.02, half + 0.02, at.pixel)
    share = (y - low) / (high - low)
    tongue = _between(share, 0.1, 0.42, 0.1) * _between(s, -0.62, 0.62, 0.15)
    teeth = _between(share, 0.72, 0.92, 0.1) * _between(s, -0.72, 0.72, 0.15)
    colours = repeat(torch.tensor(_INSIDE).to(x), "c -> b c h w", b=len(x), h=1, w=1)
    for amount, colour in ((tongue, _TONGUE), (teeth, _TEETH)):
        paint = rearrange(torch.tensor(colour).to(x), "c -> c 1 1")
        colours = torch.lerp(colours, paint, amount[:, None] * opening.clamp(max=0.5) * 2)
    return inside, colours


def _between(
    value: Tensor, low: Tensor | float, high: Tensor | float, edge: Tensor | float
) -> Tensor:
    """1 between two bounds, 0 outside of them, over a soft edge."""
    return ((value - low) / edge + 0.5).clamp(0, 1) * ((high - value) / edge + 0.5).clamp(0, 1)


def _without_mouth(
    pictures: Images, places: Places, x: Float[Tensor, "b h w"], y: Float[Tensor, "b h w"]
) -> Images:
    """Pictures from 0 to 1 whose closed mouths are covered with what is above and below them."""
    height, width = pictures.shape[2:]
    side, reach = min(height, width), 0.2
    shown = (pictures + 1) / 2
    cells = rearrange(cell_centres(height, width).to(pictures), "(h w) p -> 1 h w p", h=height)
    parts = []
    for away in (-reach, reach):
        row = places[:, 1, None, None] + away * places[:, 2, None, None]
        at = torch.stack([cells[..., 0].expand(len(row), -1, -1), row.expand_as(x)], -1)
        sides = torch.tensor([width, height]).to(pictures) / side
        parts.append(F.grid_sample(shown, 2 * at / sides - 1, align_corners=False))
    lowness = (0.5 - y / (2 * reach)).clamp(0, 1)[:, None]
    alphas = [part[:, 3:] for part in parts]
    weights = [(1 - lowness) * alphas[0], lowness * alphas[1]]
    total = (weights[0] + weights[1]).clamp(min=1e-6)
    colours = torch.stack([
        part[:, :3] / alpha.clamp(min=1e-3) * weight / total
        for part, alpha, weight in zip(parts, alphas, weights, strict=True)
    ]).sum(0)  # fmt: skip
    skin = torch.cat([colours, torch.ones_like(shown[:, 3:])], 1) * shown[:, 3:]
    amount = _between(x, -0.6, 0.6, 0.15) * _between(y, -0.14, 0.14, 0.1)
    known = (weights[0] + weights[1] > 0.3).to(shown) * amount[:, None]
    return torch.lerp(shown, skin, known)


def check_mouths(mouths: Mouths, num_frames: int) -> None:
    """Refuse mouths of another clip, or that no face can make.

    Raises:
        InputError: as said.
    """
    if len(mouths) != num_frames:
        raise InputError(f"a clip of {num_frames} frames has {len(mouths)} mouths: give one each")
    if not bool(((mouths >= 0) & (mouths <= 1)).all()):
        raise InputError(f"the numbers of a mouth ({', '.join(MOUTH)}) are from 0 to 1")
