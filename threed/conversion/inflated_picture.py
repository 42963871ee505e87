"""A cut-out picture blown up like a balloon: a first shape for a scene that begins as a picture.

The height ``z`` over the picture's plane solves

    laplace(z^2) = -4 inside of the outline,   z = 0 on it,

so that a disc becomes a ball, and a shape is as thick as it is wide at each place (the membrane of
Repoussé, Joshi and Carr 2008, with the square that makes its edge round). Front and back are alike
and show the picture, which is laid on from the front.
"""

from pathlib import Path

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Bool, Float
from scipy import ndimage, sparse
from scipy.sparse.linalg import spsolve
from torch.nn import functional

from common.raster.mesh import TriangleMesh
from threed.front import read_front

SUFFIXES = (".jpeg", ".jpg", ".png", ".webp")
"""Of files that are taken for pictures."""
_MOST_PX = 96
"""Of the longest side of the outline that is blown up; the texture is as fine as the picture."""
_MOST_TEXELS = 1024


def is_picture(path: Path) -> bool:
    """Whether a file is a picture, by its suffix."""
    return path.suffix.lower() in SUFFIXES


def inflated_picture(path: Path, thickness: float = 1.0) -> TriangleMesh:
    """The mesh of a picture's outline, its longest side a metre, in the plane of x and y.

    Args:
        path: with transparency around the object.
        thickness: times what is as thick as wide.

    Raises:
        InputError: unreadable, without transparency, or empty.
    """
    picture = _cropped(read_front(path))
    scale = min(_MOST_PX / max(picture.shape[1:]), 1.0)
    size = [max(round(side * scale), 1) for side in picture.shape[1:]]
    small = functional.interpolate(picture[None, 3:], size, mode="bilinear", antialias=True)
    # two pixels of margin hold the ring where front and back meet
    mask = np.pad(small[0, 0].numpy() > 0.5, 2)
    points, faces = closed_sheets(mask, thickness * heights(mask))
    extent = max(size)
    # the ring is half a pixel outside of the outline on either side
    places = points[:, :2] + np.array([0.5 - 2, 0.5 - 2])
    shares = places / np.array([size[1], size[0]])
    xy = (places - np.array([size[1], size[0]]) / 2) / extent * np.array([1.0, -1.0])
    vertices = np.concatenate([xy, points[:, 2:] / extent], 1)
    uvs = np.stack([shares[:, 0], 1 - shares[:, 1]], 1).clip(0, 1)
    return TriangleMesh(
        torch.from_numpy(vertices).float(), torch.from_numpy(faces).int(),
        uvs=torch.from_numpy(uvs).float(), texture=_filled(picture),
    )  # fmt: skip


def heights(mask: Bool[np.ndarray, "h w"]) -> Float[np.ndarray, "h w"]:
    """``z`` in pixels at every pixel: the five-point Laplacian, solved exactly; 0 outside."""
    number = np.full(mask.shape, -1)
    number[mask] = np.arange(mask.sum())
    rows, columns = np.nonzero(mask)
    own = number[rows, columns]
    pairs = [(own, own, np.full(len(own), 4.0))]
    for down, right in ((1, 0), (-1, 0), (0, 1), (0, -1)):
        there = number[rows + down, columns + right]
        inside = there >= 0
        pairs.append((own[inside], there[inside], np.full(int(inside.sum()), -1.0)))
    i, j, values = (np.concatenate(parts) for parts in zip(*pairs, strict=True))
    squares = np.zeros(mask.shape)
    solved = spsolve(sparse.csc_matrix((values, (i, j))), np.full(len(own), 4.0))
    squares[mask] = np.maximum(solved, 0)
    return np.sqrt(squares)


def closed_sheets(
    mask: Bool[np.ndarray, "h w"], height: Float[np.ndarray, "h w"]
) -> tuple[Float[np.ndarray, "n 3"], np.ndarray]:
    """Front and back over all squares of pixels that touch the mask, one ring of points in common.

    Returns points ``(column, row, z)``, and triangles that are wound outward where rows go down.
    """
    ring = ndimage.binary_dilation(mask, np.ones((3, 3))) & ~mask
    front = np.full(mask.shape, -1)
    front[mask] = np.arange(mask.sum())
    back = front + mask.sum()
    both = np.arange(ring.sum()) + 2 * mask.sum()
    front[ring] = both
    back[ring] = both
    rows, columns = np.nonzero(mask)
    edge = np.nonzero(ring)
    z = height[rows, columns]
    points = np.concatenate([
        np.stack([columns, rows, z], 1), np.stack([columns, rows, -z], 1),
        np.stack([edge[1], edge[0], np.zeros(len(edge[0]))], 1),
    ]).astype(np.float64)  # fmt: skip
    touched = mask[:-1, :-1] | mask[:-1, 1:] | mask[1:, :-1] | mask[1:, 1:]
    top, left = np.nonzero(touched)

    def sheet(number: np.ndarray) -> np.ndarray:
        a, b = number[top, left], number[top, left + 1]
        c, d = number[top + 1, left], number[top + 1, left + 1]
        triangles = np.concatenate([np.stack([a, c, b], 1), np.stack([b, c, d], 1)])
        # those between points of the ring alone would lie on each other, front on back
        return triangles[(triangles < 2 * mask.sum()).any(1)]

    return points, np.concatenate([sheet(front), sheet(back)[:, ::-1]])


def _cropped(picture: Float[torch.Tensor, "4 h w"]) -> Float[torch.Tensor, "4 hh ww"]:
    """What is more than half opaque, to its edges."""
    solid = picture[3] > 0.5
    rows, columns = solid.any(1).nonzero()[:, 0], solid.any(0).nonzero()[:, 0]
    return picture[:, int(rows[0]) : int(rows[-1]) + 1, int(columns[0]) : int(columns[-1]) + 1]


def _filled(picture: Float[torch.Tensor, "4 h w"]) -> Float[torch.Tensor, "hh ww 3"]:
    """The picture's colours, those of the nearest solid pixel where it is transparent."""
    scale = min(_MOST_TEXELS / max(picture.shape[1:]), 1.0)
    size = [max(round(side * scale), 1) for side in picture.shape[1:]]
    sized = functional.interpolate(picture[None], size, mode="bilinear", antialias=True)[0]
    rgb, alpha = sized[:3] / sized[3:].clamp_min(1e-6), sized[3].numpy()
    nearest = ndimage.distance_transform_edt(
        alpha <= 0.5, return_distances=False, return_indices=True
    )
    rows, columns = torch.from_numpy(nearest).long()
    return rearrange(rgb[:, rows, columns], "c h w -> h w c").clamp(0, 1).contiguous()
