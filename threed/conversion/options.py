"""What converting may do beside reading and writing: cleaning meshes, meshing Gaussians."""

from typing import Literal

from pydantic import Field

from common.config import Config


class Cleaning(Config):
    """Make a mesh fit for texturing and printing: a manifold without specks and small holes."""

    weld: float = Field(1e-6, ge=0, lt=1)
    """Vertices closer than this share of the longest side become one, from 1e-6; 0 for none."""
    min_piece: float = Field(1e-3, ge=0, le=1)
    """Separate pieces below this share of the largest one's area are dropped; 0 keeps all."""
    max_hole_edges: int = Field(200, ge=0, le=100_000)
    """Holes with longer borders stay open; 0 keeps all open."""


class Meshing(Config):
    """Turn Gaussians, or the field of a checkpoint, into a textured mesh."""

    num_cells: int = Field(96, ge=16, le=384)
    """Cells of the grid along its longest side: what is thinner than one is lost."""
    surface: Literal["marching_cubes", "dual_contouring"] = "marching_cubes"
    """How the grid becomes triangles: with round edges, or sharp ones where it has them."""
    num_pictures: int = Field(32, ge=4, le=200)
    """Renders from all round, from which the mesh gets its outlines and its texture."""
    picture_px: int = Field(384, ge=64, le=2048)
    """Side of these renders."""
    fit_steps: int = Field(100, ge=0, le=10_000)
    """Steps that move the mesh's vertices until it looks like the renders; 0 leaves it where the
    density has its surface."""
