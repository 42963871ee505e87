"""The light of the embedded prior's pictures taken off again, so that a texture is albedo.

The prior draws things as the pictures it learned from were lit: by a hemisphere and two lights
fixed to the object (`common.embedded.studio_light`), after which colours were enriched. For a matte
surface of known normal both can be undone in linear light:

    albedo = (grey + (c - grey) / saturation) / E(n)

with the irradiance ``E`` of the normal. Shadows in creases stay.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn.functional import avg_pool2d

from common.embedded.studio_light import STUDIO_LIGHTING, STUDIO_SATURATION
from common.raster.color import linear_to_srgb, srgb_to_linear
from common.raster.shading import shade

_LEAST = 0.35
"""Least irradiance that is divided by: what is darker would show the prior's noise."""
_SOFT_PX = 5
_LUMINANCE = (0.2126, 0.7152, 0.0722)


def irradiance(normals: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """Light that a white matte surface of these normals sends back, from `_LEAST` to 1.

    Args:
        normals: unit, in the world of the prior: +Y up, front +Z.
    """
    white, frame = torch.ones_like(normals), torch.eye(3).to(normals)
    return shade(white, normals, normals, STUDIO_LIGHTING, frame).clamp(_LEAST, 1.0)


def unlit(colours: Float[Tensor, "n 3"], light: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """The albedo of colours under some `irradiance`; both colours sRGB-encoded, in [0, 1]."""
    rich = srgb_to_linear(colours)
    grey = (rich * rich.new_tensor(_LUMINANCE)).sum(-1, keepdim=True)
    plain = torch.lerp(grey, rich, 1 / STUDIO_SATURATION)
    return linear_to_srgb((plain / light).clamp(0, 1))


def lit(colours: Float[Tensor, "n 3"], light: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
    """What the prior's pictures show of an albedo: undoes `unlit` where nothing is cut off."""
    plain = srgb_to_linear(colours) * light
    grey = (plain * plain.new_tensor(_LUMINANCE)).sum(-1, keepdim=True)
    return linear_to_srgb(torch.lerp(grey, plain, STUDIO_SATURATION).clamp(0, 1))


def unlit_pictures(
    rgba: Float[Tensor, "v h w 4"], normals: Float[Tensor, "v h w 3"]
) -> Float[Tensor, "v h w 4"]:
    """Pictures with the light taken off where the mesh is; premultiplied in [0, 1].

    Irradiance is a mean over `_SOFT_PX` pixels: the prior draws no light in finer creases.

    Args:
        rgba: of the mesh.
        normals: of every pixel, 0 where the mesh is not.
    """
    covered = normals.square().sum(-1) > 0.5
    light = torch.zeros_like(normals)
    light[covered] = irradiance(normals[covered])
    both = rearrange(torch.cat([light, covered[..., None].to(light)], -1), "v h w c -> v c h w")
    soft = rearrange(avg_pool2d(both, _SOFT_PX, 1, _SOFT_PX // 2), "v c h w -> v h w c")
    there = covered & (rgba[..., 3] > 0)
    light = soft[there][:, :3] / soft[there][:, 3:]
    made, alpha = rgba.clone(), rgba[there][:, 3:]
    straight = (rgba[there][:, :3] / alpha.clamp_min(1e-3)).clamp(0, 1)
    made[there] = torch.cat([unlit(straight, light) * alpha, alpha], 1)
    return made
