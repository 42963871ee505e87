"""Drawing long clips: segment after segment, each given the last frame of the one before."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import torch
from einops import repeat
from jaxtyping import Float
from torch import Tensor

from common.diffusion.frame_curves import CONSTANT, FrameCurves
from common.diffusion.given import Given
from common.diffusion.prior import Prior
from common.embedded.clip_plan import ClipPart
from common.embedded.frame_prior import FramePrior
from common.embedded.image_unet import View
from common.embedded.planned_clips import PlannedClips
from common.embedded.temporal_filter import decoded_clips
from common.generation.clip_start import Start, start_of
from common.generation.picture_switches import stands_alone
from common.generation.sampling import denoise, statistics
from common.runs.app import Run
from common.runs.console import progress_bar
from common.shapes import Clips
from video.animatediff.clip_prior import AnimateDiffPrior
from video.clip_priors import seeing
from video.config import VideoConfig
from video.latent_file import LatentFile
from video.long_video import Segment


@dataclass(frozen=True)
class LongDrawn:
    """One finished clip, still in latent space, and on disk."""

    sample: int
    """Its index within the run."""
    latents: LatentFile


def num_evaluations(config: VideoConfig, segments: tuple[Segment, ...]) -> int:
    """Of the prior, for each condition, of one clip."""
    return len(segments) * config.sampler.num_evaluations


def draw_long(
    config: VideoConfig,
    run: Run,
    prior: Prior[Any],
    segments: tuple[Segment, ...],
    view: View | None = None,
    first: Given | None = None,
    curves: FrameCurves = CONSTANT,
) -> Iterator[LongDrawn]:
    """Draw every clip of a run, one at a time, continuing from its checkpoint.

    Each prompt of sample ``i`` has noise of its own, which its segments have in common; the state
    between any two sampler steps, with the latents of the segments before, is enough to continue to
    the same bytes. These are on disk (`LatentFile`), so that memory does not grow with the length.

    Args:
        config: the run's.
        run: its folder, checkpoints and clock.
        prior: of clips as long as a segment.
        segments: how each clip is cut.
        view: from where it is seen.
        first: the picture that clips begin with.
        curves: what changes along clips.
    """
    state = run.checkpoints.restored_state or _fresh(0)
    done = run.checkpoints.restored.step if run.checkpoints.restored else 0
    total = config.num_samples * num_evaluations(config, segments)
    with progress_bar(total, done, "sampling") as bar:
        for sample in range(state["sample"], config.num_samples):
            clip = _stored(run, prior, sample, state["joined"])
            for number, segment in list(enumerate(segments))[state["segment"] :]:
                own, drawn_from, told_here = _of_segment(config, prior, segment, curves)
                drawn_from = _going_on(drawn_from, number, segment, clip, curves)
                joined = {key: state[key] for key in ("joined", "last")}
                given = _given(number, first, state["last"], prior, run.device)
                places, stream = range(sample, sample + 1), _stream(number)
                latents: Tensor | None = None
                told = seeing(drawn_from, given)
                moving, at = _stream(segment.told_by), state["sampler"]
                start = start_of(
                    own, run, told, view, given, places, stream, curves=told_here, moving=moving
                )
                steps = denoise(own, run, told, view, start, places, at, stream, told_here)
                for count, step in enumerate(steps, 1):
                    done, latents = done + 1, step.latents
                    bar.update(1)
                    run.metrics.log(done, run.clock.elapsed(), statistics(step))
                    if step.index + 1 < step.num_steps and stands_alone(own, count):
                        here = {"sample": sample, "segment": number, "sampler": step.state}
                        run.checkpoints.offer(done, here | joined)
                assert latents is not None
                latents = _steadied(prior, latents, start)
                new = latents[0][:, int(number > 0) :][:, : segment.num_new]
                clip.append(new)
                state = {"sample": sample, "segment": number + 1, "sampler": None}
                state |= {"joined": clip.num_frames, "last": new[:, -1].clone()}
                run.checkpoints.offer(done, state)
            yield LongDrawn(sample, clip)
            state = _fresh(sample + 1)
            run.checkpoints.offer(done, state)


def _given(
    number: int, first: Given | None, last: Tensor | None, prior: Prior[Any], device: str
) -> Given | None:
    """What a segment begins with: the clip's picture, or the last frame before it."""
    if not number:
        return first
    assert last is not None
    return _continued(last.to(device), prior.spec.latent_shape)


def _of_segment(
    config: VideoConfig, prior: Prior[Any], segment: Segment, curves: FrameCurves
) -> tuple[VideoConfig, Prior[Any], FrameCurves]:
    """What a segment is drawn with: its prompt, and the part of every curve that is in it."""
    together = segment.frames(config.method.size[0], config.method.num_frames)
    frames = torch.tensor(together)
    if isinstance(prior, FramePrior | AnimateDiffPrior):
        prior = prior.of_frames(frames)
    told, prompt = curves.of_frames(frames), segment.prompt
    only = None if told.travel is None else told.travel.only
    if only is not None:
        prompt, told = only, replace(told, travel=None)
    return config.model_copy(update={"prompt": prompt}), prior, told


def _stream(number: int) -> str:
    """The name of a segment's noise."""
    return f", segment {number}" if number else ""


def _going_on(
    prior: Prior[Any], number: int, segment: Segment, clip: LatentFile, curves: FrameCurves
) -> Prior[Any]:
    """The prior of a segment in which things go on moving as its prompt began to tell.

    They are moved from the frame where it began, whose look they keep; where looks change along the
    clip, or moves are set frame by frame, from the last frame there is.
    """
    if not isinstance(prior, PlannedClips) or number == segment.told_by:
        return prior
    changing = isinstance(prior, FramePrior) and prior.loras is not None
    last = changing or curves.travel is not None or prior.plan.tracks is not None
    anchor = None if last else clip.frames(segment.anchor, segment.anchor + 1)[None, :, 0]
    return prior.of_part(ClipPart(segment.begin - 1 - segment.anchor, anchor))


def _steadied(prior: Prior[Any], latents: Clips, start: Start) -> Clips:
    """Latents of the segment without jitter, so that the next one continues what is shown."""
    if not isinstance(prior, PlannedClips) or start.lead is None:
        return latents
    return prior.encode(decoded_clips(prior, latents, start.lead).clamp(-1, 1))


def _fresh(sample: int) -> dict[str, Any]:
    """The state before a clip."""
    return {"sample": sample, "segment": 0, "joined": 0, "last": None, "sampler": None}


def _stored(run: Run, prior: Prior[Any], sample: int, num_frames: int) -> LatentFile:
    """The latents of a clip as far as it is drawn, beside the checkpoints that go on from there."""
    channels, _, height, width = prior.spec.latent_shape
    path = run.folder.checkpoints / f"clip-{sample:03d}.f32"
    return LatentFile(path, (channels, height, width), num_frames, run.device)


def _continued(last: Float[Tensor, "c h w"], shape: tuple[int, ...]) -> Given:
    """A segment whose first frame is the last that there is."""
    latents = repeat(last, "c h w -> c f h w", f=shape[1])
    drawn = torch.ones((1, *shape[1:]), device=last.device)
    drawn[:, 0] = 0
    return Given(latents, 1.0, drawn)
