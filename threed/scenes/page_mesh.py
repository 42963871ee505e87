"""A mesh with a page of colours to begin a scene with: a ball, or a file's with its texture."""

import torch

from common.errors import InputError
from common.raster.mesh import TriangleMesh
from threed.texturing.carried_texture import carried_texture
from threed.texturing.unwrap import UnwrapOptions, unwrapped

_GREY = 0.5
_SUBDIVISIONS = 4
_PADDING_TEXELS = 8


def ball_mesh(radius_m: float, texture_px: int) -> TriangleMesh:
    """A grey ball of 5,120 triangles."""
    import trimesh

    ball = trimesh.creation.icosphere(_SUBDIVISIONS, radius=radius_m)
    mesh = TriangleMesh(
        torch.from_numpy(ball.vertices.copy()).float(), torch.from_numpy(ball.faces.copy()).int()
    )
    page = unwrapped(mesh, UnwrapOptions(texture_px, _PADDING_TEXELS)).mesh
    return _with(page, torch.full((texture_px, texture_px, 3), _GREY))


def page_mesh(source: TriangleMesh, texture_px: int) -> TriangleMesh:
    """The file's surface with texture coordinates, its own if they are good, and its colours.

    Raises:
        InputError: it has no area.
    """
    page = unwrapped(source, UnwrapOptions(texture_px, _PADDING_TEXELS))
    own = page.mesh.texture
    if page.way == "kept" and own is not None and own.shape[:2] == (texture_px, texture_px):
        return _with(page.mesh, own)
    carried = carried_texture(page.mesh, source, texture_px, 2).texture
    if carried is None:
        raise InputError("the mesh has no texture coordinates")
    return _with(page.mesh, carried)


def _with(mesh: TriangleMesh, texture: torch.Tensor) -> TriangleMesh:
    """Positions, coordinates and texture alone: normals follow the vertices."""
    corners = mesh.faces if mesh.uv_faces is None else mesh.uv_faces
    return TriangleMesh(
        mesh.vertices, mesh.faces, uvs=mesh.uvs, uv_faces=corners, texture=texture.float()
    )
