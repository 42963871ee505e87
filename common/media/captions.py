"""Text under pictures: a font that has the characters, wrapped to a width.

DejaVu Sans comes with matplotlib and covers Latin, Greek, Cyrillic and more; a part of Noto Sans SC
comes with this package and covers common Chinese. Other scripts are drawn with a font of this
machine that has them; characters in no font at all are counted in brackets rather than drawn as
boxes.
"""

import re
import unicodedata
from dataclasses import dataclass
from functools import cache
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.ImageFont import FreeTypeFont

_MAX_CHARACTERS = 300
"""More never fit; a 10,000-character prompt must not be measured in full."""
_MAX_SYSTEM_FONTS = 500
_CHINESE_FONT = Path(__file__).parent / "fonts" / "NotoSansSC-subset.otf"
_WIDE_FONTS = re.compile(r"noto.*cjk|sourcehan|wqy|msyh|pingfang|hiragino|unifont|droid.*fallback")


@dataclass(frozen=True)
class Caption:
    """Lines to draw, and the font that has their characters."""

    lines: tuple[str, ...]
    font: "FreeTypeFont"


def fit_caption(text: str, width_px: int, size_px: int, max_lines: int = 2) -> Caption:
    """Wrap text to a width, ending in an ellipsis when there is more than fits."""
    from PIL import ImageFont

    plain = _one_line(text)
    path = _font_for(frozenset(plain))
    font = ImageFont.truetype(path, size_px)
    return Caption(_wrapped(_drawable(plain, path), font, width_px, max_lines), font)


def _one_line(text: str) -> str:
    cut = text[:_MAX_CHARACTERS] + ("…" if len(text) > _MAX_CHARACTERS else "")
    spaced = "".join(" " if unicodedata.category(char) == "Cc" else char for char in cut)
    # Joiners and variation selectors have no shape of their own.
    return " ".join(
        "".join(char for char in spaced if unicodedata.category(char) not in ("Cf", "Cs")
                and not "\ufe00" <= char <= "\ufe0f").split()
    )  # fmt: skip


def _drawable(text: str, font_path: str) -> str:
    known = _characters_of(font_path)
    parts = []
    for has_shape, run in groupby(text, key=lambda char: char in known):
        characters = "".join(run)
        count = len(characters)
        missing = f"[{count} character{'s' if count > 1 else ''} without a font]"
        parts.append(characters if has_shape else missing)
    return "".join(parts)


def _wrapped(text: str, font: "FreeTypeFont", width_px: int, max_lines: int) -> tuple[str, ...]:
    lines: list[str] = []
    rest = text
    while rest and len(lines) < max_lines:
        count = _fitting(rest, font, width_px)
        if count < len(rest):
            if len(lines) == max_lines - 1:
                lines.append(rest[: _fitting(rest, font, width_px, "…")].rstrip() + "…")
                break
            # Break at a space if there is one; Chinese has none and breaks anywhere.
            space = rest.rfind(" ", 1, count + 1)
            count = space if space > 0 else count
        lines.append(rest[:count].rstrip())
        rest = rest[count:].lstrip()
    return tuple(lines)


def _fitting(text: str, font: "FreeTypeFont", width_px: int, ending: str = "") -> int:
    """How many leading characters fit, at least 1: by bisection."""
    low, high = 1, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if font.getlength(text[:middle] + ending) <= width_px:
            low = middle
        else:
            high = middle - 1
    return low


@cache
def _font_for(characters: frozenset[str]) -> str:
    """The path of the font that has the most of some characters."""
    best = _default_font()
    missing = characters - _characters_of(best)
    if not missing:
        return best
    for path in chain([str(_CHINESE_FONT)], _system_fonts()):
        still_missing = characters - _characters_of(path)
        if len(still_missing) < len(missing):
            best, missing = path, still_missing
        if not missing:
            break
    return best


@cache
def _default_font() -> str:
    import matplotlib

    return str(Path(matplotlib.get_data_path()) / "fonts" / "ttf" / "DejaVuSans.ttf")


@cache
def _system_fonts() -> tuple[str, ...]:
    """Font files of this machine, those with the most characters first."""
    from matplotlib import font_manager

    found = [path for path in font_manager.findSystemFonts() if "emoji" not in path.lower()]
    found.sort(key=lambda path: (_WIDE_FONTS.search(path.lower()) is None, path))
    return tuple(found[:_MAX_SYSTEM_FONTS])


@cache
def _characters_of(font_path: str) -> frozenset[str]:
    from matplotlib.ft2font import FT2Font

    try:
        return frozenset(map(chr, FT2Font(font_path).get_charmap()))
    except (OSError, RuntimeError, ValueError):  # a font file that is damaged or has bitmaps only
        return frozenset()
