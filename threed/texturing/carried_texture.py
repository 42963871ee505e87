"""The colours of one surface carried to the texture of another that lies close to it.

Each texel's point takes the colour of the nearest point of the source that faces the same way.
Nearest faces are found by samples of the source in a k-d tree, then measured exactly.
"""

from dataclasses import replace

import numpy as np
import torch
from jaxtyping import Float, Float64, Int64
from numpy.typing import NDArray
from torch import Tensor

from common.errors import InputError
from common.raster.color import linear_to_srgb, srgb_to_linear
from common.raster.mesh import TriangleMesh, corner_positions, face_normals
from common.raster.texture import sample_texture
from common.seeding import generator_for
from threed.texturing.texels import texels_of, texture_from

MIN_SAMPLES = 200_000
SAMPLES_PER_FACE = 2
CANDIDATES = 4
"""Nearest samples whose faces are measured."""
FACING = 0.01
"""Share of the longest side that facing at right angles counts as in distance, about."""
_POINTS = 2**17


def carried_texture(
    mesh: TriangleMesh, source: TriangleMesh, size: int, supersample: int = 1
) -> TriangleMesh:
    """The mesh with a ``size x size`` texture that shows the source's colours.

    Args:
        mesh: with texture coordinates; its colours of vertices and faces are dropped.
        source: a surface nearby, with any of texture, vertex colours and face colours.
        size: texels along each side.
        supersample: samples along each side of a texel.

    Raises:
        InputError: no texture coordinates, or a source without area.
    """
    texels = texels_of(mesh, size, supersample)
    faces, weights = nearest_points(source, texels.positions, texels.normals)
    colours = linear_to_srgb(surface_colours(source, faces, weights)).clamp(0, 1)
    bare = replace(mesh, vertex_colors=None, face_colors=None)
    return replace(bare, texture=texture_from(texels, colours.float()))


def nearest_points(
    source: TriangleMesh, points: Float[Tensor, "n 3"], normals: Float[Tensor, "n 3"]
) -> tuple[Int64[Tensor, " n"], Float[Tensor, "n 3"]]:
    """Face and barycentric weights of the source's nearest point, facing alike where there is one.

    Raises:
        InputError: the source has no area.
    """
    from scipy.spatial import cKDTree

    corners = corner_positions(source.vertices.detach().double(), source.faces).numpy()
    facing = face_normals(source.vertices.detach().double(), source.faces).numpy()
    owners, places = _samples(corners)
    # directions as three more coordinates keep the two sides of a thin wall apart
    weight = FACING * float(np.ptp(corners.reshape(-1, 3), axis=0).max())
    tree = cKDTree(np.concatenate([places, weight * facing[owners]], 1))
    found, weights = [], []
    for begin in range(0, len(points), _POINTS):
        rows = slice(begin, begin + _POINTS)
        there, ahead = (one[rows].double().numpy() for one in (points, normals))
        _, near = tree.query(np.concatenate([there, weight * ahead], 1), k=CANDIDATES)
        candidates = owners[near.reshape(len(there), -1)]
        face, share = _nearest_of(corners, facing, candidates, there, ahead)
        found.append(face)
        weights.append(share)
    return torch.from_numpy(np.concatenate(found)), torch.from_numpy(np.concatenate(weights))


def surface_colours(
    mesh: TriangleMesh, faces: Int64[Tensor, " n"], weights: Float[Tensor, "n 3"]
) -> Float[Tensor, "n 3"]:
    """Linear colours at points of a mesh; white where it has none."""
    linear = torch.ones(len(faces), 3, dtype=torch.float64)
    if mesh.texture is not None and mesh.uvs is not None:
        corners = (mesh.faces if mesh.uv_faces is None else mesh.uv_faces)[faces].long()
        uvs = (mesh.uvs.double()[corners] * weights[..., None]).sum(1)
        linear = linear * sample_texture(srgb_to_linear(mesh.texture.double()), uvs)
    if mesh.vertex_colors is not None:
        painted = srgb_to_linear(mesh.vertex_colors.double())[mesh.faces[faces].long()]
        linear = linear * (painted * weights[..., None]).sum(1)
    if mesh.face_colors is not None:
        linear = linear * srgb_to_linear(mesh.face_colors.double())[faces]
    return linear


def _samples(corners: Float64[np.ndarray, "m 3 3"]) -> tuple[NDArray[np.int64], NDArray]:
    """Points all over the surface, by area, and the middle of every face; the same every time."""
    sides = corners[:, 1:] - corners[:, :1]
    areas = 0.5 * np.linalg.norm(np.cross(sides[:, 0], sides[:, 1]), axis=1)
    if not areas.sum() > 0:
        raise InputError(f"none of the source's {len(corners):,} faces has an area")
    count = max(MIN_SAMPLES, SAMPLES_PER_FACE * len(corners))
    generator = generator_for(0, 0, "texture/samples")
    edges = np.cumsum(areas) / areas.sum()
    draws = torch.rand(count, 3, generator=generator, dtype=torch.float64).numpy()
    owners = np.minimum(np.searchsorted(edges, draws[:, 0]), len(corners) - 1)
    root = np.sqrt(draws[:, 1])
    shares = np.stack([1 - root, root * (1 - draws[:, 2]), root * draws[:, 2]], 1)
    inside = (corners[owners] * shares[..., None]).sum(1)
    return (
        np.concatenate([np.arange(len(corners)), owners]),
        np.concatenate([corners.mean(1), inside]),
    )


def _nearest_of(
    corners: NDArray, facing: NDArray, candidates: NDArray, points: NDArray, normals: NDArray
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Of each point's candidate faces the nearest that faces as it does, else the nearest."""
    from trimesh.triangles import closest_point, points_to_barycentric

    count = candidates.shape[1]
    flat = candidates.ravel()
    repeated = np.repeat(points, count, axis=0)
    nearest = closest_point(corners[flat], repeated)
    away = np.square(nearest - repeated).sum(1).reshape(-1, count)
    behind = (facing[candidates] * normals[:, None]).sum(-1) < 0
    best = np.where(behind, away + away.max() + 1, away).argmin(1)
    rows = np.arange(len(points))
    face = candidates[rows, best]
    place = nearest.reshape(-1, count, 3)[rows, best]
    shares = points_to_barycentric(corners[face], place)
    shares = np.nan_to_num(shares, nan=1 / 3).clip(0, 1)
    return face, shares / np.maximum(shares.sum(1, keepdims=True), 1e-12)
