"""Renders enlarged to the size that a prior takes, with their gradients."""

from einops import rearrange
from torch.nn import functional

from threed.rendering.rendered import Rendered


def enlarged(seen: Rendered, size_px: int) -> Rendered:
    """Colour and opacity at ``size_px`` a side, bilinear; of depth the nearest, and no normals.

    Bilinear in premultiplied colour, so that what is transparent has no colour to bleed. Renders
    of that size are given back as they are.
    """
    if seen.opacity.shape[1:] == (size_px, size_px):
        return seen
    planes = functional.interpolate(
        rearrange(seen.rgba, "v h w c -> v c h w"), (size_px, size_px), mode="bilinear"
    )
    depth = functional.interpolate(rearrange(seen.depth, "v h w -> v 1 h w"), (size_px, size_px))
    rgba = rearrange(planes, "v c h w -> v h w c")
    return Rendered(rgba[..., :3], rgba[..., 3], depth[:, 0], None)
