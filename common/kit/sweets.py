"""Sweet things: ice cream, cupcake, birthday cake, doughnut, lollipop."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import filleted, profile_spline
from common.kit.draw import Draw
from common.kit.materials import GLOSSY, MATTE
from common.kit.mesh import Mesh, merged, ring_of, unit
from common.kit.palette import COLOUR_NAMES, ColourName, shaded
from common.kit.part import Part
from common.kit.real import Real
from common.kit.revolve import ball, capsule, cylinder, revolved, torus
from common.kit.surface import grid_surface
from common.kit.sweep import tube

SPRINKLE_COLOURS: tuple[ColourName, ...] = ("red", "yellow", "blue", "green", "white")


def swirl(radius: Real, height: Real, turns: Real, thickness: Real) -> Mesh:
    """Soft cream piped in a spiral from the rim to a pointed top, over a filled core."""
    t = np.linspace(0.0, 1.0, int(14 * turns))
    coil_radius = thickness * (1 - 0.72 * t) * np.clip(0.25 + 6 * t, 0, 1)
    coil = tube(swirl_line(t, radius, height, turns), coil_radius, 10)
    core = revolved(
        [(0, -0.02), (radius, 0), (0.6 * radius, 0.38 * height), (0, 0.85 * height)], 18
    )
    tip = revolved(profile_spline([(0, 0), (0.42 * thickness, 0.0), (0.2 * thickness, 0.7 * thickness),
                                   (0, 1.5 * thickness)], 3), 12).moved(y=height)  # fmt: skip
    return merged(coil, core, tip)


def swirl_line(t: np.ndarray, radius: Real, height: Real, turns: Real) -> np.ndarray:
    """Points of the spiral's centre line at shares ``t`` of its length, ``(k, 3)``."""
    angle = 2 * np.pi * turns * t
    reach = radius * (1 - t) ** 0.85
    return np.stack([reach * np.sin(angle), height * t**0.92, reach * np.cos(angle)], axis=1)


def ice_cream(draw: Draw) -> tuple[Part, ...]:
    """An ice cream cone: waffle with a grid, a swirl or round scoops, sometimes a cherry."""
    tall = draw.between("cone", 0.9, 1.15)
    cone = revolved(filleted([(0, 0), (0.06, 0), (0.36, tall), (0.3, tall), (0, tall)], 0.03), 26)
    lines = []
    for sign in (-1, 1):
        for start in np.arange(0, 360, 45):
            t = np.linspace(0.05, 0.97, 9)
            angle = np.radians(start + sign * 130 * t)
            radius = 0.06 + 0.3 * t + 0.004
            lines.append(tube(np.stack([radius * np.sin(angle), t * tall, radius * np.cos(angle)], 1),
                              0.011, 5, round_ends=False))  # fmt: skip
    brim = torus(0.36, 0.05, 28, 10).moved(y=tall)
    waffle = draw.pick("waffle", ("orange",))
    soft = draw.chance("soft", 0.6)
    if soft:
        cream = swirl(0.33, draw.between("swirl", 0.7, 0.9), 3.2, 0.17).moved(y=tall + 0.05)
        top = tall + 0.05 + draw.values["swirl"]
    else:
        scoop = ball(0.4, 26, 14).moved(y=tall + 0.24)
        frill = ring_of(ball(0.12, 10, 6).moved(y=tall + 0.06, z=0.33), 11)
        cream = merged(scoop, frill)
        top = tall + 0.6
    parts = [
        Part("cone", merged(cone, brim), shaded(waffle, 0.04, -0.2), MATTE),
        Part("cone lines", merged(*lines), shaded(waffle, -0.1), MATTE),
        Part("cream", cream, draw.main),
    ]
    if draw.chance("cherry", 0.4):
        parts.append(
            Part("cherry", ball(0.12, 16, 8).moved(y=top + 0.04), draw.paint("red"), GLOSSY)
        )
    return tuple(parts)


def cupcake(draw: Draw) -> tuple[Part, ...]:
    """A cupcake: pleated paper cup, swirled frosting, sprinkles and a cherry."""
    height = draw.between("cup", 0.5, 0.6)
    segments = 64

    def pleated(points: np.ndarray) -> np.ndarray:
        angle = np.arctan2(points[:, 0], points[:, 2])
        factor = 1 + 0.035 * np.cos(16 * angle)
        return points * np.stack([factor, np.ones_like(factor), factor], axis=1)

    cup = revolved([(0, 0), (0.36, 0), (0.52, height), (0.4, height), (0, height)], segments)
    cream = swirl(0.46, draw.between("frosting", 0.55, 0.72), 3.0, 0.22).moved(y=height + 0.08)
    top = height + 0.08 + draw.values["frosting"]
    grain = capsule(0.028, 0.07, 6, 2)
    sprinkles: dict[str, list[Mesh]] = {name: [] for name in SPRINKLE_COLOURS}
    shares = np.array([draw.between(f"sprinkle_{index}", 0.04, 0.75) for index in range(22)])
    for index, point in enumerate(swirl_line(shares, 0.46, draw.values["frosting"], 3.0)):
        outward = unit(point * np.array([1, 0, 1]) + np.array([0, 0.6 * np.hypot(*point[::2]), 0]))
        spot = point + 0.98 * 0.22 * (1 - 0.72 * shares[index]) * outward
        lying = grain.turned(x=90, y=47.0 * index).aimed(tuple(outward.tolist()))
        sprinkles[SPRINKLE_COLOURS[index % 5]].append(
            lying.moved(spot[0], spot[1] + height + 0.08, spot[2])
        )
    cherry = ball(0.13, 18, 10).moved(y=top + 0.12)
    stem = tube([(0, top + 0.22, 0), (0.05, top + 0.34, 0), (0.13, top + 0.4, 0)], 0.018, 6)
    shown = [name for name in SPRINKLE_COLOURS if name != draw.main.name]
    return (
        Part("cup", cup.deformed(pleated), draw.accent, MATTE),
        Part("frosting", cream, draw.main),
        *(Part("sprinkle", merged(*sprinkles[name]), draw.paint(name)) for name in shown),
        Part("cherry", cherry, draw.paint("red"), GLOSSY),
        Part("stem", stem, draw.paint("green")),
    )


def birthday_cake(draw: Draw) -> tuple[Part, ...]:
    """A birthday cake: layers with icing that runs down, piped edge, burning candles, a plate."""
    high = draw.between("height", 0.5, 0.68)
    base = cylinder(0.72, high, 0.05, 40).moved(y=high / 2)
    seam = merged(*(torus(0.715, 0.035, 40, 8).moved(y=y) for y in (0.06, 0.5 * high)))
    drips = []
    for index in range(14):
        long = draw.between(f"drip_{index}", 0.06, 0.26)
        drips.append(tube([(0, high, 0.7), (0, high - long, 0.725)], np.array([0.075, 0.085]), 8)
                     .turned(y=index * 360 / 14))  # fmt: skip
    icing = revolved(filleted([(0, high - 0.04), (0.76, high - 0.04), (0.76, high + 0.07),
                               (0, high + 0.08)], 0.05), 40)  # fmt: skip
    count = draw.whole("candles", 3, 6)
    stick = cylinder(0.045, 0.34, 0.01, 10).moved(y=high + 0.24)
    flame = revolved(profile_spline([(0, 0), (0.055, 0.06), (0.03, 0.14), (0, 0.2)], 3), 10)
    places = ring_of(stick.moved(z=0.42), count, 180.0 / count)
    flames = ring_of(flame.moved(y=high + 0.42, z=0.42), count, 180.0 / count)
    piping = ring_of(ball(0.075, 10, 6).moved(y=high + 0.08, z=0.62), 20)
    plate = revolved(
        filleted([(0, -0.07), (0.6, -0.07), (0.94, 0.0), (0.92, 0.03), (0, 0.0)], 0.03), 40
    )
    return (
        Part("cake", base, draw.main, MATTE),
        Part("seam", seam, shaded(draw.main, -0.12), MATTE),
        Part("icing", merged(icing, *drips), draw.accent, GLOSSY),
        Part("piping", piping, shaded(draw.accent, 0.05)),
        Part("candle", places, draw.pick("candle_colour", ("red", "blue", "green", "yellow"))),
        Part("flame", flames, draw.paint("orange"), MATTE),
        Part("plate", plate, draw.paint("white"), GLOSSY),
    )


def doughnut(draw: Draw) -> tuple[Part, ...]:
    """A ring doughnut facing the viewer, its icing wavy at the edge, with sprinkles."""
    thick = draw.between("thickness", 0.26, 0.31)
    ring = torus(0.62, thick, 40, 16).scaled(1, 0.86, 1)
    phase = draw.between("phase", 0, 6)
    angles = np.linspace(np.pi, 3 * np.pi, 61)
    wave = 0.1 * np.sin(9 * angles + phase) + 0.05 * np.sin(4 * angles + 2 * phase)
    rows = []
    for share in np.linspace(0, 1, 13):
        inner, outer = np.radians(150) + 0.8 * wave, np.radians(28) + wave
        around = outer + share * (inner - outer)
        tube_radius = (thick + 0.03) * np.where(share in (0.0, 1.0), 0.93, 1.0)
        reach = 0.62 + tube_radius * np.cos(around)
        rows.append(np.stack([reach * np.sin(angles), 0.86 * tube_radius * np.sin(around),
                              reach * np.cos(angles)], axis=1))  # fmt: skip
    grid = np.array(rows)
    grid[:, -1] = grid[:, 0]
    icing = grid_surface(grid)
    grain = capsule(0.026, 0.09, 6, 2)
    sprinkles: dict[str, list[Mesh]] = {name: [] for name in SPRINKLE_COLOURS}
    for index in range(26):
        across = draw.between(f"sprinkle_{index}", 0.85, 2.3)
        lean = grain.turned(x=90, y=47.0 * index)
        placed = lean.moved(y=0.86 * (thick + 0.035)).turned(x=90 - float(np.degrees(across)))
        placed = placed.moved(z=0.62).turned(y=index * 137.5)
        sprinkles[SPRINKLE_COLOURS[index % 5]].append(placed)
    shown = [name for name in SPRINKLE_COLOURS if name != draw.main.name]
    dough = shaded(draw.paint("orange"), 0.02, -0.25)
    parts = (
        Part("dough", ring, dough, MATTE),
        Part("icing", icing, draw.main, GLOSSY),
        *(Part("sprinkle", merged(*sprinkles[name]), draw.paint(name)) for name in shown),
    )
    tilt = draw.between("tilt", 62, 78)
    return tuple(part.with_mesh(part.mesh.turned(x=tilt)) for part in parts)


def lollipop(draw: Draw) -> tuple[Part, ...]:
    """A flat spiral lollipop in two colours on a stick, leaning like in pictograms."""
    turns = draw.between("turns", 2.2, 3.0)
    t = np.linspace(0.02, 1.0, 64)
    angle = 2 * np.pi * turns * t
    radius = 0.5 * t
    pitch = 0.5 / turns

    def arm(phase: Real) -> Mesh:
        path = np.stack([radius * np.cos(angle + phase), radius * np.sin(angle + phase), 0 * t], 1)
        return tube(path, pitch * np.clip(0.2 + 0.35 * t, 0.2, 0.33), 8, squash=1.0)

    core = cylinder(0.5, 0.05, 0.02, 36).turned(x=90)
    stick = capsule(0.045, draw.between("stick", 0.75, 1.0), 12).moved(y=-0.85)
    lean = draw.between("lean", 25, 45)
    parts = (
        Part("candy", merged(arm(0.0), core), draw.main, GLOSSY),
        Part("swirl", arm(np.pi), draw.accent, GLOSSY),
        Part("stick", stick, draw.paint("white"), MATTE),
    )
    return tuple(part.with_mesh(part.mesh.turned(z=lean)) for part in parts)


CATEGORIES = (
    Category(
        Noun("ice cream", "冰淇淋", "支", synonyms=("ice cream cone",), held_out_synonyms=("gelato",),
             chinese_synonyms=("冰激凌",)),
        ice_cream, Noun("cream", "奶油", plural=True), None, ("white", "pink", "brown", "green", "yellow"),
        emoji=("🍦", "🍨"), front_ambiguous=True,
    ),
    Category(
        Noun("cupcake", "纸杯蛋糕", held_out_synonyms=("fairy cake", "muffin")),
        cupcake, Noun("frosting", "奶油", plural=True), Noun("cup", "纸杯"), ("pink", "white", "purple", "brown"),
        COLOUR_NAMES, emoji=("🧁",), front_ambiguous=True,
    ),
    Category(
        Noun("birthday cake", "生日蛋糕", synonyms=("cake",), held_out_synonyms=("party cake",)),
        birthday_cake, Noun("cake", "蛋糕"), Noun("icing", "糖霜", plural=True), ("brown", "white", "pink", "yellow"),
        ("white", "pink", "red"), emoji=("🎂", "🍰"), front_ambiguous=True,
    ),
    Category(
        Noun("doughnut", "甜甜圈", synonyms=("donut",)),
        doughnut, Noun("icing", "糖霜", plural=True), None, ("pink", "brown", "white", "purple"), emoji=("🍩",),
    ),
    Category(
        Noun("lollipop", "棒棒糖", "根", held_out_synonyms=("lolly", "sucker")),
        lollipop, Noun("candy", "糖果"), Noun("swirl", "螺旋花纹"), COLOUR_NAMES, ("white", "yellow", "pink"),
        emoji=("🍭",), front_ambiguous=True,
    ),
)  # fmt: skip
