"""A mesh or a cloud of any size and place, brought into the unit sphere and drawn there.

Near planes are in metres: what is a millimetre or a kilometre large would be cut off elsewhere.
"""

import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from threed.measures.cloud_views import Frame, frame_of, framed_cloud
from threed.measures.render_back import framed
from threed.rendering.gaussians import render
from threed.scenes.gaussian_cloud import GaussianCloud

_PICTURES = 16
"""Rendered at a time, which bounds memory."""


def framed_scene(scene: TriangleMesh | GaussianCloud) -> tuple[TriangleMesh | GaussianCloud, Frame]:
    """The scene in the unit sphere, and where it was.

    Raises:
        InputError: a mesh that is a point, a cloud in which nothing can be seen.
    """
    if isinstance(scene, GaussianCloud):
        frame = frame_of(scene)
        return framed_cloud(scene, frame), frame
    low, high = (one.double() for one in (scene.vertices.amin(0), scene.vertices.amax(0)))
    x, y, z = ((low + high) / 2).tolist()
    return framed(scene, scene), Frame((x, y, z), float(0.5 * (high - low).norm()))


def drawn_scene(scene: TriangleMesh | GaussianCloud, cameras: Cameras) -> Float[Tensor, "v h w 4"]:
    """Unshaded pictures, premultiplied RGBA as a screen shows it: colours at most their alpha."""
    parts = [
        _drawn(scene, cameras[begin : begin + _PICTURES])
        for begin in range(0, len(cameras), _PICTURES)
    ]
    return torch.cat(parts)


def _drawn(scene: TriangleMesh | GaussianCloud, cameras: Cameras) -> Float[Tensor, "v h w 4"]:
    if isinstance(scene, TriangleMesh):
        return render_mesh(scene, cameras, lighting=FLAT_LIGHTING).rgba.clamp(0, 1)
    with torch.no_grad():
        seen = render(scene, cameras.to(scene.means.dtype)).rgba.float()
    return torch.cat([seen[..., :3].clamp_min(0).minimum(seen[..., 3:]), seen[..., 3:]], -1)
