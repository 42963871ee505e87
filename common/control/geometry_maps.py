"""Depth and normals as pictures, the way the union ControlNet reads them.

Depth: brighter is nearer, empty ground is black. Normals: red to the right, green up, blue towards
the viewer, each from -1 (0) to 1 (255); empty ground is black.
"""

import torch
from jaxtyping import Float
from torch import Tensor

FARTHEST = 0.25
"""Brightness of the farthest point of a thing: clearly not the ground."""
_FLAT = 1e-6


def depth_map(depth: Float[Tensor, "*v h w"]) -> Float[Tensor, "*v h w"]:
    """Nearness ``1 / z`` of each picture: `FARTHEST` at its farthest point, 1 at its nearest.

    Args:
        depth: z in any unit; 0 where empty.
    """
    there = depth > 0
    near = torch.where(there, 1 / depth.clamp(min=_FLAT), 0.0)
    high = near.amax((-2, -1), keepdim=True)
    low = torch.where(there, near, high).amin((-2, -1), keepdim=True)
    span = (high - low).clamp(min=_FLAT)
    return torch.where(there, FARTHEST + (1 - FARTHEST) * (near - low) / span, 0.0)


def normal_map(
    normals: Float[Tensor, "v h w 3"], w2c: Float[Tensor, "v 4 4"]
) -> Float[Tensor, "v h w 3"]:
    """World normals as the camera sees them, in [0, 1].

    Args:
        normals: unit vectors; 0 where empty.
        w2c: OpenCV's world-to-camera matrices: x right, y down, z away.
    """
    seen = torch.einsum("vij,vhwj->vhwi", w2c[:, :3, :3].to(normals), normals)
    flipped = seen * torch.tensor([1.0, -1.0, -1.0], device=seen.device)
    there = (normals**2).sum(-1, keepdim=True) > 0.5
    return torch.where(there, (flipped.clamp(-1, 1) + 1) / 2, 0.0)


def unit_vectors(vectors: Float[Tensor, "*b 3 h w"]) -> Float[Tensor, "*b 3 h w"]:
    """Vectors of length 1; nothing stays nothing. Much faster here than a norm over that axis."""
    return vectors * (vectors * vectors).sum(-3, keepdim=True).clamp(min=_FLAT**2).rsqrt()
