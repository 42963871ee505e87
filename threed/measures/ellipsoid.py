"""The ellipsoid that fits silhouettes best: what a shape must beat to be more than a blob.

An ellipsoid's outline is a conic in closed form. With its dual quadric ``Q* = M diag(1, 1, 1, -1)
M^T`` (``M`` maps the unit sphere to it) and the camera matrix ``P``, the outline is ``x^T C x = 0``
with ``C = (P Q* P^T)^-1`` (Hartley and Zisserman 2004, Multiple view geometry, result 8.9).
"""

from dataclasses import dataclass

import torch
from einops import einsum, rearrange, repeat
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from threed.measures.silhouettes import silhouette_iou
from threed.scenes.visual_hull import silhouette_support

STEPS = 200
LEARNING_RATE = 0.02
EDGE_PX = 1.0
"""How wide the outline's slope is while fitting, which makes the overlap differentiable."""
HULL_NODES = 32
BOX_M = 0.8


@dataclass(frozen=True, eq=False)
class Ellipsoid:
    """The image of the unit ball under ``shape @ x + centre``, metres."""

    centre: Float[Tensor, "3"]
    shape: Float[Tensor, "3 3"]


def best_ellipsoid(reference: Float[Tensor, "v h w"], cameras: Cameras) -> Ellipsoid:
    """The ellipsoid, anywhere and turned any way, whose outlines overlap most with the reference.

    It starts with the moments of the visual hull (a solid ellipsoid's covariance is its squared
    semi-axes over 5) and climbs the overlap of soft outlines with Adam, 200 steps in float64.
    Deterministic.

    Args:
        reference: alpha channels, in [0, 1]; an object within 0.8 m of the origin along each axis.
        cameras: of the reference.
    """
    wanted, views = reference.double(), cameras.to(torch.float64)
    start = _hull_moments(wanted, views)
    centre = start.centre.clone().requires_grad_()
    shape = start.shape.clone().requires_grad_()
    optimizer = torch.optim.Adam([centre, shape], lr=LEARNING_RATE * float(start.shape.norm()))
    best, highest = start, -1.0
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] *= 0.1 ** (1 / STEPS) if step else 1.0
        here = Ellipsoid(centre, shape)
        distance = outline_distance(here, views)
        overlap = _soft_iou(torch.sigmoid(4 * distance / EDGE_PX), wanted)
        true = float(silhouette_iou((distance.detach() > 0).double(), wanted).mean())
        if true > highest:
            best, highest = Ellipsoid(centre.detach().clone(), shape.detach().clone()), true
        optimizer.zero_grad()
        (-overlap).backward()
        optimizer.step()
    return best


def ellipsoid_iou(
    ellipsoid: Ellipsoid, reference: Float[Tensor, "v h w"], cameras: Cameras
) -> Float[Tensor, " v"]:
    """Overlap of the ellipsoid's outlines with alpha channels, view by view."""
    distance = outline_distance(ellipsoid, cameras.to(torch.float64))
    return silhouette_iou((distance > 0).to(reference.dtype), reference)


def outline_distance(ellipsoid: Ellipsoid, cameras: Cameras) -> Float[Tensor, "v h w"]:
    """How far each pixel centre is inside the outline, in pixels to first order; negative outside.

    ``x^T C x`` divided by the length of its gradient (Sampson's distance). The ellipsoid must be
    wholly in front of all cameras.
    """
    corner = torch.eye(4, dtype=ellipsoid.shape.dtype)
    lifted = torch.cat([ellipsoid.shape, ellipsoid.centre[:, None]], 1)
    matrix = torch.cat([lifted, corner[3:]])
    signs = matrix.new_tensor([1.0, 1.0, 1.0, -1.0])
    dual = einsum(matrix, signs, matrix, "i k, k, j k -> i j")
    camera = cameras.intrinsics @ cameras.w2c[:, :3]
    outline = torch.linalg.inv(einsum(camera, dual, camera, "v i k, k l, v j l -> v i j"))
    rows = torch.arange(cameras.height, dtype=dual.dtype) + 0.5
    columns = torch.arange(cameras.width, dtype=dual.dtype) + 0.5
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    points = torch.stack([x, y, torch.ones_like(x)], -1)
    slope = einsum(outline, points, "v i j, h w j -> v h w i")
    value = (slope * points).sum(-1)
    return -value * _inside_sign(outline) / (2 * slope[..., :2].norm(dim=-1)).clamp_min(1e-12)


def _inside_sign(outline: Tensor) -> Tensor:
    """1 where the conic matrix is negative inside, -1 where it is positive: its centre decides."""
    middle = torch.linalg.solve(outline[:, :2, :2], -outline[:, :2, 2])
    centre = torch.cat([middle, torch.ones_like(middle[:, :1])], 1)
    value = einsum(outline, centre, centre, "v i j, v i, v j -> v")
    return rearrange(-value.detach().sign(), "v -> v 1 1")


def _soft_iou(soft: Tensor, wanted: Tensor) -> Tensor:
    both, either = torch.minimum(soft, wanted), torch.maximum(soft, wanted)
    return (both.sum((1, 2)) / either.sum((1, 2))).mean()


def _hull_moments(alpha: Tensor, cameras: Cameras) -> Ellipsoid:
    axis = torch.linspace(-BOX_M, BOX_M, HULL_NODES, dtype=torch.float64)
    grid = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).reshape(-1, 3)
    inside = grid[silhouette_support(alpha, cameras, grid) >= 0.5]
    if len(inside) < 4:  # thinner than the grid: a ball half a cell wide will do to begin with
        return Ellipsoid(grid.new_zeros(3), torch.eye(3, dtype=torch.float64) * BOX_M / HULL_NODES)
    centre = inside.mean(0)
    spread = (inside - centre).T @ (inside - centre) / len(inside)
    cell = 2 * BOX_M / (HULL_NODES - 1)
    spread = spread + torch.eye(3, dtype=torch.float64) * cell**2 / 12
    values, vectors = torch.linalg.eigh(5 * spread)
    return Ellipsoid(centre, vectors * repeat(values.clamp_min(1e-8).sqrt(), "k -> i k", i=3))
