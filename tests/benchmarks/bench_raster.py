"""The triangle rasterizer: milliseconds per picture, and ratios to the slow twins of the tests.

The bars are for two quiet cores: 20,000 triangles at 512 pixels, forward 12 ms, forward and
backward with interpolation and antialiasing 40 ms.
"""

import os
import statistics
import time
from collections.abc import Callable

import torch
from torch import Tensor

from common.cameras import Cameras, orbit_cameras
from common.raster.antialias import antialias
from common.raster.interpolate import interpolate
from common.raster.mesh import TriangleMesh
from common.raster.rasterize import rasterize
from common.raster.render import render_mesh
from common.raster.texture import sample_texture
from common.raster.topology import face_neighbours
from tests.common.raster.scenes import sphere
from tests.reference import raster_rays, raster_torch

REPEATS = 21


def median_ms(run: Callable[[], object], repeats: int = REPEATS) -> float:
    """Median wall time; the first run, which may compile, does not count."""
    run()
    times = []
    for _ in range(repeats):
        begin = time.perf_counter()
        run()
        times.append(time.perf_counter() - begin)
    return 1e3 * statistics.median(times)


def cpu_ms(run: Callable[[], object], repeats: int = 11) -> float:
    """Least processor time of all threads: what a busy machine tells most honestly."""
    run()
    times = []
    for _ in range(repeats):
        begin = time.process_time()
        run()
        times.append(time.process_time() - begin)
    return 1e3 * min(times)


def scene() -> tuple[Tensor, Tensor, Cameras]:
    """A bumpy closed surface of 20,480 triangles that fills most of 512 x 512 pixels."""
    vertices, faces = sphere(5, torch.float32)
    waves = torch.sin(5 * vertices[:, :1]) * torch.cos(7 * vertices[:, 1:2])
    return (1 + 0.15 * waves) * vertices, faces, orbit_cameras(30.0, 20.0, 2.7, 45.0, 512, 512)


def optimisation_step(vertices: Tensor, faces: Tensor, cameras: Cameras) -> Callable[[], None]:
    """Forward and backward of everything that moves a mesh: RGBA, silhouettes included."""
    neighbours = face_neighbours(faces, vertices)
    points = vertices.clone().requires_grad_()
    colors = vertices.abs().requires_grad_()
    upstream = torch.ones(1, 512, 512, 4)

    def step() -> None:
        points.grad = colors.grad = None
        fragments = rasterize(points, faces, cameras)
        alpha = fragments.covered[..., None].float()
        color = torch.cat([interpolate(colors, faces, fragments), alpha], -1)
        antialias(color, points, faces, cameras, fragments, neighbours=neighbours).backward(
            upstream
        )

    return step


def parts(vertices: Tensor, faces: Tensor, cameras: Cameras) -> dict[str, Callable[[], object]]:
    """Every primitive alone, forward only."""
    fragments = rasterize(vertices, faces, cameras)
    neighbours = face_neighbours(faces, vertices)
    color = interpolate(vertices, faces, fragments)
    texture = torch.rand(512, 512, 3, generator=torch.Generator().manual_seed(0))
    mesh = TriangleMesh(vertices, faces)
    small = orbit_cameras(30.0, 20.0, 2.7, 45.0, 128, 128)
    return {
        "interpolate, 3 channels": lambda: interpolate(vertices, faces, fragments),
        "sample_texture, bilinear": lambda: sample_texture(texture, color[..., :2]),
        "antialias, 3 channels": lambda: antialias(
            color, vertices, faces, cameras, fragments, neighbours=neighbours
        ),
        "face_neighbours": lambda: face_neighbours(faces, vertices),
        "render_mesh, 128 px, 4 x 4 samples": lambda: render_mesh(mesh, small, supersample=4),
    }


def twins() -> None:
    """Ratios to the ray caster (forward) and to torch's autograd (coordinates and depth)."""
    vertices, faces = sphere(2, torch.float32)
    small = orbit_cameras(30.0, 20.0, 2.7, 45.0, 64, 64)
    ours = median_ms(lambda: rasterize(vertices, faces, small))
    slow = median_ms(lambda: raster_rays.cast(vertices, faces, small, 0.01), 3)
    print(f"forward, {len(faces)} triangles, 64 px: {ours:.2f} ms, "
          f"ray caster {slow:.0f} ms, {slow / ours:.0f} times")  # fmt: skip
    vertices, faces, cameras = scene()
    fragments = rasterize(vertices, faces, cameras)
    points = vertices.clone().requires_grad_()

    def backward(outputs: tuple[Tensor, Tensor]) -> None:
        points.grad = None
        (outputs[0].sum() + outputs[1].sum()).backward()

    def kernels() -> None:
        drawn = rasterize(points, faces, cameras)
        backward((drawn.barycentric, drawn.depth))

    ours = median_ms(kernels)
    slow = median_ms(
        lambda: backward(raster_torch.locate(points, faces, cameras, fragments.face_index)), 3
    )
    print(f"coordinates and depth with gradients: {ours:.1f} ms (finding the triangles included), "
          f"torch {slow:.0f} ms (not included), {slow / ours:.0f} times")  # fmt: skip


def main() -> None:
    """Print medians; the load says how far to trust them."""
    print(f"load {os.getloadavg()[0]:.1f} before the start, {torch.get_num_threads()} threads")
    vertices, faces, cameras = scene()
    with torch.no_grad():
        forward = median_ms(lambda: rasterize(vertices, faces, cameras))
        worked = cpu_ms(lambda: rasterize(vertices, faces, cameras))
        print(f"rasterize, {len(faces)} triangles, 512 px: {forward:.1f} ms, "
              f"processor {worked:.1f} ms  (bar 12 ms)")  # fmt: skip
    step = optimisation_step(vertices, faces, cameras)
    print(f"rasterize, interpolate, antialias, forward and backward: {median_ms(step):.1f} ms, "
          f"processor {cpu_ms(step):.1f} ms  (bar 40 ms)")  # fmt: skip
    with torch.no_grad():
        for name, run in parts(vertices, faces, cameras).items():
            print(f"  {name}: {median_ms(run):.1f} ms")
    twins()


if __name__ == "__main__":
    main()
