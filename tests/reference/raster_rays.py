"""A ray caster: Moller and Trumbore's intersection (1997) of every ray with every triangle.

Shares nothing with the rasterizer: no projection, no edge functions, no clipping.
"""

from dataclasses import dataclass

import numpy as np
import torch

from common.cameras import Cameras, rays

BAND = 1e-3
"""Rays closer than this (in pixels) to any edge may go either way after snapping."""


@dataclass(frozen=True)
class Hits:
    face_index: np.ndarray
    barycentric: np.ndarray
    depth: np.ndarray
    certain: np.ndarray
    """Not within the band around an edge, nor between equal depths, nor at the near plane."""


def cast(vertices: torch.Tensor, faces: torch.Tensor, cameras: Cameras, near: float) -> Hits:
    """First hits of one view, in float64."""
    origins, directions = (one[0].reshape(-1, 3).numpy() for one in rays(cameras.to(torch.float64)))
    forward = cameras.w2c[0, 2, :3].double().numpy()
    a, b, c = vertices.double().numpy()[faces.numpy()].transpose(1, 0, 2)
    edge1, edge2 = b - a, c - a
    normal = np.cross(directions[:, None], edge2[None])
    det = (normal * edge1).sum(-1)
    from_corner = origins[:, None] - a[None]
    with np.errstate(divide="ignore", invalid="ignore"):
        u = (normal * from_corner).sum(-1) / det
        q = np.cross(from_corner, edge1[None])
        v = (q * directions[:, None]).sum(-1) / det
        distance = (q * edge2).sum(-1) / det
    depth = distance * (directions @ forward)[:, None]
    where = np.stack([1 - u - v, u, v], -1)
    inside = np.nan_to_num(where, nan=-1.0).min(-1) >= 0
    on_near_plane = (inside & (np.abs(depth / near - 1) < 0.02)).any(1)
    depth = np.where(inside & (depth >= near), depth, np.inf)
    best = depth.argmin(1)
    rows = np.arange(len(best))
    first, second = np.sort(np.pad(depth, ((0, 0), (0, 1)), constant_values=np.inf), 1)[:, :2].T
    hit = np.isfinite(first)
    tied = second < first * (1 + 1e-6) + 1e-6
    shape = (cameras.height, cameras.width)
    near_edge = _near_edges(vertices.double().numpy(), faces.numpy(), cameras)
    certain = ~(near_edge | on_near_plane | (hit & tied))
    return Hits(
        np.where(hit, best, -1).reshape(shape),
        np.where(hit[:, None], where[rows, best], 0).reshape(*shape, 3),
        np.where(hit, depth[rows, best], 0).reshape(shape),
        certain.reshape(shape),
    )


def _near_edges(vertices: np.ndarray, faces: np.ndarray, cameras: Cameras) -> np.ndarray:
    """Pixel centres within the band of any edge's line on the picture."""
    w2c, k = cameras.w2c[0].double().numpy(), cameras.intrinsics[0].double().numpy()
    seen = (vertices @ w2c[:3, :3].T + w2c[:3, 3])[faces]
    x, y = np.meshgrid(np.arange(cameras.width) + 0.5, np.arange(cameras.height) + 0.5)
    pixels = np.stack([x, y, np.ones_like(x)], -1).reshape(-1, 3)
    close = np.zeros(len(pixels), bool)
    for i in range(3):
        line = np.cross(seen[:, i], seen[:, (i + 1) % 3]) @ np.linalg.inv(k)
        length = np.maximum(np.linalg.norm(line[:, :2], axis=1), 1e-300)
        close |= (np.abs(pixels @ line.T) / length < BAND).any(1)
    return close
