"""Vertices moved until the outlines of a mesh are those of pictures, whatever their colours.

A picture that was given is right to parts of a pixel; the surface of a scene, fitted on a grid to
several pictures that do not quite agree, is not.
"""

from collections.abc import Iterator
from dataclasses import replace

from einops import repeat
from jaxtyping import Float
from torch import Tensor

from common.cameras import Cameras
from common.raster.mesh import TriangleMesh
from threed.optimise.fit_mesh import MeshFit, MeshStep, fit_mesh

_WHITE_PX = 4


def fit_outline(
    mesh: TriangleMesh,
    alpha: Float[Tensor, "v h w"],
    cameras: Cameras,
    options: MeshFit | None = None,
    *,
    seed: int = 0,
) -> Iterator[MeshStep]:
    """`fit_mesh` of a white mesh to white pictures: outlines are all that they show.

    Args:
        mesh: with texture coordinates; what texture it has does not matter.
        alpha: of the pictures, in [0, 1].
        cameras: of the pictures.
        options: None: the defaults; its rate of the texture does not matter.
        seed: of the order of the pictures.
    """
    white = replace(mesh, texture=mesh.vertices.new_ones(_WHITE_PX, _WHITE_PX, 3))
    still = replace(options or MeshFit(), texture_rate=0.0)
    pictures = repeat(alpha, "v h w -> v h w c", c=4).contiguous()
    yield from fit_mesh(white, pictures, cameras, still, seed=seed)
