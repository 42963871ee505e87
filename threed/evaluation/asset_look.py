"""What can be said of one asset without knowing the others."""

from collections.abc import Iterable
from dataclasses import dataclass

import torch
from einops import rearrange
from torch import Tensor

from common.cameras import Cameras
from common.embedded.image_unet import FRONT, View
from common.embedded.orbit import cameras_on_orbit
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from common.shapes import Images
from threed.measures.billboard import flatness
from threed.measures.ellipsoid import best_ellipsoid, ellipsoid_iou
from threed.measures.silhouettes import mesh_iou, silhouettes

SIDES = tuple(View(azimuth, FRONT.elevation_deg) for azimuth in (0.0, 90.0, 180.0, 270.0))
"""From where an asset is shown; the front first."""
AROUND = tuple(View(45.0 * step, FRONT.elevation_deg) for step in range(8))
"""From where outlines are compared."""
_OUTLINE_PX = 96


@dataclass(frozen=True)
class OutlineScore:
    """Mean overlaps with the outlines of the true shape that the asset is most like, in [0, 1]."""

    iou: float
    """Of the asset."""
    ellipsoid_iou: float
    """Of the ellipsoid that fits those outlines best: what a shapeless lump could reach."""


@dataclass(frozen=True, eq=False)
class AssetLook:
    """What one asset is like."""

    sides: Images
    """Its pictures from `SIDES`, premultiplied RGBA in [-1, 1], without light."""
    is_billboard: bool
    silhouette_iou: float
    """Overlap of its outlines with those of the views it was made from."""
    outlines: OutlineScore | None
    """None where no true shape is known."""
    true_outlines: OutlineScore | None = None
    """The same of one more true shape in the asset's place: what can be reached."""


def side_pictures(mesh: TriangleMesh, size_px: int) -> Images:
    """A textured mesh from `SIDES`."""
    cameras = cameras_on_orbit(SIDES, size_px)
    seen = render_mesh(mesh, cameras, supersample=2, lighting=FLAT_LIGHTING)
    return rearrange(seen.rgba, "v h w c -> v c h w") * 2 - 1


def asset_look(
    mesh: TriangleMesh, silhouette_iou: float, truths: Iterable[TriangleMesh], size_px: int
) -> AssetLook:
    """Look at an asset from all sides and compare its outlines with those of true shapes.

    Args:
        mesh: centred, +Y up, front +Z, on the scale of `common.embedded.orbit`.
        silhouette_iou: carried over.
        truths: shapes that it may have, and one more, which is compared with them as assets are;
            none leaves outlines uncompared.
        size_px: side of the pictures.
    """
    cameras = cameras_on_orbit(AROUND, _OUTLINE_PX)
    shapes = list(truths)
    references = [silhouettes(truth, cameras) for truth in shapes[:-1]]
    return AssetLook(
        side_pictures(mesh, size_px), flatness(mesh).is_billboard, silhouette_iou,
        _outline_score(mesh, references, cameras),
        _outline_score(shapes[-1], references, cameras) if references else None,
    )  # fmt: skip


def _outline_score(
    mesh: TriangleMesh, references: list[Tensor], cameras: Cameras
) -> OutlineScore | None:
    if not references:
        return None
    overlaps = torch.stack([mesh_iou(mesh, one, cameras).mean() for one in references])
    best = int(overlaps.argmax())
    lump = best_ellipsoid(references[best], cameras)
    reached = ellipsoid_iou(lump, references[best], cameras).mean()
    return OutlineScore(float(overlaps[best]), float(reached))
