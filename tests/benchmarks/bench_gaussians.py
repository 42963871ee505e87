"""Gaussian splatting: milliseconds per step, forward and backward, and the ratio to tiled torch.

The bars are for two quiet cores: 5,000 splats at 128 pixels 20 ms, 50,000 at 512 pixels 250 ms, and
eight times the speed of tiled torch, which itself must not take more than 0.20 s at the first size.
"""

import math
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

from common.cameras import Cameras, orbit_cameras
from common.seeding import generator_for
from tests.benchmarks.bench_raster import cpu_ms, median_ms
from tests.reference import splat_tiled
from threed.rendering.gaussians import render
from threed.scenes.gaussian_cloud import GaussianCloud

SCENES = ((5_000, 128, 0.021, 20.0), (50_000, 512, 0.0068, 250.0))
"""Gaussians, pixels, median deviation in metres, bar in ms."""
MIN_OVERLAP = 20.0


def scene(count: int, deviation: float, degree: int) -> GaussianCloud:
    """A ball of faint Gaussians of many sizes and shapes."""
    generator = generator_for(0, count, "benchmark/gaussians")

    def normal(*shape: int) -> Tensor:
        return torch.randn(*shape, generator=generator)

    direction = torch.nn.functional.normalize(normal(count, 3), dim=1)
    radius = 0.75 * torch.rand(count, 1, generator=generator) ** (1 / 3)
    return GaussianCloud(
        radius * direction, math.log(deviation) + 0.4 * normal(count, 3), normal(count, 4),
        normal(count) - 2.0, 0.3 * normal(count, (degree + 1) ** 2, 3),
    )  # fmt: skip


def camera(size: int) -> Cameras:
    """One that the ball fills."""
    return orbit_cameras(30.0, 20.0, 3.8, 25.0, size, size)


def step_of(cloud: GaussianCloud, cameras: Cameras, tiled: bool) -> Callable[[], None]:
    """Forward and backward of one picture."""
    names = ("means", "log_scales", "quaternions", "opacity_logits", "sh")
    leaves = [getattr(cloud, name).clone().requires_grad_() for name in names]
    live = GaussianCloud(*leaves)
    upstream = torch.ones(cameras.height, cameras.width, 5)

    def step() -> None:
        for leaf in leaves:
            leaf.grad = None
        if tiled:
            splat_tiled.splat(live, cameras).backward(upstream)
        else:
            seen = render(live, cameras)
            torch.cat([seen.rgba[0], seen.depth[0, ..., None]], -1).backward(upstream)

    return step


@contextmanager
def one_thread() -> Iterator[None]:
    """Everything by the calling thread: the ratio that other users of the machine change least."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def main() -> None:
    """Print medians of wall time and least processor time."""
    print(f"load {os.getloadavg()[0]:.1f} before the start, {torch.get_num_threads()} threads")
    for count, size, deviation, bar in SCENES:
        for degree in (0, 3):
            cloud, cameras = scene(count, deviation, degree), camera(size)
            step = step_of(cloud, cameras, tiled=False)
            print(f"{count} splats, {size} px, degree {degree}: {median_ms(step):.1f} ms, "
                  f"processor {cpu_ms(step):.1f} ms  (bar {bar:.0f} ms)")  # fmt: skip
        overlap = splat_tiled.mean_overlap(cloud, cameras)
        print(f"  mean overlap {overlap:.1f}  (bar {MIN_OVERLAP:.0f})")
    count, size, deviation, _ = SCENES[0]
    cloud, cameras = scene(count, deviation, 0), camera(size)
    steps = [step_of(cloud, cameras, tiled=tiled) for tiled in (False, True)]
    ours, theirs = (median_ms(step, 7) for step in steps)
    print(f"tiled torch {theirs:.0f} ms  (bar 200 ms), {theirs / ours:.1f} times ours  (bar 8)")
    ours, theirs = (cpu_ms(step, 7) for step in steps)
    print(f"  processor {theirs:.0f} ms, {theirs / ours:.1f} times ours")
    with one_thread():
        ours, theirs = (cpu_ms(step, 7) for step in steps)
    print(f"  one thread each, processor {ours:.1f} ms and {theirs:.0f} ms, "
          f"{theirs / ours:.1f} times ours")  # fmt: skip


if __name__ == "__main__":
    main()
