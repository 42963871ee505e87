"""Meshes from files, for tests of what meshes of the world bring along."""

import os
from functools import cache
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from common.raster.mesh import TriangleMesh

DATA = Path(__file__).parent / "data"


def mesh_file(name: str) -> Path:
    """The file of ``spot``, ``suzanne`` or ``stanford_bunny``; the last one may be absent."""
    path = DATA / f"{name}.obj"
    if name == "stanford_bunny" and not path.is_file():
        path = Path(os.environ.get("STANFORD_BUNNY", path))
        if not path.is_file():
            pytest.skip("the Stanford bunny is not here (STANFORD_BUNNY names no file)")
    return path


@cache
def real_mesh(name: str, *, uvs: bool = True) -> TriangleMesh:
    """One of them, in its own size and place."""
    read = trimesh.load_mesh(mesh_file(name), process=False)
    coordinates = getattr(read.visual, "uv", None)
    return TriangleMesh(
        torch.from_numpy(np.array(read.vertices)).float(),
        torch.from_numpy(np.array(read.faces)).int(),
        uvs=None
        if coordinates is None or not uvs
        else torch.from_numpy(np.array(coordinates)).float(),
    )
