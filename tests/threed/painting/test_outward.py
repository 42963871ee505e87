from dataclasses import replace

import torch

from common.cameras import rays
from common.embedded.orbit import cameras_on_orbit
from common.raster.mesh import face_normals
from common.raster.rasterize import rasterize
from tests.threed.painting.known_mesh import RING, known_mesh
from threed.painting.outward import outward


def backs_seen(mesh):
    """Share of the pixels of a ring of views that show a triangle from behind."""
    cameras = cameras_on_orbit(RING, 96)
    seen = rasterize(mesh.vertices, mesh.faces, cameras)
    facing = face_normals(mesh.vertices, mesh.faces)[seen.face_index[seen.covered].long()]
    return float(((facing * rays(cameras)[1][seen.covered]).sum(-1) > 0).float().mean())


def test_triangles_that_are_wound_wrongly_are_turned_with_their_texture():
    mesh = known_mesh()
    wrong = torch.arange(len(mesh.faces)) % 3 == 0
    turn = lambda corners: torch.where(wrong[:, None], corners[:, [0, 2, 1]], corners)  # noqa: E731
    mixed = replace(mesh, faces=turn(mesh.faces), uv_faces=turn(mesh.uv_faces))

    found = outward(mixed)

    assert backs_seen(mixed) > 0.2
    assert backs_seen(found) < 0.01
    pairs = [mesh.vertices[one.faces.long()].sum(1) for one in (mesh, found)]
    assert torch.allclose(*pairs)
    corners = [
        torch.cat([one.vertices[one.faces.long()], one.uvs[one.uv_faces.long()]], -1).sum(1)
        for one in (mesh, found)
    ]
    assert torch.allclose(*corners)


def test_a_mesh_that_is_right_is_left_alone():
    once = outward(known_mesh())
    assert outward(once) is once
