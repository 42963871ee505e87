"""Files of Gaussians in a report: what each lost, in words, decibels and pictures."""

from pathlib import Path

from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.media.contact_sheet import AnyPicture, picture_sheet
from common.media.images import write_picture
from common.media.pixels import to_picture
from common.media.provenance import Provenance
from common.report.content import Cell, Column, Fact, Gallery, MediaItem, Note, Section, Table
from threed.scenes.gaussian_cloud import GaussianCloud
from threed.splat_files import SplatFiles
from threed.splats.traps import traps_of

_CELL_PX = 192
_KHR = "KHR_gaussian_splatting is a Release Candidate, which few programs read yet"


def write_splat_sheet(path: Path, splats: SplatFiles, provenance: Provenance | None) -> None:
    """The cloud from six sides, and below it each file read again."""
    rows = (splats.pictures, *(file.pictures for file in splats.files))
    names = ("Gaussians", *(file.path.name for file in splats.files))
    pictures = [_picture(view) for row in rows for view in row]
    captions = [name for name, row in zip(names, rows, strict=True) for _ in row]
    sheet = picture_sheet(
        pictures, captions=captions, num_columns=len(splats.pictures), cell_px=_CELL_PX
    )
    write_picture(path, sheet, provenance=provenance)


def shown_splats(splats: SplatFiles, cloud: GaussianCloud, sheet: Path) -> tuple[Section, ...]:
    """Pictures, a table of the files, and what is wrong with the cloud itself."""
    facts = (Fact("Gaussians", len(cloud)), Fact("Degree of the colours", cloud.degree))
    gallery = Gallery("Gaussians and their files", (MediaItem(sheet, "Read again", facts),))
    traps = tuple(Note(trap[0].upper() + trap[1:] + ".", level="info") for trap in traps_of(cloud))
    return (gallery, _table(splats), *traps)


def splat_metrics(splats: SplatFiles) -> dict[str, float | None]:
    """``render_back/splats.<format>/psnr_db`` and ``silhouette_iou`` of each file."""
    values: dict[str, float | None] = {}
    for file in splats.files:
        name = f"render_back/splats{file.path.suffix}"
        values[f"{name}/psnr_db"] = file.check.psnr_db
        if file.check.silhouette_iou is not None:
            values[f"{name}/silhouette_iou"] = file.check.silhouette_iou
    return values


def _table(splats: SplatFiles) -> Table:
    rows: list[tuple[Cell, ...]] = []
    for file in splats.files:
        said = [*file.losses, *([_KHR] if file.path.suffix == ".glb" else [])]
        iou = file.check.silhouette_iou
        rows.append((
            file.path.name,
            round(file.path.stat().st_size / 1e6, 3),
            round(file.check.psnr_db, 2),
            None if iou is None else round(iou, 5),
            "; ".join(said) or "nothing",
        ))  # fmt: skip
    columns = (
        Column("File", align="left"), Column("Size", "MB"), Column("PSNR", "dB"),
        Column("Overlap of outlines"), Column("Lost in this format", align="left"),
    )  # fmt: skip
    caption = (
        "Each file was read again and drawn from six sides, as were the Gaussians it was written "
        "from: PSNR inside the box of what is visible, on the worst of three backgrounds; 100 dB "
        "is no difference."
    )
    return Table("Files of Gaussians", columns, tuple(rows), caption=caption)


def _picture(view: Float[Tensor, "h w 4"]) -> AnyPicture:
    return to_picture(rearrange(view, "h w c -> c h w") * 2 - 1)
