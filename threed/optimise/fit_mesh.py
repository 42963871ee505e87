"""A textured mesh fitted to pictures: vertices and texels by gradient, step by step.

Where a field has its surface, and where its renders seem to have it, differ by parts of a cell and
more. Here the mesh itself is drawn, with antialiased outlines, and the mean squared error of
premultiplied colour and opacity goes down by Adam. Vertices are not moved as they are but by

    x = (I + smoothness L)^-1 u,    L the graph Laplacian,

so that a pull on one of them moves its surroundings and the surface stays smooth (Nicolet, Jacobson
and Jakob 2021, Large steps in inverse rendering of geometry). Everything is deterministic.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.errors import InputError
from common.raster.antialias import antialias
from common.raster.interpolate import interpolate
from common.raster.mesh import TriangleMesh
from common.raster.rasterize import rasterize
from common.raster.texture import sample_texture
from threed.optimise.view_order import views_of


@dataclass(frozen=True)
class MeshFit:
    """How a mesh is fitted to pictures."""

    num_steps: int = 100
    views_per_step: int = 4
    """Pictures that are compared in a step; each is seen once before any is seen again."""
    smoothness: float = 0.5
    """Weight of the Laplacian: how far a pull reaches, about its root in edges."""
    rate: float = 0.004
    """Of Adam for vertices, as a share of the mesh's radius."""
    texture_rate: float = 0.01
    """Of Adam for texels."""
    final_rate: float = 0.1
    """What is left of both rates at the end; they fall geometrically."""

    def __post_init__(self) -> None:
        """Refuse numbers out of range."""
        if min(self.num_steps, self.views_per_step) < 1 or self.smoothness < 0:
            raise InputError(
                f"steps and views are whole numbers from 1, smoothness from 0: got "
                f"{self.num_steps}, {self.views_per_step}, {self.smoothness}"
            )


@dataclass(frozen=True, eq=False)
class MeshStep:
    """Where a fit is after one step."""

    step: int
    """Steps done, counted from 1."""
    loss: float
    """Mean squared error of the step's pictures before it."""
    mesh: TriangleMesh
    """Its vertices after it; the texture is still the one that the fit started from, since texels
    that no picture shows would stand out: bake it anew."""


class _Smoothed(torch.autograd.Function):
    """Solves ``(I + smoothness L) x = u``; symmetric, so backward is the same."""

    @staticmethod
    def forward(ctx: Any, free: Tensor, factor: Any) -> Tensor:
        ctx.factor = factor
        return _solved(factor, free)

    @staticmethod
    def backward(ctx: Any, grad: Tensor) -> tuple[Tensor, None]:
        return _solved(ctx.factor, grad), None


@dataclass(frozen=True, eq=False)
class SmoothVertices:
    """Vertices ``x`` by what moves them, ``u``: ``(I + smoothness L) x = u``."""

    system: Any
    """``I + smoothness L``, sparse."""
    factor: Any

    @classmethod
    def of(cls, mesh: TriangleMesh, smoothness: float) -> "SmoothVertices":
        """For the edges of a mesh."""
        system = _system(mesh, smoothness)
        return cls(system, _factored(system))

    def free(self, points: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
        """What gives these vertices."""
        return torch.from_numpy(self.system @ points.double().numpy()).to(points)

    def points(self, free: Float[Tensor, "n 3"]) -> Float[Tensor, "n 3"]:
        """The vertices, differentiable."""
        made: Float[Tensor, "n 3"] = _Smoothed.apply(free, self.factor)
        return made


def fit_mesh(
    mesh: TriangleMesh,
    rgba: Float[Tensor, "v h w 4"],
    cameras: Cameras,
    options: MeshFit | None = None,
    *,
    seed: int = 0,
) -> Iterator[MeshStep]:
    """Move the vertices until the textured mesh looks like the pictures.

    Args:
        mesh: with a texture to start from; float32.
        rgba: premultiplied, sRGB-encoded, in [0, 1].
        cameras: of the pictures.
        options: None: the defaults.
        seed: of the order of the pictures.

    Raises:
        InputError: no texture, or pictures and cameras do not go together.
    """
    chosen = options or MeshFit()
    if mesh.texture is None or mesh.uvs is None:
        raise InputError("fitting a mesh needs a texture to start from: see baked")
    if rgba.shape[:3] != (len(cameras), cameras.height, cameras.width):
        raise InputError(
            f"pictures {tuple(rgba.shape[:3])} for {len(cameras)} cameras of "
            f"{cameras.height} x {cameras.width} pixels"
        )
    start = mesh.vertices.detach()
    smooth = SmoothVertices.of(mesh, chosen.smoothness)
    free = smooth.free(start).requires_grad_()
    texture = mesh.texture.detach().clone().requires_grad_()
    optimizer = torch.optim.Adam([{"params": [free]}, {"params": [texture]}],
                                 betas=(0.9, 0.99), fused=True)  # fmt: skip
    radius = float((start.amax(0) - start.amin(0)).norm()) / 2
    for step in range(1, chosen.num_steps + 1):
        left = chosen.final_rate ** ((step - 1) / chosen.num_steps)
        for group, rate in zip(
            optimizer.param_groups, (chosen.rate * radius, chosen.texture_rate), strict=True
        ):
            group["lr"] = rate * left
        views = views_of(step, len(cameras), chosen.views_per_step, seed, "fit mesh/order")
        moved = replace(mesh, vertices=smooth.points(free), texture=texture)
        loss = (_drawn(moved, cameras[views]) - rgba[views]).square().mean()
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        with torch.no_grad():
            texture.clamp_(0, 1)
        points = smooth.points(free.detach())
        yield MeshStep(step, float(loss.detach()), _without_normals(mesh, points))


def _drawn(mesh: TriangleMesh, cameras: Cameras) -> Float[Tensor, "v h w 4"]:
    """Unshaded premultiplied colour and opacity."""
    assert mesh.uvs is not None
    assert mesh.texture is not None
    fragments = rasterize(mesh.vertices, mesh.faces, cameras)
    corners = mesh.faces if mesh.uv_faces is None else mesh.uv_faces
    colour = sample_texture(mesh.texture, interpolate(mesh.uvs, corners, fragments))
    covered = fragments.covered[..., None].to(colour)
    premultiplied = torch.cat([colour * covered, covered], -1)
    return antialias(premultiplied, mesh.vertices, mesh.faces, cameras, fragments)


def _system(mesh: TriangleMesh, smoothness: float) -> Any:
    """``I + smoothness L``, sparse."""
    from scipy import sparse

    faces, count = mesh.faces.numpy().astype(np.int64), len(mesh.vertices)
    pairs = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
    pairs = np.unique(np.sort(pairs, 1), axis=0)
    one_way = sparse.coo_matrix((np.ones(len(pairs)), (pairs[:, 0], pairs[:, 1])), (count, count))
    joined = one_way + one_way.T
    degrees = sparse.diags(np.asarray(joined.sum(1)).ravel())
    return sparse.csc_matrix(sparse.eye(count) + smoothness * (degrees - joined))


def _factored(system: Any) -> Any:
    from scipy.sparse.linalg import splu

    # ordered for a symmetric matrix with a dominant diagonal: a tenth of the default's entries
    return splu(system, permc_spec="MMD_AT_PLUS_A", diag_pivot_thresh=0.0,
                options={"SymmetricMode": True})  # fmt: skip


def _solved(factor: Any, values: Tensor) -> Tensor:
    return torch.from_numpy(factor.solve(values.double().contiguous().numpy())).to(values)


def _without_normals(mesh: TriangleMesh, points: Tensor) -> TriangleMesh:
    return replace(mesh, vertices=points, normals=None, normal_faces=None)
