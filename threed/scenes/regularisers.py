"""What a scene should be like where pictures leave it open: pure functions, each a scalar to lower.

Grids are ``x y z c`` or ``x y z``; all functions are differentiable and independent of the grid's
resolution as far as their docstrings say.
"""

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor

from threed.scenes.voxel_field import VoxelField, colour_of, density_of


def cell_opacity(field: VoxelField) -> Float[Tensor, "x y z"]:
    """The share of light that a cell's way through each node's density hides: ``1 - exp(-s d)``."""
    return 1 - torch.exp(-density_of(field.density) * max(field.cell_m))


def total_variation(values: Float[Tensor, "x y z c"], eps: float = 1e-3) -> Float[Tensor, ""]:
    """``mean sqrt(|dx|^2 + |dy|^2 + |dz|^2 + eps^2)`` of forward differences, channels together.

    Rudin, Osher and Fatemi 1992; on radiance fields Fridovich-Keil et al. 2022 (Plenoxels, arXiv
    2112.05131, equation 3). Edges are as cheap as ramps of the same height, noise is dear.
    """
    pad = (0, 0, 0, 0, 0, 0, 0, 1), (0, 0, 0, 0, 0, 1), (0, 0, 0, 1)
    squares = [
        torch.nn.functional.pad(values.diff(dim=axis), pad[axis]).square().sum(-1)
        for axis in range(3)
    ]
    return (torch.stack(squares).sum(0) + eps**2).sqrt().mean() - eps


def surface_area(field: VoxelField) -> Float[Tensor, ""]:
    """Total variation of opacity, in areas of the box's face: about the area of all surfaces.

    By the co-area formula the integral of ``|grad opacity|`` is the mean area of its level sets.
    Lowering it makes soap films: fog condenses, surfaces turn smooth, holes close.
    """
    opacity = rearrange(cell_opacity(field), "x y z -> x y z 1")
    nodes = field.density.numel() ** (1 / 3)
    return total_variation(opacity) * nodes


def bending(
    values: Float[Tensor, "x y z"], where: Bool[Tensor, "x y z"] | None = None
) -> Float[Tensor, ""]:
    """Mean square of the discrete Laplacian inside the grid: zero for anything linear.

    The energy of a thin plate (Grimson 1981; Duchon 1977) up to boundary terms. On raw density it
    rounds off what silhouettes leave angular, without the pull inwards of `surface_area`.

    Args:
        values: such as raw density.
        where: the nodes that count, the others count as flat; None: all.
    """
    inner = values[1:-1, 1:-1, 1:-1]
    around = (
        values[2:, 1:-1, 1:-1] + values[:-2, 1:-1, 1:-1] + values[1:-1, 2:, 1:-1]
        + values[1:-1, :-2, 1:-1] + values[1:-1, 1:-1, 2:] + values[1:-1, 1:-1, :-2]
    )  # fmt: skip
    bent = (around - 6 * inner).square()
    return bent.mean() if where is None else (bent * where[1:-1, 1:-1, 1:-1]).mean()


def emptiness(field: VoxelField, sharpness: float = 10.0) -> Float[Tensor, ""]:
    """``mean log(1 + sharpness a)`` of the cells' opacities ``a``: fog costs more than matter.

    Wang et al. 2023 (Score Jacobian Chaining, arXiv 2212.00774) with ``sharpness`` 10 on the
    weights of ray samples; here on the grid, so that what no ray sees vanishes too.
    """
    return torch.log1p(sharpness * cell_opacity(field)).mean()


def binarity(opacity: Float[Tensor, "*pixels"], eps: float = 1e-4) -> Float[Tensor, ""]:
    """``mean -o log o - (1 - o) log(1 - o)``: 0 where pixels are empty or opaque, most at 1/2.

    The entropy of rendered opacities (Lombardi et al. 2019, Neural Volumes, as a beta prior;
    threestudio's ``opaque`` loss, which is the cross-entropy of the opacity with itself).
    """
    o = opacity.clamp(eps, 1 - eps)
    return -(o * o.log() + (1 - o) * (1 - o).log()).mean()


def sparsity(opacity: Float[Tensor, "*pixels"]) -> Float[Tensor, ""]:
    """``mean sqrt(o^2 + 0.01)``: little is covered (threestudio's sparsity, after DreamFusion)."""
    return (opacity.square() + 0.01).sqrt().mean()


def orientation(facing: Float[Tensor, "*pixels"]) -> Float[Tensor, ""]:
    """``mean max(0, n . d)^2``: what is seen looks at who sees it.

    Verbin et al. 2022 (Ref-NeRF, arXiv 2112.03907, equation 11), as DreamFusion uses it, of the
    normals that a pixel gathers: of one surface the same as of its samples.

    Args:
        facing: ``-n . d`` of rendered normals and the directions of rays.
    """
    return (-facing).clamp_min(0).square().mean()


def depth_variance(
    variance: Float[Tensor, "v h w"], opacity: Float[Tensor, "v h w"]
) -> Float[Tensor, ""]:
    """Mean variance of depth, square metres, over pixels that are more than half opaque.

    HiFA's z-variance (Zhu and Zhuang 2023, arXiv 2305.18766, equation 9): half the mean square of
    the distance between two things that one ray sees.
    """
    solid = (opacity.detach() > 0.5).to(variance)
    return (variance * solid).sum() / solid.sum().clamp_min(1)


def normal_smoothness(normal: Float[Tensor, "v h w 3"]) -> Float[Tensor, ""]:
    """Mean squared difference of neighbouring pixels' normals (as in Magic123 and threestudio)."""
    across = (normal[:, :, 1:] - normal[:, :, :-1]).square().mean()
    down = (normal[:, 1:] - normal[:, :-1]).square().mean()
    return across + down


def asymmetry(field: VoxelField) -> Float[Tensor, ""]:
    """Mean squared difference of opacity and visible colour to the field's mirror image in x.

    Left and right of most things are alike. Zero for a symmetric field; the box must be centred.
    """
    opacity, colour = cell_opacity(field), colour_of(field.colour)
    matter = torch.minimum(opacity, opacity.flip(0))[..., None]
    unlike = matter.detach() * (colour - colour.flip(0)).square()
    return (opacity - opacity.flip(0)).square().mean() + unlike.mean()
