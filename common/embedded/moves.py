"""How things in clips move as a whole, and pictures moved so."""

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.embedded.framing import boxes_of
from common.shapes import Clips, Images

NUM_MOVES = 5
_SHARPER = 2
"""Samples to a pixel, in each direction: what shrinks would flicker."""

Tracks = Float[Tensor, "b f 5"]
"""Of each frame, against the first: how far the thing has gone to the right and down, in shorter
sides of the picture; logarithms of its stretch across and along its own height; and its turn in the
picture's plane, clockwise, radians. Of the first frame all are 0."""


def moved(first: Images, tracks: Tracks) -> Clips:
    """Clips of premultiplied RGBA pictures that move, each about the centre of what is visible.

    Outside of the pictures there is nothing.
    """
    return moved_about(first, tracks, centres_of(first), _SHARPER)


def centres_of(pictures: Images) -> Float[Tensor, "b 2"]:
    """Centres of the boxes around what is visible: right and down, in shorter sides."""
    height, width = pictures.shape[2:]
    sides = torch.tensor([width, height]).to(pictures) / min(height, width)
    return boxes_of(pictures)[:, 1:].to(pictures) * sides


def moved_about(
    first: Images, tracks: Tracks, centres: Float[Tensor, "b 2"], sharper: int = 1
) -> Clips:
    """As `moved`, about given centres, with ``sharper`` samples to a pixel in each direction."""
    shown = repeat(first, "b c h w -> b c f h w", f=tracks.shape[1])
    return frames_moved(shown, tracks, centres, sharper)


def frames_moved(
    shown: Clips, tracks: Tracks, centres: Float[Tensor, "b 2"], sharper: int = _SHARPER
) -> Clips:
    """As `moved_about`, where each frame has a picture of its own that moves."""
    inverse, offset = _inverse(tracks.to(shown), centres)
    where = _points(shown.shape[3], shown.shape[4], sharper).to(shown)
    # Empty is -1, and what lies outside of the picture is read as 0.
    drawn = _looked_up(shown + 1, _mapped(inverse, offset, where)) - 1
    if sharper == 1:
        return drawn
    return F.avg_pool3d(drawn, (1, sharper, sharper))


def at_rest(moving: Clips, tracks: Tracks, centres: Float[Tensor, "b 2"]) -> Clips:
    """What moves so, as it would look had it not moved; 0 where that lies outside of the picture.

    Args:
        moving: frames in which things have moved; 0 is nothing.
        tracks: how they have.
        centres: about which, from `centres_of` their first frames.
    """
    inverse, offset = _inverse(tracks.to(moving), centres)
    there = torch.linalg.inv(inverse)
    ahead = -torch.einsum("bfij,bfj->bfi", there, offset)
    where = _points(moving.shape[3], moving.shape[4], 1).to(moving)
    return _looked_up(moving, _mapped(there, ahead, where))


def in_motion(resting: Clips, tracks: Tracks, centres: Float[Tensor, "b 2"]) -> Clips:
    """The inverse of `at_rest`, to the blur of looking up between pixels."""
    inverse, offset = _inverse(tracks.to(resting), centres)
    where = _points(resting.shape[3], resting.shape[4], 1).to(resting)
    return _looked_up(resting, _mapped(inverse, offset, where))


def _mapped(
    matrices: Float[Tensor, "b f 2 2"],
    offsets: Float[Tensor, "b f 2"],
    where: Float[Tensor, "y x 2"],
) -> Float[Tensor, "b f y x 2"]:
    """Each frame's map of places in the picture."""
    return torch.einsum("bfij,yxj->bfyxi", matrices, where) + offsets[:, :, None, None]


def _looked_up(clips: Clips, places: Float[Tensor, "b f y x 2"]) -> Float[Tensor, "b c f y x"]:
    """Frames at places given in shorter sides, bilinear; 0 outside of them."""
    height, width = clips.shape[3:]
    sides = torch.tensor([width, height]).to(clips) / min(height, width)
    grid = rearrange(2 * places / sides - 1, "b f y x i -> (b f) y x i")
    flat = rearrange(clips, "b c f h w -> (b f) c h w")
    found = F.grid_sample(flat, grid, align_corners=False)
    return rearrange(found, "(b f) c y x -> b c f y x", b=len(clips))


def _points(height: int, width: int, sharper: int) -> Float[Tensor, "y x 2"]:
    """Places in the picture in shorter sides: right, down."""
    side = min(height, width) * sharper
    rows, columns = (torch.arange(count * sharper) + 0.5 for count in (height, width))
    return torch.stack(torch.meshgrid(columns / side, rows / side, indexing="xy"), -1)


def _inverse(
    tracks: Tracks, centres: Float[Tensor, "b 2"]
) -> tuple[Float[Tensor, "b f 2 2"], Float[Tensor, "b f 2"]]:
    """From a place in a moved frame to the one in the first: ``S^-1 R^T (p - c - t) + c``."""
    cos, sin = tracks[..., 4].cos(), tracks[..., 4].sin()
    rows = (torch.stack([cos, sin], -1), torch.stack([-sin, cos], -1))
    turned = torch.stack(rows, -2)
    inverse = turned / tracks[..., 2:4].exp()[..., None]
    there = centres[:, None] + tracks[..., :2]
    return inverse, centres[:, None] - torch.einsum("bfij,bfj->bfi", inverse, there)
