"""What a method makes of a prompt."""

from dataclasses import dataclass

from common.raster.mesh import TriangleMesh
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.texturing.bake import Pictures


@dataclass(frozen=True, eq=False)
class MadeAsset:
    """A textured mesh, and what it came from."""

    mesh: TriangleMesh
    pictures: Pictures
    """Views that were drawn, or renders of the scene: what the mesh was fitted to."""
    silhouette_iou: float
    """Mean overlap of the mesh's outlines with those of the pictures."""
    cloud: GaussianCloud | None = None
    """The scene, if it is a cloud."""
