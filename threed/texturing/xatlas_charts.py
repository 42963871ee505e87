"""Charts by xatlas, within a deadline."""

import math
import os
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch

from common.errors import InputError
from common.raster.mesh import TriangleMesh
from threed.texturing.packing import NoCharts

CHILD = Path(__file__).with_name("xatlas_child.py")
MAX_MEGABYTES = 6 * 1024
"""Address space of the process that xatlas runs in."""


def xatlas_charts(
    mesh: TriangleMesh, texture_size: int, padding_texels: int, deadline_s: float
) -> TriangleMesh:
    """The mesh with texture coordinates by xatlas: charts that keep a distance, inside [0, 1].

    It runs in a process that is killed at the deadline, on Ctrl-C, and when this one dies.

    Args:
        mesh: without faces of area zero.
        texture_size: texels along each side that the texture will have.
        padding_texels: least distance between charts, from 1: at 0 colours bleed.
        deadline_s: seconds.

    Raises:
        NoCharts: it was not done in time, ran out of memory, crashed, or left faces out.
        InputError: a padding below 1.
    """
    if padding_texels < 1:
        raise InputError(f"charts need a padding of 1 texel at least, got {padding_texels}")
    with tempfile.TemporaryDirectory(prefix="charts-") as name:
        source, target = Path(name) / "mesh.npz", Path(name) / "charts.npz"
        np.savez(source, vertices=_scaled(mesh), faces=mesh.faces.numpy().astype(np.uint32))
        # The packer overshoots the size it is asked for, and coordinates are then scaled down.
        padding = padding_texels + -(-padding_texels // 2)
        _run([str(source), str(target), str(texture_size), str(padding)], deadline_s)
        with np.load(target, allow_pickle=False) as found:
            corners, uvs, pages = found["corners"], found["uvs"], int(found["pages"])
    if pages != 1 or corners.shape != tuple(mesh.faces.shape) or not np.isfinite(uvs).all():
        raise NoCharts(f"xatlas left part of the mesh out: {pages} pages")
    # Viewers repeat textures by default: charts at the page's edge would bleed to the other side.
    inset = 0.5 * padding_texels / texture_size
    page = torch.from_numpy(uvs) * (1 - 2 * inset) + inset
    return replace(
        mesh, uvs=page.to(mesh.vertices.dtype), uv_faces=torch.from_numpy(corners.astype(np.int32)),
        texture=None,
    )  # fmt: skip


def _scaled(mesh: TriangleMesh) -> np.ndarray:
    """Positions about the origin, scaled so that faces have an area of 1 on average.

    xatlas has tolerances in absolute lengths and areas. It takes the faces of a small, fine mesh
    (a bunny of 15 cm and 70,000 faces) for nothing, and falls apart into a thousand charts.
    """
    points = mesh.vertices.detach().double()
    a, b, c = points[mesh.faces.long()].unbind(1)
    area = 0.5 * float(torch.linalg.cross(b - a, c - a).norm(dim=-1).mean())
    scaled = (points - points.mean(0)) / math.sqrt(area) if area > 0 else points
    return scaled.numpy().astype(np.float32)


def _run(arguments: list[str], deadline_s: float) -> None:
    """Run the child to its end, or kill it."""
    limits = [str(math.ceil(deadline_s) + 1), str(os.getpid()), str(MAX_MEGABYTES)]
    process = subprocess.Popen(
        [sys.executable, "-P", str(CHILD), *arguments, *limits],
        stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
        env=os.environ | {"OPENBLAS_NUM_THREADS": "1"},
        start_new_session=True,  # a first Ctrl-C is for this process to decide about
    )  # fmt: skip
    try:
        _, said = process.communicate(timeout=deadline_s)
    except subprocess.TimeoutExpired:
        raise NoCharts(f"xatlas was not done after {deadline_s:g} s") from None
    finally:
        if process.poll() is None:
            process.kill()
            process.communicate()  # reaps it, and closes the pipe
    if process.returncode != 0:
        last = said.decode(errors="replace").strip().splitlines()[-1:] or ["no message"]
        raise NoCharts(f"xatlas ended with code {process.returncode}: {last[0]}")
