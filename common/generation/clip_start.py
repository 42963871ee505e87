"""What a run's samples begin with: noise, something given, or their moved first frame."""

from dataclasses import dataclass, replace
from typing import Any

from einops import repeat
from jaxtyping import Float
from torch import Tensor

from common.diffusion.frame_curves import CONSTANT, FrameCurves, PromptTravel
from common.diffusion.given import Beginning, Given, beginning, num_taken
from common.diffusion.prior import MakesNoise, Prior
from common.diffusion.samplers import Scheduler, build_scheduler
from common.embedded.first_frame import ClipDraws, clip_draws, first_frames, first_frames_from
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import View
from common.embedded.led_start import Said, led_start
from common.embedded.moved_start import begun, moved_start
from common.embedded.planned_clips import PlannedClips
from common.embedded.temporal_filter import Lead
from common.generation.config import GenerationConfig
from common.generation.told import negatives_of, of_pictures, seen_from
from common.runs.app import Run
from common.seeding import generators_for, randn


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
        if isinstance(prior, PlannedClips) and noise is None and _may_move(given):
            with run.clock.stage("sampling"):
                return _led(config, prior, scheduler, given, samples, stream, curves, moving)
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


def _led(
    config: GenerationConfig,
    prior: PlannedClips,
    scheduler: Scheduler,
    given: Given | None,
    samples: range,
    stream: str,
    curves: FrameCurves,
    moving: str | None,
) -> Start:
    """Of priors that draw first frames as clips of one frame."""
    count, alone = len(samples), prior.of_first_frames()
    draws = clip_draws(prior, config.seed, samples, stream, moving)
    begin, first = beginning(given, scheduler, draws.noise), None
    if _first_missing(given):
        return Start(begin, None, None)
    if given is not None and given.drawn is not None:
        first = repeat(given.latents[:, 0].to(draws.noise), "c h w -> b c h w", b=count)
    uncond, negatives = negatives_of(config, alone, count)
    said = Said(
        seen_from(alone, config.prompt, None, count), uncond,
        prior.told_by([config.prompt] * count), negatives,
    )  # fmt: skip
    guidance = _at_first(config, curves).guidance
    moved, lead = led_start(prior, said, scheduler, guidance, draws, first)
    return Start(replace(moved, kept=begin.kept), None, lead)


def own_noise(
    config: GenerationConfig, run: Run, prior: Prior[Any], samples: range, stream: str = ""
) -> Tensor:
    """What samples begin with: standard normal, related among frames if the prior says so."""
    generators = generators_for(config.seed, samples, f"latents{stream}")
    if isinstance(prior, MakesNoise):
        return prior.noise(generators)
    return randn(prior.spec.latent_shape, generators, device=run.device)


def evaluations_of(
    config: GenerationConfig,
    prior: Prior[Any],
    view: View | None,
    given: Given | None,
    curves: FrameCurves,
) -> int:
    """Evaluations of the prior that a batch takes after its first frames."""
    taken = num_taken(config.sampler, given.strength if given else 1.0)
    if not isinstance(prior, PlannedClips) or not _may_move(given):
        return taken
    scheduler = build_scheduler(config.sampler, prior.spec.schedule, prior.spec.prediction)
    if not isinstance(prior, FramePrior):
        if _first_missing(given):
            return taken
        return taken - begun(prior.plan, prior.told_by([config.prompt]), scheduler)
    if prior.first_alone:
        vectors = _told_vectors(config, prior, view, 1, curves)
        taken -= begun(prior.plan, vectors, scheduler)
    return taken


def _may_move(given: Given | None) -> bool:
    """Whether nothing is given but perhaps the first frame, so that it may move as told."""
    if given is None or (given.strength == 1 and given.drawn is None):
        return True
    drawn = given.drawn
    return given.strength == 1 and drawn is not None and bool((drawn[:, 1:] == 1).all())


def _first_missing(given: Given | None) -> bool:
    """Whether a part of the first frame is given, and the rest of it is to be drawn."""
    return given is not None and given.drawn is not None and not given.of_first_frame().is_whole


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
        return of_pictures(config, prior, view, count).vector
    views = None if view is None else [view] * len(curves.travel.prompts)
    return prior.pictures.embed(curves.travel.prompts, views).vector


def _first_frames(
    config: GenerationConfig,
    prior: FramePrior,
    view: View | None,
    given: Given | None,
    count: int,
    draws: ClipDraws,
) -> Tensor | None:
    """The first frames, where clips are drawn in two parts; a resumed run draws them again.

    Along a camera's path all frames are drawn together, but for a first one that is given.
    """
    if not prior.first_alone and (prior.path is None or given is None or given.drawn is None):
        return None
    if given is None or (given.strength == 1 and given.drawn is None):
        uncond, negatives = negatives_of(config, prior.pictures, count)
        return first_frames(
            prior, of_pictures(config, prior, view, count), uncond, config.sampler,
            config.guidance, draws, negatives,
        )  # fmt: skip
    own = given.of_first_frame()
    if own.is_whole:
        return repeat(own.latents.to(draws.noise), "c 1 h w -> b c h w", b=count)
    alone = prior.of_first_frames()
    uncond, negatives = negatives_of(config, alone, count)
    return first_frames_from(
        alone, seen_from(alone, config.prompt, view, count), uncond, config.sampler,
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
    count, own = len(samples), of_pictures(config, prior, view, len(samples)).vector
    found = [first]
    for prompt in travel.prompts[1:]:
        said = config.model_copy(update={"prompt": prompt})
        uncond, negatives = negatives_of(said, prior.pictures, count)
        found.append(first_frames(
            prior, of_pictures(said, prior, view, count), uncond, config.sampler,
            config.guidance, clip_draws(prior, config.seed, samples, stream), negatives, own,
        ))  # fmt: skip
    return found
