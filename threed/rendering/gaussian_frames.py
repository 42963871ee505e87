"""The steps of splatting as calls of kernels on arrays: project, deal to tiles, draw, and back."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from common.cameras import Cameras
from common.errors import InputError
from common.raster.threads import run_blocks
from threed.rendering.gaussian_gradient_kernels import Gradients, gather_block
from threed.rendering.gaussian_pixel_kernels import (
    MOMENTS,
    Numbers,
    Pictures,
    draw_tiles,
    undraw_tiles,
)
from threed.rendering.gaussian_projection_kernels import (
    GEOMETRY,
    Cloud,
    Splats,
    Views,
    project_block,
)
from threed.rendering.gaussian_tile_kernels import (
    BANDS,
    TILE,
    Lists,
    count_tiles,
    deal_bands,
    sort_views,
)

if TYPE_CHECKING:
    from threed.rendering.gaussians import Splatting

GAUSSIAN_BLOCK = 512
GAUSSIAN_BLOCKS = 8
"""Blocks of Gaussians are `GAUSSIAN_BLOCK` at least, and so many at most."""
TILE_BLOCKS = 64
"""Into how many blocks a call's tiles are cut at most, for threads to take."""
MIN_TILES = 4
"""Tiles of a block at least: handing one over takes as long as drawing half a tile."""
_GROWN = 0.15
"""The Jacobian is taken within the picture grown by this share of its size on each side."""


class Drawn(NamedTuple):
    """Pictures and the lists of splats that they were drawn from."""

    pictures: Pictures
    lists: Lists


def kernel_cloud(tensors: Sequence[Tensor]) -> Cloud:
    """Detached contiguous parameters as the kernels take them."""
    return Cloud(*(one.detach().numpy() for one in tensors))


def frame_of(cameras: Cameras, splatting: "Splatting") -> Views:
    """Cameras and options as the kernels take them."""
    w2c = cameras.w2c.detach().double().numpy()
    k = cameras.intrinsics.detach().double().numpy()
    turns, offsets = w2c[:, :3, :3].copy(), w2c[:, :3, 3].copy()
    fx, skew, fy, cx, cy = k[:, 0, 0], k[:, 0, 1], k[:, 1, 1], k[:, 0, 2], k[:, 1, 2]
    width, height = cameras.width, cameras.height
    limits = [
        (-_GROWN * width - cx) / fx, ((1 + _GROWN) * width - cx) / fx,
        (-_GROWN * height - cy) / fy, ((1 + _GROWN) * height - cy) / fy,
    ]  # fmt: skip
    return Views(
        turns, offsets, np.stack([fx, skew, fy, cx, cy], 1), np.stack(limits, 1),
        -(turns * offsets[:, :, None]).sum(1),  # the centres, -R^T t
        height, width, splatting.near_m, splatting.blur_px2, splatting.antialiased,
    )  # fmt: skip


def project(cloud: Cloud, views: Views, shifts: NDArray, with_normals: bool) -> Splats:
    """The splats of all Gaussians in all views."""
    dtype, count = cloud.means.dtype, len(views.offsets) * len(cloud.means)
    splats = Splats(
        np.empty((count, GEOMETRY + (7 if with_normals else 4)), dtype),
        np.empty((count, 4), np.int32), np.empty(count, dtype), np.empty(count, dtype),
        np.empty(count, np.uint8),
    )  # fmt: skip
    at_once = _gaussians_at_once(len(cloud.means))
    run_blocks(project_block, len(cloud.means), at_once, cloud, views, shifts, splats)
    if splats.wrong.any():
        i = int(splats.wrong.argmax()) % len(cloud.means)
        raise InputError(
            f"Gaussian {i} has no picture: mean {cloud.means[i].tolist()}, "
            f"log_scales {cloud.log_scales[i].tolist()}, quaternion "
            f"{cloud.quaternions[i].tolist()}; quaternions need a length above 0, and scales a "
            "size that can be squared"
        )
    return splats


def draw(splats: Splats, views: Views) -> Drawn:
    """Deal the splats to tiles and draw them."""
    num_views, grid = len(views.offsets), _grid(views)
    counts = np.empty(len(splats.boxes), np.int64)
    run_blocks(count_tiles, len(counts), 64 * GAUSSIAN_BLOCK, splats.boxes, counts)
    order, lengths = _sorted(splats, counts, num_views)
    cursors = np.zeros(num_views * grid[0] * grid[1], np.int64)
    deal = (order, lengths, splats.boxes, grid)
    run_blocks(deal_bands, num_views * BANDS, 1, *deal, cursors, np.empty(0, np.int32))
    starts, firsts = _starts(cursors), _starts(counts)
    dealt = np.empty(starts[-1], np.int32)
    if len(dealt):
        run_blocks(deal_bands, num_views * BANDS, 1, *deal, starts[:-1].copy(), dealt)
    lists, dtype = Lists(dealt, starts, firsts), splats.rows.dtype
    shape = (num_views, views.height, views.width)
    channels = splats.rows.shape[1] - GEOMETRY
    pictures = Pictures(
        np.empty((*shape, channels), dtype), np.empty(shape, dtype), np.empty(shape, np.int32)
    )
    tiles = len(cursors)
    run_blocks(
        draw_tiles, tiles, _tiles_at_once(tiles), splats, lists, grid, Numbers.of(dtype),
        pictures,
    )  # fmt: skip
    return Drawn(pictures, lists)


def gradients(
    cloud: Cloud,
    views: Views,
    splats: Splats,
    drawn: Drawn,
    grad_features: NDArray,
    grad_left: NDArray,
) -> Gradients:
    """Of the cloud's parameters and the splats' centres, given those of the pictures."""
    lists, dtype, tiles = drawn.lists, splats.rows.dtype, len(drawn.lists.starts) - 1
    slots = np.zeros((lists.firsts[-1], MOMENTS + grad_features.shape[3]), dtype)
    run_blocks(
        undraw_tiles, tiles, _tiles_at_once(tiles), splats, lists, _grid(views),
        Numbers.of(dtype), drawn.pictures, grad_features, grad_left, slots,
    )  # fmt: skip
    centres = np.zeros((len(views.offsets), len(cloud.means), 2), dtype)
    means, log_scales, quaternions, logits, sh = (np.zeros_like(one) for one in cloud)
    found = Gradients(means, log_scales, quaternions, logits, sh, centres)
    run_blocks(
        gather_block, len(cloud.means), _gaussians_at_once(len(cloud.means)), cloud, views, splats,
        lists.firsts, slots, found,
    )  # fmt: skip
    return found


def _grid(views: Views) -> tuple[int, int]:
    """Rows and columns of tiles of a view."""
    return -(-views.height // TILE), -(-views.width // TILE)


def _gaussians_at_once(count: int) -> int:
    return max(-(-count // GAUSSIAN_BLOCKS), GAUSSIAN_BLOCK)


def _tiles_at_once(count: int) -> int:
    return max(-(-count // TILE_BLOCKS), MIN_TILES)


def _sorted(splats: Splats, counts: NDArray, num_views: int) -> tuple[NDArray, NDArray]:
    bits = splats.depths.view(np.uint32 if splats.depths.dtype == np.float32 else np.uint64)
    shape = (num_views, len(counts) // num_views)
    order, spare = np.empty(shape, np.int64), np.empty(shape, np.int64)
    lengths = np.empty(num_views, np.int64)
    keys, counts = bits.reshape(shape), counts.reshape(shape)
    run_blocks(sort_views, num_views, 1, keys, counts, order, spare, lengths)
    return order, lengths


def _starts(counts: NDArray) -> NDArray:
    """Where each run begins, and where the last ends."""
    starts = np.zeros(len(counts) + 1, np.int64)
    np.cumsum(counts, out=starts[1:])
    return starts
