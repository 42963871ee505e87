"""Whether a mesh is a picture on a plate rather than a body."""

from dataclasses import dataclass

import torch
from einops import einsum
from jaxtyping import Float
from torch import Tensor

from common.cameras import orbit_cameras
from common.embedded.orbit import DISTANCE_M, FOVY_DEG
from common.raster.mesh import TriangleMesh, corner_positions
from threed.measures.silhouettes import silhouettes

AZIMUTHS = 16
SIZE_PX = 96
MAX_BILLBOARD_THINNESS = 0.08
MAX_BILLBOARD_SIDE_SHARE = 0.12


@dataclass(frozen=True)
class Flatness:
    """How flat a mesh is, in two ways. 1 is a ball; what counts as flat depends on the object."""

    thinness: float
    """Smallest over largest principal extent of the surface."""
    side_share: float
    """Smallest over largest area of the outline, on a round about the object at its height."""

    @property
    def is_billboard(self) -> bool:
        """Flatter than any body: both measures below 0.08 and 0.12.

        Thin things that are so in truth (a key, a pizza seen lying) pass one of the two, or are to
        be compared with the flatness of what they should be.
        """
        flat = self.thinness < MAX_BILLBOARD_THINNESS
        return flat and self.side_share < MAX_BILLBOARD_SIDE_SHARE


def flatness(mesh: TriangleMesh) -> Flatness:
    """Both measures of a mesh of the usual size, about the origin."""
    values = torch.linalg.eigvalsh(surface_covariance(mesh.vertices.double(), mesh.faces))
    extents = values.clamp_min(0).sqrt()
    azimuths = [360.0 * i / AZIMUTHS for i in range(AZIMUTHS)]
    cameras = orbit_cameras(azimuths, 0.0, DISTANCE_M, FOVY_DEG, SIZE_PX, SIZE_PX)
    areas = silhouettes(mesh, cameras).sum((1, 2))
    return Flatness(float(extents[0] / extents[2]), float(areas.min() / areas.max()))


def surface_covariance(vertices: Float[Tensor, "n 3"], faces: Tensor) -> Float[Tensor, "3 3"]:
    """Covariance of a point drawn evenly from the triangles' surface, in closed form.

    Over one triangle with corners ``a, b, c`` and mean ``m``:
    ``E[x x^T] = (9 m m^T + a a^T + b b^T + c c^T) / 12``.
    """
    corners = corner_positions(vertices, faces)
    a, b, c = corners.unbind(1)
    area = torch.linalg.cross(b - a, c - a).norm(dim=-1)
    share = area / area.sum()
    centres = corners.mean(1)
    second = 9 * einsum(share, centres, centres, "m, m i, m j -> i j")
    second = second + einsum(share, corners, corners, "m, m corner i, m corner j -> i j")
    mean = einsum(share, centres, "m, m i -> i")
    return second / 12 - mean[:, None] * mean
