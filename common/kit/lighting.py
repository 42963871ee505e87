"""The light of kit pictures: soft and bright, warm from above, cool and violet in the shade."""

import math
from dataclasses import replace

import torch
from jaxtyping import Float
from torch import Tensor

from common.raster.color import linear_to_srgb, srgb_to_linear
from common.raster.shading import DirectionalLight, Lighting

KIT_LIGHTING = Lighting(
    sky=(0.62, 0.61, 0.62),
    ground=(0.26, 0.17, 0.34),
    key=DirectionalLight((-0.55, 0.75, 0.65), (0.62, 0.60, 0.56)),
    fill=DirectionalLight((0.75, 0.1, -0.6), (0.16, 0.15, 0.24)),
)

SHADE = (0.36, 0.27, 0.42)
"""What is left of linear red, green and blue in a fully occluded crease."""
SATURATION = 1.22
"""Distance from grey of linear colours; undoes the veil that white reflections lay over paint."""
LUMINANCE = (0.2126, 0.7152, 0.0722)


def turned_lighting(turn_deg: float) -> Lighting:
    """The kit's light, turned about the vertical counter-clockwise seen from above."""
    if not turn_deg:
        return KIT_LIGHTING
    key, fill = (
        replace(light, toward=_turned(light.toward, turn_deg))
        for light in (KIT_LIGHTING.key, KIT_LIGHTING.fill)
    )
    return replace(KIT_LIGHTING, key=key, fill=fill)


def _turned(toward: tuple[float, float, float], turn_deg: float) -> tuple[float, float, float]:
    x, y, z = toward
    cos, sin = math.cos(math.radians(turn_deg)), math.sin(math.radians(turn_deg))
    return cos * x + sin * z, y, cos * z - sin * x


def graded(
    rgba: Float[Tensor, "v h w 4"], visibility: Float[Tensor, "v h w"]
) -> Float[Tensor, "v h w 4"]:
    """Premultiplied sRGB pictures with creases darkened and colours enriched, in linear light."""
    alpha = rgba[..., 3:]
    straight = srgb_to_linear(rgba[..., :3] / alpha.clamp_min(1e-6))
    factor = torch.lerp(rgba.new_tensor(SHADE), rgba.new_tensor(1.0), visibility[..., None])
    shaded = straight * factor
    grey = (shaded * rgba.new_tensor(LUMINANCE)).sum(-1, keepdim=True)
    rich = torch.lerp(grey, shaded, SATURATION).clamp(0.0, 1.0)
    return torch.cat([linear_to_srgb(rich) * alpha, alpha], dim=-1)
