"""A texture refined by gradient until renders of the mesh look like pictures.

What is drawn is what `common.raster.render.render_mesh` draws without light: mip-mapped lookups,
averaged in linear light over a pixel. Only pixels count that the mesh fills and whose surroundings
in the picture are opaque. Everything is deterministic.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

import torch
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor
from torch.nn import functional

from common.cameras import Cameras
from common.errors import InputError
from common.raster.color import linear_to_srgb, srgb_to_linear
from common.raster.interpolate import interpolate
from common.raster.mesh import TriangleMesh
from common.raster.rasterize import rasterize
from common.raster.texture import mip_level, sample_texture, texture_pyramid, uv_jacobian
from threed.texturing.gutters import filled
from threed.texturing.page import chart_texels


@dataclass(frozen=True)
class RefineOptions:
    """How a texture is refined."""

    num_steps: int = 40
    rate: float = 0.01
    """Of Adam: about how far a texel's colour moves in a step."""
    lambda_start: float = 0.5
    """Weight of staying with the texture that it started from."""
    supersample: int = 2
    """Points along each side of a pixel."""
    erode_px: int = 1
    """Pixels with something less opaque than `min_alpha` so near say nothing."""
    min_alpha: float = 0.99


@dataclass(frozen=True, eq=False)
class RefineStep:
    """Where refinement is after one step."""

    step: int
    """Steps done, counted from 1."""
    loss: float
    """Mean squared error of sRGB-encoded colours before the step."""
    mesh: TriangleMesh
    """With the texture after it."""


@dataclass(frozen=True, eq=False)
class _Lookups:
    """The pixels that count, each with its points on the texture."""

    uv: Float[Tensor, "p points 2"]
    level: Float[Tensor, "p points"]
    wanted: Float[Tensor, "p 3"]


def refined_texture(
    mesh: TriangleMesh,
    rgba: Float[Tensor, "v h w 4"],
    cameras: Cameras,
    options: RefineOptions | None = None,
) -> Iterator[RefineStep]:
    """Fit the texels that pictures see to them, step by step, by Adam.

    Args:
        mesh: with a square texture to start from.
        rgba: premultiplied, sRGB-encoded, in [0, 1].
        cameras: of the pictures.
        options: None: the defaults.

    Raises:
        InputError: no texture, or no pixel that counts.
    """
    chosen = options or RefineOptions()
    if mesh.texture is None or mesh.texture.shape[0] != mesh.texture.shape[1]:
        raise InputError("refining needs a mesh with a square texture: see baked")
    lookups = _lookups(mesh, rgba, cameras, chosen)
    owned = chart_texels(mesh, mesh.texture.shape[0])
    start = mesh.texture.detach().clone()
    texture = start.clone().requires_grad_()
    optimizer = torch.optim.Adam([texture], lr=chosen.rate, betas=(0.9, 0.99), fused=True)
    for step in range(1, chosen.num_steps + 1):
        error = (_drawn(filled(texture, owned), lookups) - lookups.wanted).square().mean()
        away = (texture - start)[owned].square().mean()
        optimizer.zero_grad(set_to_none=True)
        (error + chosen.lambda_start * away).backward()
        optimizer.step()
        with torch.no_grad():
            texture.clamp_(0, 1)
        now = filled(texture.detach(), owned)
        yield RefineStep(step, float(error.detach()), replace(mesh, texture=now))


def _drawn(texture: Tensor, lookups: _Lookups) -> Tensor:
    pyramid = texture_pyramid(srgb_to_linear(texture))
    seen = sample_texture(pyramid, lookups.uv, level=lookups.level).mean(1)
    return linear_to_srgb(seen)


def _lookups(
    mesh: TriangleMesh, rgba: Tensor, cameras: Cameras, options: RefineOptions
) -> _Lookups:
    assert mesh.uvs is not None
    assert mesh.texture is not None
    corners = mesh.faces if mesh.uv_faces is None else mesh.uv_faces
    fine = cameras.scaled(options.supersample)
    fragments = rasterize(mesh.vertices, mesh.faces, fine)
    uv = interpolate(mesh.uvs, corners, fragments)
    jacobian = uv_jacobian(mesh.uvs, corners, mesh.vertices, mesh.faces, fine, fragments)
    level = mip_level(jacobian, *mesh.texture.shape[:2])

    def points(values: Tensor) -> Tensor:
        return rearrange(
            values, "v (h down) (w across) c -> v h w (down across) c",
            down=options.supersample, across=options.supersample,
        )  # fmt: skip

    whole = points(fragments.covered[..., None]).all(-2)[..., 0]
    counts = whole & solid_pixels(rgba[..., 3], options.min_alpha, options.erode_px)
    if not bool(counts.any()):
        raise InputError("the pictures show nothing of the mesh: no pixel to refine its texture by")
    straight = rgba[..., :3][counts] / rgba[..., 3:][counts]
    return _Lookups(points(uv)[counts], points(level[..., None])[counts][..., 0], straight)


def solid_pixels(
    alpha: Float[Tensor, "v h w"], min_alpha: float, erode_px: int
) -> Bool[Tensor, "v h w"]:
    """Where nothing within ``erode_px`` pixels is less opaque; the outside of pictures is."""
    padded = functional.pad(alpha, (erode_px,) * 4)
    least = -functional.max_pool2d(-padded[:, None], 2 * erode_px + 1, 1)[:, 0]
    return least >= min_alpha
