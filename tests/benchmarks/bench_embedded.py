"""What the embedded prior costs: reading its models, and one picture of 128 pixels."""

import statistics
import subprocess
import sys
import time
from collections.abc import Callable

import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.prior import EmbeddedPrior
from common.seeding import generators_for, randn
from common.zoo.models import check_embedded_prior, load_embedded_prior

REPEATS = 5
NUM_STEPS = 25
SIDE_PX = 128
LOAD_BAR_S, PICTURE_BAR_S = 1.0, 2.5
MATRIX_SIDE = 1024


def median_s(act: Callable[[], object]) -> float:
    """The median time of five calls after one that is not counted."""
    act()
    times = []
    for _ in range(REPEATS):
        begin = time.perf_counter()
        act()
        times.append(time.perf_counter() - begin)
    return statistics.median(times)


@torch.inference_mode()
def picture(prior: EmbeddedPrior) -> torch.Tensor:
    """One picture with guidance: two evaluations a step."""
    scheduler = build_scheduler(DPMSolverPP2M(num_steps=NUM_STEPS), prior.spec.schedule, "v")
    noise = randn(prior.spec.latent_shape, generators_for(0, [0], "latents"))
    steps = sample(
        prior, scheduler, prior.embed(["a red car"]), prior.embed([""]), CFG(guidance_scale=4.0),
        noise, generators_for(0, [0], "sampler"),
    )  # fmt: skip
    *_, last = steps
    return prior.decode(last.latents)


def cold_load_s() -> float:
    """Seconds of reading the models in a new process, once torch and diffusers are imported."""
    code = (
        "import time, diffusers, torch\n"
        "from diffusers import UNet2DConditionModel\n"
        "from common.zoo.models import load_embedded_prior\n"
        "begin = time.perf_counter()\n"
        f"load_embedded_prior(({SIDE_PX}, {SIDE_PX}))\n"
        "print(time.perf_counter() - begin)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return float(done.stdout)


def main() -> None:
    """Print medians, and the picture's time in matrix products of the same process."""
    check_embedded_prior()
    prior = load_embedded_prior((SIDE_PX, SIDE_PX))
    loads = [cold_load_s() for _ in range(REPEATS)]
    print(f"models read: {statistics.median(loads):.2f} s (bar {LOAD_BAR_S:.1f} s)")
    taken = median_s(lambda: picture(prior))
    matrix = torch.randn(MATRIX_SIDE, MATRIX_SIDE)
    product = median_s(lambda: matrix @ matrix)
    print(
        f"one picture of {SIDE_PX} px, {NUM_STEPS} steps: {taken:.2f} s (bar {PICTURE_BAR_S:.1f} s)"
        f", {taken / product:.0f} float32 matrix products of {MATRIX_SIDE}"
    )
