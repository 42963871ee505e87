"""Contact sheets: many pictures, or moments of many clips, on one page with captions."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from jaxtyping import UInt8

from common.errors import InputError
from common.media.captions import Caption, fit_caption
from common.media.pixels import parse_color

if TYPE_CHECKING:
    from PIL import Image, ImageDraw

AnyPicture = UInt8[np.ndarray, "_ _ _"]
"""A picture of whatever size."""
AnyClip = UInt8[np.ndarray, "_ _ _ _"]
"""A clip of whatever length and size."""
Sheet = UInt8[np.ndarray, "rows columns 3"]
"""A finished sheet, RGB."""
CHECKER = "checker"
"""The background that shows transparency as such."""
_PAGE, _INK = (250, 250, 250), (40, 40, 40)
_CHECKER_COLORS, _CHECKER_PX = (255, 214), 8
_GAP_PX, _STRIP_GAP_PX = 8, 4
_TEXT_PX, _LINE_PX, _MAX_LINES = 13, 17, 2
_SMALLEST_CAPTIONED_PX = 64
_SMALLEST_PX, _LARGEST_SIDE_PX = 8, 8192


@dataclass(frozen=True)
class _Cell:
    pictures: tuple["Image.Image", ...]
    """Side by side: one picture, or moments of a clip."""
    width: int
    height: int
    caption: Caption | None


def picture_sheet(
    pictures: Sequence[AnyPicture],
    *,
    captions: Sequence[str] = (),
    num_columns: int | None = None,
    cell_px: int = 256,
    background: str = CHECKER,
) -> Sheet:
    """A grid of pictures.

    Args:
        pictures: RGB or straight RGBA, of any sizes.
        captions: one for each picture (two lines are shown), or none.
        num_columns: pictures in a row; None makes the grid as square as it can be.
        cell_px: longest side of a picture on the sheet. Larger ones are scaled down, much smaller
            ones up by whole factors. Where the sheet would get longer than 8192 pixels, cells
            shrink; below 64 pixels they have no captions.
        background: what transparent pictures lie on: ``"checker"`` or ``"#rrggbb"``.

    Raises:
        InputError: no pictures, more than fit at 8 pixels each (some 250,000), another number of
            captions, an unknown background.
    """
    columns = num_columns or math.ceil(math.sqrt(len(pictures)))
    rows = [(picture,) for picture in pictures]
    return _sheet(rows, captions, columns, cell_px, background)


def clip_sheet(
    clips: Sequence[AnyClip],
    *,
    captions: Sequence[str] = (),
    num_moments: int = 6,
    num_columns: int = 1,
    cell_px: int = 160,
    background: str = CHECKER,
) -> Sheet:
    """A strip of evenly spaced moments for each clip: first and last frame, and between them.

    Args:
        clips: RGB or straight RGBA.
        captions: one for each clip, or none.
        num_moments: frames shown of each clip; of shorter clips all.
        num_columns: strips side by side.
        cell_px: longest side of a frame on the sheet; see ``picture_sheet``.
        background: see ``picture_sheet``.

    Raises:
        InputError: no clips, more than fit (500 in a column), an empty clip, another number of
            captions, an unknown background.
    """
    rows = [tuple(clip[index] for index in _moments(len(clip), num_moments)) for clip in clips]
    return _sheet(rows, captions, num_columns, cell_px, background)


def _moments(num_frames: int, num_moments: int) -> list[int]:
    if num_frames < 1 or num_moments < 1:
        raise InputError(f"cannot show {num_moments} moments of a clip of {num_frames} frames")
    count = min(num_frames, num_moments)
    return [round(index * (num_frames - 1) / max(1, count - 1)) for index in range(count)]


def _sheet(
    groups: Sequence[tuple[AnyPicture, ...]],
    captions: Sequence[str],
    num_columns: int,
    cell_px: int,
    background: str,
) -> Sheet:
    if not groups:
        raise InputError("a contact sheet needs at least one picture")
    if captions and len(captions) != len(groups):
        raise InputError(f"there are {len(captions)} captions for {len(groups)} pictures")
    if num_columns < 1 or cell_px < 1:
        raise InputError(f"a sheet of {num_columns} columns of {cell_px} pixels cannot be drawn")
    num_columns = min(num_columns, len(groups))
    num_rows = math.ceil(len(groups) / num_columns)
    widest = max(len(group) for group in groups)
    wide = (_LARGEST_SIDE_PX // num_columns - _GAP_PX) // widest - _STRIP_GAP_PX
    high = _LARGEST_SIDE_PX // num_rows - _GAP_PX
    side = min(cell_px, wide, high - _LINE_PX * _MAX_LINES)
    texts: Sequence[str | None] = captions
    if not captions or side < _SMALLEST_CAPTIONED_PX:
        texts, side = [None] * len(groups), min(cell_px, wide, high)
    if side < min(cell_px, _SMALLEST_PX):
        raise InputError(
            f"{len(groups)} pictures in {num_columns} columns do not fit on a sheet of "
            f"{_LARGEST_SIDE_PX}x{_LARGEST_SIDE_PX} pixels; show fewer"
        )
    cells = [
        _cell(group, text, side, background) for group, text in zip(groups, texts, strict=True)
    ]
    return _drawn(cells, num_columns)


def _cell(group: tuple[AnyPicture, ...], text: str | None, side: int, background: str) -> _Cell:
    pictures = tuple(_shown(picture, side, background) for picture in group)
    width = sum(picture.width for picture in pictures) + _STRIP_GAP_PX * (len(pictures) - 1)
    height = max(picture.height for picture in pictures)
    # A narrow picture's caption may use the room of a square one.
    caption = fit_caption(text, max(width, side), _TEXT_PX, _MAX_LINES) if text else None
    return _Cell(pictures, max(width, side if caption else 1), height, caption)


def _shown(picture: AnyPicture, side: int, background: str) -> "Image.Image":
    """One picture at its size on the sheet, opaque."""
    from PIL import Image

    image = Image.fromarray(picture)
    longest = max(image.size)
    if longest > side:
        size = tuple(max(1, round(length * side / longest)) for length in image.size)
        image = image.resize((size[0], size[1]), Image.Resampling.LANCZOS)
    elif side // longest > 1:
        factor = side // longest
        size = (image.width * factor, image.height * factor)
        image = image.resize(size, Image.Resampling.NEAREST)
    if image.mode == "RGB":
        return image
    behind = Image.fromarray(_backdrop(image.height, image.width, background))
    behind.paste(image, mask=image.getchannel("A"))
    return behind


def _backdrop(height: int, width: int, background: str) -> Sheet:
    if background != CHECKER:
        return np.full((height, width, 3), parse_color(background), np.uint8)
    rows, columns = np.mgrid[:height, :width] // _CHECKER_PX
    light, dark = _CHECKER_COLORS
    grey = np.where((rows + columns) % 2 == 0, light, dark).astype(np.uint8)
    return np.repeat(grey[..., None], 3, axis=2)


def _drawn(cells: list[_Cell], num_columns: int) -> Sheet:
    from PIL import Image, ImageDraw

    rows = [cells[start : start + num_columns] for start in range(0, len(cells), num_columns)]
    column_width = max(cell.width for cell in cells)
    lines = [max(len(cell.caption.lines) if cell.caption else 0 for cell in row) for row in rows]
    heights = [max(cell.height for cell in row) for row in rows]
    page_height = sum(heights) + _LINE_PX * sum(lines) + _GAP_PX * (len(rows) + 1)
    page_width = num_columns * (column_width + _GAP_PX) + _GAP_PX
    page = Image.new("RGB", (page_width, page_height), _PAGE)
    draw = ImageDraw.Draw(page)
    top = _GAP_PX
    for row, height, num_lines in zip(rows, heights, lines, strict=True):
        for column, cell in enumerate(row):
            left = _GAP_PX + column * (column_width + _GAP_PX)
            _draw_cell(page, draw, cell, left, top)
        top += height + _LINE_PX * num_lines + _GAP_PX
    return np.asarray(page)


def _draw_cell(
    page: "Image.Image",
    draw: "ImageDraw.ImageDraw",
    cell: _Cell,
    left: int,
    top: int,
) -> None:
    x = left
    for picture in cell.pictures:
        page.paste(picture, (x, top))
        x += picture.width + _STRIP_GAP_PX
    if cell.caption is not None:
        for index, line in enumerate(cell.caption.lines):
            place = (left, top + cell.height + 1 + index * _LINE_PX)
            draw.text(place, line, fill=_INK, font=cell.caption.font)
