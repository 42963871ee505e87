"""What a method makes of a prompt."""

from dataclasses import dataclass, replace

from common.raster.mesh import TriangleMesh
from common.runs.state import State
from threed.candidates import Candidates
from threed.conversion.placed_source import Placement
from threed.edit_pictures import EditPictures
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
    placement: Placement | None = None
    """How the file that it began as was brought into the scene."""
    candidates: Candidates | None = None
    """The fronts that were chosen from, if there were several."""
    edit: EditPictures | None = None
    """Before and after, if it was edited."""
    past: State = None
    """What the loss of its distillation remembers, as `threed.distillation.past.past_of` takes
    it."""

    def in_files_world(self) -> "MadeAsset":
        """Mesh and cloud with the size and place of the file that they began as."""
        if self.placement is None:
            return self
        cloud = None if self.cloud is None else self.placement.cloud_back(self.cloud)
        return replace(self, mesh=self.placement.back(self.mesh), cloud=cloud)
