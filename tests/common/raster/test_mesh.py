import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from common.raster.mesh import TriangleMesh, face_normals, vertex_normals
from common.raster.topology import face_neighbours
from tests.common.raster.scenes import sphere, square

F64 = torch.float64


def cube():
    """Eight corners, twelve triangles, outward."""
    corners = torch.tensor([[x, y, z] for z in (-1.0, 1) for y in (-1.0, 1) for x in (-1.0, 1)],
                           dtype=F64)  # fmt: skip
    quads = [(0, 2, 3, 1), (4, 5, 7, 6), (0, 1, 5, 4), (2, 6, 7, 3), (0, 4, 6, 2), (1, 3, 7, 5)]
    return corners, torch.tensor([f for a, b, c, d in quads for f in ((a, b, c), (a, c, d))])


def test_square_faces_plus_z():
    normals = face_normals(*square())
    assert normals.tolist() == [[0, 0, 1], [0, 0, 1]]


def test_smooth_normals_of_a_cube_point_along_its_diagonals():
    # whatever way the sides are cut in triangles: angle weights, not area or count
    vertices, faces = cube()
    torch.testing.assert_close(vertex_normals(vertices, faces), vertices / math.sqrt(3))


def test_smooth_normals_of_a_sphere_are_its_radii():
    vertices, faces = sphere(4)
    cosine = (vertex_normals(vertices, faces) * vertices).sum(-1)
    assert float(cosine.min()) > 1 - 1e-4


@given(st.integers(0, 3))
def test_triangles_without_area_have_no_normal_and_change_none(corner):
    vertices, faces = cube()
    bad = torch.cat([faces, torch.tensor([[corner, corner, 7]])])
    assert face_normals(vertices, bad)[-1].tolist() == [0, 0, 0]
    torch.testing.assert_close(vertex_normals(vertices, bad), vertex_normals(vertices, faces))


def test_unused_vertices_have_no_normal():
    vertices, faces = square()
    more = torch.cat([vertices, torch.ones(1, 3, dtype=F64)])
    assert vertex_normals(more, faces)[-1].tolist() == [0, 0, 0]


def test_normals_pass_gradients():
    vertices, faces = sphere(0)
    assert torch.autograd.gradcheck(lambda v: vertex_normals(v, faces), vertices.requires_grad_())


def test_neighbours_of_a_closed_mesh_are_mutual_and_complete():
    _, faces = sphere(2)
    neighbours = face_neighbours(faces)
    assert int(neighbours.min()) >= 0
    for f, row in enumerate(neighbours.tolist()):
        for i, g in enumerate(row):
            shared = {int(faces[f, (i + 1) % 3]), int(faces[f, (i + 2) % 3])}
            assert shared <= set(faces[g].tolist())
            assert f in neighbours[g].tolist()


def test_neighbours_stop_at_borders_and_where_three_triangles_meet():
    _, faces = square()
    assert face_neighbours(faces).tolist() == [[-1, 1, -1], [-1, -1, 0]]
    fins = torch.tensor([[0, 1, 2], [1, 0, 3], [0, 1, 4]])
    assert face_neighbours(fins).tolist() == [[-1, -1, -1]] * 3
    four = torch.cat([fins, torch.tensor([[1, 0, 5]])])
    assert face_neighbours(four).tolist() == [[-1, -1, -1]] * 4


def test_equal_positions_are_welded_on_request():
    vertices, faces = cube()
    split, corners = vertices[faces.flatten()], torch.arange(36).view(12, 3)
    split = torch.where(split.abs() == 0, -split, split)
    assert int(face_neighbours(corners).max()) == -1
    assert torch.equal(face_neighbours(corners, split), face_neighbours(faces))


@pytest.mark.parametrize(
    ("extra", "message"),
    [
        ({"texture": torch.zeros(4, 4, 3, dtype=F64)}, "needs texture coordinates"),
        ({"uvs": torch.zeros(2, 2, dtype=F64)}, "uv 3, but there are 2"),
        ({"normals": torch.zeros(4, 3, dtype=F64),
          "normal_faces": torch.tensor([[0, 1, 9], [0, 1, 2]])}, "normal 9, but there are 4"),
        ({"part_ids": torch.tensor([0, -2])}, "part -2"),
    ],
)  # fmt: skip
def test_inconsistent_meshes_are_refused(extra, message):
    with pytest.raises(InputError, match=message):
        TriangleMesh(*square(), **extra)


def test_per_face_data_of_the_wrong_length_is_refused():
    # shapes in the signature are checked under pytest; the message without it is InputError's
    with pytest.raises(Exception, match=r"face_colors"):
        TriangleMesh(*square(), face_colors=torch.zeros(3, 3, dtype=F64))
