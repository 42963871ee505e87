"""The image app: config -> prior -> draw pictures -> export -> report."""

from pathlib import Path

import torch

from common.generation.embedded_prompts import view_notes
from common.generation.estimate import generation_estimate
from common.generation.finished import outcome_of
from common.generation.notes import generation_notes
from common.generation.priors import build_prior, check_prior
from common.generation.sample_metrics import sample_metrics
from common.generation.sampling import draw
from common.generation.sidecar import Sidecar
from common.generation.view_config import camera_of
from common.image.config import ImageConfig, ImageExport
from common.media.images import write_picture
from common.media.pixels import composite, to_picture
from common.media.provenance import Provenance
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.provenance import provenance_of
from common.shapes import Picture


def check(config: ImageConfig, apps: Apps) -> list[str]:
    """Refuse wrong inputs before anything runs; notes on keys that have no effect."""
    camera = camera_of(config.method.view)
    check_prior(config.prior, config.method.size, camera)
    notes = generation_notes(config, config.method.size)
    return notes if camera is None else [*notes, *view_notes(camera)]


def estimate(config: ImageConfig) -> Estimate:
    """Sizes and memory of the run."""
    return generation_estimate(config, config.method.size)


def run(config: ImageConfig, run: Run) -> Outcome:
    """Draw the pictures and write them as they come."""
    samples = run.folder.samples
    with run.clock.stage("prior"):
        prior = build_prior(config.prior, config.method.size, run.device)
    for drawn in draw(config, run, prior, camera_of(config.method.view)):
        with run.clock.stage("decoding and export"), torch.inference_mode():
            metrics = sample_metrics(prior, drawn.latents, config.prompt)
            picture = to_picture(prior.decode(drawn.latents[None])[0])
            record = provenance_of(config, run, config.prompt, drawn.sample)
            stem = f"{drawn.sample:03d}"
            files = _write(samples, stem, picture, config.export, record)
            poster = samples / f"{stem}_poster.png"
            write_picture(poster, picture, provenance=record)
            Sidecar(
                drawn.sample, config.seed, config.prompt, tuple(path.name for path in files),
                poster.name, metrics,
            ).write(samples)  # fmt: skip
    return outcome_of(config, run)


def _write(
    folder: Path, stem: str, picture: Picture, export: ImageExport, record: Provenance | None
) -> list[Path]:
    paths = []
    for kind in export.formats:
        path = folder / f"{stem}.{kind}"
        flat = kind == "jpg" and picture.shape[-1] == 4
        write_picture(
            path, composite(picture, export.background) if flat else picture, provenance=record
        )
        paths.append(path)
    return paths


APP = App(ImageConfig, run, estimate, check)
