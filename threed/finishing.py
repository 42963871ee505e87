"""From a fitted scene to a textured mesh: surface, texture coordinates, texture."""

from dataclasses import dataclass, field, replace

from common.raster.mesh import TriangleMesh
from threed.meshing.decimation import decimated
from threed.meshing.level import fitted_surface
from threed.meshing.surface import SurfaceOptions
from threed.optimise.fit_mesh import MeshFit, fit_mesh
from threed.optimise.fit_outline import OutlineFit, fit_outline
from threed.rendering.volume import render
from threed.scenes.voxel_field import VoxelField
from threed.texturing.bake import BakeOptions, Pictures, baked
from threed.texturing.picture_size import resized_cameras, resized_pictures, size_within
from threed.texturing.refine import RefineOptions, refined_texture
from threed.texturing.seams import levelled
from threed.texturing.unwrap import UnwrapOptions, Unwrapped, unwrapped

_FIT_PX, _FIT_TEXTURE_PX = 192, 512
"""Sides of pictures and texture while vertices move, which finer details would not move."""


@dataclass(frozen=True)
class FinishOptions:
    """How a scene is turned into a mesh."""

    surface: SurfaceOptions = field(default_factory=SurfaceOptions)
    max_faces: int | None = None
    """More faces than this are decimated; None: as many as the grid gives."""
    bake: BakeOptions = field(default_factory=BakeOptions)
    padding_texels: int = 19
    """Least distance between charts: mip levels up to four do not mix them."""
    unwrap_deadline_s: float = 60.0
    """Seconds after which charts are made by box projection instead of xatlas."""
    bake_pictures: bool = True
    """Whether the pictures' own pixels go into the texture, or the scene's colours alone."""
    shape: MeshFit | None = None
    """How the vertices are moved until the mesh looks like the pictures; None: they are not. For
    pictures that agree with each other, such as renders."""
    outline: OutlineFit | None = None
    """How the vertices are moved until the mesh has the outlines of given pictures; None: they are
    not."""
    refine: RefineOptions | None = None
    """How the texture is refined until renders look like the pictures, or like the scene if these
    are not baked; None: it is not. It wins what sampling lost, and fits what pictures do not agree
    about, too: worth it for sharp, true pictures."""


@dataclass(frozen=True, eq=False)
class FinishedMesh:
    """A mesh that is ready for `threed.textured_trimesh`, and how it came about."""

    mesh: TriangleMesh
    """With texture coordinates and texture; closed, facing outward."""
    level: float
    """Raw density at the surface."""
    silhouette_iou: float
    """Mean overlap of its outlines, before decimation, with those of the pictures."""
    unwrapped: Unwrapped
    """How it came to its texture coordinates."""


def finished(
    scene: VoxelField,
    pictures: Pictures,
    options: FinishOptions | None = None,
    given: Pictures | None = None,
) -> FinishedMesh:
    """Mesh the field where its outlines fit the pictures best, unwrap it and bake its texture.

    Args:
        scene: the fitted field.
        pictures: what it was fitted to, or renders of it: outlines choose the surface, colours may
            go into the texture.
        options: None: the defaults.
        given: pictures that are right, whatever the others show; the texture is theirs where they
            show the surface.

    Raises:
        InputError: the field is empty.
    """
    chosen = options or FinishOptions()
    surface = fitted_surface(scene, pictures.rgba[..., 3], pictures.cameras, chosen.surface)
    bare = surface.mesh if chosen.max_faces is None else decimated(surface.mesh, chosen.max_faces)
    page = unwrapped(
        bare,
        UnwrapOptions(chosen.bake.size, chosen.padding_texels, chosen.unwrap_deadline_s),
    )
    mesh = page.mesh if chosen.shape is None else _moved(page.mesh, scene, pictures, chosen.shape)
    if given is not None and chosen.outline is not None:
        mesh = _outlined(mesh, given, chosen.outline)
    mesh = baked(mesh, scene, pictures if chosen.bake_pictures else None, chosen.bake, given)
    if chosen.refine is not None and chosen.refine.num_steps:
        rgba = pictures.rgba if chosen.bake_pictures else render(scene, pictures.cameras).rgba
        *_, last = refined_texture(mesh, rgba.detach(), pictures.cameras, chosen.refine)
        mesh = levelled(last.mesh) if chosen.bake.level_seams else last.mesh
    return FinishedMesh(mesh, surface.level, surface.iou, page)


def _moved(
    mesh: TriangleMesh, scene: VoxelField, pictures: Pictures, options: MeshFit
) -> TriangleMesh:
    """The mesh, without a texture, where it looks most like the pictures."""
    size = size_within(pictures.cameras, _FIT_PX)
    cameras = resized_cameras(pictures.cameras, size)
    rgba = resized_pictures(pictures.rgba.detach(), size)
    start = baked(mesh, scene, pictures, BakeOptions(_FIT_TEXTURE_PX, 1, level_seams=False))
    *_, last = fit_mesh(start, rgba, cameras, options)
    return replace(last.mesh, texture=None)


def _outlined(mesh: TriangleMesh, given: Pictures, options: OutlineFit) -> TriangleMesh:
    """The mesh, without a texture, with the outlines of given pictures."""
    *_, last = fit_outline(mesh, given.rgba[..., 3].detach(), given.cameras, options)
    return replace(last.mesh, texture=None)
