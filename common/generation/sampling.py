"""Drawing a run's samples from a prior: batches, seeds, progress, checkpoints.

Noise is drawn per sample, so sample ``i`` of a run is the same whatever else is drawn. The state
between any two sampler steps is enough to continue to the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from common.diffusion.prior import Prior
from common.diffusion.sample import SampleStep, sample
from common.diffusion.samplers import build_scheduler
from common.generation.config import GenerationConfig
from common.runs.app import Run
from common.runs.console import progress_bar
from common.seeding import generators_for, randn


@dataclass(frozen=True)
class Drawn:
    """One finished sample, still in latent space."""

    sample: int
    """Its index within the run."""
    latents: Tensor
    """Without the batch axis."""


def batches(num_samples: int, batch_size: int) -> list[range]:
    """Consecutive sample indices, ``batch_size`` at a time."""
    starts = range(0, num_samples, batch_size)
    return [range(start, min(start + batch_size, num_samples)) for start in starts]


def draw(config: GenerationConfig, run: Run, prior: Prior[Any]) -> Iterator[Drawn]:
    """Draw every sample of a run, continuing from its checkpoint.

    A batch counts as finished once the consumer has taken all of it: a run killed while its last
    samples were written draws that batch again, to the same bytes.
    """
    restored = run.checkpoints.restored_state or {"batch": 0, "sampler": None}
    plan = batches(config.num_samples, config.batch_size)
    steps_per_batch = config.sampler.num_evaluations
    total = len(plan) * steps_per_batch
    done = run.checkpoints.restored.step if run.checkpoints.restored else 0
    with progress_bar(total, done, "sampling") as bar:
        for index in range(restored["batch"], len(plan)):
            sampler_state = restored["sampler"] if index == restored["batch"] else None
            latents = None
            for step in _denoise(config, run, prior, plan[index], sampler_state):
                done += 1
                bar.update(1)
                latents = step.latents
                run.metrics.log(done, run.clock.elapsed(), _statistics(step))
                run.checkpoints.offer(done, {"batch": index, "sampler": step.state})
            if latents is None:  # killed after the last step, before the samples were taken
                latents = sampler_state["latents"]
            for row, sample_index in enumerate(plan[index]):
                yield Drawn(sample_index, latents[row])
            run.checkpoints.offer(done, {"batch": index + 1, "sampler": None})


def _denoise(
    config: GenerationConfig, run: Run, prior: Prior[Any], samples: range, state: Any
) -> Iterator[SampleStep]:
    spec = prior.spec
    cond = prior.embed([config.prompt] * len(samples))
    uncond = prior.embed([config.negative_prompt] * len(samples))
    scheduler = build_scheduler(config.sampler, spec.schedule, spec.prediction)
    noise = randn(
        spec.latent_shape,
        generators_for(config.seed, samples, "latents"),
        device=run.device,
    )
    generators = generators_for(config.seed, samples, "sampler")
    stepper = sample(prior, scheduler, cond, uncond, config.guidance, noise, generators, state)
    while True:
        # Timed here, not around the loop: the consumer's work is not sampling.
        with run.clock.stage("sampling"), torch.inference_mode():
            step = next(stepper, None)
        if step is None:
            return
        yield step


def _statistics(step: SampleStep) -> dict[str, float]:
    return {
        "sampling/timestep": float(step.timestep),
        "sampling/latents_std": float(step.latents.std()),
        "sampling/denoised_std": float(step.denoised.std()),
    }
