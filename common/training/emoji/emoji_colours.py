"""Which named colours an emoji has, so that captions may say "red apple" where that is sure.

Every opaque pixel is named by lightness L, chroma C and hue h of its OKLCh colour (Ottosson 2020,
https://bottosson.github.io/posts/oklab), with the terms of the object kit. Nearest prototypes would
not do here: the pictures are shaded, their whites bluish and their reds pink where light falls, so
the bounds below are set by term. They are checked on the emoji whose own name says the colour.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import numpy as np
from jaxtyping import Float, Int

from common.atomic import write_text
from common.errors import InputError
from common.kit.palette import COLOUR_NAMES, PALETTE, ColourName, oklab
from common.training.emoji.emoji_concepts import DATA, Language
from common.training.emoji.emoji_pixels import Premultiplied
from common.training.emoji.emoji_stills import EmojiStills

COLOURS = DATA / "emoji_colours.json"
SOLID_ALPHA = 128
SURE_SHARE = 0.6
SURE_SECOND = 0.25
MIN_SHARE = 0.08
"""Smaller shares are not kept."""

_HUES: tuple[tuple[float, ColourName], ...] = (
    (38, "red"),
    (72, "orange"),
    (112, "yellow"),
    (167, "green"),
    (222, "cyan"),
    (283, "blue"),
    (330, "purple"),
    (360, "pink"),
)
"""Upper bounds in degrees of the hues of saturated colours of middle lightness."""


@dataclass(frozen=True)
class EmojiColours:
    """Shares of the opaque area by colour name, largest first; they may sum to less than 1."""

    shares: MappingProxyType[ColourName, float]

    @property
    def sure(self) -> ColourName | None:
        """The one colour that everybody would name, or None.

        It covers at least ``SURE_SHARE`` of the picture and no other more than ``SURE_SECOND``.
        """
        ranked = list(self.shares.items())
        if not ranked or ranked[0][1] < SURE_SHARE:
            return None
        if len(ranked) > 1 and ranked[1][1] > SURE_SECOND:
            return None
        return ranked[0][0]


def colour_word(name: ColourName, language: Language) -> str:
    """The word that captions use: ``red``, ``红色``."""
    return name if language == "en" else PALETTE[name].chinese


def name_colours(rgb: Float[np.ndarray, "n 3"]) -> Int[np.ndarray, " n"]:
    """The index in ``COLOUR_NAMES`` of each sRGB colour in [0, 1]."""
    lab = oklab(rgb)
    light, chroma = lab[:, 0], np.hypot(lab[:, 1], lab[:, 2])
    hue = np.degrees(np.arctan2(lab[:, 2], lab[:, 1])) % 360
    bounds = np.array([bound for bound, _ in _HUES])
    index = np.array([COLOUR_NAMES.index(name) for _, name in _HUES])
    named = index[np.minimum(np.searchsorted(bounds, hue, side="right"), len(_HUES) - 1)]
    for where, name in _exceptions(light, chroma, hue):
        named = np.where(where, COLOUR_NAMES.index(name), named)
    return named


def picture_colours(picture: Premultiplied) -> EmojiColours:
    """The shares of the named colours in one premultiplied picture.

    Raises:
        InputError: nothing in the picture is opaque.
    """
    pixels = picture.reshape(-1, 4).astype(np.float64)
    solid = pixels[pixels[:, 3] >= SOLID_ALPHA]
    if not len(solid):
        raise InputError("the picture has no opaque pixel whose colour could be named")
    named = name_colours(solid[:, :3] / solid[:, 3:])
    share = np.bincount(named, minlength=len(COLOUR_NAMES)) / len(solid)
    order = np.argsort(-share, kind="stable")
    kept = {COLOUR_NAMES[i]: round(float(share[i]), 2) for i in order if share[i] >= MIN_SHARE}
    return EmojiColours(MappingProxyType(kept))


def store_colours(stills: EmojiStills, path: Path = COLOURS) -> dict[str, EmojiColours]:
    """Measure all stills and write the table, one emoji a line."""
    measured = {
        key: picture_colours(np.asarray(stills.pixels[row])) for row, key in enumerate(stills.keys)
    }
    rows = [f"{json.dumps(key)}: {json.dumps(dict(c.shares))}" for key, c in measured.items()]
    write_text(path, "{\n" + ",\n".join(rows) + "\n}\n")
    return measured


def load_colours(path: Path = COLOURS) -> dict[str, EmojiColours]:
    """The committed table.

    Raises:
        InputError: the file is damaged.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        unknown = {name for row in rows.values() for name in row} - set(COLOUR_NAMES)
    except (OSError, ValueError, AttributeError) as broken:
        raise InputError(f"{path} is no table of colours: {broken!r}") from broken
    if unknown:
        raise InputError(f"{path} names colours that captions do not have: {sorted(unknown)}")
    return {key: EmojiColours(MappingProxyType(row)) for key, row in rows.items()}


def _exceptions(
    light: Float[np.ndarray, " n"], chroma: Float[np.ndarray, " n"], hue: Float[np.ndarray, " n"]
) -> list[tuple[np.ndarray, ColourName]]:
    """Where hue alone misleads; a later line overrides an earlier one."""
    warm = (hue >= 20) & (hue < 112)
    rosy = (hue < 40) | (hue >= 340)
    inky = (hue >= 260) & (hue < 320)
    neutral = chroma < np.interp(light, [0.0, 0.25, 0.5, 0.8, 1.0], [0.09, 0.06, 0.04, 0.05, 0.06])
    return [
        ((hue < 30) & (light > 0.70), "pink"),
        ((hue >= 345) & (light < 0.62) & (chroma > 0.17), "red"),
        ((hue >= 345) & (light < 0.42), "red"),
        ((hue >= 27) & (hue < 38) & (light >= 0.63), "orange"),
        (warm & (light < 0.60) & (hue >= 38), "brown"),
        (warm & (chroma < 0.115) & (light < 0.80) & (hue >= 30) & (hue < 80), "brown"),
        (rosy & (chroma < 0.11) & (light < 0.66), "brown"),
        (inky & (chroma < 0.10) & (light < 0.50), "black"),
        (neutral & (light < 0.42), "black"),
        (neutral & (light >= 0.42) & (light < 0.80), "grey"),
        (neutral & (light >= 0.80), "white"),
    ]
