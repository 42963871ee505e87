"""Savoury food: hamburger, pizza slice, hot dog, cheese."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import filleted, profile_spline
from common.kit.draw import Draw
from common.kit.extrusion import extruded
from common.kit.materials import GLOSSY, MATTE
from common.kit.mesh import merged
from common.kit.palette import shaded
from common.kit.part import Part
from common.kit.revolve import capsule, cylinder, ellipsoid, revolved
from common.kit.rounded_box import rounded_box
from common.kit.surface import grid_surface
from common.kit.sweep import tube


def hamburger(draw: Draw) -> tuple[Part, ...]:
    """A hamburger: seeded bun, wavy lettuce, tomato, melting cheese, patty, lower bun."""
    high = draw.between("bun", 0.34, 0.44)
    lower = revolved(filleted([(0, 0), (0.58, 0), (0.62, 0.12), (0.6, 0.2), (0, 0.2)], 0.07), 32)
    patty = revolved(
        filleted([(0, 0.2), (0.64, 0.2), (0.66, 0.28), (0.64, 0.36), (0, 0.36)], 0.05), 32
    )

    def melted(points: np.ndarray) -> np.ndarray:
        sag = np.maximum(0.0, np.hypot(points[:, 0], points[:, 2]) - 0.58) * 1.3
        return points - np.stack([0 * sag, sag, 0 * sag], axis=1)

    slice_ = merged(*(rounded_box(0.275, 0.045, 1.1, 0.015, 1).moved(x) for x in
                      (-0.41, -0.137, 0.137, 0.41)))  # fmt: skip
    angles = np.linspace(np.pi, 3 * np.pi, 65)
    ruffle = 0.035 * np.sin(13 * angles + draw.between("lettuce", 0, 6))
    rows = [(0.0, 0.43, 0.0), (0.5, 0.43, 0.0), (0.68, 0.43, 1.0), (0.7, 0.46, 1.2), (0.68, 0.48, 1.0),
            (0.5, 0.47, 0.0), (0.0, 0.47, 0.0)]  # fmt: skip
    leaf = np.array([[(r * np.sin(a), y + k * w, r * np.cos(a)) for a, w in zip(angles, ruffle, strict=True)]
                     for r, y, k in rows])  # fmt: skip
    leaf[:, -1] = leaf[:, 0]
    tomato = revolved(
        filleted([(0, 0.48), (0.58, 0.48), (0.61, 0.52), (0.58, 0.56), (0, 0.56)], 0.02), 30
    )
    dome = revolved(
        profile_spline([(0, 0.56), (0.6, 0.56), (0.66, 0.62), (0.6, 0.56 + 0.62 * high),
                        (0.34, 0.56 + 0.94 * high), (0, 0.56 + high)], 4), 32,
    )  # fmt: skip
    seed = ellipsoid(0.03, 0.02, 0.045, 8, 5)
    seeds = []
    for index in range(16):
        share = 0.12 + 0.055 * index
        angle = index * 137.5
        radius = 0.58 * np.sqrt(share)
        y = 0.56 + high * np.sqrt(max(0.0, 1 - (radius / 0.66) ** 2)) + 0.012
        tilt = float(np.degrees(np.arctan2(radius, 0.9)))
        seeds.append(seed.turned(x=tilt).moved(y=y, z=radius).turned(y=angle))
    bun = shaded(draw.paint("orange"), 0.0, -0.25)
    return (
        Part("bun", merged(lower, dome), draw.main if draw.main.name != "orange" else bun, MATTE),
        Part("patty", patty, draw.paint("brown"), MATTE),
        Part("cheese", slice_.turned(y=45).deformed(melted).moved(y=0.39), draw.paint("yellow")),
        Part("lettuce", grid_surface(leaf), draw.paint("green")),
        Part("tomato", tomato, draw.paint("red"), GLOSSY),
        Part("seed", merged(*seeds), draw.paint("white"), MATTE),
    )


def pizza(draw: Draw) -> tuple[Part, ...]:
    """A slice of pizza facing the viewer: crust above, cheese with drips, salami, basil."""
    spread = draw.between("spread", 24, 30)
    angles = np.radians(np.linspace(90 - spread, 90 + spread, 9))
    rim = np.stack([1.3 * np.cos(angles), 1.3 * np.sin(angles)], axis=1)
    base = extruded(filleted(np.concatenate([[(0, 0)], rim]), 0.05, closed=True), 0.1, 0.03)
    inner = np.concatenate([[(0, 0.07)], rim * 0.95])
    cheese = extruded(filleted(inner, 0.06, closed=True), 0.06, 0.025).moved(z=0.06)
    crust = tube(
        np.column_stack([1.3 * np.cos(angles), 1.3 * np.sin(angles), np.full(9, 0.03)]), 0.12, 12
    )
    drip = capsule(0.05, 0.16, 10)
    drips = merged(
        drip.moved(-0.22, 0.36, 0.05), drip.moved(0.26, 0.46, 0.05), drip.moved(0.06, 0.06, 0.04)
    )
    places = [(0.02, 0.42), (-0.24, 0.86), (0.24, 0.9), (0.01, 1.08)][: draw.whole("salami", 3, 4)]
    disc = revolved(filleted([(0, -0.03), (0.14, -0.03), (0.15, 0.03), (0.11, 0.035), (0.1, 0.025),
                              (0, 0.025)], 0.01), 22).turned(x=90)  # fmt: skip
    salami = merged(*(disc.moved(x, y, 0.11) for x, y in places))
    leaf = ellipsoid(0.09, 0.045, 0.02, 12, 6)
    basil = merged(
        leaf.turned(z=35).moved(-0.04, 0.72, 0.11), leaf.turned(z=-50).moved(0.16, 0.64, 0.11)
    )
    lean = draw.between("lean", -22, -8)
    crust_paint = shaded(draw.paint("orange"), -0.03, -0.25)
    parts = (
        Part("base", merged(base, crust), crust_paint, MATTE),
        Part("cheese", merged(cheese, drips), draw.main),
        Part("salami", salami, draw.accent),
        Part("basil", basil, draw.paint("green")),
    )
    return tuple(part.with_mesh(part.mesh.turned(z=lean)) for part in parts)


def hot_dog(draw: Draw) -> tuple[Part, ...]:
    """A hot dog: sausage between two bun halves with a zigzag of sauce, lying diagonally."""
    long = draw.between("length", 1.0, 1.25)
    half = capsule(0.24, long - 0.1, 18, 6).turned(z=90).scaled(1, 1, 1.0)
    sausage = tube([(-0.66 * long, 0.08, 0.14), (-0.3 * long, 0.0, 0.17), (0.3 * long, 0.0, 0.17),
                    (0.66 * long, 0.08, 0.14)], 0.15, 14)  # fmt: skip
    t = np.linspace(0, 1, 49)
    zigzag = np.stack([long * (t - 0.5) * 1.1, 0.085 * np.sin(2 * np.pi * 5 * t), 0.315 - 0.03 * np.abs(
        np.sin(2 * np.pi * 5 * t))], axis=1)  # fmt: skip
    sauce = tube(zigzag, 0.034, 8)
    bun = shaded(draw.paint("orange"), 0.05, -0.3)
    lettuce = []
    wave = np.linspace(0, 1, 33)
    for side in (-1, 1):
        edge = np.stack([long * (wave - 0.5) * 1.15, side * (0.16 + 0.02 * np.sin(50 * wave)),
                         0.17 + 0.03 * np.cos(40 * wave)], axis=1)  # fmt: skip
        lettuce.append(tube(edge, 0.05, 6))
    lean = draw.between("lean", 25, 45)
    parts = (
        Part("bun", merged(half.moved(y=-0.22), half.moved(y=0.22), capsule(0.2, long - 0.2).turned(z=90)
                           .moved(z=-0.12)), bun, MATTE),
        Part("lettuce", merged(*lettuce), draw.paint("green")),
        Part("sausage", sausage, draw.main, GLOSSY),
        Part("sauce", sauce, draw.accent, GLOSSY),
    )  # fmt: skip
    return tuple(part.with_mesh(part.mesh.turned(z=lean)) for part in parts)


def cheese(draw: Draw) -> tuple[Part, ...]:
    """A wedge of cheese with holes in its sides, turned so that two faces show."""
    tall = draw.between("height", 0.5, 0.62)
    outline = filleted([(-0.85, -0.4), (0.75, -0.5), (0.75, 0.5)], 0.06, closed=True)
    wedge = extruded(outline, tall, 0.04).turned(x=-90)
    rind = rounded_box(0.09, tall + 0.03, 1.02, 0.035).moved(x=0.76)
    hole = cylinder(1.0, 0.02, segments=18)
    side = [
        (-0.2, 0.05, 0.1),
        (0.15, 0.1, 0.13),
        (0.48, -0.08, 0.11),
        (-0.02, -0.15, 0.07),
        (0.56, 0.17, 0.06),
    ]
    front = []
    for x, y, r in side:
        z = 0.4 + 0.1 * (x + 0.85) / 1.6
        front.append(hole.scaled(r, 1, r).turned(x=90).moved(x, y, z))
    top = merged(
        hole.scaled(0.12, 1, 0.09).moved(0.4, tall / 2, 0.08),
        hole.scaled(0.08, 1, 0.07).moved(0.02, tall / 2, 0.18),
        hole.scaled(0.07, 1, 0.06).moved(0.6, tall / 2, -0.2),
    )
    turn = draw.between("turn", 12, 28)
    parts = (
        Part("cheese", wedge, draw.main),
        Part("rind", rind, shaded(draw.main, -0.06)),
        Part("hole", merged(*front, top), shaded(draw.main, -0.14), MATTE),
    )
    return tuple(part.with_mesh(part.mesh.turned(y=turn).turned(x=12)) for part in parts)


CATEGORIES = (
    Category(
        Noun("hamburger", "汉堡", synonyms=("burger",), held_out_synonyms=("cheeseburger",),
             chinese_synonyms=("汉堡包",)),
        hamburger, Noun("bun", "面包"), None, ("orange", "brown"), emoji=("🍔",), front_ambiguous=True,
    ),
    Category(
        Noun("pizza", "披萨", "块", group="a slice of", plural=True, held_out_synonyms=("pizza slice",)),
        pizza, Noun("cheese", "奶酪"), Noun("salami", "香肠片"), ("yellow", "orange"), ("red", "brown"),
        emoji=("🍕",),
    ),
    Category(
        Noun("hot dog", "热狗", "个", held_out_synonyms=("frankfurter",)),
        hot_dog, Noun("sausage", "香肠"), Noun("sauce", "酱", plural=True), ("brown", "red", "orange"), ("yellow", "red"),
        emoji=("🌭",),
    ),
    Category(
        Noun("cheese", "奶酪", "块", group="a wedge of", plural=True, chinese_synonyms=("芝士",)),
        cheese, Noun("cheese", "奶酪"), None, ("yellow", "orange"), emoji=("🧀",),
    ),
)  # fmt: skip
