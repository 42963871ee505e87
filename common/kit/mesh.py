"""Triangle meshes of the kit: immutable arrays with normals, charts and rigid or affine moves.

Axes: +X right, +Y up, +Z towards the viewer of the front. Faces wind counter-clockwise seen from
outside. A *chart* is one connected piece of surface with its own UV square [0, 1]^2; the atlas
(``common.kit.atlas``) later gives every chart of an object its own rectangle of the texture.
Meshes are built in float64; the renderer receives float32.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from jaxtyping import Float, Int

from common.kit.real import Real

Vectors = Float[np.ndarray, "n 3"]
Deformation = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True)
class Mesh:
    """A piece of surface: vertices are split wherever the normal, the UV or the chart jumps."""

    vertices: Float[np.ndarray, "n 3"]
    normals: Float[np.ndarray, "n 3"]
    uvs: Float[np.ndarray, "n 2"]
    charts: Int[np.ndarray, " n"]
    faces: Int[np.ndarray, "m 3"]

    def moved(self, x: Real = 0.0, y: Real = 0.0, z: Real = 0.0) -> "Mesh":
        """The mesh shifted by (x, y, z)."""
        return replace(self, vertices=self.vertices + np.array([x, y, z]))

    def scaled(self, x: Real, y: Real | None = None, z: Real | None = None) -> "Mesh":
        """The mesh scaled about the origin; one number scales all axes. Factors are positive."""
        factors = np.array([x, x if y is None else y, x if z is None else z])
        return self.transformed(np.diag(factors))

    def turned(self, x: Real = 0.0, y: Real = 0.0, z: Real = 0.0) -> "Mesh":
        """The mesh rotated about the origin by degrees about X, then Y, then Z (right-handed)."""
        return self.transformed(rotation("z", z) @ rotation("y", y) @ rotation("x", x))

    def aimed(self, direction: tuple[Real, Real, Real]) -> "Mesh":
        """The mesh turned by the shortest rotation that takes +Y to ``direction``."""
        return self.transformed(rotation_between(np.array([0.0, 1.0, 0.0]), np.array(direction)))

    def mirrored(self) -> "Mesh":
        """The mirror image in x, with faces flipped so that it still faces outward."""
        flip = np.array([-1.0, 1.0, 1.0])
        return replace(
            self,
            vertices=self.vertices * flip,
            normals=self.normals * flip,
            faces=self.faces[:, ::-1],
        )

    def with_mirror(self) -> "Mesh":
        """This mesh and its mirror image in x (both legs, both ears)."""
        return merged(self, self.mirrored())

    def transformed(self, matrix: Float[np.ndarray, "3 3"]) -> "Mesh":
        """The mesh under a linear map of positive determinant; normals by its inverse transpose."""
        normals = self.normals @ np.linalg.inv(matrix)
        return replace(self, vertices=self.vertices @ matrix.T, normals=unit(normals))

    def deformed(self, deformation: Deformation) -> "Mesh":
        """The mesh under a smooth map of space ``(n, 3) -> (n, 3)`` that keeps orientation.

        Normals are the cross product of the images of two tangents (central differences), so
        creases stay creases.
        """
        tangent, bitangent = _tangents(self.normals)
        step = 1e-4
        count = len(self.vertices)
        offsets = np.concatenate([tangent, -tangent, bitangent, -bitangent]) * step
        around = deformation(np.tile(self.vertices, (4, 1)) + offsets)
        along_t = around[:count] - around[count : 2 * count]
        along_b = around[2 * count : 3 * count] - around[3 * count :]
        normals = unit(np.cross(along_t, along_b))
        return replace(self, vertices=deformation(self.vertices), normals=normals)


def merged(*meshes: Mesh) -> Mesh:
    """All meshes as one; their charts stay apart."""
    vertex_start = np.cumsum([0, *(len(mesh.vertices) for mesh in meshes)])
    chart_start = np.cumsum([0, *(int(mesh.charts.max()) + 1 for mesh in meshes)])
    return Mesh(
        vertices=np.concatenate([mesh.vertices for mesh in meshes]),
        normals=np.concatenate([mesh.normals for mesh in meshes]),
        uvs=np.concatenate([mesh.uvs for mesh in meshes]),
        charts=np.concatenate(
            [mesh.charts + start for mesh, start in zip(meshes, chart_start, strict=False)]
        ),
        faces=np.concatenate(
            [mesh.faces + start for mesh, start in zip(meshes, vertex_start, strict=False)]
        ),
    )


def ring_of(mesh: Mesh, count: int, phase_deg: Real = 0.0) -> Mesh:
    """``count`` copies of ``mesh`` turned evenly about the Y axis."""
    angles = phase_deg + 360.0 * np.arange(count) / count
    return merged(*(mesh.turned(y=float(angle)) for angle in angles))


def unit(vectors: np.ndarray) -> np.ndarray:
    """Vectors scaled to length 1; vectors of length 0 stay 0."""
    lengths = np.sqrt(np.einsum("...i,...i->...", vectors, vectors))[..., None]
    return vectors / np.maximum(lengths, 1e-12)


def rotation(axis: str, degrees: Real) -> Float[np.ndarray, "3 3"]:
    """The right-handed rotation about one coordinate axis, for column vectors."""
    cos, sin = np.cos(np.radians(degrees)), np.sin(np.radians(degrees))
    first, second = {"x": (1, 2), "y": (2, 0), "z": (0, 1)}[axis]
    matrix = np.eye(3)
    matrix[first, first] = matrix[second, second] = cos
    matrix[first, second], matrix[second, first] = -sin, sin
    return matrix


def rotation_between(source: np.ndarray, target: np.ndarray) -> Float[np.ndarray, "3 3"]:
    """The shortest rotation that takes the direction of ``source`` to that of ``target``."""
    start, end = unit(source), unit(target)
    cosine = float(start @ end)
    if cosine < -1 + 1e-9:
        return rotation("x", 180.0) if abs(start[0]) < 0.9 else rotation("y", 180.0)
    axis = np.cross(start, end)
    skew = np.array([[0, -axis[2], axis[1]], [axis[2], 0, -axis[0]], [-axis[1], axis[0], 0]])
    return np.eye(3) + skew + skew @ skew / (1 + cosine)


def face_vectors(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Per face the outward normal times twice its area, ``(m, 3)``."""
    corners = vertices[faces]
    return np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])


def signed_volume(mesh: Mesh) -> float:
    """The volume enclosed by a closed mesh; negative when it is inside out."""
    corners = mesh.vertices[mesh.faces]
    return float(np.einsum("ni,ni->", corners[:, 0], np.cross(corners[:, 1], corners[:, 2])) / 6.0)


def _tangents(normals: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Two unit vectors per normal with ``tangent x bitangent = normal``."""
    helper = np.where(np.abs(normals[:, :1]) < 0.7, [[1.0, 0.0, 0.0]], [[0.0, 1.0, 0.0]])
    tangent = unit(np.cross(helper, normals))
    return tangent, np.cross(normals, tangent)
