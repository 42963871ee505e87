"""The clip_coding app: held-out clips -> coded in three ways -> what is left of them."""

from collections.abc import Mapping

import torch
from einops import rearrange

from common.atomic import write_json
from common.embedded.clip_coding import ClipCoding
from common.embedded.frame_coding import FrameCoding
from common.judging.clip_steadiness import temporal_flicker
from common.media.clips import write_clip
from common.media.pixels import to_frames
from common.report.content import Cell, Column, Gallery, MediaItem, Table
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from common.runs.console import LOGGER
from common.training.emoji.npm_package import default_cache
from common.zoo.models import ZOO, load_autoencoder
from common.zoo.storage import read_manifest
from video.causal_autoencoder.coding import CausalCoding
from video.causal_autoencoder.interpolated import InterpolatedCoding
from video.causal_autoencoder.load import (
    causal_sizes,
    check_causal_autoencoder,
    load_causal_autoencoder,
)
from video.evaluation.clip_coding_config import ClipCodingConfig
from video.evaluation.coding_scores import coded_clip, figures_of
from video.evaluation.held_out_clips import Pixels, as_clip, held_out_clips

_LIBRARIES_BYTES = 900 * 2**20
_WAYS = 3
_FPS = 8.0
_NUM_SHOWN = 3
_NOTES = (
    "PSNR in the box of what is visible, on the worst of white, black and magenta, mean over "
    "clips. Of frames: the mean of their decibels, in which frames that are kept whole count for "
    "much; of clips: by the mean squared error of all frames, in which blurred ones do. Alpha "
    "error: mean absolute error there, of 1; flicker: median, to be held against that of the true "
    "clips; values: numbers in the latents of a clip of 16 frames; seconds: median to encode and "
    "decode one. kept_and_mixed is the causal coding without learning: it keeps every r-th frame "
    "of latents, and mixes those between.",
)


def check(config: ClipCodingConfig, apps: Apps) -> list[str]:
    """Refuse missing models, and models that do not belong together."""
    autoencoder = read_manifest(config.bases_dir or ZOO, "autoencoder").identity
    check_causal_autoencoder(autoencoder, config.models_dir or ZOO)
    return []


def estimate(config: ClipCodingConfig) -> Estimate:
    """Sizes and memory of the run."""
    autoencoder = read_manifest(config.bases_dir or ZOO, "autoencoder").identity
    manifest = check_causal_autoencoder(autoencoder, config.models_dir or ZOO)
    sizes = {
        "clips": f"{config.num_clips} of each set",
        "frames_per_code": f"{causal_sizes(manifest).frames_per_code}",
    }
    return Estimate(sizes, _LIBRARIES_BYTES, 2 * _WAYS * config.num_clips)


def run(config: ClipCodingConfig, run: Run) -> Outcome:
    """Code all clips in all ways; the table, and the first clips beside what became of them."""
    with run.clock.stage("loading"):
        codings = _codings(config, run.device)
        sets = held_out_clips(config.cache_dir or default_cache(), config.num_clips)
    found = {
        f"{name}/{way}": _figures(coding, pixels, run, way)
        for name, pixels in sets.items()
        for way, coding in codings.items()
    }
    flickers = {f"{name}/true": _flicker(pixels) for name, pixels in sets.items()}
    path = run.folder.samples / "figures.json"
    write_json(path, {f"{row}/{key}": value for row, values in found.items()
                      for key, value in values.items()} | flickers)  # fmt: skip
    table = _table(found, flickers)
    for row in (tuple(column.title for column in table.columns), *table.rows):
        LOGGER.info("  ".join(f"{_said(cell):>14}" for cell in row))
    return Outcome((path,), (table, _gallery(codings, sets, run)))


def _codings(config: ClipCodingConfig, device: str) -> dict[str, ClipCoding]:
    autoencoder = load_autoencoder(config.bases_dir or ZOO, device)
    causal = load_causal_autoencoder(autoencoder, config.models_dir or ZOO, device).model
    size = causal.architecture.frames_per_code
    return {
        "frames": FrameCoding(autoencoder.model),
        "kept_and_mixed": InterpolatedCoding(autoencoder.model, size),
        "causal": CausalCoding(autoencoder.model, causal),
    }


def _figures(coding: ClipCoding, pixels: list[Pixels], run: Run, way: str) -> dict[str, float]:
    with run.clock.stage(way):
        return figures_of([coded_clip(coding, as_clip(one).to(run.device)) for one in pixels])


def _flicker(pixels: list[Pixels]) -> float:
    return float(torch.tensor([temporal_flicker(as_clip(one)) for one in pixels]).median())


def _table(found: Mapping[str, Mapping[str, float]], flickers: Mapping[str, float]) -> Table:
    columns = (
        Column("Clips", align="left"), Column("Coding", align="left"),
        Column("PSNR of frames (dB)"), Column("PSNR of clips (dB)"), Column("Alpha error"),
        Column("Flicker"), Column("Flicker of the true"), Column("Values"), Column("Seconds"),
    )  # fmt: skip
    rows: list[tuple[Cell, ...]] = []
    for row, one in found.items():
        name, _, way = row.partition("/")
        rows.append((
            name, way, one["psnr_db"], one["clip_psnr_db"], one["alpha_error"], one["flicker"],
            flickers[f"{name}/true"], int(one["values"]), one["seconds"],
        ))  # fmt: skip
    return Table("What is left of held-out clips", columns, tuple(rows), footnotes=_NOTES)


def _said(cell: Cell) -> str:
    return f"{cell:.4g}" if isinstance(cell, float) else str(cell)


@torch.no_grad()
def _gallery(
    codings: Mapping[str, ClipCoding], sets: Mapping[str, list[Pixels]], run: Run
) -> Gallery:
    """Each of some clips in a row: true, then coded in each way."""
    items = []
    for name, pixels in sets.items():
        for number, one in enumerate(pixels[:: max(len(pixels) // _NUM_SHOWN, 1)][:_NUM_SHOWN]):
            clip = as_clip(one).to(run.device)[None]
            shown = [clip]
            shown += [way.decode(way.encode(clip), clip.shape[2]) for way in codings.values()]
            path = run.folder.samples / f"{name}-{number}.webp"
            row = rearrange(torch.cat(shown).clamp(-1, 1), "n c f h w -> c f h (n w)")
            write_clip(path, to_frames(row), _FPS)
            items.append(MediaItem(path, f"{name}: true, {', '.join(codings)}"))
    return Gallery("Some of them", tuple(items))


APP = App(ClipCodingConfig, run, estimate, check)
"""The keys of the clip_coding app."""
