"""Figures of a painted texture: seen and filled texels, seams, agreement with its views."""

from dataclasses import dataclass, replace

import torch
from jaxtyping import Bool, Float
from torch import Tensor

from common.cameras import Cameras
from common.raster.color import srgb_to_linear
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from threed.measures.render_back import interior_psnr
from threed.texturing.gutters import filled
from threed.texturing.page import chart_texels
from threed.texturing.seams import seam_steps
from threed.turntable import Turntable, turntable_cameras

_AROUND = 8
_HEIGHTS_DEG = (-60.0, -15.0, 20.0, 65.0)


@dataclass(frozen=True)
class SeamFigures:
    """Steps of colour, root mean squares over the three channels, of values in [0, 1]."""

    across: float
    """Between the two sides of cuts, at the same points of the surface."""
    beside: float
    """Between neighbouring texels within charts."""

    @property
    def ratio(self) -> float:
        """Below about 1, seams are no more to be seen than the texture's own detail."""
        return self.across / max(self.beside, 1e-6)


def seam_figures(mesh: TriangleMesh, owned: Bool[Tensor, "h w"]) -> SeamFigures:
    """How visible the cuts of a texture are; 0 across where there are none.

    Args:
        mesh: with a texture.
        owned: its texels in charts.
    """
    assert mesh.texture is not None
    steps = seam_steps(mesh)
    across = float(steps.double().square().mean().sqrt()) if len(steps) else 0.0
    squares = []
    for axis in (0, 1):
        count = mesh.texture.shape[axis] - 1
        here, there = mesh.texture.narrow(axis, 0, count), mesh.texture.narrow(axis, 1, count)
        both = owned.narrow(axis, 0, count) & owned.narrow(axis, 1, count)
        squares.append((here - there)[both].double().square().flatten())
    beside = torch.cat(squares)
    return SeamFigures(across, float(beside.mean().sqrt()) if len(beside) else 0.0)


def shown_again_db(mesh: TriangleMesh, rgba: Float[Tensor, "v h w 4"], cameras: Cameras) -> float:
    """PSNR in dB of unshaded renders against the pictures that the mesh was painted with."""
    shown = render_mesh(mesh, cameras, lighting=FLAT_LIGHTING).rgba
    return interior_psnr(shown, rgba)


def guessed_share(mesh: TriangleMesh, seen: Bool[Tensor, "h w"], size_px: int = 192) -> float:
    """Share of what 32 views all round, above and below, show that no painted view has shown.

    Args:
        mesh: with texture coordinates, a metre long.
        seen: texels that a view has shown.
        size_px: side of the views.
    """
    guessed = filled((~seen).float()[..., None], chart_texels(mesh, len(seen)))
    marked = replace(mesh, texture=guessed.repeat(1, 1, 3), vertex_colors=None, face_colors=None)
    total = surface = 0.0
    for height in _HEIGHTS_DEG:
        cameras = turntable_cameras(Turntable(_AROUND, size_px, elevation_deg=height))
        shown = render_mesh(marked, cameras, lighting=FLAT_LIGHTING).rgba
        total += float(srgb_to_linear(shown[..., 0]).sum())
        surface += float(shown[..., 3].sum())
    return total / surface
