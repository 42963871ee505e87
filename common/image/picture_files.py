"""Writing one picture in every format that was asked for."""

from pathlib import Path

from common.image.config import PictureFiles
from common.media.images import write_picture
from common.media.pixels import composite
from common.media.provenance import Provenance
from common.shapes import Picture


def write_picture_files(
    folder: Path, stem: str, picture: Picture, export: PictureFiles, record: Provenance | None
) -> list[Path]:
    """Write ``<stem>.<format>`` for each format; jpg is laid over the background.

    Args:
        folder: where to.
        stem: of the files' names.
        picture: RGB or straight RGBA.
        export: which formats.
        record: how it was made; None stores nothing.
    """
    paths = []
    for kind in export.formats:
        path = folder / f"{stem}.{kind}"
        flat = kind == "jpg" and picture.shape[-1] == 4
        write_picture(
            path, composite(picture, export.background) if flat else picture, provenance=record
        )
        paths.append(path)
    return paths
