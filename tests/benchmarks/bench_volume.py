"""The voxel field: milliseconds of one picture, forward and backward, nothing skipped.

The bar is for two quiet cores: 64 x 64 x 64 cells, 64 x 64 pixels, 128 samples along each ray, all
of them in matter thin enough that no ray ends early: 40 ms.
"""

import os

import torch

from common.cameras import Cameras, orbit_cameras
from common.seeding import generator_for
from tests.benchmarks.bench_raster import cpu_ms, median_ms
from threed.rendering.volume import March, render
from threed.scenes.voxel_field import VoxelField, raw_of_density

NUM_CELLS, SIZE_PX, NUM_SAMPLES = 64, 64, 128
BAR_MS = 40.0
_DENSITY = 0.5
"""In 1/m: over 1.2 m more than half of the light is left."""


def scene() -> tuple[VoxelField, Cameras]:
    """Thin matter of many colours, and a camera whose rays all cross it from front to back."""
    generator = generator_for(0, 0, "benchmark/volume")
    shape = (NUM_CELLS + 1,) * 3
    density = raw_of_density(_DENSITY) + 0.1 * torch.randn(*shape, generator=generator)
    colour = torch.randn(*shape, 3, generator=generator)
    field = VoxelField(density.requires_grad_(), colour.requires_grad_())
    return field, orbit_cameras(0.0, 0.0, 3.0, 25.0, SIZE_PX, SIZE_PX)


def main() -> None:
    """Print the median of wall time and the least processor time."""
    print(f"load {os.getloadavg()[0]:.1f} before the start, {torch.get_num_threads()} threads")
    field, cameras = scene()
    everywhere = torch.ones(NUM_CELLS, NUM_CELLS, NUM_CELLS, dtype=torch.bool)
    upstream = torch.ones(1, SIZE_PX, SIZE_PX, 4)
    march = March(step_cells=NUM_CELLS / NUM_SAMPLES)

    def step() -> None:
        field.density.grad = field.colour.grad = None
        render(field, cameras, march=march, occupied=everywhere).rgba.backward(upstream)

    print(
        f"{NUM_CELLS}^3 cells, {SIZE_PX} px, {NUM_SAMPLES} samples a ray, forward and backward: "
        f"{median_ms(step):.1f} ms, processor {cpu_ms(step):.1f} ms  (bar {BAR_MS:.0f} ms)"
    )
    with torch.no_grad():
        left = 1 - float(render(field, cameras, march=march, occupied=everywhere).opacity.mean())
    print(f"  light left behind it: {left:.2f}")


if __name__ == "__main__":
    main()
