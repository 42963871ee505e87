"""What a judge is shown of an asset's front, and from where it is taken for one."""

from collections.abc import Iterable
from typing import Any

import torch
from einops import rearrange

from common.cameras import Cameras
from common.embedded.image_unet import FRONT, View
from common.embedded.orbit import cameras_on_orbit
from common.judging.azimuth import RIGHT_WITHIN_DEG, degrees_apart
from common.judging.judging import look
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from common.shapes import Images
from threed.front_place import VIEW_M, FrontPlace, front_camera, front_place
from threed.measures.front_count import count_fronts
from threed.measures.silhouettes import silhouettes

ROUND = tuple(View(15.0 * step, FRONT.elevation_deg) for step in range(24))
"""From where fronts are looked for."""
EMOJI_FILL = 0.9
"""Share of a picture that the longer side of an emoji takes: 115 of 128 pixels, in the mean."""


def close_front(mesh: TriangleMesh, size_px: int) -> Images:
    """The front, ``1 4 h w``, premultiplied in [-1, 1], as large in the picture as emoji are.

    The orbit's front camera, its picture cut out and enlarged about the object's middle: the
    perspective stays as it is.
    """
    camera = cameras_on_orbit([FRONT], size_px)
    place = front_place(silhouettes(mesh, camera).expand(4, -1, -1))
    larger = EMOJI_FILL * size_px * place.metres_per_px
    row, column = (size_px / 2 + larger * (size_px / 2 - at) for at in (place.row, place.column))
    near = front_camera(FrontPlace(VIEW_M / size_px / larger, row, column), size_px, size_px)
    return _pictures(mesh, near)


def fronts_told(judge: Any, mesh: TriangleMesh) -> int:
    """On how many sides the judge sees a front, by where it says that it looks from.

    Args:
        judge: from ``load_judge``.
        mesh: textured.
    """
    size_px = judge.architecture.size_px
    seen = look(judge, _pictures(mesh, cameras_on_orbit(ROUND, size_px)))
    front = torch.zeros_like(seen.azimuths_deg)
    return count_fronts(degrees_apart(seen.azimuths_deg, front) <= RIGHT_WITHIN_DEG)


def have_one_front(judge: Any, truths: Iterable[TriangleMesh]) -> bool:
    """Whether the judge tells one front on each of the true instances of a thing."""
    return all(fronts_told(judge, truth) == 1 for truth in truths)


def _pictures(mesh: TriangleMesh, cameras: Cameras) -> Images:
    seen = render_mesh(mesh, cameras, supersample=2, lighting=FLAT_LIGHTING)
    return rearrange(seen.rgba, "v h w c -> v c h w") * 2 - 1
