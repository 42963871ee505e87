import numpy as np
import torch
import trimesh

from common.raster.mesh import TriangleMesh, vertex_normals
from threed.meshing.creases import flat_normals, with_crease_normals


def mesh_of(shape: trimesh.Trimesh) -> TriangleMesh:
    return TriangleMesh(
        torch.tensor(np.array(shape.vertices), dtype=torch.float32),
        torch.tensor(np.array(shape.faces), dtype=torch.int32),
    )


def corner_normals(mesh: TriangleMesh) -> torch.Tensor:
    return mesh.normals[mesh.normal_faces.long()]


def test_cube_keeps_its_edges_and_ball_is_round():
    cube = mesh_of(trimesh.creation.box())
    normals = corner_normals(with_crease_normals(cube))
    expected = torch.tensor(trimesh.creation.box().face_normals, dtype=torch.float32)
    assert torch.allclose(normals, expected[:, None].expand(12, 3, 3), atol=1e-6)
    ball = mesh_of(trimesh.creation.icosphere(3))
    smooth = with_crease_normals(ball)
    # one normal a vertex, the angle-weighted mean: of a ball, the way out
    assert len(smooth.normals) == len(ball.vertices)
    found = corner_normals(smooth)
    # triangles of a geodesic ball differ in size: up to half a degree
    assert torch.allclose(found, ball.vertices[ball.faces.long()], atol=0.01)
    whole = vertex_normals(ball.vertices, ball.faces)[ball.faces.long()]
    assert torch.allclose(found, whole, atol=1e-4)  # normals are shared to four digits


def test_cylinder_is_round_about_and_sharp_at_its_rims():
    can = mesh_of(trimesh.creation.cylinder(1.0, 2.0, sections=48))
    made = with_crease_normals(can)
    flat = torch.linalg.vector_norm(corner_normals(made)[..., 2:], dim=-1)
    assert bool(((flat > 1 - 1e-4) | (flat < 1e-4)).all())  # lids face along z, the side across
    side = flat[:, 0] < 0.5
    outward = torch.nn.functional.normalize(can.vertices[can.faces.long()][..., :2], dim=-1)
    assert torch.allclose(corner_normals(made)[side][..., :2], outward[side], atol=2e-3)
    # with edges of 7.5 degrees sharp too, it is a prism
    prism = corner_normals(with_crease_normals(can, 5.0))
    assert torch.allclose(prism, prism[:, :1].expand_as(prism), atol=1e-4)


def test_vertex_of_very_many_faces_is_smooth():
    cone = mesh_of(trimesh.creation.cone(1.0, 1.0, sections=500))
    normals = corner_normals(with_crease_normals(cone))
    assert bool(normals.isfinite().all())
    assert torch.allclose(normals.norm(dim=-1), torch.ones(len(cone.faces), 3), atol=1e-5)


def test_flat_normals_are_told():
    ball = mesh_of(trimesh.creation.icosphere(2))
    assert not flat_normals(ball)
    assert not flat_normals(with_crease_normals(ball))
    assert flat_normals(with_crease_normals(ball, 0.0))
