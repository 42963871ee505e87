"""The fronts that an asset was chosen from, on its page."""

from pathlib import Path

from common.media.contact_sheet import picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.report.content import Gallery, MediaItem
from common.runs.app import Run
from threed.candidates import Candidates


def write_candidates(run: Run, candidates: Candidates) -> Path:
    """All fronts with their scores, as a sheet."""
    captions = [
        f"{score:.2f}{', chosen' if index == candidates.best else ''}"
        for index, score in enumerate(candidates.scores.tolist())
    ]
    pictures = [to_picture(one) for one in candidates.fronts]
    path = run.folder.samples / "candidates.png"
    write_picture(path, picture_sheet(pictures, captions=captions))
    return path


def shown_candidates(candidates: Candidates, sheet: Path) -> Gallery:
    """The sheet, and what the numbers are."""
    caption = (
        "Logarithm of the prompt's probability among all names and colours that the prior knows, "
        "by its own picture encoder; 0 is certain."
    )
    item = MediaItem(sheet, f"{len(candidates.fronts)} fronts, the best went on")
    return Gallery("What the front was chosen from", (item,), caption)
