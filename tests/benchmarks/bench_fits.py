"""Known objects from 40 pictures of 128 pixels, seen again from four other sides.

The bars: Gaussians 32 dB, the voxel grid 30 dB, each in at most 60 s on two quiet cores; the
Gaussians as a textured mesh, against the Gaussians from six other sides: 30 dB and an overlap of
outlines of 0.95, in at most 60 s.
"""

import math
import time
from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from tests.threed.kit_views import HELD_OUT, kit_views
from threed.conversion.mesh_gaussians import meshed_gaussians
from threed.conversion.options import Meshing
from threed.conversion.tidy_mesh import DEFAULT_TEXTURE_PX
from threed.measures.cloud_views import mesh_back
from threed.measures.consistency import view_psnr
from threed.optimise.fit_gaussians import fit_gaussians
from threed.optimise.fit_options import FitOptions
from threed.optimise.fit_views import fit_views
from threed.optimise.gaussian_options import GaussianFit
from threed.rendering import gaussians, volume
from threed.scenes.gaussian_cloud import GaussianCloud

OBJECTS = ("car", "mug", "duck")
SIZE_PX = 128
GOLDEN_DEG = 137.50776
AROUND_40 = tuple(
    ((i * GOLDEN_DEG) % 360, math.degrees(math.asin(-0.4 + 1.25 * (i + 0.5) / 40)))
    for i in range(40)
)
"""Evenly over the sphere, from 23 degrees below the horizon to 57 above it."""
GAUSSIANS = GaussianFit(num_steps=600)
VOXELS = FitOptions()
GAUSSIANS_BAR_DB, VOXELS_BAR_DB, BAR_S = 32.0, 30.0, 60.0
MESH_BAR_DB, OVERLAP_BAR = 30.0, 0.95


def taken(steps: Iterator[Any]) -> tuple[Any, float, float]:
    """The last step, wall time and processor time."""
    begin, worked = time.perf_counter(), time.process_time()
    *_, last = steps
    return last, time.perf_counter() - begin, time.process_time() - worked


def said(name: str, seen: Tensor, wanted: Tensor, wall: float, worked: float, bar: float) -> None:
    """One line: whole pictures' PSNR, that in the alpha box, seconds."""
    whole = -10 * (seen[..., :3] - wanted[..., :3]).square().mean((1, 2, 3)).log10().mean()
    boxed = view_psnr(seen, wanted).mean()
    print(f"{name}: {float(whole):.1f} dB (bar {bar:.0f}), {float(boxed):.1f} dB in the alpha box, "
          f"{wall:.0f} s (bar {BAR_S:.0f}), processor {worked:.0f} s")  # fmt: skip


def meshed(name: str, cloud: GaussianCloud) -> None:
    """One line: the cloud's mesh against the cloud."""
    begin, worked = time.perf_counter(), time.process_time()
    made = meshed_gaussians(cloud, Meshing(), None, DEFAULT_TEXTURE_PX)
    wall, worked = time.perf_counter() - begin, time.process_time() - worked
    back = mesh_back(cloud, made.mesh)
    print(f"{name}, Gaussians as a mesh: {back.interior_psnr_db:.1f} dB where both are opaque (bar "
          f"{MESH_BAR_DB:.0f}), {back.surface_psnr_db:.1f} dB away from outlines too, overlap "
          f"{back.silhouette_iou:.4f} (bar {OVERLAP_BAR}), {wall:.0f} s (bar {BAR_S:.0f}), "
          f"processor {worked:.0f} s", flush=True)  # fmt: skip


def main() -> None:
    """Print a line for each object and scene."""
    for name in OBJECTS:
        given, held = kit_views(name, AROUND_40, SIZE_PX), kit_views(name, HELD_OUT, SIZE_PX)
        cloud, wall, worked = taken(fit_gaussians(given.rgba, given.cameras, GAUSSIANS))
        with torch.no_grad():
            seen = gaussians.render(cloud.cloud, held.cameras).rgba
        said(f"{name}, Gaussians", seen, held.rgba, wall, worked, GAUSSIANS_BAR_DB)
        meshed(name, cloud.cloud)
        grid, wall, worked = taken(fit_views(given.rgba, given.cameras, VOXELS))
        with torch.no_grad():
            seen = volume.render(grid.field, held.cameras).rgba
        said(f"{name}, voxels", seen, held.rgba, wall, worked, VOXELS_BAR_DB)
