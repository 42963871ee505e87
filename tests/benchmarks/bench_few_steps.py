"""How much faster the sampling loop of a student of few steps is than that of the guided U-Net.

Both loops are timed in turn, so that what else the machine does slows both alike.
"""

import statistics
import time

import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DDIM, DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.prior import EmbeddedPrior
from common.seeding import generators_for, randn
from common.zoo.models import load_embedded_prior

REPEATS = 5
BATCH = 2
SIDE_PX = 128
NUM_STEPS = (1, 2, 4, 8)
BAR, BAR_STEPS = 8.0, 4


@torch.inference_mode()
def loop_s(prior: EmbeddedPrior, sampler: DDIM | DPMSolverPP2M, scale: float) -> float:
    """Seconds of a sampling loop, without texts and decoding."""
    scheduler = build_scheduler(sampler, prior.spec.schedule, "v")
    noise = randn(prior.spec.latent_shape, generators_for(0, range(BATCH), "latents"))
    cond, uncond = prior.embed(["a red car"] * BATCH), prior.embed([""] * BATCH)
    begin = time.perf_counter()
    for _ in sample(
        prior, scheduler, cond, uncond, CFG(guidance_scale=scale), noise,
        generators_for(0, range(BATCH), "sampler"),
    ):  # fmt: skip
        pass
    return time.perf_counter() - begin


def main() -> None:
    """Print the median ratio for every number of steps."""
    plain = load_embedded_prior((SIDE_PX, SIDE_PX))
    for steps in NUM_STEPS:
        student = load_embedded_prior((SIDE_PX, SIDE_PX), few_steps=steps)
        ratios, taken = [], []
        for _ in range(REPEATS):
            own = loop_s(student, DDIM(num_steps=steps), 1.0)
            ratios.append(loop_s(plain, DPMSolverPP2M(), 4.0) / own)
            taken.append(own)
        bar = f" (bar {BAR:.0f})" if steps == BAR_STEPS else ""
        print(
            f"{steps} steps, {BATCH} pictures: {statistics.median(taken):.3f} s, "
            f"{statistics.median(ratios):.1f} times faster than 25 guided steps{bar}"
        )
