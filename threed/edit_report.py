"""What a report says of an edit: before and after side by side, and how much stayed."""

from dataclasses import asdict
from pathlib import Path

import torch
from einops import rearrange

from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.report.content import Column, Gallery, MediaItem, Section, Table
from common.runs.app import Run
from threed.edit_pictures import EditPictures
from threed.measures.edit_change import SAME, EditChange, edit_change


def write_edit(run: Run, pictures: EditPictures) -> Path:
    """Before above, after below, from the same cameras."""
    both = torch.cat([pictures.before, pictures.after]) * 2 - 1
    planes = rearrange(both, "v h w c -> v c h w")
    sheet = picture_sheet([to_picture(one) for one in planes], num_columns=len(pictures.before))
    path = run.folder.samples / "before_after.png"
    write_picture(path, sheet)
    return path


def shown_edit(pictures: EditPictures, sheet: Path) -> tuple[Section, ...]:
    """The sheet, and what the scene, and then the edit, left as it was."""
    rows = (
        _row("The scene before its first step", edit_change(pictures.before, pictures.begun)),
        _row("The edited mesh", edit_change(pictures.before, pictures.after)),
    )
    columns = (
        Column("Against the file", align="left"), Column("Outline kept", "%"),
        Column("Pixels kept", "%"), Column("Change of colour", "%"),
    )  # fmt: skip
    notes = (
        f"Pixels kept: of those that show the object, before or after, the share where no channel "
        f"differs by more than {SAME:.0%}. The first row is what is lost without any edit.",
    )
    item = MediaItem(sheet, "Above before the edit, below after it")
    return (Gallery("Before and after", (item,)), Table("What stayed", columns, rows, notes))


def edit_metrics(pictures: EditPictures) -> dict[str, float]:
    """The figures of the edited mesh by name."""
    return dict(asdict(edit_change(pictures.before, pictures.after)))


def _row(label: str, change: EditChange) -> tuple[str, float, float, float]:
    return (label, 100 * change.outline_kept, 100 * change.pixels_kept,
            100 * change.colour_change)  # fmt: skip
