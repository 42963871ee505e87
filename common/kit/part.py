"""One part of an object: a mesh with a colour, a finish and a pattern."""

from dataclasses import dataclass, replace

from common.kit.materials import SATIN, Material
from common.kit.mesh import Mesh
from common.kit.palette import Paint
from common.kit.patterns import Pattern, Plain


@dataclass(frozen=True)
class Part:
    """A named part; several parts of an object may share a name (two wheels, one part each)."""

    name: str
    mesh: Mesh
    paint: Paint
    material: Material = SATIN
    pattern: Pattern = Plain()

    def with_mesh(self, mesh: Mesh) -> "Part":
        """The same part in another shape or place."""
        return replace(self, mesh=mesh)
