"""Vertices moved until the outlines of a mesh are those of pictures, whatever their colours.

A picture that was given is right to parts of a pixel; the surface of a scene, fitted on a grid to
several pictures that do not quite agree, is not. The mean squared error of coverage goes down as
that of pictures does in `fit_mesh`, but by `UniformAdam`: what no outline passes stays.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace

from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.errors import InputError
from common.raster.antialias import antialias
from common.raster.mesh import TriangleMesh
from common.raster.rasterize import rasterize
from threed.optimise.fit_mesh import MeshStep, SmoothVertices
from threed.optimise.uniform_adam import UniformAdam


@dataclass(frozen=True)
class OutlineFit:
    """How outlines are followed."""

    num_steps: int = 100
    smoothness: float = 1.0
    """Weight of the Laplacian: how far a pull reaches, about its root in edges."""
    rate: float = 0.06
    """Length of the longest step, as a share of the mesh's radius."""
    final_rate: float = 0.1
    """What is left of it at the end; it falls geometrically."""


def fit_outline(
    mesh: TriangleMesh,
    alpha: Float[Tensor, "v h w"],
    cameras: Cameras,
    options: OutlineFit | None = None,
) -> Iterator[MeshStep]:
    """Move the vertices, step by step. Everything is deterministic.

    Args:
        mesh: float32.
        alpha: of the pictures, in [0, 1].
        cameras: of the pictures.
        options: None: the defaults.

    Raises:
        InputError: pictures and cameras do not go together.
    """
    chosen = options or OutlineFit()
    if alpha.shape != (len(cameras), cameras.height, cameras.width):
        raise InputError(
            f"outlines {tuple(alpha.shape)} for {len(cameras)} cameras of "
            f"{cameras.height} x {cameras.width} pixels"
        )
    smooth = SmoothVertices.of(mesh, chosen.smoothness)
    free = smooth.free(mesh.vertices.detach()).requires_grad_()
    start = mesh.vertices.detach()
    radius = float((start.amax(0) - start.amin(0)).norm()) / 2
    optimizer = UniformAdam.of(free.detach())
    for step in range(1, chosen.num_steps + 1):
        left = chosen.final_rate ** ((step - 1) / chosen.num_steps)
        loss = (_coverage(mesh, smooth.points(free), cameras) - alpha).square().mean()
        free.grad = None
        loss.backward()
        optimizer.step(free, chosen.rate * radius * left)
        points = smooth.points(free).detach()
        moved = replace(mesh, vertices=points, normals=None, normal_faces=None)
        yield MeshStep(step, float(loss.detach()), moved)


def _coverage(
    mesh: TriangleMesh, points: Float[Tensor, "n 3"], cameras: Cameras
) -> Float[Tensor, "v h w"]:
    """How much of each pixel the mesh covers, with gradients at its outlines."""
    fragments = rasterize(points, mesh.faces, cameras)
    covered = fragments.covered[..., None].to(points)
    return antialias(covered, points, mesh.faces, cameras, fragments)[..., 0]
