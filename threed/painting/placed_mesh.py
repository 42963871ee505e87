"""A user's mesh put where the prior's cameras look: upright, front +Z, centred, a metre long."""

import math
from dataclasses import dataclass, replace
from typing import Literal

import torch
from jaxtyping import Float
from torch import Tensor

from common.errors import InputError
from common.raster.mesh import TriangleMesh, vertex_normals

Up = Literal["+y", "+z"]
LONGEST_M = 1.0
"""The longest side of things that the view layers know."""


@dataclass(frozen=True)
class Placement:
    """How a mesh stands in its file."""

    up: Up = "+y"
    """The axis that points up."""
    front_deg: float = 0.0
    """From where its front is seen: 0 from +Z, or from -Y where +Z is up; 90 from +X."""

    @property
    def rotation(self) -> Float[Tensor, "3 3"]:
        """From the file's axes to +Y up, front +Z; float64."""
        turn = math.radians(self.front_deg)
        cos, sin = math.cos(turn), math.sin(turn)
        front = torch.tensor([[cos, 0, -sin], [0, 1, 0], [sin, 0, cos]], dtype=torch.float64)
        if self.up == "+y":
            return front
        return front @ torch.tensor([[1, 0, 0], [0, 0, 1], [0, -1, 0]], dtype=torch.float64)


def placed(mesh: TriangleMesh, placement: Placement) -> TriangleMesh:
    """The mesh as the prior's cameras expect it; texture coordinates and colours stay.

    Raises:
        InputError: all vertices are one point.
    """
    turn = placement.rotation
    corners = mesh.vertices.double()[mesh.faces.flatten().long().unique()] @ turn.T
    low, high = corners.amin(0), corners.amax(0)
    longest = float((high - low).max())
    if longest == 0:
        raise InputError("all vertices are one point; there is nothing to paint")
    scale, centre = LONGEST_M / longest, (low + high) / 2
    vertices = ((mesh.vertices.double() @ turn.T - centre) * scale).float()
    normals = mesh.normals
    normals = vertex_normals(vertices, mesh.faces) if normals is None else normals
    turned = (normals.double() @ turn.T).float() if mesh.normals is not None else normals
    return replace(mesh, vertices=vertices, normals=turned)
