"""Fewer faces: edge collapses by quadric error (Garland and Heckbert 1997)."""

from dataclasses import replace

import numpy as np
import torch

from common.errors import InputError
from common.raster.mesh import TriangleMesh
from threed.meshing.cleaning import CleanOptions, cleaned

MIN_FACES = 4


def decimated(mesh: TriangleMesh, max_faces: int) -> TriangleMesh:
    """The mesh with at most ``max_faces`` faces, closed where it was closed.

    What collapses leave behind that is not manifold is cleaned. Every new face takes colour,
    material and part from the nearest old one. A mesh with few enough faces is returned as it is.

    Args:
        mesh: clean (`cleaned`); without texture coordinates, which are made after it.
        max_faces: at least `MIN_FACES`.

    Raises:
        InputError: it has texture coordinates, or the number is too small.
    """
    from fast_simplification import simplify

    if max_faces < MIN_FACES:
        raise InputError(f"a body needs {MIN_FACES} faces at least, got max_faces={max_faces}")
    if len(mesh.faces) <= max_faces:
        return mesh
    if mesh.uvs is not None:
        raise InputError("decimate before making texture coordinates; these would not survive it")
    vertices = mesh.vertices.detach().double().numpy()
    faces = np.ascontiguousarray(mesh.faces.numpy(), dtype=np.int32)
    target = max_faces
    while True:
        points, corners = simplify(vertices, faces, target_count=target)[:2]
        coarse = TriangleMesh(
            torch.from_numpy(np.array(points)).to(mesh.vertices.dtype),
            torch.from_numpy(np.array(corners, dtype=np.int32)).to(mesh.faces.dtype),
        )
        tidy = cleaned(coarse, CleanOptions(min_piece=0.0)).mesh
        if len(tidy.faces) <= max_faces or target <= MIN_FACES:
            break
        # closing what collapses tore open has added faces
        target = max(target - (len(tidy.faces) - max_faces) - 1, MIN_FACES)
    if len(tidy.faces) > max_faces:
        raise InputError(f"this mesh cannot be brought down to {max_faces} faces; allow more")
    return _with_looks(tidy, mesh)


def _with_looks(coarse: TriangleMesh, fine: TriangleMesh) -> TriangleMesh:
    """Colours, materials and parts of the nearest vertex and the nearest face's middle."""
    from scipy.spatial import cKDTree

    def nearest(old: torch.Tensor, new: torch.Tensor) -> torch.Tensor:
        return torch.from_numpy(cKDTree(old.detach().numpy()).query(new.numpy())[1])

    result = coarse
    if fine.vertex_colors is not None:
        at = nearest(fine.vertices, coarse.vertices)
        result = replace(result, vertex_colors=fine.vertex_colors[at])
    looks = {
        "face_colors": fine.face_colors,
        "face_roughness": fine.face_roughness,
        "face_metallic": fine.face_metallic,
        "part_ids": fine.part_ids,
    }
    present = {name: values for name, values in looks.items() if values is not None}
    if not present:
        return result
    middles = [mesh.vertices[mesh.faces.long()].mean(1) for mesh in (fine, coarse)]
    at = nearest(*middles)
    return replace(result, **{name: values[at] for name, values in present.items()})
