"""Drawing a run's samples from a prior: batches, seeds, progress, checkpoints.

Noise is drawn per sample, so sample ``i`` of a run is the same whatever else is drawn. The state
between any two sampler steps is enough to continue to the same bytes.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from common.diffusion.frame_curves import CONSTANT, FrameCurves, PromptTravel
from common.diffusion.given import Beginning, Given, beginning, num_taken
from common.diffusion.guidance_config import Composed, PerpNeg
from common.diffusion.guided_prediction import Negative
from common.diffusion.prior import MakesNoise, Prior, TravelsPrompts, embedded_negative
from common.diffusion.sample import SampleStep, sample
from common.diffusion.samplers import build_scheduler
from common.embedded.first_frame import (
    ClipDraws,
    clip_draws,
    first_frames,
    first_frames_from,
)
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import View
from common.embedded.moved_start import begun, moved_start
from common.embedded.prior import EmbeddedCond, EmbeddedPrior
from common.embedded.temporal_filter import Lead
from common.generation.config import GenerationConfig
from common.generation.picture_switches import stands_alone
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
    lead: Lead | None = None
    """Of clips that began with their moved first frame, with a batch axis of 1."""


@dataclass(frozen=True, eq=False)
class Start:
    """What the samples of a batch begin with."""

    begin: Beginning
    first: Tensor | None
    """Clean latents of first frames, where clips are drawn in two parts."""
    lead: Lead | None
    """What moves as the prompt tells, where they begin with it."""

    def lead_of(self, row: int) -> Lead | None:
        """Of one sample."""
        return None if self.lead is None else self.lead.of(row)


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
    count = _num_evaluations(config, prior, view, given, curves)
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


def start_of(
    config: GenerationConfig,
    run: Run,
    prior: Prior[Any],
    view: View | None,
    given: Given | None,
    samples: range,
    stream: str = "",
    noise: Tensor | None = None,
    curves: FrameCurves = CONSTANT,
    moving: str | None = None,
) -> Start:
    """What one batch begins with; a resumed run draws its first frames again.

    Args:
        config: the run's: prompt, sampler, guidance and seed.
        run: its device and clock.
        prior: that is drawn from.
        view: from where things are seen, for priors that know views.
        given: what samples are made from, if not from noise alone.
        samples: indices of the batch's samples, which choose their noise.
        stream: added to the names of the streams of noise, for several draws of one sample.
        noise: that samples begin with, in place of their own.
        curves: what changes along clips.
        moving: the stream of the clips that these go on with, whose noise and moves they have.
    """
    spec, count = prior.spec, len(samples)
    scheduler = build_scheduler(config.sampler, spec.schedule, spec.prediction)
    if not isinstance(prior, FramePrior):
        noise = own_noise(config, run, prior, samples, stream) if noise is None else noise
        return Start(beginning(given, scheduler, noise), None, None)
    with run.clock.stage("sampling"):
        draws = clip_draws(prior, config.seed, samples, stream, moving)
        at_first = _at_first(config, curves)
        first = _first_frames(at_first, prior, view, given, count, draws)
        noise = draws.noise if noise is None else noise
        begin, lead = beginning(given, scheduler, noise), None
        if first is not None and _may_move(given):
            vectors = _told_vectors(config, prior, view, count, curves)
            shares = None if curves.travel is None else curves.travel.shares
            looks = []
            if given is None and curves.travel is not None:
                looks = _looks(at_first, prior, view, samples, stream, first, curves.travel)
            moved, lead = moved_start(
                prior, vectors, first, scheduler, noise, draws.moving, shares, looks
            )
            begin = replace(moved, kept=begin.kept)
    return Start(begin, first, lead)


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
    cond = _seen_from(prior, config.prompt, view, count, start.first, curves.travel)
    uncond, negatives = _negatives(config, prior, count, start.first)
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


def own_noise(
    config: GenerationConfig, run: Run, prior: Prior[Any], samples: range, stream: str = ""
) -> Tensor:
    """What samples begin with: standard normal, related among frames if the prior says so."""
    generators = generators_for(config.seed, samples, f"latents{stream}")
    if isinstance(prior, MakesNoise):
        return prior.noise(generators)
    return randn(prior.spec.latent_shape, generators, device=run.device)


def _num_evaluations(
    config: GenerationConfig,
    prior: Prior[Any],
    view: View | None,
    given: Given | None,
    curves: FrameCurves,
) -> int:
    """Evaluations of the prior that a batch takes after its first frames."""
    taken = num_taken(config.sampler, given.strength if given else 1.0)
    if isinstance(prior, FramePrior) and prior.first_alone and _may_move(given):
        scheduler = build_scheduler(config.sampler, prior.spec.schedule, prior.spec.prediction)
        vectors = _told_vectors(config, prior, view, 1, curves)
        taken -= begun(prior.plan, vectors, scheduler)
    return taken


def _may_move(given: Given | None) -> bool:
    """Whether nothing is given but perhaps the first frame, so that it may move as told."""
    if given is None or (given.strength == 1 and given.drawn is None):
        return True
    drawn = given.drawn
    return given.strength == 1 and drawn is not None and bool((drawn[:, 1:] == 1).all())


def _at_first(config: GenerationConfig, curves: FrameCurves) -> GenerationConfig:
    """The config with which first frames are drawn."""
    if curves.guidance is None:
        return config
    first = config.guidance.model_copy(update={"guidance_scale": float(curves.guidance[0])})
    return config.model_copy(update={"guidance": first})


def _told_vectors(
    config: GenerationConfig, prior: FramePrior, view: View | None, count: int, curves: FrameCurves
) -> Float[Tensor, "k d"]:
    """What trajectories are told from: the prompt, for each sample, or each prompt on the way."""
    if curves.travel is None:
        return _of_pictures(config, prior, view, count).vector
    views = None if view is None else [view] * len(curves.travel.prompts)
    return prior.pictures.embed(curves.travel.prompts, views).vector


def _of_pictures(
    config: GenerationConfig, prior: FramePrior, view: View | None, count: int
) -> EmbeddedCond:
    cond: EmbeddedCond = _seen_from(prior.pictures, config.prompt, view, count)
    return cond


def _first_frames(
    config: GenerationConfig,
    prior: FramePrior,
    view: View | None,
    given: Given | None,
    count: int,
    draws: ClipDraws,
) -> Tensor | None:
    """The first frames, where clips are drawn in two parts; a resumed run draws them again."""
    if not prior.first_alone:
        return None
    if given is None or (given.strength == 1 and given.drawn is None):
        uncond, negatives = _negatives(config, prior.pictures, count)
        return first_frames(
            prior, _of_pictures(config, prior, view, count), uncond, config.sampler,
            config.guidance, draws, negatives,
        )  # fmt: skip
    own = given.of_first_frame()
    if own.is_whole:
        return repeat(own.latents.to(draws.noise), "c 1 h w -> b c h w", b=count)
    alone = prior.of_first_frames()
    uncond, negatives = _negatives(config, alone, count)
    return first_frames_from(
        alone, _seen_from(alone, config.prompt, view, count), uncond, config.sampler,
        config.guidance, draws, own, negatives,
    )  # fmt: skip


def _looks(
    config: GenerationConfig,
    prior: FramePrior,
    view: View | None,
    samples: range,
    stream: str,
    first: Tensor,
    travel: PromptTravel,
) -> list[Tensor]:
    """First frames as every prompt on the way has them: from the same noise, in the same place."""
    count, own = len(samples), _of_pictures(config, prior, view, len(samples)).vector
    found = [first]
    for prompt in travel.prompts[1:]:
        said = config.model_copy(update={"prompt": prompt})
        uncond, negatives = _negatives(said, prior.pictures, count)
        found.append(first_frames(
            prior, _of_pictures(said, prior, view, count), uncond, config.sampler,
            config.guidance, clip_draws(prior, config.seed, samples, stream), negatives, own,
        ))  # fmt: skip
    return found


def _seen_from(
    prior: Prior[Any],
    prompt: str,
    view: View | None,
    count: int,
    first: Tensor | None = None,
    travel: PromptTravel | None = None,
) -> Any:
    """The prompt for each sample, from the view if there is one, after the first frame if given."""
    if travel is not None:
        if isinstance(prior, FramePrior):
            return prior.embed_travel(travel, count, view, first)
        assert isinstance(prior, TravelsPrompts)  # the app has refused the others
        return prior.embed_travel(travel, count)
    if isinstance(prior, FramePrior):
        views = None if view is None else [[view] * prior.num_frames] * count
        return prior.embed([prompt] * count, views, first)
    if view is None:
        return prior.embed([prompt] * count)
    assert isinstance(prior, EmbeddedPrior)  # ``check_prior`` has refused the others
    return prior.embed([prompt] * count, [view] * count)


def _negatives(
    config: GenerationConfig, prior: Prior[Any], count: int, first: Tensor | None = None
) -> tuple[Any, list[Negative[Any]]]:
    """What guidance moves away from, and the further prompts that have predictions of their own.

    The negative prompt takes the empty one's place, but for Perp-Neg, where it is beside it.
    """
    match config.guidance:
        case PerpNeg():
            unsaid, further = "", {config.negative_prompt: 1.0}
        case Composed() as guidance:
            unsaid = config.negative_prompt
            further = {one.prompt: one.weight for one in guidance.conditions}
        case _:
            unsaid, further = config.negative_prompt, {}
    told = [
        Negative(_alone(prior, prompt, count, first), torch.full((count,), weight))
        for prompt, weight in further.items()
    ]
    return _left_behind(prior, unsaid, count, first), told


def _alone(prior: Prior[Any], prompt: str, count: int, first: Tensor | None) -> Any:
    """A prompt without view and pictures; a given first frame is seen."""
    if isinstance(prior, FramePrior):
        return prior.embed([prompt] * count, None, first).without_pictures()
    return embedded_negative(prior, [prompt] * count)


def _left_behind(prior: Prior[Any], prompt: str, count: int, first: Tensor | None) -> Any:
    """What guidance moves away from.

    It does not see a given first frame, so that guidance leads there as it does to the prompt.
    """
    if isinstance(prior, FramePrior):
        return prior.embed([prompt] * count, None, first, hidden=True)
    return embedded_negative(prior, [prompt] * count)


def statistics(step: SampleStep) -> dict[str, float]:
    """What is logged of a step."""
    return {
        "sampling/timestep": float(step.timestep),
        "sampling/latents_std": float(step.latents.std()),
        "sampling/denoised_std": float(step.denoised.std()),
    }
