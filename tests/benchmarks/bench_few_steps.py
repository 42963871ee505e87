"""How much faster the sampling loops of students of few steps are than those of the guided priors.

Of pictures, of views that are drawn together, and of clips, first frame and all. Both loops are
timed in turn, so that what else the machine does slows both alike.
"""

import statistics
import time
from collections.abc import Callable

import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DDIM, DPMSolverPP2M
from common.diffusion.samplers import build_scheduler
from common.embedded.first_frame import clip_draws, first_frames
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import FRONT, View
from common.embedded.moved_start import moved_start
from common.embedded.prior import EmbeddedPrior
from common.seeding import generators_for, randn
from common.zoo.models import load_embedded_prior, load_frame_prior

REPEATS = 5
BATCH = 2
SIDE_PX = 128
NUM_STEPS = (1, 2, 4, 8)
NUM_VIEWS, NUM_FRAMES = 4, 16
BAR, BAR_STEPS = 8.0, 4
CLIP = "a red car slides to the left"

Sampler = DDIM | DPMSolverPP2M


@torch.inference_mode()
def loop_s(prior: EmbeddedPrior, sampler: Sampler, scale: float) -> float:
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


@torch.inference_mode()
def views_s(prior: FramePrior, sampler: Sampler, scale: float) -> float:
    """The same of views that are drawn together."""
    scheduler = build_scheduler(sampler, prior.spec.schedule, "v")
    noise = prior.noise(generators_for(0, [0], "latents"))
    views = tuple(View(360 / NUM_VIEWS * at, FRONT.elevation_deg) for at in range(NUM_VIEWS))
    cond, uncond = prior.embed(["a red car"], [views]), prior.embed([""])
    begin = time.perf_counter()
    for _ in sample(
        prior, scheduler, cond, uncond, CFG(guidance_scale=scale), noise,
        generators_for(0, [0], "sampler"),
    ):  # fmt: skip
        pass
    return time.perf_counter() - begin


@torch.inference_mode()
def clip_s(prior: FramePrior, sampler: Sampler, scale: float) -> float:
    """The loops of a first frame and of the clip that goes on from it, moved as the prompt tells.

    Laying and moving it is left out.
    """
    guidance, scheduler = (
        CFG(guidance_scale=scale),
        build_scheduler(sampler, prior.spec.schedule, "v"),
    )
    draws = clip_draws(prior, 0, [0])
    said, empty = prior.pictures.embed([CLIP]), prior.pictures.embed_negative([""])
    begin = time.perf_counter()
    first = first_frames(prior, said, empty, sampler, guidance, draws)
    taken = time.perf_counter() - begin
    start, _ = moved_start(prior, said.vector, first, scheduler, draws.noise, draws.moving)
    cond = prior.embed([CLIP], first=first)
    uncond = prior.embed([""], first=first, hidden=True)
    begin = time.perf_counter()
    for _ in sample(
        prior, scheduler, cond, uncond, guidance, start.latents,
        generators_for(0, [0], "sampler"), begin=start.evaluation,
    ):  # fmt: skip
        pass
    return taken + time.perf_counter() - begin


def compared(
    what: str, plain: Callable[[], float], student: Callable[[], float], steps: int, guided: int
) -> None:
    """Print how long the student takes, and the median ratio of turns."""
    ratios, taken = [], []
    for _ in range(REPEATS):
        own = student()
        ratios.append(plain() / own)
        taken.append(own)
    bar = f" (bar {BAR:.0f})" if steps == BAR_STEPS else ""
    print(
        f"{steps} steps, {what}: {statistics.median(taken):.3f} s, "
        f"{statistics.median(ratios):.1f} times faster than {guided} guided steps{bar}"
    )


def main() -> None:
    """Print the median ratio for every number of steps."""
    size = (SIDE_PX, SIDE_PX)
    plain = load_embedded_prior(size)
    views = load_frame_prior("view_layers", NUM_VIEWS, size)
    clips = load_frame_prior("motion_layers", NUM_FRAMES, size, trajectory_noise=1.0)
    guided = DPMSolverPP2M()
    for steps in NUM_STEPS:
        few, of_pictures = DDIM(num_steps=steps), load_embedded_prior(size, few_steps=steps)
        compared(
            f"{BATCH} pictures", lambda: loop_s(plain, guided, 4.0),
            lambda few=few, own=of_pictures: loop_s(own, few, 1.0), steps, guided.num_steps,
        )  # fmt: skip
        of_views = load_frame_prior("view_layers", NUM_VIEWS, size, few_steps=steps)
        compared(
            f"{NUM_VIEWS} views", lambda: views_s(views, guided, 4.0),
            lambda few=few, own=of_views: views_s(own, few, 1.0), steps, guided.num_steps,
        )  # fmt: skip
        of_clips = load_frame_prior(
            "motion_layers", NUM_FRAMES, size, trajectory_noise=1.0, few_steps=steps
        )
        compared(
            f"a clip of {NUM_FRAMES} frames", lambda: clip_s(clips, guided, 3.0),
            lambda few=few, own=of_clips: clip_s(own, few, 1.0), steps, guided.num_steps,
        )  # fmt: skip
