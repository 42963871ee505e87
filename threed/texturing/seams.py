"""Seams levelled: steps of colour between the two sides of cuts spread out over the charts.

Along every cut edge both sides are sampled, and a correction that is linear on each triangle is
found by least squares (the global levelling of Lempitsky and Ivanov 2007, "Seamless mosaicing of
image-based texture maps"):

    min  sum_samples (c_a + g_a - c_b - g_b)^2  +  w sum_edges (g_i - g_j)^2  +  e sum_i g_i^2

with one ``g`` for each row of ``uvs``. It is smooth inside charts, so nothing is blurred.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Int64
from torch import Tensor

from common.errors import InputError
from common.raster.interpolate import interpolate
from common.raster.mesh import TriangleMesh
from common.raster.texture import sample_texture
from common.raster.topology import face_neighbours
from threed.texturing.gutters import filled
from threed.texturing.page import page_fragments

SAMPLES = 4
"""Along each cut edge."""
SMOOTHNESS = 1.0
TIE = 1e-4
"""Weight of no correction at all, which decides what seams leave open: the mean."""


def seam_edges(mesh: TriangleMesh) -> Int64[np.ndarray, "s 2 2"]:
    """Cut edges as rows of ``uvs``: side, end; both sides from the same end to the other."""
    assert mesh.uvs is not None
    uv_faces = (mesh.faces if mesh.uv_faces is None else mesh.uv_faces).numpy().astype(np.int64)
    place = np.unique(mesh.vertices.detach().numpy(), axis=0, return_inverse=True)[1]
    place = place.reshape(-1)[mesh.faces.numpy()]
    across = face_neighbours(mesh.faces, mesh.vertices).numpy().astype(np.int64)
    here, corner = (across > np.arange(len(across))[:, None]).nonzero()  # each edge once
    there = across[here, corner]
    sides = []
    for step in (1, 2):
        end = (corner + step) % 3
        match = (place[there] == place[here, end][:, None]).argmax(1)
        sides.append((uv_faces[here, end], uv_faces[there, match]))
    ends = np.stack([np.stack(pair, -1) for pair in sides], -1)  # edge, side, end
    return ends[(ends[:, 0] != ends[:, 1]).any(-1)]


def seam_steps(mesh: TriangleMesh) -> Float[Tensor, "s samples 3"]:
    """How much the colours of the two sides differ at points along the cut edges."""
    ours, theirs = (_along(mesh, side) for side in seam_edges(mesh).swapaxes(0, 1))
    return ours - theirs


def levelled(mesh: TriangleMesh) -> TriangleMesh:
    """The mesh with a texture whose charts agree along their cuts as well as they can.

    Raises:
        InputError: the mesh has no texture.
    """
    from scipy.sparse import coo_array, csc_array, eye_array
    from scipy.sparse.linalg import splu

    if mesh.texture is None or mesh.uvs is None:
        raise InputError("only a mesh with a texture has seams to level")
    edges = seam_edges(mesh)
    if len(edges) == 0:
        return mesh
    count = len(mesh.uvs)
    steps = seam_steps(mesh).double().numpy()
    share = (np.arange(SAMPLES) + 0.5) / SAMPLES
    weights = np.stack([1 - share, share], -1)  # sample, end
    signs = np.array([1.0, -1.0])
    values = np.broadcast_to(
        signs[None, None, :, None] * weights[None, :, None, :], (len(edges), SAMPLES, 2, 2)
    )
    rows = np.arange(len(edges) * SAMPLES).reshape(-1, SAMPLES)[:, :, None, None]
    rows = np.broadcast_to(rows, values.shape)
    columns = np.broadcast_to(edges[:, None], values.shape)
    shape = (len(edges) * SAMPLES, count)
    data = coo_array((values.ravel(), (rows.ravel(), columns.ravel())), shape).tocsr()
    smooth = _differences(mesh, count)
    system = data.T @ data + SMOOTHNESS * (smooth.T @ smooth) + TIE * eye_array(count)
    wanted = -(data.T @ steps.reshape(-1, steps.shape[2]))
    correction = splu(csc_array(system)).solve(wanted)
    return replace(mesh, texture=_corrected(mesh, torch.from_numpy(correction)))


def _along(mesh: TriangleMesh, side: Int64[np.ndarray, "s 2"]) -> Tensor:
    """Colours at the middles of `SAMPLES` parts of edges given by their ends."""
    assert mesh.uvs is not None
    assert mesh.texture is not None
    start, end = mesh.uvs.detach()[torch.from_numpy(side)].unbind(1)
    share = ((torch.arange(SAMPLES) + 0.5) / SAMPLES).to(start)[:, None]
    where = start[:, None] * (1 - share) + end[:, None] * share
    return sample_texture(mesh.texture.to(where.dtype), where, wrap="clamp")


def _differences(mesh: TriangleMesh, count: int):  # type: ignore[no-untyped-def]
    """A matrix of one row for each triangle's edge on the page: one end less the other."""
    from scipy.sparse import coo_array

    uv_faces = (mesh.faces if mesh.uv_faces is None else mesh.uv_faces).numpy().astype(np.int64)
    start, end = uv_faces.ravel(), np.roll(uv_faces, -1, axis=1).ravel()
    rows = np.arange(len(start))
    values = np.concatenate([np.ones(len(start)), -np.ones(len(start))])
    where = (np.concatenate([rows, rows]), np.concatenate([start, end]))
    return coo_array((values, where), (len(start), count)).tocsr()


def _corrected(mesh: TriangleMesh, correction: Tensor) -> Tensor:
    assert mesh.texture is not None
    height, width = mesh.texture.shape[:2]
    if height != width:
        raise InputError(f"seams of square textures are levelled, not of {height} x {width}")
    fragments = page_fragments(mesh, height)
    corners = mesh.faces if mesh.uv_faces is None else mesh.uv_faces
    drawn = interpolate(correction.to(mesh.vertices.dtype), corners, fragments)[0]
    everywhere = filled(drawn, fragments.covered[0])
    return (mesh.texture + everywhere.to(mesh.texture.dtype)).clamp(0, 1)
