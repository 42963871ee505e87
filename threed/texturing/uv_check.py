"""Whether the texture coordinates that a mesh brings along can carry a texture of its own."""

from dataclasses import dataclass

from common.raster.mesh import TriangleMesh
from threed.texturing.distortion import Distortion, distortion, page_areas, stretched_share


@dataclass(frozen=True)
class UvLimits:
    """What texture coordinates must keep."""

    max_outside: float = 1e-4
    """How far coordinates may lie outside [0, 1]."""
    max_overlap: float = 0.01
    """Share of the charts' area that may lie on other charts: two places would share texels."""
    min_coverage: float = 0.1
    """Share of the page that must be used."""
    max_empty: float = 0.001
    """Share of the surface's area whose faces may have no area on the page."""
    stretched: float = 8.0
    """Faces stretched more than this (1: as all should be) have too few texels one way."""
    max_stretched: float = 0.05
    """Share of the surface's area that may be stretched so."""


@dataclass(frozen=True)
class UvVerdict:
    """What is wrong with texture coordinates, and their figures."""

    reasons: tuple[str, ...]
    """Why they are refused, in words; empty: they are good."""
    figures: Distortion | None
    """None where they cannot be measured."""

    @property
    def good(self) -> bool:
        """Whether they can be kept."""
        return not self.reasons


def judged_uvs(mesh: TriangleMesh, limits: UvLimits | None = None, size: int = 1024) -> UvVerdict:
    """Check texture coordinates: present, finite, inside the page, apart, and well used.

    Args:
        mesh: with or without texture coordinates.
        limits: None: the defaults.
        size: texels along each side of the grid that overlaps are counted on.
    """
    from threed.meshing.pieces import face_areas
    from threed.meshing.triangles import triangles_of

    chosen = limits or UvLimits()
    if mesh.uvs is None:
        return UvVerdict(("there are none",), None)
    if not bool(mesh.uvs.isfinite().all()):
        return UvVerdict(("some are not finite",), None)
    outside = max(float(-mesh.uvs.min()), float(mesh.uvs.max()) - 1)
    if outside > chosen.max_outside:
        return UvVerdict((f"they reach {outside:.3g} beyond [0, 1]",), None)
    surface = face_areas(triangles_of(mesh))
    if not surface.sum() > 0:
        return UvVerdict(("the surface has no area",), None)
    empty = float(surface[(page_areas(mesh) == 0).numpy()].sum() / surface.sum())
    figures = distortion(mesh, size)
    reasons = []
    if empty > chosen.max_empty:
        reasons.append(f"{empty:.1%} of the surface has no area on the page")
    elif (share := stretched_share(mesh, chosen.stretched)) > chosen.max_stretched:
        reasons.append(f"{share:.1%} of the surface is stretched more than {chosen.stretched:g}")
    if figures.overlap > chosen.max_overlap:
        reasons.append(f"{figures.overlap:.1%} of the charts' area lies on other charts")
    if figures.coverage < chosen.min_coverage:
        reasons.append(f"they use {figures.coverage:.1%} of the page")
    return UvVerdict(tuple(reasons), figures)
