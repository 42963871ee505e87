"""Named colours: what they are called, what they look like, and which name a colour has.

Colours are sRGB in [0, 1]; variation and naming happen in OKLab (Ottosson 2020,
https://bottosson.github.io/posts/oklab), where equal steps look about equally large.
"""

from dataclasses import dataclass
from typing import Literal, get_args

import numpy as np
from jaxtyping import Float

from common.kit.real import Real

ColourName = Literal[
    "red", "orange", "yellow", "green", "cyan", "blue", "purple", "pink", "brown", "black",
    "grey", "white",
]  # fmt: skip
COLOUR_NAMES: tuple[ColourName, ...] = get_args(ColourName)
Rgb = tuple[float, float, float]


@dataclass(frozen=True)
class Swatch:
    """One named colour and how far its paints may stray without changing their name."""

    name: ColourName
    chinese: str
    """The name used in captions, with 色."""
    typical: Rgb
    """sRGB of the purest example."""
    lightness: float = 0.035
    """Half range of OKLab lightness, of 1."""
    chroma: float = 0.08
    """Half range of chroma, as a share of the typical chroma."""
    hue_deg: float = 6.0
    """Half range of hue."""


@dataclass(frozen=True)
class Paint:
    """A colour on a part: its name and its exact value."""

    name: ColourName
    rgb: Rgb


PALETTE: dict[ColourName, Swatch] = {
    swatch.name: swatch
    for swatch in (
        Swatch("red", "红色", (0.89, 0.11, 0.17)),
        Swatch("orange", "橙色", (1.00, 0.53, 0.10), hue_deg=5.0),
        Swatch("yellow", "黄色", (1.00, 0.82, 0.14), hue_deg=5.0),
        Swatch("green", "绿色", (0.22, 0.69, 0.26), hue_deg=8.0),
        Swatch("cyan", "青色", (0.10, 0.78, 0.80), hue_deg=7.0),
        Swatch("blue", "蓝色", (0.13, 0.40, 0.93), hue_deg=6.0),
        Swatch("purple", "紫色", (0.54, 0.24, 0.82), hue_deg=6.0),
        Swatch("pink", "粉色", (1.00, 0.52, 0.72), hue_deg=6.0),
        Swatch("brown", "棕色", (0.50, 0.29, 0.16), hue_deg=5.0),
        Swatch("black", "黑色", (0.14, 0.14, 0.17), lightness=0.03),
        Swatch("grey", "灰色", (0.58, 0.59, 0.63), lightness=0.05),
        Swatch("white", "白色", (0.93, 0.93, 0.94), lightness=0.02),
    )
}


def paint(name: ColourName, rng: np.random.Generator) -> Paint:
    """A paint of that name, varied in lightness, chroma and hue within the swatch's ranges."""
    swatch = PALETTE[name]
    shift = rng.uniform(-1.0, 1.0, 3)
    light, chroma, hue = _to_lch(np.array(swatch.typical))
    varied = np.array(
        [
            light + shift[0] * swatch.lightness,
            chroma * (1 + shift[1] * swatch.chroma),
            hue + np.radians(shift[2] * swatch.hue_deg),
        ]
    )
    return Paint(name, _in_gamut(varied))


def typical_paint(name: ColourName) -> Paint:
    """The purest paint of that name."""
    return Paint(name, PALETTE[name].typical)


def shaded(colour: Paint, lighter: Real = 0.0, richer: Real = 0.0) -> Paint:
    """A tone of a paint for details: lightness moved by ``lighter``, chroma by share ``richer``."""
    light, chroma, hue = _to_lch(np.array(colour.rgb))
    moved = np.array([np.clip(light + lighter, 0.05, 0.99), chroma * (1 + richer), hue])
    return Paint(colour.name, _in_gamut(moved))


def colour_name(rgb: Rgb | Float[np.ndarray, "3"]) -> ColourName:
    """The name whose typical colour is nearest in OKLab."""
    return COLOUR_NAMES[int(np.argmin(np.linalg.norm(_TYPICAL_LAB - oklab(np.array(rgb)), axis=1)))]


def oklab(rgb: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """OKLab (L, a, b) of sRGB-encoded colours."""
    linear = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    return np.cbrt(linear @ _RGB_TO_LMS.T) @ _LMS_TO_LAB.T


def oklab_to_rgb(lab: Float[np.ndarray, "*n 3"]) -> Float[np.ndarray, "*n 3"]:
    """The sRGB-encoded colours of OKLab values; outside [0, 1] where sRGB has no such colour."""
    linear = ((lab @ _LAB_TO_LMS.T) ** 3) @ _LMS_TO_RGB.T
    encoded = 1.055 * np.maximum(linear, 0.0031308) ** (1 / 2.4) - 0.055
    return np.where(linear <= 0.0031308, 12.92 * linear, encoded)


def _to_lch(rgb: np.ndarray) -> tuple[float, float, float]:
    light, a, b = oklab(rgb)
    return float(light), float(np.hypot(a, b)), float(np.arctan2(b, a))


def _in_gamut(lch: np.ndarray) -> Rgb:
    """The colour, its chroma lowered until sRGB has it."""
    light, chroma, hue = lch
    shares = np.linspace(1.0, 0.0, 21)[:, None]
    tones = np.concatenate(
        [
            np.full((21, 1), light),
            shares * chroma * np.cos(hue),
            shares * chroma * np.sin(hue),
        ],
        axis=1,
    )
    colours = oklab_to_rgb(tones)
    fits = (colours > -0.004).all(axis=1) & (colours < 1.004).all(axis=1)
    red, green, blue = np.clip(colours[int(np.argmax(fits))], 0.0, 1.0)
    return float(red), float(green), float(blue)


_RGB_TO_LMS = np.array(
    [
        [0.4122214708, 0.5363325363, 0.0514459929],
        [0.2119034982, 0.6806995451, 0.1073969566],
        [0.0883024619, 0.2817188376, 0.6299787005],
    ]
)
_LMS_TO_LAB = np.array(
    [
        [0.2104542553, 0.7936177850, -0.0040720468],
        [1.9779984951, -2.4285922050, 0.4505937099],
        [0.0259040371, 0.7827717662, -0.8086757660],
    ]
)
_LMS_TO_RGB = np.linalg.inv(_RGB_TO_LMS)
_LAB_TO_LMS = np.linalg.inv(_LMS_TO_LAB)
_TYPICAL_LAB = oklab(np.array([PALETTE[name].typical for name in COLOUR_NAMES]))
