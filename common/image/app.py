"""The image app: config -> prior -> draw pictures -> export -> report."""

from dataclasses import replace
from typing import Any

import torch

from common.diffusion.given import Given, cells_drawn, first_evaluation
from common.diffusion.prior import Prior
from common.generation.embedded_prompts import view_notes
from common.generation.estimate import generation_estimate
from common.generation.few_steps import check_few_steps
from common.generation.finished import outcome_of
from common.generation.given_pixels import with_kept
from common.generation.inpainting import told_of_mask
from common.generation.notes import generation_notes
from common.generation.picture_switches import check_compute
from common.generation.priors import build_prior, check_prior
from common.generation.sample_metrics import sample_metrics
from common.generation.sampling import draw
from common.generation.sidecar import Sidecar
from common.generation.view_config import camera_of
from common.image.config import ImageConfig
from common.image.given_picture import GivenPicture, feather_of, given_picture, strength_of
from common.image.inpaint import Inpaint, Outpaint
from common.image.picture_files import write_picture_files
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.launch import resolve_device
from common.runs.provenance import provenance_of
from common.upscaling.enlarging import (
    check_enlarging,
    enlarging_bytes,
    enlarging_notes,
    load_enlarging,
)


def check(config: ImageConfig, apps: Apps) -> list[str]:
    """Refuse wrong inputs before anything runs; notes on keys that have no effect."""
    method = config.method
    camera = camera_of(method.view)
    check_few_steps(config.prior, config.sampler, config.guidance, config.negative_prompt)
    check_compute(config.prior, config.sampler, resolve_device(config.device))
    inpaints = isinstance(method, Inpaint | Outpaint)
    check_prior(config.prior, method.size, camera, inpaints=inpaints)
    first_evaluation(config.sampler, strength_of(method))
    given_picture(method, channels=4)
    check_enlarging(config.export.upscale, method.size)
    notes = generation_notes(config, method.size)
    notes += enlarging_notes(config.export.upscale, inpaints)
    return notes if camera is None else [*notes, *view_notes(camera)]


def estimate(config: ImageConfig) -> Estimate:
    """Sizes and memory of the run."""
    size, factor = config.method.size, config.export.upscale
    found = generation_estimate(config, size, strength_of(config.method))
    return replace(found, memory_bytes=found.memory_bytes + enlarging_bytes(factor, size))


def run(config: ImageConfig, run: Run) -> Outcome:
    """Draw the pictures and write them as they come."""
    samples = run.folder.samples
    with run.clock.stage("prior"):
        prior = build_prior(config.prior, config.method.size, run.device, guidance=config.guidance)
        enlarging = load_enlarging(config.export.upscale, run.device)
    source = given_picture(config.method, prior.spec.image_channels)
    given = None
    if source is not None:
        given = _encoded(source, prior, strength_of(config.method), run.device)
        prior, given = told_of_mask(prior, source.image.to(run.device), source.drawn, given)
    for drawn in draw(config, run, prior, camera_of(config.method.view), given):
        with run.clock.stage("decoding and export"), torch.inference_mode():
            metrics = sample_metrics(prior, drawn.latents, config.prompt)
            image = prior.decode(drawn.latents[None])[0]
            if source is not None and source.drawn is not None:
                image = with_kept(image, source.image, source.drawn, feather_of(config.method))
            picture = to_picture(enlarging.of(image[None])[0])
            record = provenance_of(config, run, config.prompt, drawn.sample)
            stem = f"{drawn.sample:03d}"
            files = write_picture_files(samples, stem, picture, config.export, record)
            poster = samples / f"{stem}_poster.png"
            write_picture(poster, picture, provenance=record)
            Sidecar(
                drawn.sample, config.seed, config.prompt, tuple(path.name for path in files),
                poster.name, metrics,
            ).write(samples)  # fmt: skip
    return outcome_of(config, run)


@torch.inference_mode()
def _encoded(source: GivenPicture, prior: Prior[Any], strength: float, device: str) -> Given:
    """What is given, in the prior's latents. A cell with any pixel to be drawn is drawn whole."""
    latents = prior.encode(source.image[None].to(device))[0]
    drawn = None if source.drawn is None else cells_drawn(source.drawn, latents.shape[-2:])
    return Given(latents, strength, drawn)


APP = App(ImageConfig, run, estimate, check)
