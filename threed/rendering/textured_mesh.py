"""Pictures of a textured mesh whose gradients reach texels and vertices."""

import torch
from jaxtyping import Float, Int, Int32
from torch import Tensor
from torch.nn import functional

from common.cameras import Cameras
from common.raster.antialias import antialias
from common.raster.color import linear_to_srgb, srgb_to_linear
from common.raster.interpolate import interpolate
from common.raster.rasterize import rasterize
from common.raster.texture import mip_level, sample_texture, texture_pyramid, uv_jacobian
from threed.rendering.rendered import Rendered

SUPERSAMPLE = 2
_LEAST = 1e-4


def render_textured(
    vertices: Float[Tensor, "n 3"],
    faces: Int[Tensor, "m 3"],
    uvs: Float[Tensor, "n_uv 2"],
    uv_faces: Int[Tensor, "m 3"],
    texture: Float[Tensor, "t t 3"],
    cameras: Cameras,
    neighbours: Int32[Tensor, "m 3"],
) -> Rendered:
    """Unshaded colours, premultiplied, differentiable in vertices and texture.

    Texels are looked up with mip levels and averaged in linear light over 2 x 2 points a pixel;
    silhouettes are blended by how far they reach into a point's square (`antialias`), which is what
    moves the vertices.

    Args:
        vertices: positions.
        faces: corners.
        uvs: texture coordinates.
        uv_faces: corners as rows of ``uvs``.
        texture: sRGB-encoded, in [0, 1].
        cameras: where from.
        neighbours: from `common.raster.topology.face_neighbours`.
    """
    fine = cameras.scaled(SUPERSAMPLE)
    fragments = rasterize(vertices, faces, fine)
    uv = interpolate(uvs, uv_faces, fragments)
    jacobian = uv_jacobian(uvs, uv_faces, vertices, faces, fine, fragments)
    level = mip_level(jacobian, *texture.shape[:2])
    linear = sample_texture(texture_pyramid(srgb_to_linear(texture)), uv, level=level)
    covered = fragments.covered[..., None].to(linear.dtype)
    whole = torch.cat([linear * covered, covered], -1)
    blended = antialias(whole, vertices, faces, fine, fragments, neighbours=neighbours)
    pixels = _pooled(blended)
    opacity = pixels[..., 3]
    straight = pixels[..., :3] / opacity.clamp_min(_LEAST)[..., None]
    depth = _pooled(torch.cat([fragments.depth[..., None] * covered, covered], -1))
    mean_depth = depth[..., 0] / depth[..., 1].clamp_min(_LEAST)
    return Rendered(linear_to_srgb(straight) * opacity[..., None], opacity, mean_depth, None)


def _pooled(values: Float[Tensor, "v h w c"]) -> Float[Tensor, "v h2 w2 c"]:
    """Means over the points of each pixel."""
    planes = functional.avg_pool2d(values.movedim(-1, 1), SUPERSAMPLE)
    return planes.movedim(1, -1).contiguous()
