"""Where a fit begins: a box about the visual hull, a soft body in it, and where matter may be."""

import math

import torch
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from common.cameras import Cameras
from common.errors import InputError
from threed.scenes.visual_hull import mean_colour, silhouette_support
from threed.scenes.voxel_field import (
    EMPTY_RAW,
    Corner,
    VoxelField,
    node_positions,
    raw_of_colour,
    uniform_field,
)

SEARCH_NODES = 49
MARGIN_CELLS = 2
SOLID_RAW = 3.0
"""Raw density deep inside the first body: a coarse cell of it is opaque."""


def allowed_nodes(
    field: VoxelField, alpha: Float[Tensor, "v h w"], cameras: Cameras, margin_px: int
) -> Bool[Tensor, "x y z"]:
    """Nodes that all silhouettes, grown by a margin, cover; edges of pictures go on beside them."""
    points = node_positions(field).reshape(-1, 3)
    grown = functional.max_pool2d(alpha, 2 * margin_px + 1, 1, margin_px) if margin_px else alpha
    support = silhouette_support(grown, cameras, points, edges_go_on=True)
    return (support > 0.1).view(field.density.shape)


def cells_of(nodes: Bool[Tensor, "x y z"]) -> Bool[Tensor, "x_cells y_cells z_cells"]:
    """Cells with at least one of the nodes."""
    return functional.max_pool3d(nodes.float()[None], 2, 1)[0] > 0


def hull_box(
    alpha: Float[Tensor, "v h w"],
    cameras: Cameras,
    within: tuple[Corner, Corner],
    num_cells: int,
    margin_px: int,
) -> VoxelField:
    """An empty field of cubic cells in a box about the visual hull.

    The box is as small as the hull, a margin and whole cells allow, and symmetric in x, so that
    fields can be compared with their mirror image.

    Args:
        alpha: the silhouettes.
        cameras: of the silhouettes.
        within: low and high corner of the space that is searched.
        num_cells: cells along the longest side.
        margin_px: by how much silhouettes are grown.

    Raises:
        InputError: no point is covered by all silhouettes.
    """
    space = uniform_field((SEARCH_NODES,) * 3, low=within[0], high=within[1])
    found = allowed_nodes(space, alpha, cameras, margin_px)
    if not bool(found.any()):
        raise InputError(
            "the pictures' silhouettes have no point of space in common; are they of one object, "
            "with their own cameras?"
        )
    places = node_positions(space)[found]
    reach = torch.tensor(space.cell_m)
    low, high = places.amin(0) - reach, places.amax(0) + reach
    high[0] = torch.maximum(high[0], -low[0])
    low[0] = -high[0]
    middle, sides = (low + high) / 2, (high - low).tolist()
    cell = max(sides) / (num_cells - 2 * MARGIN_CELLS)
    counts = [min(math.ceil(side / cell) + 2 * MARGIN_CELLS, num_cells) for side in sides]
    half = torch.tensor(counts) * cell / 2
    x, y, z = (count + 1 for count in counts)
    return uniform_field((x, y, z), low=_corner(middle - half), high=_corner(middle + half))


def hull_body(
    field: VoxelField,
    rgba: Float[Tensor, "v h w 4"],
    cameras: Cameras,
    blur_cells: float,
) -> VoxelField:
    """The field with the blurred visual hull as its matter, painted with what the views show."""
    from scipy import ndimage

    points = node_positions(field).reshape(-1, 3)
    support = silhouette_support(rgba[..., 3], cameras, points).view(field.density.shape)
    solid = (support > 0.5).float().numpy()
    blurred = torch.from_numpy(ndimage.gaussian_filter(solid, blur_cells) if blur_cells else solid)
    colour = mean_colour(rgba, cameras, points).clamp(0, 1).view(*field.density.shape, 3)
    return VoxelField(
        SOLID_RAW * (2 * blurred - 1), raw_of_colour(colour).contiguous(), field.low, field.high
    )


def emptied(field: VoxelField, allowed: Bool[Tensor, "x y z"]) -> VoxelField:
    """The field with nothing where matter may not be."""
    density = torch.where(allowed, field.density, EMPTY_RAW)
    return VoxelField(density, field.colour, field.low, field.high)


def _corner(point: Tensor) -> Corner:
    x, y, z = point.tolist()
    return x, y, z
