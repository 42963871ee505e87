"""The visual hull: what silhouettes leave of space.

A point belongs to it if every picture that contains the point shows the object there (Laurentini
1994, The visual hull concept; space carving without colours). No object with these silhouettes
reaches beyond it, so it is where a fit of few views begins and where it must stay.
"""

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor
from torch.nn import functional

from common.cameras import Cameras, project
from common.errors import InputError


def silhouette_support(
    alpha: Float[Tensor, "v h w"],
    cameras: Cameras,
    points: Float[Tensor, "n 3"],
    *,
    edges_go_on: bool = False,
) -> Float[Tensor, " n"]:
    """The least alpha that any view shows at a point, in [0, 1]; bilinear between pixels.

    1 where no view contains the point: pictures say nothing about what is outside them. With
    ``edges_go_on`` a point before the camera, but beside the picture, has the alpha of the nearest
    pixel of its edge: nothing, unless the object is cut off there.
    """
    if alpha.shape != (len(cameras), cameras.height, cameras.width):
        raise InputError(
            f"silhouettes {tuple(alpha.shape)} for {len(cameras)} cameras of "
            f"{cameras.height} x {cameras.width} pixels"
        )
    pixels, depth = project(cameras, points)
    size = pixels.new_tensor([cameras.width, cameras.height])
    contained = depth > 0
    if not edges_go_on:
        contained &= ((pixels >= 0) & (pixels <= size)).all(-1)
    where = torch.where(contained[..., None], 2 * pixels / size - 1, 0.0)
    sampled = functional.grid_sample(
        rearrange(alpha, "v h w -> v 1 h w"), rearrange(where, "v n xy -> v 1 n xy"),
        mode="bilinear", padding_mode="border", align_corners=False,
    )  # fmt: skip
    shown = rearrange(sampled, "v 1 1 n -> v n")
    return torch.where(contained, shown, 1.0).amin(0)


def mean_colour(
    rgba: Float[Tensor, "v h w 4"], cameras: Cameras, points: Float[Tensor, "n 3"]
) -> Float[Tensor, "n 3"]:
    """The mean straight colour that the views show at points, whatever hides them; alpha weighs.

    Points that all views show empty, or none contains, get the mean colour of all pictures.
    """
    pixels, depth = project(cameras, points)
    size = pixels.new_tensor([cameras.width, cameras.height])
    where = torch.where((depth > 0)[..., None], 2 * pixels / size - 1, 2.0)  # 2 is outside
    sampled = functional.grid_sample(
        rearrange(rgba, "v h w c -> v c h w"), rearrange(where, "v n xy -> v 1 n xy"),
        mode="bilinear", padding_mode="zeros", align_corners=False,
    )  # fmt: skip
    total = rearrange(sampled, "v c 1 n -> v n c").sum(0)
    everything = rgba.sum((0, 1, 2))
    faint = 1e-3 * everything / everything[3].clamp_min(1e-6)
    return (total[:, :3] + faint[:3]) / (total[:, 3:] + faint[3])
