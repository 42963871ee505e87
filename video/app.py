"""The video app: config -> prior -> draw clips -> export -> report."""

import torch

from common.generation.embedded_prompts import view_notes
from common.generation.estimate import generation_estimate
from common.generation.finished import outcome_of
from common.generation.notes import generation_notes
from common.generation.sample_metrics import sample_metrics
from common.generation.sampling import Drawn, draw
from common.generation.sidecar import Sidecar
from common.generation.view_config import camera_of
from common.media.images import write_picture
from common.media.pixels import to_frames
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.provenance import provenance_of
from common.shapes import Frames
from video.clip_priors import build_clip_prior, check_clip_prior, clip_need
from video.config import VideoConfig
from video.export import check_export, write_formats


def check(config: VideoConfig, apps: Apps) -> list[str]:
    """Refuse wrong inputs before anything runs; notes on keys that have no effect."""
    check_export(config.export)
    camera = camera_of(config.method.view)
    notes = check_clip_prior(config, camera)
    notes += generation_notes(config, config.method.size)
    return notes if camera is None else [*notes, *view_notes(camera)]


def estimate(config: VideoConfig) -> Estimate:
    """Sizes and memory of the run."""
    need = clip_need(config, min(config.batch_size, config.num_samples))
    return generation_estimate(config, config.method.size, need=need)


def run(config: VideoConfig, run: Run) -> Outcome:
    """Draw the clips and write them as they come."""
    with run.clock.stage("prior"):
        prior = build_clip_prior(config, run.device)
    for drawn in draw(config, run, prior, camera_of(config.method.view)):
        with run.clock.stage("decoding and export"), torch.inference_mode():
            metrics = sample_metrics(prior, drawn.latents, config.prompt)
            frames = to_frames(prior.decode(drawn.latents[None])[0])
            _write(config, run, drawn, frames, metrics)
    return outcome_of(config, run)


def _write(
    config: VideoConfig, run: Run, drawn: Drawn, frames: Frames, metrics: dict[str, float]
) -> None:
    record = provenance_of(config, run, config.prompt, drawn.sample)
    stem = f"{drawn.sample:03d}"
    files = write_formats(run.folder.samples, stem, frames, config.export, record)
    poster = run.folder.samples / f"{stem}_poster.png"
    write_picture(poster, frames[len(frames) // 2], provenance=record)
    names = tuple(path.relative_to(run.folder.samples).as_posix() for path in files)
    sidecar = Sidecar(drawn.sample, config.seed, config.prompt, names, poster.name, metrics)
    sidecar.write(run.folder.samples)


APP = App(VideoConfig, run, estimate, check)
