"""A mesh from a file cleaned, brought down to a budget of faces, and textured anew where needed."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from common.raster.mesh import TriangleMesh, vertex_normals
from threed.conversion.options import Cleaning
from threed.drawable import drawable_with_uvs
from threed.files.losses import alpha_losses, map_losses
from threed.meshing.cleaning import CleanOptions, CleanReport, cleaned
from threed.meshing.creases import flat_normals, with_crease_normals
from threed.meshing.decimation import decimated
from threed.texturing.carried_texture import carried_texture
from threed.texturing.unwrap import UnwrapOptions, unwrapped

if TYPE_CHECKING:
    import trimesh

DEFAULT_TEXTURE_PX = 1024
PADDING_TEXELS = 19
"""Least distance between charts: mip levels up to four do not mix them."""


@dataclass(frozen=True, eq=False)
class TidyMesh:
    """What came out, and what happened on the way."""

    mesh: "trimesh.Trimesh"
    losses: tuple[str, ...]
    notes: tuple[str, ...]
    """What was done, a sentence each."""


def tidied(
    mesh: "trimesh.Trimesh",
    cleaning: Cleaning | None,
    max_faces: int | None,
    texture_px: int | None,
) -> TidyMesh:
    """Clean, decimate, unwrap and texture, as far as asked; untouched if nothing is.

    Args:
        mesh: upright, in metres, with a material of glTF's kind.
        cleaning: None for none.
        max_faces: more are merged; None keeps all. Only clean meshes are decimated, so this cleans.
        texture_px: side of the texture; None makes one only where one got lost on the way.
    """
    if cleaning is None and max_faces is None and texture_px is None:
        return TidyMesh(mesh, (), ())
    given = drawable_with_uvs(mesh)
    made, notes = given, []
    too_many = max_faces is not None and len(given.faces) > max_faces
    if cleaning is not None or too_many:
        chosen = cleaning or Cleaning()
        options = CleanOptions(chosen.weld, min_piece=chosen.min_piece,
                               max_hole_edges=chosen.max_hole_edges)  # fmt: skip
        result = cleaned(given, options)
        made = result.mesh
        notes.append(_said_of(result.report))
    if max_faces is not None and len(made.faces) > max_faces:
        before = len(made.faces)
        made = decimated(_bare(made), max_faces)
        notes.append(f"Decimated from {before:,} to {len(made.faces):,} faces.")
    if made is not given and (made.normals is None or flat_normals(given)):
        made = with_crease_normals(made)
    lost = given.texture is not None and made.texture is None
    if lost or texture_px is not None:
        made, said = _textured(made, given, texture_px or DEFAULT_TEXTURE_PX)
        notes += said
    losses = (*map_losses(mesh), *alpha_losses(mesh))
    return TidyMesh(_as_trimesh(made, mesh), losses, tuple(notes))


def _textured(
    mesh: TriangleMesh, source: TriangleMesh, size: int
) -> tuple[TriangleMesh, list[str]]:
    """The mesh with texture coordinates, its own if they are good, and the source's colours."""
    page = unwrapped(mesh, UnwrapOptions(size, PADDING_TEXELS))
    said = [f"{reason[0].upper()}{reason[1:]}." for reason in page.reasons]
    if page.way == "kept" and page.mesh.texture is not None:
        return page.mesh, said
    figures = page.figures
    said.append(
        f"Texture coordinates: {page.way}, stretch {figures.stretch_l2:.2f}, "
        f"{figures.coverage:.0%} of the page used."
    )
    return carried_texture(page.mesh, source, size, 2 if size <= DEFAULT_TEXTURE_PX else 1), said


def _bare(mesh: TriangleMesh) -> TriangleMesh:
    """Without what does not survive a collapse of edges."""
    return replace(mesh, uvs=None, uv_faces=None, texture=None, normals=None, normal_faces=None)


def _as_trimesh(mesh: TriangleMesh, given: "trimesh.Trimesh") -> "trimesh.Trimesh":
    """For export, with the factors of the given mesh's material."""
    import trimesh
    from PIL import Image
    from trimesh.visual import ColorVisuals, TextureVisuals
    from trimesh.visual.material import PBRMaterial

    normals = vertex_normals(mesh.vertices, mesh.faces) if mesh.normals is None else mesh.normals
    normal_faces = mesh.faces if mesh.normal_faces is None else mesh.normal_faces
    uv_faces = mesh.faces if mesh.uv_faces is None else mesh.uv_faces
    keys = torch.stack([mesh.faces.flatten(), normal_faces.flatten(), uv_faces.flatten()], -1)
    rows, faces = np.unique(keys.numpy(), axis=0, return_inverse=True)
    own: Any = given.visual
    material: Any = getattr(own, "material", None)
    factors = PBRMaterial(
        metallicFactor=getattr(material, "metallicFactor", None) or 0.0,
        roughnessFactor=_or_one(getattr(material, "roughnessFactor", None)),
        baseColorFactor=[255, 255, 255, 255],
        doubleSided=None,  # the exporter looks whether the surface is open
    )
    if mesh.texture is not None and mesh.uvs is not None:
        pixels = (mesh.texture.clamp(0, 1) * 255).round().byte().numpy()
        factors.baseColorTexture = Image.fromarray(pixels)
        if mesh.vertex_colors is not None:  # the factor, which `drawable_mesh` put there
            factors.baseColorFactor = getattr(material, "baseColorFactor", None)
        visual: Any = TextureVisuals(uv=mesh.uvs.numpy()[rows[:, 2]], material=factors)
    elif own.kind == "face" and mesh.face_colors is not None:
        visual = ColorVisuals(face_colors=_bytes(mesh.face_colors))
    elif own.kind == "vertex" and mesh.vertex_colors is not None:
        visual = ColorVisuals(vertex_colors=_bytes(mesh.vertex_colors)[rows[:, 0]])
    else:
        factors.baseColorFactor = getattr(material, "baseColorFactor", [204, 204, 204, 255])
        uvs = None if mesh.uvs is None else mesh.uvs.numpy()[rows[:, 2]]
        visual = TextureVisuals(uv=uvs, material=factors)
    return trimesh.Trimesh(
        mesh.vertices.numpy()[rows[:, 0]], faces.reshape(-1, 3),
        vertex_normals=normals.numpy()[rows[:, 1]], visual=visual, process=False,
    )  # fmt: skip


def _or_one(value: float | None) -> float:
    return 1.0 if value is None else value


def _bytes(colours: torch.Tensor) -> np.ndarray:
    return (colours.clamp(0, 1) * 255).round().byte().numpy()


def _said_of(report: CleanReport) -> str:
    left = f"{report.border_edges:,} open edges are left" if report.border_edges else "closed"
    return (
        f"Cleaned: {report.vertices_merged:,} vertices merged, {report.faces_removed:,} faces "
        f"removed, {report.faces_turned:,} turned, {report.branching_edges:,} edges of more than "
        f"two faces cut, {report.holes_closed:,} holes closed; {left}."
    )
