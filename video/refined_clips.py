"""Drawing clips several times, each from the low frequencies of the one before (FreeInit)."""

from collections.abc import Iterator
from typing import Any

import torch
from torch import Tensor

from common.diffusion.frame_curves import CONSTANT, FrameCurves
from common.diffusion.given import Given, num_taken
from common.diffusion.noise_schedule import NoiseSchedule
from common.diffusion.prior import Prior
from common.errors import InputError
from common.generation.clip_start import own_noise, start_of
from common.generation.picture_switches import stands_alone
from common.generation.sampling import Drawn, batches, denoise, statistics
from common.runs.app import Run
from common.runs.console import progress_bar
from common.seeding import generators_for, randn
from video.config import VideoConfig
from video.free_init import low_pass, mixed_frequencies
from video.windows_config import FreeInit

LEAST_LEAK = 0.01
"""``alpha`` of the noisiest latents from which on they say anything of a clip."""


def check_leak(schedule: NoiseSchedule, title: str) -> None:
    """Refuse a schedule whose noisiest latents hold nothing of a clip.

    Raises:
        InputError: as said; ``title`` names the prior.
    """
    alpha = float(schedule.alpha(torch.tensor([schedule.max_timestep])))
    if alpha < LEAST_LEAK:
        raise InputError(
            f"method.free_init has no use for {title}: its schedule ends in noise that holds "
            f"{alpha:.1g} of a clip, so that nothing would be carried over; leave it out"
        )


def draw_refined(
    config: VideoConfig,
    run: Run,
    prior: Prior[Any],
    free_init: FreeInit,
    given: Given | None,
    curves: FrameCurves = CONSTANT,
) -> Iterator[Drawn]:
    """Draw every clip of a run, continuing from its checkpoint.

    Each iteration begins with new high frequencies of its own generators; the state between any two
    steps, with the latents of the last iteration, is enough to continue to the same bytes.
    """
    state = run.checkpoints.restored_state or _fresh(0)
    done = run.checkpoints.restored.step if run.checkpoints.restored else 0
    plan = batches(config.num_samples, config.batch_size)
    taken = num_taken(config.sampler, given.strength if given else 1.0)
    with progress_bar(len(plan) * free_init.iterations * taken, done, "sampling") as bar:
        for index in range(state["batch"], len(plan)):
            samples, latents = plan[index], state["latents"]
            for iteration in range(state["iteration"], free_init.iterations):
                noise = _noise(config, run, prior, free_init, samples, iteration, latents)
                stream, begun = f", iteration {iteration}" if iteration else "", state["sampler"]
                here = {"batch": index, "iteration": iteration, "latents": latents}
                made: Tensor | None = None
                begin = start_of(config, run, prior, None, given, samples, stream, noise, curves)
                steps = denoise(config, run, prior, None, begin, samples, begun, stream, curves)
                for count, step in enumerate(steps, 1):
                    done, made = done + 1, step.latents
                    bar.update(1)
                    run.metrics.log(done, run.clock.elapsed(), statistics(step))
                    if step.index + 1 < step.num_steps and stands_alone(config, count):
                        run.checkpoints.offer(done, here | {"sampler": step.state})
                latents = made
                state = _fresh(index) | {"iteration": iteration + 1, "latents": latents}
                run.checkpoints.offer(done, state)
            assert latents is not None
            for row, sample in enumerate(samples):
                yield Drawn(sample, latents[row])
            state = _fresh(index + 1)
            run.checkpoints.offer(done, state)


def _fresh(batch: int) -> dict[str, Any]:
    return {"batch": batch, "iteration": 0, "latents": None, "sampler": None}


def _noise(
    config: VideoConfig,
    run: Run,
    prior: Prior[Any],
    free_init: FreeInit,
    samples: range,
    iteration: int,
    latents: Tensor | None,
) -> Tensor:
    """What an iteration begins with: the first with noise, later ones with the last clip's."""
    first = own_noise(config, run, prior, samples)
    if iteration == 0:
        return first
    assert latents is not None
    spec = prior.spec
    _, frames, height, width = spec.latent_shape
    noisiest = torch.full((len(samples),), spec.schedule.max_timestep, device=first.device)
    under_noise = spec.schedule.add_noise(latents.to(first), first, noisiest)
    generators = generators_for(config.seed, samples, f"free init {iteration}")
    fresh = randn(spec.latent_shape, generators, device=run.device)
    return mixed_frequencies(under_noise, fresh, low_pass(free_init, (frames, height, width)))
