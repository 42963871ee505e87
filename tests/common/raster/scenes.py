"""Meshes and cameras that several tests draw."""

import numpy as np
import torch
from torch import Tensor

from common.cameras import Cameras, orbit_cameras


def triangle_soup(
    seed: int, num_faces: int = 30, dtype: torch.dtype = torch.float64, size: float = 0.5
) -> tuple[Tensor, Tensor]:
    """Random triangles around the origin that pass through each other; shared corners included."""
    rng = np.random.default_rng(seed)
    centres = rng.uniform(-0.6, 0.6, (num_faces, 1, 3))
    corners = centres + rng.uniform(-size, size, (num_faces, 3, 3))
    vertices = torch.from_numpy(corners.reshape(-1, 3)).to(dtype)
    faces = torch.arange(3 * num_faces).view(-1, 3)
    faces[num_faces // 2 :, 0] = faces[: num_faces - num_faces // 2, 1]
    return vertices, faces


def sphere(subdivisions: int = 3, dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """A closed unit sphere of ``20 * 4^subdivisions`` triangles, outward faces."""
    import trimesh

    mesh = trimesh.creation.icosphere(subdivisions=subdivisions)
    vertices = torch.from_numpy(np.array(mesh.vertices)).to(dtype)
    return vertices, torch.from_numpy(np.array(mesh.faces))


def square(dtype: torch.dtype = torch.float64) -> tuple[Tensor, Tensor]:
    """The square |x|, |y| <= 1 at z = 0, facing +Z."""
    corners = [[-1.0, -1, 0], [1, -1, 0], [1, 1, 0], [-1, 1, 0]]
    return torch.tensor(corners, dtype=dtype), torch.tensor([[0, 1, 2], [0, 2, 3]])


def pixel_camera(height: int, width: int, dtype: torch.dtype = torch.float64) -> Cameras:
    """A camera at distance 1 for which world (x, y, 0) appears at pixel (x, height - y)."""
    w2c = torch.diag(torch.tensor([1.0, -1.0, -1.0, 1.0], dtype=dtype))[None]
    w2c[0, :3, 3] = torch.tensor([0.0, float(height), 1.0], dtype=dtype)
    return Cameras(w2c, torch.eye(3, dtype=dtype)[None], height, width)


def front(
    size: int = 32, distance: float = 3.0, fovy: float = 45.0, dtype: torch.dtype = torch.float64
) -> Cameras:
    """One view from slightly above and to the side."""
    return orbit_cameras(20.0, 15.0, distance, fovy, size, size + 5, dtype=dtype)
