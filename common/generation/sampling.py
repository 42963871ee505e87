"""Drawing a run's samples from a prior: batches, seeds, progress, checkpoints.

Noise is drawn per sample, so sample ``i`` of a run is the same whatever else is drawn. The state
between any two sampler steps is enough to continue to the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from common.diffusion.frame_curves import CONSTANT, FrameCurves
from common.diffusion.given import Given
from common.diffusion.prior import Prior
from common.diffusion.sample import SampleStep, sample
from common.diffusion.samplers import build_scheduler
from common.embedded.image_unet import View
from common.embedded.temporal_filter import Lead
from common.generation.clip_start import Start, evaluations_of, start_of
from common.generation.config import GenerationConfig
from common.generation.picture_switches import stands_alone
from common.generation.told import negatives_of, seen_from
from common.runs.app import Run
from common.runs.console import progress_bar
from common.seeding import generators_for


@dataclass(frozen=True)
class Drawn:
    """One finished sample, still in latent space."""

    sample: int
    """Its index within the run."""
    latents: Tensor
    """Without the batch axis."""
    lead: Lead | None = None
    """Of clips that began with their moved first frame, with a batch axis of 1."""


def batches(num_samples: int, batch_size: int) -> list[range]:
    """Consecutive sample indices, ``batch_size`` at a time."""
    every = range(num_samples)
    return [every[at : at + batch_size] for at in range(0, num_samples, batch_size)]


def draw(
    config: GenerationConfig,
    run: Run,
    prior: Prior[Any],
    view: View | None = None,
    given: Given | None = None,
    curves: FrameCurves = CONSTANT,
) -> Iterator[Drawn]:
    """Draw every sample of a run, continuing from its checkpoint.

    The view belongs to the prompt: what guidance moves away from has none, so that guidance
    strengthens the view as it does the prompt.

    A batch counts as finished once the consumer has taken all of it: a run killed while its last
    samples were written draws that batch again, to the same bytes. Where features are used
    again, which are not kept in checkpoints, these are written before whole evaluations only.

    Args:
        config: the run's.
        run: its folder, checkpoints and clock.
        prior: that is drawn from.
        view: from where things are seen, for priors that know views.
        given: what samples are made from, if not from noise alone.
        curves: what changes along clips.
    """
    start = run.checkpoints.restored_state or _fresh(0)
    plan = batches(config.num_samples, config.batch_size)
    done = run.checkpoints.restored.step if run.checkpoints.restored else 0
    count = evaluations_of(config, prior, view, given, curves)
    with progress_bar(len(plan) * count, done, "sampling") as bar:
        for index in range(start["batch"], len(plan)):
            state = start if index == start["batch"] else _fresh(index)
            latents, samples = state["latents"], plan[index]
            begin = start_of(config, run, prior, view, given, samples, curves=curves)
            if latents is None:
                begun = state["sampler"]
                steps = denoise(config, run, prior, view, begin, samples, begun, curves=curves)
                for number, step in enumerate(steps, 1):
                    done, latents = done + 1, step.latents
                    bar.update(1)
                    run.metrics.log(done, run.clock.elapsed(), statistics(step))
                    last = step.index + 1 == step.num_steps
                    kept = {"latents": latents} if last else {"sampler": step.state}
                    if last or stands_alone(config, number):
                        run.checkpoints.offer(done, _fresh(index) | kept)
            assert latents is not None
            for row, sample_index in enumerate(samples):
                yield Drawn(sample_index, latents[row], begin.lead_of(row))
            run.checkpoints.offer(done, _fresh(index + 1))


def _fresh(batch: int) -> dict[str, Any]:
    """The state before a batch: nothing of it is drawn. ``latents`` are those of its end."""
    return {"batch": batch, "sampler": None, "latents": None}


def denoise(
    config: GenerationConfig,
    run: Run,
    prior: Prior[Any],
    view: View | None,
    start: Start,
    samples: range,
    state: Any,
    stream: str = "",
    curves: FrameCurves = CONSTANT,
) -> Iterator[SampleStep]:
    """Draw one batch, yielding after every evaluation of the prior.

    Args:
        config: the run's: prompt, sampler, guidance and seed.
        run: its clock.
        prior: that is drawn from.
        view: from where things are seen, for priors that know views.
        start: what the batch begins with.
        samples: indices of the batch's samples, which choose the sampler's noise.
        state: of an earlier step of this batch, to continue after it.
        stream: as for `start_of`.
        curves: what changes along clips.
    """
    spec, count, begin = prior.spec, len(samples), start.begin
    scheduler = build_scheduler(config.sampler, spec.schedule, spec.prediction)
    cond = seen_from(prior, config.prompt, view, count, start.first, curves.travel)
    uncond, negatives = negatives_of(config, prior, count, start.first)
    steps = sample(
        prior, scheduler, cond, uncond, config.guidance, begin.latents,
        generators_for(config.seed, samples, f"sampler{stream}"), state, negatives=negatives,
        begin=begin.evaluation, kept=begin.kept, frame_scales=curves.guidance,
    )  # fmt: skip
    while True:
        # Timed here, not around the loop: the consumer's work is not sampling.
        with run.clock.stage("sampling"):
            step = next(steps, None)
        if step is None:
            return
        yield step


def statistics(step: SampleStep) -> dict[str, float]:
    """What is logged of a step."""
    return {
        "sampling/timestep": float(step.timestep),
        "sampling/latents_std": float(step.latents.std()),
        "sampling/denoised_std": float(step.denoised.std()),
    }
