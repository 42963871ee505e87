"""How far apart two surfaces are, and the points of a mesh that can be seen."""

import torch
from einops import rearrange
from jaxtyping import Float

from common.cameras import Cameras
from common.raster.interpolate import interpolate
from common.raster.mesh import TriangleMesh
from common.raster.rasterize import rasterize


def chamfer_cm(first: Float[torch.Tensor, "n 3"], second: Float[torch.Tensor, "m 3"]) -> float:
    """Half the sum of both mean distances to the other's nearest point, metres to centimetres."""
    from scipy.spatial import cKDTree

    points = [one.detach().cpu().numpy() for one in (first, second)]
    there, _ = cKDTree(points[1]).query(points[0])
    back, _ = cKDTree(points[0]).query(points[1])
    return 50 * float(there.mean() + back.mean())


def seen_points(mesh: TriangleMesh, cameras: Cameras) -> Float[torch.Tensor, "n 3"]:
    """Where the rays through all pixels' centres meet a mesh: nothing of what is inside it.

    Meshes of parts overlap within, where a surface from pictures has nothing; so points of all
    triangles would tell the two apart although they look alike.
    """
    seen = rasterize(mesh.vertices, mesh.faces, cameras.to(mesh.vertices.dtype))
    points = interpolate(mesh.vertices, mesh.faces, seen)
    return rearrange(points, "v h w c -> (v h w) c")[seen.covered.flatten()]
