"""The upscale app: config -> pictures -> enlarge each -> export -> report."""

from math import prod
from pathlib import Path

import torch

from common.errors import InputError
from common.image.picture_files import write_picture_files
from common.media.images import read_picture
from common.media.pixels import from_picture, to_picture
from common.report.content import Fact, Gallery, MediaItem
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.console import progress_bar
from common.runs.provenance import provenance_of
from common.upscaling.config import UpscaleConfig
from common.upscaling.enlarging import check_enlarging, enlarging_bytes, load_enlarging
from common.zoo.models import ZOO

SUFFIXES = (".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif")
MAX_PICTURES = 100_000
_LIBRARIES_BYTES = 450 * 2**20
_MAX_SHOWN = 24


def check(config: UpscaleConfig, apps: Apps) -> list[str]:
    """Refuse what cannot be read or would become too large; every picture is looked at."""
    for path in pictures_of(config.input):
        check_enlarging(config.factor, read_picture(path).shape[:2], config.models_dir or ZOO)
    return []


def estimate(config: UpscaleConfig) -> Estimate:
    """Sizes and memory of the run."""
    paths = pictures_of(config.input)
    largest = max((read_picture(path).shape[:2] for path in paths), key=prod)
    made = " x ".join(str(config.factor * side) for side in largest)
    memory = _LIBRARIES_BYTES + enlarging_bytes(config.factor, largest, config.tile_px)
    return Estimate({"pictures": f"{len(paths)}", "largest": made}, memory, len(paths))


def run(config: UpscaleConfig, run: Run) -> Outcome:
    """Enlarge the pictures one by one and write them as they come."""
    with run.clock.stage("upscaler"):
        folder = config.models_dir or ZOO
        enlarging = load_enlarging(config.factor, run.device, folder, config.tile_px)
    paths = pictures_of(config.input)
    done = run.checkpoints.restored.step if run.checkpoints.restored else 0
    with progress_bar(len(paths), done, "upscaling", "picture") as bar:
        for index in range(done, len(paths)):
            with run.clock.stage("upscaling"), torch.inference_mode():
                image = from_picture(read_picture(paths[index])).to(run.device)
                picture = to_picture(enlarging.of(image[None])[0])
            with run.clock.stage("export"):
                record = provenance_of(config, run, "", index)
                write_picture_files(
                    run.folder.samples, _stem(index), picture, config.export, record
                )
            bar.update(1)
            run.checkpoints.offer(index + 1, {})
    return _outcome(config, run, paths)


def pictures_of(path: Path) -> list[Path]:
    """A picture, or the pictures of a folder in the order of their names.

    Raises:
        InputError: there is nothing, no picture, or too many.
    """
    if not path.is_dir():
        return [path]
    found = sorted(one for one in path.iterdir() if one.suffix.lower() in SUFFIXES)
    if not 1 <= len(found) <= MAX_PICTURES:
        raise InputError(
            f"{path} holds {len(found)} pictures ({' '.join(SUFFIXES)}); 1 to {MAX_PICTURES:,} "
            "are upscaled in one run"
        )
    return found


def _stem(index: int) -> str:
    return f"{index:03d}"


def _outcome(config: UpscaleConfig, run: Run, paths: list[Path]) -> Outcome:
    names = [
        [run.folder.samples / f"{_stem(index)}.{kind}" for kind in config.export.formats]
        for index in range(len(paths))
    ]
    items = []
    for path, files in list(zip(paths, names, strict=True))[:_MAX_SHOWN]:
        height, width = read_picture(files[0]).shape[:2]
        items.append(MediaItem(files[0], path.name, (Fact("Size", f"{width} x {height}"),)))
    left = len(paths) - len(items)
    caption = f"{left} more in {run.folder.samples}" if left else ""
    artefacts = tuple(file for files in names for file in files)
    return Outcome(artefacts, (Gallery("Upscaled", tuple(items), caption),))


APP = App(UpscaleConfig, run, estimate, check)
