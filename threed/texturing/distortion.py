"""How evenly a texture lies on a surface, and how much of the page it uses.

Stretch (Sander, Snyder, Gortler and Hoppe 2001, "Texture mapping progressive meshes"): with the
largest and smallest singular values ``G >= g`` of the map from the page to the surface at a face,
``L2^2 = (G^2 + g^2) / 2``, ``Linf = G``; over the mesh ``L2`` is the root mean square weighted by
surface area, and ``Linf`` the maximum. Both are scaled by ``sqrt(page area / surface area)``, so
that 1 is the best there can be: equal areas, no angle changed.
"""

from dataclasses import dataclass

import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.raster.mesh import TriangleMesh, corner_positions
from common.raster.rasterize import Fragments
from threed.texturing.page import page_fragments


@dataclass(frozen=True)
class Distortion:
    """Figures of a parametrisation."""

    stretch_l2: float
    """From 1 on; infinite if some face with an area has none on the page."""
    stretch_linf: float
    """From 1 on."""
    coverage: float
    """Share of the page that charts cover, counted in texel centres; overlaps count once."""
    overlap: float
    """Share of the charts' area that lies on others: ``1 - covered / sum of areas``, from 0."""


def page_corners(mesh: TriangleMesh) -> Float[Tensor, "m 3 2"]:
    """Texture coordinates of every triangle's corners.

    Raises:
        InputError: the mesh has none.
    """
    if mesh.uvs is None:
        raise InputError("the mesh has no texture coordinates: see unwrap")
    corners = mesh.faces if mesh.uv_faces is None else mesh.uv_faces
    return mesh.uvs.detach().double()[corners.long()]


def page_areas(mesh: TriangleMesh) -> Float[Tensor, " m"]:
    """Areas of the triangles on the page of area 1, negative where they are mirrored."""
    a, b, c = page_corners(mesh).unbind(1)
    ab, ac = b - a, c - a
    return 0.5 * (ab[:, 0] * ac[:, 1] - ab[:, 1] * ac[:, 0])


def distortion(
    mesh: TriangleMesh, size: int = 1024, *, fragments: Fragments | None = None
) -> Distortion:
    """Stretch and coverage of a mesh's texture coordinates.

    Args:
        mesh: with texture coordinates in [0, 1].
        size: texels along each side that coverage is counted in.
        fragments: from `page_fragments` of that size, if known already.
    """
    areas = page_areas(mesh)
    seen = page_fragments(mesh, size) if fragments is None else fragments
    covered = float(seen.covered.double().mean())
    total = float(areas.abs().sum())
    l2, linf = stretch(mesh)
    overlap = max(1 - covered / total, 0.0) if total > 0 else 0.0
    return Distortion(l2, linf, covered, overlap)


def stretch(mesh: TriangleMesh) -> tuple[float, float]:
    """``L2`` and ``Linf`` stretch, 1 at best; faces without area on the surface do not count."""
    largest, mean_square, surface = _face_stretch(mesh)
    l2 = ((mean_square * surface).sum() / surface.sum()).sqrt()
    return float(l2), float(largest.amax())


def stretched_share(mesh: TriangleMesh, limit: float) -> float:
    """Share of the surface's area on faces whose largest singular value is above a limit.

    Scaled like the stretch: 1 is even. One needle of a face can make ``L2`` large, but not this.
    """
    largest, _, surface = _face_stretch(mesh)
    return float(surface[largest > limit].sum() / surface.sum())


def _face_stretch(
    mesh: TriangleMesh,
) -> tuple[Float[Tensor, " real"], Float[Tensor, " real"], Float[Tensor, " real"]]:
    """Of the faces with an area: ``G``, ``(G^2 + g^2) / 2``, both scaled, and the area."""
    p, q, r = page_corners(mesh).unbind(1)
    corners = corner_positions(mesh.vertices.detach().double(), mesh.faces)
    ab, ac = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    surface = 0.5 * torch.linalg.cross(ab, ac).norm(dim=-1)
    page = page_areas(mesh)
    real = surface > 1e-12 * surface.max()
    if not bool(real.any()):
        raise InputError("a surface without area has no stretch")
    ab, ac, surface, page = ab[real], ac[real], surface[real], page[real]
    e, f, double = (q - p)[real], (r - p)[real], (2 * page)[:, None]
    ds, dt = (ab * f[:, 1:] - ac * e[:, 1:]) / double, (ac * e[:, :1] - ab * f[:, :1]) / double
    a, b, c = (ds * ds).sum(-1), (ds * dt).sum(-1), (dt * dt).sum(-1)
    scale = page.abs().sum() / surface.sum()
    largest = (0.5 * (a + c + ((a - c).square() + 4 * b.square()).sqrt()) * scale).sqrt()
    empty = page == 0
    infinite = torch.full_like(page, float("inf"))
    return (
        torch.where(empty, infinite, largest),
        torch.where(empty, infinite, 0.5 * (a + c) * scale),
        surface,
    )
