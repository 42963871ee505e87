"""Triangles turned so that what is seen of them is their front.

Files have triangles that are wound the wrong way, and a view says nothing of a surface that turns
its back to it. Each triangle is looked at from all round; those that are seen from behind more
than from in front are turned.
"""

from dataclasses import replace

import torch

from common.cameras import rays
from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.raster.mesh import TriangleMesh, face_normals
from common.raster.rasterize import rasterize

_SIZE_PX = 192
_AROUND = tuple(
    View(45.0 * step, height) for height in (-50.0, -15.0, 15.0, 50.0) for step in range(8)
)


def outward(mesh: TriangleMesh) -> TriangleMesh:
    """The mesh with its visible triangles facing out; the same one if they do already.

    Texture coordinates go with their corners. Where triangles are turned, normals of the file are
    left out: they follow from the triangles.

    Args:
        mesh: from `placed_mesh.placed`.
    """
    facing = face_normals(mesh.vertices, mesh.faces)
    votes = torch.zeros(len(mesh.faces))
    for view in _AROUND:  # one at a time, which bounds memory
        camera = cameras_on_orbit((view,), _SIZE_PX)
        seen = rasterize(mesh.vertices, mesh.faces, camera)
        there = seen.covered[0]
        face = seen.face_index[0][there].long()
        away = rays(camera)[1][0][there]
        votes.index_add_(0, face, -(facing[face] * away).sum(-1).sign())
    wrong = votes < 0
    if not bool(wrong.any()):
        return mesh
    return replace(
        mesh, faces=_turned(mesh.faces, wrong), normals=None, normal_faces=None,
        uv_faces=_turned(mesh.faces if mesh.uv_faces is None else mesh.uv_faces, wrong)
        if mesh.uvs is not None else None,
    )  # fmt: skip


def _turned(corners: torch.Tensor, wrong: torch.Tensor) -> torch.Tensor:
    return torch.where(wrong[:, None], corners[:, [0, 2, 1]], corners)
