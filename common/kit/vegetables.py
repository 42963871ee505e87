"""Vegetables and fungi: carrot, eggplant, tomato, corn, chilli, pumpkin, mushroom."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import dome_profile, filleted, profile_spline, spline
from common.kit.draw import Draw
from common.kit.extrusion import extruded
from common.kit.fruit import GREEN, LEAVES, SKIN, leaf_blade
from common.kit.leaf import leaf, leaf_widths
from common.kit.materials import GLOSSY, MATTE
from common.kit.mesh import merged, ring_of
from common.kit.palette import shaded
from common.kit.part import Part
from common.kit.revolve import cylinder, ellipsoid, revolved
from common.kit.sweep import tube


def carrot(draw: Draw) -> tuple[Part, ...]:
    """A carrot with grooves and a tuft of leaves, lying diagonally as in pictograms."""
    thick = draw.between("thickness", 0.3, 0.38)
    long = draw.between("length", 1.3, 1.6)
    curve = profile_spline(
        [
            (0, 0),
            (0.05, 0.03),
            (0.5 * thick, 0.45 * long),
            (0.92 * thick, 0.82 * long),
            (thick, 0.94 * long),
            (0.7 * thick, 1.0 * long),
            (0, 1.0 * long),
        ],
        4,
    )
    rings = []
    for index in range(6):
        y = (0.3 + 0.11 * index) * long
        radius = float(np.interp(y, curve[:16, 1], curve[:16, 0]))
        angles = np.radians(np.linspace(-40, 40, 7) + draw.between(f"groove_{index}", -60, 60))
        path = np.stack([radius * np.sin(angles), 0 * angles + y, radius * np.cos(angles)], axis=1)
        rings.append(tube(path, 0.018, 6))
        rings.append(tube(path * np.array([-1, 1, -1]), 0.018, 6))
    tuft = []
    for index, (lean, turn) in enumerate(
        ((0.0, 0), (28, 40), (28, 160), (28, 280), (46, 100), (46, 220))
    ):
        size = draw.between(f"leaf_{index}", 0.5, 0.7)
        tuft.append(leaf_blade(size, 0.26, 0.2).turned(x=lean).turned(y=turn))
    lean = draw.between("lean", -50, -32)
    parts = (
        Part("root", revolved(curve, 26), draw.main),
        Part("groove", merged(*rings), shaded(draw.main, -0.1), MATTE),
        Part("leaves", merged(*tuft).moved(y=0.97 * long), draw.accent),
    )
    return tuple(part.with_mesh(part.mesh.turned(z=lean)) for part in parts)


def eggplant(draw: Draw) -> tuple[Part, ...]:
    """An eggplant: a bent, bulbous body under a green cap with a stalk."""
    line = spline(
        [(-0.62, 0.62, 0), (-0.5, 0.28, 0), (-0.12, -0.12, 0), (0.38, -0.24, 0), (0.72, -0.14, 0)],
        5,
    )
    t = np.linspace(0, 1, len(line))
    thick = draw.between("thickness", 0.36, 0.44)
    radius = (
        thick
        * (0.5 + 0.5 * np.sin(np.pi * np.clip(t - 0.18, 0, 1) * 0.75))
        * np.clip(0.55 + 2 * t, 0, 1)
    )
    body = tube(line, radius, 22)
    outward = line[0] - line[2]
    end = 1.12 * float(radius[0])
    sepal = leaf_blade(0.36, 0.24, -0.1).turned(x=166).moved(y=0.02, z=0.92 * end)
    dome = revolved([(0, 0.0), *(dome_profile(1.03 * end, 0.9 * end).tolist())], 20)
    cap = merged(dome, ring_of(sepal, draw.whole("sepals", 5, 6)))
    cap = cap.aimed(tuple(outward.tolist())).moved(*(line[0] + outward * 0.12))
    stalk = tube([line[0] + outward * 0.9, line[0] + outward * 1.9 + [0.02, 0.1, 0]], 0.07, 10)
    return (
        Part("skin", body, draw.main, GLOSSY),
        Part("cap", cap, draw.accent),
        Part("cap", stalk, shaded(draw.accent, -0.05)),
    )


def tomato(draw: Draw) -> tuple[Part, ...]:
    """A tomato: squat, gently ribbed, with a star of sepals."""
    squat = draw.between("squat", 0.72, 0.86)
    ribs, depth = draw.whole("ribs", 5, 8), draw.between("rib_depth", 0.015, 0.045)

    def ribbed(points: np.ndarray) -> np.ndarray:
        upper = np.clip(0.4 + points[:, 1], 0.2, 1.0)
        factor = 1 + depth * upper * np.cos(ribs * np.arctan2(points[:, 0], points[:, 2]))
        return points * np.stack([factor, np.ones_like(factor), factor], axis=1)

    curve = [
        (0, 0.03),
        (0.2, 0.0),
        (0.44, 0.16),
        (0.54, 0.42),
        (0.46, 0.7),
        (0.24, 0.82),
        (0, 0.74),
    ]
    body = revolved(profile_spline(curve, 4), 40).deformed(ribbed).scaled(1, squat, 1)
    sepal = leaf_blade(draw.between("sepal", 0.36, 0.46), 0.16, -0.25).turned(x=72)
    star = ring_of(sepal, draw.whole("sepals", 5, 6)).moved(y=0.79 * squat)
    stalk = tube([(0, 0.74 * squat, 0), (0.02, 0.95 * squat, 0), (0.06, 1.02 * squat, 0)], 0.045, 8)
    return (
        Part("skin", body, draw.main, GLOSSY),
        Part("leaves", merged(star, stalk), draw.accent),
    )


def corn(draw: Draw) -> tuple[Part, ...]:
    """An ear of corn: rows of kernels between open husks."""
    tall = draw.between("tall", 1.3, 1.5)
    core = revolved(
        profile_spline(
            [(0, 0), (0.26, 0.05), (0.3, 0.45 * tall), (0.2, 0.85 * tall), (0, tall)], 4
        ),
        20,
    )
    grain = ellipsoid(0.098, 0.075, 0.06, 8, 4)
    rows, around = 14, 9
    kernels = []
    for row in range(rows):
        y = 0.08 + row * (tall - 0.16) / (rows - 1)
        radius = float(np.interp(y / tall, [0, 0.05, 0.45, 0.85, 1.0], [0.2, 0.27, 0.3, 0.2, 0.06]))
        size = max(radius / 0.3, 0.45)
        kernels.append(
            ring_of(grain.scaled(size, 1, 1).moved(y=y, z=radius), around, 20.0 * (row % 2))
        )
    husks = []
    for index, turn in enumerate((-70, 70, 180, -150, 10)):
        t = np.linspace(0, 1, 9)
        long = tall * draw.between(f"husk_{index}", 0.62, 0.8) * (0.62 if index == 4 else 1.0)
        spine = np.stack(
            [long * t - 0.12, 0.24 + 0.16 * np.sin(np.pi * t * 0.6) + 0.22 * t**3], axis=1
        )
        husks.append(leaf(spine, leaf_widths(8, 0.56, 0.4, 0.3), 0.05, -0.35).turned(y=turn))
    stump = cylinder(0.14, 0.3, 0.03, 14).moved(y=-0.14)
    lean = draw.between("lean", -40, -22)
    parts = (
        Part("kernels", merged(core, *kernels), draw.main, GLOSSY),
        Part("husk", merged(*husks, stump), draw.accent),
    )
    return tuple(part.with_mesh(part.mesh.turned(z=lean)) for part in parts)


def chilli(draw: Draw) -> tuple[Part, ...]:
    """A chilli pepper: glossy, curved to a point, with a green cap and stalk."""
    curl = draw.between("curl", 0.3, 0.55)
    line = spline([(0.0, 0.7, 0), (0.06, 0.3, 0), (0.0, -0.15, 0), (-0.22, -0.52, 0),
                   (-0.4 - curl * 0.5, -0.78, 0)], 5)  # fmt: skip
    t = np.linspace(0, 1, len(line))
    radius = (
        draw.between("thickness", 0.22, 0.27) * (1 - t**1.7) ** 0.8 * np.clip(0.8 + 3 * t, 0, 1)
    )
    body = tube(line, np.maximum(radius, 0.001), 18)
    cap = revolved(np.concatenate([[(0, 0.0)], dome_profile(0.26, 0.2)]), 18).moved(y=0.66)
    stalk = tube(spline([(0, 0.82, 0), (0.03, 1.0, 0), (0.18, 1.14, 0)], 4), 0.06, 10)
    return (
        Part("skin", body, draw.main, GLOSSY),
        Part("cap", merged(cap, stalk), draw.accent),
    )


def mushroom(draw: Draw) -> tuple[Part, ...]:
    """A toadstool: domed cap with white spots, gills below, a bulging stem with a skirt."""
    wide = draw.between("cap_width", 0.58, 0.68)
    tall = draw.between("cap_height", 0.55, 0.7)
    stem_height = draw.between("stem", 0.62, 0.8)
    rim = stem_height
    cap = revolved(
        profile_spline([(0.2, rim - 0.02), (0.8 * wide, rim - 0.06), (wide, rim + 0.04),
                        (0.88 * wide, rim + 0.5 * tall), (0.5 * wide, rim + 0.88 * tall),
                        (0, rim + tall)], 4), 34,
    )  # fmt: skip
    gills = cylinder(0.72 * wide, 0.05, segments=28).moved(y=rim - 0.06)
    stem = revolved(
        profile_spline(
            [(0, 0), (0.24, 0.0), (0.3, 0.12), (0.22, 0.5 * stem_height), (0.2, stem_height)], 4
        ),
        24,
    )
    skirt = revolved(
        [(0.2, 0.72 * stem_height), (0.32, 0.6 * stem_height), (0.21, 0.66 * stem_height)], 24
    )
    spots = []
    places = [(0, 26), (0, 66), (58, 38), (-56, 42), (120, 30), (180, 55), (-120, 28), (34, 10), (-33, 8),
              (90, 8), (-92, 10), (150, 10), (-152, 8)]  # fmt: skip
    for index, (azimuth, up) in enumerate(places):
        size = draw.between(f"spot_{index}", 0.1, 0.16) * (0.75 if up < 15 else 1.0)
        a, e = np.radians(azimuth), np.radians(up)
        scale = np.array([0.98 * wide, 0.98 * tall, 0.98 * wide])
        direction = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
        spot = ellipsoid(size, 0.05, size, 14, 6).aimed(tuple((direction / scale).tolist()))
        spots.append(spot.moved(*(direction * scale + np.array([0, rim, 0]))))
    return (
        Part("cap", cap, draw.main, GLOSSY),
        Part("spots", merged(*spots), draw.accent),
        Part("stem", merged(stem, skirt), draw.paint("white"), MATTE),
        Part("gills", gills, shaded(draw.paint("white"), -0.12), MATTE),
    )


def pumpkin(draw: Draw) -> tuple[Part, ...]:
    """A jack-o'-lantern: ribbed pumpkin with carved triangle eyes and a toothy grin."""
    squat = draw.between("squat", 0.78, 0.9)
    ribs = 10

    def ribbed(points: np.ndarray) -> np.ndarray:
        wave = np.abs(np.cos(0.5 * ribs * np.arctan2(points[:, 0], points[:, 2])))
        factor = 0.93 + 0.09 * np.sqrt(wave + 0.02)
        dimple = np.exp(-((points[:, 0] ** 2 + points[:, 2] ** 2) / 0.05)) * np.sign(points[:, 1])
        return points * np.stack([factor, np.ones_like(factor), factor], 1) - np.stack(
            [0 * dimple, 0.12 * dimple, 0 * dimple], axis=1
        )

    body = ellipsoid(0.62, 0.62 * squat, 0.6, 60, 14).deformed(ribbed)
    stem = tube(spline([(0, 0.46 * squat, 0), (0.0, 0.68 * squat, 0), (0.1, 0.84 * squat, 0)], 3),
                np.linspace(0.12, 0.075, 7), 10, round_ends=False)  # fmt: skip
    tilt = draw.between("brow", -0.06, 0.06)
    eye = [(-0.36, 0.06), (-0.1, 0.06), (-0.22 + tilt, 0.27)]
    nose = [(-0.06, -0.05), (0.06, -0.05), (0.0, 0.05)]
    grin = draw.between("grin", 0.0, 0.08)
    mouth = [(-0.42, -0.08 + grin), (-0.3, -0.25), (-0.1, -0.34), (-0.06, -0.26), (0.06, -0.26), (0.1, -0.34),
             (0.3, -0.25), (0.42, -0.08 + grin), (0.26, -0.15), (0.2, -0.22), (0.12, -0.17), (-0.12, -0.17),
             (-0.2, -0.22), (-0.26, -0.15)]  # fmt: skip
    mirrored = [(-x, y) for x, y in reversed(eye)]

    def wrapped(points: np.ndarray) -> np.ndarray:
        depth = np.sqrt(
            np.clip(1 - (points[:, 0] / 0.63) ** 2 - (points[:, 1] / (0.64 * squat)) ** 2, 0.02, 1)
        )
        return np.stack([points[:, 0], points[:, 1], points[:, 2] + 0.588 * depth], axis=1)

    glow = draw.paint("yellow")
    carved = merged(*(extruded(filleted(one, 0.015, 2, closed=True), 0.1).deformed(wrapped)
                      for one in (eye, mirrored, nose, mouth)))  # fmt: skip
    return (
        Part("skin", body, draw.main),
        Part("stem", stem, draw.accent),
        Part("face", carved, glow if draw.main.name == "black" else draw.paint("black"), MATTE),
    )


CATEGORIES = (
    Category(Noun("carrot", "胡萝卜", "根"), carrot, Noun("root", "根"), LEAVES, ("orange",), GREEN,
             emoji=("🥕",), front_ambiguous=True),
    Category(Noun("eggplant", "茄子", held_out_synonyms=("aubergine",)), eggplant, SKIN, Noun("cap", "蒂"),
             ("purple",), GREEN, emoji=("🍆",), front_ambiguous=True),
    Category(Noun("tomato", "番茄", chinese_synonyms=("西红柿",)), tomato, SKIN, LEAVES, ("red",), GREEN,
             emoji=("🍅",), front_ambiguous=True),
    Category(Noun("corn", "玉米", "根", group="an ear of", plural=True, held_out_synonyms=("maize",)), corn,
             Noun("kernels", "玉米粒", plural=True), Noun("husk", "苞叶"), ("yellow",), GREEN, emoji=("🌽",)),
    Category(Noun("chilli", "辣椒", synonyms=("chilli pepper",), held_out_synonyms=("hot pepper",)), chilli,
             SKIN, Noun("cap", "蒂"), ("red", "green"), GREEN, emoji=("🌶️",), front_ambiguous=True),
    Category(Noun("mushroom", "蘑菇", synonyms=("toadstool",), held_out_synonyms=("fungus",)), mushroom,
             Noun("cap", "菌盖"), Noun("spots", "斑点", plural=True), ("red", "brown"), ("white",),
             emoji=("🍄",), front_ambiguous=True),
    Category(Noun("pumpkin", "南瓜", synonyms=("jack-o'-lantern",), chinese_synonyms=("南瓜灯",)), pumpkin,
             SKIN, Noun("stem", "瓜蒂"), ("orange",), ("green", "brown"), emoji=("🎃",)),
)  # fmt: skip
