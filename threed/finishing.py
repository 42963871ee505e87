"""From a fitted scene to a textured mesh: surface, texture coordinates, texture."""

from dataclasses import dataclass, field

from common.raster.mesh import TriangleMesh
from threed.meshing.level import fitted_surface
from threed.meshing.surface import SurfaceOptions
from threed.scenes.voxel_field import VoxelField
from threed.texturing.bake import BakeOptions, Pictures, baked
from threed.texturing.unwrap import unwrap


@dataclass(frozen=True)
class FinishOptions:
    """How a scene is turned into a mesh."""

    surface: SurfaceOptions = field(default_factory=SurfaceOptions)
    bake: BakeOptions = field(default_factory=BakeOptions)
    padding_texels: int = 8
    """Least distance between charts: mip levels up to three do not mix them."""
    bake_pictures: bool = True
    """Whether the pictures' own pixels go into the texture, or the scene's colours alone."""


@dataclass(frozen=True, eq=False)
class FinishedMesh:
    """A mesh that is ready for `threed.textured_trimesh`, and how it came about."""

    mesh: TriangleMesh
    """With texture coordinates and texture; closed, facing outward."""
    level: float
    """Raw density at the surface."""
    silhouette_iou: float
    """Mean overlap of its outlines with those of the pictures."""


def finished(
    scene: VoxelField, pictures: Pictures, options: FinishOptions | None = None
) -> FinishedMesh:
    """Mesh the field where its outlines fit the pictures best, unwrap it and bake its texture.

    Args:
        scene: the fitted field.
        pictures: what it was fitted to, or renders of it: outlines choose the surface, colours may
            go into the texture.
        options: None: the defaults.

    Raises:
        InputError: the field is empty.
    """
    chosen = options or FinishOptions()
    surface = fitted_surface(scene, pictures.rgba[..., 3], pictures.cameras, chosen.surface)
    page = unwrap(surface.mesh, chosen.bake.size, chosen.padding_texels)
    shown = pictures if chosen.bake_pictures else None
    return FinishedMesh(baked(page, scene, shown, chosen.bake), surface.level, surface.iou)
