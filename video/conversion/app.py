"""The app that converts motion modules: config -> read -> write -> read back -> report."""

from pathlib import Path

import torch

from common.errors import InputError
from common.report.content import Cell, Column, Table
from common.runs.app import App, Estimate, Outcome, Run
from common.runs.apps import Apps
from video.animatediff.description import family_lines
from video.animatediff.motion_file import (
    ADAPTER_WEIGHTS,
    MotionCheckpoint,
    read_motion,
    write_adapter,
    write_original,
)
from video.conversion.config import Layout, MotionConversionConfig

_LIBRARIES_BYTES = 400 * 2**20
_COPIES = 4
"""Of the file's bytes at the peak: read, written from its own memory, and read back."""
_NAME = "motion_module"


def check(config: MotionConversionConfig, apps: Apps) -> list[str]:
    """Refuse what is no motion module, before a run folder exists; notes on what is left out."""
    found = read_motion(config.input)
    layout = layout_of(config.input)
    if config.to == layout:
        raise InputError(
            f"{config.input} is in the layout '{layout}' already: set to="
            f"{_other(layout)}, or leave it out"
        )
    if not found.left_out:
        return []
    return [
        f"{found.left_out} of its weights are of no motion module and are left out: a motion "
        "module is all that is written"
    ]


def estimate(config: MotionConversionConfig) -> Estimate:
    """Memory by the size of the file."""
    size = _file(config.input).stat().st_size
    return Estimate({"input": f"{size:,} bytes"}, _LIBRARIES_BYTES + _COPIES * size, 0)


def run(config: MotionConversionConfig, run: Run) -> Outcome:
    """Convert, and read back what was written.

    Raises:
        InputError: what is read back differs.
    """
    with run.clock.stage("reading"):
        checkpoint = read_motion(config.input)
    to = config.to or _other(layout_of(config.input))
    with run.clock.stage("export"):
        written = _write(checkpoint, run.folder.samples, to)
    with run.clock.stage("reading back"):
        same_to_the_bit(checkpoint, read_motion(written))
    kinds = ", ".join(sorted({_dtype(one) for one in checkpoint.weights.values()}))
    rows: tuple[tuple[str, Cell], ...] = (
        ("Family", checkpoint.family.title),
        ("Layout", to),
        ("Weights", checkpoint.num_parameters),
        ("Type", kinds),
        ("Read back", "equal to the bit"),
    )
    columns = (Column("What", align="left"), Column("", align="left"))
    said = tuple(family_lines(checkpoint.family))
    return Outcome((_file(written),), (Table("Motion module", columns, rows, said),))


def layout_of(path: Path) -> Layout:
    """Folders are diffusers', files the original's."""
    return "diffusers" if path.is_dir() else "original"


def same_to_the_bit(one: MotionCheckpoint, other: MotionCheckpoint) -> None:
    """Refuse motion modules that differ in family, names, types, shapes or any value.

    Raises:
        InputError: with the first difference.
    """
    if one.family != other.family:
        raise InputError(f"{one.family.title} was read back as {other.family.title}")
    # An adapter has sinusoids in any case; those of AnimateLCM are the formula.
    pairs = [(one.weights, other.weights)]
    pairs += [(one.tables, other.tables)] if one.tables and other.tables else []
    for given, made in pairs:
        if given.keys() != made.keys():
            raise InputError(f"names differ: {sorted(given.keys() ^ made.keys())[:3]}")
        for key, value in given.items():
            again = made[key]
            if value.dtype != again.dtype or not torch.equal(value, again):
                raise InputError(f"'{key}' was read back as another")


def _other(layout: Layout) -> Layout:
    return "original" if layout == "diffusers" else "diffusers"


def _write(checkpoint: MotionCheckpoint, folder: Path, to: Layout) -> Path:
    if to == "diffusers":
        write_adapter(checkpoint, folder / _NAME)
        return folder / _NAME
    write_original(checkpoint, folder / f"{_NAME}.safetensors")
    return folder / f"{_NAME}.safetensors"


def _file(path: Path) -> Path:
    return path / ADAPTER_WEIGHTS if path.is_dir() else path


def _dtype(value: torch.Tensor) -> str:
    return str(value.dtype).removeprefix("torch.")


APP = App(MotionConversionConfig, run, estimate, check)
