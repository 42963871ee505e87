"""The video app: config -> prior -> draw clips -> export -> report."""

from collections.abc import Iterator
from dataclasses import replace
from math import prod
from typing import Any

import numpy as np
import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.diffusion.frame_windows import FrameWindows
from common.diffusion.given import Given, cells_drawn, first_evaluation
from common.diffusion.prior import Prior
from common.embedded.planned_clips import PlannedClips
from common.embedded.temporal_filter import decoded_clips
from common.generation.embedded_prompts import view_notes
from common.generation.estimate import generation_estimate
from common.generation.finished import outcome_of
from common.generation.given_pixels import with_kept
from common.generation.inpainting import told_of_mask
from common.generation.notes import generation_notes
from common.generation.sample_metrics import sample_metrics
from common.generation.sampling import Drawn, draw
from common.generation.sidecar import Sidecar
from common.generation.view_config import camera_of
from common.media.audio import fit_audio
from common.media.frame_rates import as_rate
from common.media.images import write_picture
from common.media.pixels import to_frames
from common.pretrained.config import PretrainedPriorConfig
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.provenance import provenance_of
from common.shapes import Frames
from common.upscaling.enlarging import (
    Enlarging,
    check_enlarging,
    enlarging_bytes,
    enlarging_notes,
    load_enlarging,
)
from video.audio_to_video import AudioToVideo
from video.camera_path import check_camera_path
from video.clip_priors import (
    build_clip_prior,
    check_clip_prior,
    clip_need,
    clip_sizes,
    drawn_latents,
    seeing,
)
from video.clip_windows import drawn_together, windows_of
from video.config import VideoConfig
from video.export import STREAMED, check_export, clip_files
from video.figures import Figures, check_figures, load_figures, num_shown
from video.given_frames import GivenFrames, given_frames, strength_of
from video.given_moves import moving_as_given
from video.image_to_video import ImageToVideo
from video.interpolation import resampled, resampling_of
from video.long_clips import LongDrawn, draw_long
from video.long_video import LongVideo
from video.refined_clips import draw_refined
from video.sound.tracks import Sound, read_sound
from video.timeline.check import check_timeline
from video.timeline.resolved import frame_curves, settled, timeline_of
from video.video_to_video import VideoInpaint

_DECODED_AT_ONCE = 16
"""Frames."""
_LATENT_COPIES = 20
"""Float32 copies of all frames' latents that are alive at the peak, in windows."""


def check(config: VideoConfig, apps: Apps) -> list[str]:
    """Refuse wrong inputs before anything runs; notes on keys that have no effect."""
    check_export(config.export)
    check_enlarging(config.export.upscale, config.method.size)
    camera = camera_of(config.method.view)
    sound = _sound(config)
    tracks = None if sound is None else sound.tracks
    notes = check_camera_path(config, tracks)
    notes += check_clip_prior(config, camera)
    notes += generation_notes(config, config.method.size)
    notes += check_timeline(config, tracks)
    keeps = isinstance(config.method, VideoInpaint)
    notes += enlarging_notes(config.export.upscale, keeps)
    first_evaluation(config.sampler, strength_of(config.method))
    given = given_frames(config.method, channels=4, fps=config.export.fps)
    notes += check_figures(config, given)
    return [*notes, *_method_notes(config), *([] if camera is None else view_notes(camera))]


def _method_notes(config: VideoConfig) -> list[str]:
    """Notes on the method's own keys."""
    method, notes = config.method, []
    if isinstance(method, AudioToVideo):
        if not any(curve.track for _, curve in timeline_of(config).curves):
            notes.append("no curve of method.timeline follows a track of the sound")
        if not set(config.export.formats) & set(STREAMED):
            notes.append("the sound is in mp4 and webm, and export.formats has neither")
    if isinstance(method, LongVideo):
        in_segments = method.windows is None
        if in_segments and config.batch_size > 1 and "batch_size" in config.model_fields_set:
            notes.append("batch_size has no effect: long clips are drawn one at a time")
        held: list[str] = [kind for kind in config.export.formats if kind not in STREAMED]
        held += ["metrics"] if config.metrics else []
        if held:
            notes.append(
                f"{', '.join(held)}: all frames are held in memory until the clip is whole; mp4 "
                "and webm are written as it is made"
            )
    of_checkpoint = isinstance(config.prior, PretrainedPriorConfig)
    if isinstance(method, ImageToVideo) and of_checkpoint and method.strength == 1:
        notes.append(
            "a motion module has not learnt to continue a picture: at method.strength=1 later "
            "frames may have little to do with it; 0.7 to 0.9 ties them to it"
        )
    return notes


def estimate(config: VideoConfig) -> Estimate:
    """Sizes and memory of the run."""
    method = config.method
    need = clip_need(config, min(config.batch_size, config.num_samples))
    found = generation_estimate(
        config, drawn_together(config), strength_of(method), need, timeline_of(config).orbits
    )
    part = (min(method.size[0], _DECODED_AT_ONCE), *method.size[1:])
    enlarged = enlarging_bytes(config.export.upscale, part)
    found = replace(found, memory_bytes=found.memory_bytes + enlarged)
    windows = windows_of(config)
    if windows is not None:
        return _in_windows(found, windows, method.size)
    steps, sizes = found.steps, found.sizes
    if isinstance(method, LongVideo):
        count = len(method.segments(config.prompt))
        steps, sizes = steps * count, sizes | {"segments": f"{count} of {method.size[0]} frames"}
    return replace(found, sizes=sizes | clip_sizes(config, steps), steps=steps)


def _in_windows(found: Estimate, windows: FrameWindows, size: tuple[int, int, int]) -> Estimate:
    """The estimate of clips in windows, from that of one window.

    Models see a window at a time; the latents are those of all frames.
    """
    count = len(windows.at(0.0))
    channels, together, *cells = map(int, found.sizes["latents"].split(" x "))
    further = channels * (size[0] - together) * prod(cells) * int(found.sizes["batch_size"])
    sizes = found.sizes | {
        "size": f"{size[0]} frames of {size[1]} x {size[2]} pixels",
        "latents": " x ".join(map(str, (channels, size[0], *cells))),
        "windows": f"{count} of {windows.length} frames at a step",
    }
    memory = found.memory_bytes + _LATENT_COPIES * 4 * max(further, 0)
    return replace(found, sizes=sizes, memory_bytes=memory, steps=found.steps * count)


def run(config: VideoConfig, run: Run) -> Outcome:
    """Draw the clips and write them as they come."""
    method, sound = config.method, _sound(config)
    tracks = None if sound is None else sound.tracks
    told = settled(config, tracks)
    curves = frame_curves(told, tracks)
    with run.clock.stage("prior"):
        prior = build_clip_prior(told, run.device, tracks)
        enlarging = load_enlarging(config.export.upscale, run.device)
        figures = load_figures(config, run.device)
    source = given_frames(method, prior.spec.image_channels, config.export.fps)
    given = None
    if source is not None:
        frames = source.frames.to(run.device)
        given = _encoded(source, prior, config, run.device)
        prior = moving_as_given(prior, method, frames)
        if isinstance(method, VideoInpaint):
            prior, given = told_of_mask(prior, frames, source.drawn, given)
    camera = camera_of(method.view)
    clips: Iterator[Drawn | LongDrawn]
    if isinstance(method, LongVideo) and method.windows is None:
        segments = method.segments(config.prompt)
        clips = draw_long(told, run, prior, segments, camera, given, curves)
    elif method.free_init is not None:
        clips = draw_refined(told, run, prior, method.free_init, given, curves)
    else:
        clips = draw(told, run, seeing(prior, given), camera, given, curves)
    for drawn in clips:
        with run.clock.stage("decoding and export"), torch.inference_mode():
            shown = _shown(config, _frames(config, prior, drawn, source, enlarging))
            _write(config, run, drawn, shown, prior, sound, figures)
    return _with_coverage(config, prior, outcome_of(config, run))


def _with_coverage(config: VideoConfig, prior: Prior[Any], outcome: Outcome) -> Outcome:
    """The outcome with what became of the checkpoint's U-Net, where one was lifted."""
    if config.method.motion is None:
        return outcome
    from common.diffusion.unet_coverage import unet_coverage
    from video.animatediff.clip_prior import AnimateDiffPrior
    from video.animatediff.description import coverage_table

    assert isinstance(prior, AnimateDiffPrior)  # ``check`` has refused the others
    table = coverage_table(unet_coverage(prior.pictures.unet.config))
    return replace(outcome, sections=(*outcome.sections, table))


def _frames(
    config: VideoConfig,
    prior: Prior[Any],
    drawn: Drawn | LongDrawn,
    source: GivenFrames | None,
    enlarging: Enlarging,
) -> Iterator[Frames]:
    """The clip's pixels, some frames at a time."""
    for at in range(0, _num_latents(drawn), _DECODED_AT_ONCE):
        part = slice(at, at + _DECODED_AT_ONCE)
        if isinstance(drawn, LongDrawn):
            latents = drawn.latents.frames(part.start, part.stop)
            clip = prior.decode(latents[None])[0]
        elif drawn.lead is None:
            clip = prior.decode(drawn.latents[None, :, part])[0]
        else:
            assert isinstance(prior, PlannedClips)  # only its clips are led
            clip = decoded_clips(prior, drawn.latents[None], drawn.lead, part)[0]
        if isinstance(config.method, VideoInpaint):
            assert source is not None
            clip = _with_kept(clip, source, part, config.method.feather_px)
        enlarged = enlarging.of(rearrange(clip, "c f h w -> f c h w"))
        yield to_frames(rearrange(enlarged, "f c h w -> c f h w"))


def _num_latents(drawn: Drawn | LongDrawn) -> int:
    """Frames of the clip's latents: fewer than its own where several are coded together."""
    if isinstance(drawn, LongDrawn):
        return drawn.latents.num_frames
    return drawn.latents.shape[1]


def _shown(config: VideoConfig, frames: Iterator[Frames]) -> Iterator[Frames]:
    """The frames of the files, with those between drawn ones if they are asked for."""
    resampling, count = resampling_of(config), config.method.num_frames
    return frames if resampling is None else resampled(frames, count, resampling)


@torch.inference_mode()
def _encoded(source: GivenFrames, prior: Prior[Any], config: VideoConfig, device: str) -> Given:
    """What is given, in the prior's latents. A cell with any pixel to be drawn is drawn whole."""
    latents = prior.encode(source.frames[None].to(device))[0]
    drawn = None
    if source.drawn is not None:
        drawn = drawn_latents(prior, cells_drawn(source.drawn, latents.shape[-2:]))
    return Given(latents, strength_of(config.method), drawn)


def _with_kept(
    clip: Float[Tensor, "c f h w"], source: GivenFrames, part: slice, feather_px: int
) -> Float[Tensor, "c f h w"]:
    """Frames with the given pixels outside the mask; ``part``: which of the clip's they are."""
    assert source.drawn is not None
    given, drawn = source.frames[:, part].unbind(1), source.drawn[part]
    frames = zip(clip.unbind(1), given, drawn, strict=True)
    return torch.stack([with_kept(*frame, feather_px) for frame in frames], 1)


def _sound(config: VideoConfig) -> Sound | None:
    """What the clip follows and is heard with."""
    method = config.method
    if not isinstance(method, AudioToVideo):
        return None
    return read_sound(method.sound, method.num_frames, float(as_rate(config.export.fps)))


def _write(
    config: VideoConfig,
    run: Run,
    drawn: Drawn | LongDrawn,
    frames: Iterator[Frames],
    prior: Prior[Any],
    sound: Sound | None,
    figures: Figures,
) -> None:
    samples, stem = run.folder.samples, f"{drawn.sample:03d}"
    record = provenance_of(config, run, config.prompt, drawn.sample)
    poster = samples / f"{stem}_poster.png"
    shown = num_shown(config)
    middle, audio = shown // 2, None
    if sound is not None:
        audio = fit_audio(sound.audio, float(shown / as_rate(config.export.shown_fps)))
    done, seen = 0, []
    with clip_files(samples, stem, config.export, record, audio) as files:
        for part in frames:
            files.write(part)
            if done <= middle < done + len(part):
                write_picture(poster, part[middle - done], provenance=record)
            done += len(part)
            if config.metrics:
                seen.append(part)
    metrics = {}
    if isinstance(drawn, Drawn) and not isinstance(config.method, LongVideo):
        metrics = sample_metrics(prior, drawn.latents, config.prompt)
    if config.metrics:
        metrics |= figures.of(np.concatenate(seen))
    names = tuple(path.relative_to(samples).as_posix() for path in files.paths)
    Sidecar(drawn.sample, config.seed, config.prompt, names, poster.name, metrics).write(samples)


APP = App(VideoConfig, run, estimate, check)
