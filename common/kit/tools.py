"""Tools and weapons: key, hammer, axe, sword, screwdriver, pencil, magnet, padlock, anchor."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import arc, filleted, rectangle, spline
from common.kit.draw import Draw
from common.kit.extrusion import extruded
from common.kit.materials import GLOSSY, MATTE, METAL
from common.kit.mesh import merged
from common.kit.palette import COLOUR_NAMES, ColourName, shaded
from common.kit.part import Part
from common.kit.patterns import WoodGrain
from common.kit.real import Real
from common.kit.revolve import ball, capsule, cylinder, ellipsoid, revolved, torus
from common.kit.rounded_box import rounded_box
from common.kit.sweep import swept, tube


def leaning(parts: tuple[Part, ...], degrees: Real) -> tuple[Part, ...]:
    """The parts turned in the picture plane, as tools lie in pictograms."""
    return tuple(part.with_mesh(part.mesh.turned(z=degrees)) for part in parts)


def key(draw: Draw) -> tuple[Part, ...]:
    """A key: round bow with a hole, collar, shaft, bit with two or three teeth."""
    bow = draw.between("bow", 0.32, 0.42)
    ring = torus(bow, 0.115, 32, 12).turned(x=90).scaled(1, 1, 0.8)
    long = draw.between("shaft", 0.95, 1.2)
    shaft = capsule(0.09, long, 14).moved(y=-bow - long / 2)
    collar = merged(torus(0.1, 0.05, 18, 8), torus(0.1, 0.05, 18, 8).moved(y=-0.13)).moved(
        y=-bow - 0.14
    )
    count = draw.whole("teeth", 2, 3)
    teeth = []
    for index in range(count):
        reach = draw.between(f"tooth_{index}", 0.2, 0.34)
        teeth.append(
            rounded_box(reach, 0.13, 0.11, 0.03).moved(
                reach / 2 + 0.04, -bow - long + 0.02 + 0.21 * index
            )
        )
    parts = (
        Part("bow", ring, draw.main, METAL),
        Part("bow", merged(shaft, *teeth), draw.main, METAL),
        Part("collar", collar, draw.accent, METAL),
    )
    return leaning(parts, draw.between("lean", -50, -36))


def hammer(draw: Draw) -> tuple[Part, ...]:
    """A claw hammer: wooden handle with a grip, steel head with a face and a split claw."""
    long = draw.between("handle", 1.25, 1.5)
    handle = tube(
        [(0, -long, 0), (0, -0.5 * long, 0), (0, 0.1, 0)],
        np.array([0.105, 0.075, 0.08]),
        12,
        squash=0.8,
    )
    neck = rounded_box(0.3, 0.3, 0.27, 0.06)
    barrel = cylinder(0.13, 0.24, segments=20).turned(z=90).moved(-0.24)
    face = cylinder(0.18, 0.16, 0.03, 22).turned(z=90).moved(-0.4)
    line = spline([(0.1, 0.04, 0), (0.34, 0.04, 0), (0.52, -0.06, 0), (0.62, -0.22, 0)], 4)
    t = np.linspace(0, 1, len(line))
    claw = swept(line, rectangle(0.22, 0.13, 0.02), 1.0 - 0.55 * t)
    claws = merged(claw.moved(z=0.075), claw.moved(z=-0.075))
    grip = tube(
        [(0, -long - 0.01, 0), (0, -long * 0.62, 0)], np.array([0.118, 0.098]), 12, squash=0.82
    )
    parts = (
        Part("handle", handle, draw.main, pattern=WoodGrain()),
        Part("grip", grip, shaded(draw.main, -0.12), MATTE),
        Part("head", merged(neck, barrel, face, claws), draw.accent, METAL),
    )
    return leaning(parts, draw.between("lean", 36, 50))


def axe(draw: Draw) -> tuple[Part, ...]:
    """An axe: curved wooden handle, wedge-shaped head with a bright edge."""
    line = spline([(0.1, -1.3, 0), (0.02, -0.9, 0), (0, -0.3, 0), (-0.02, 0.28, 0)], 4)
    handle = tube(line, np.linspace(0.095, 0.075, len(line)), 12, squash=0.75)
    knob = ellipsoid(0.12, 0.09, 0.09, 14, 8).moved(0.11, -1.3)
    deep = draw.between("blade", 0.5, 0.66)
    flare = draw.between("flare", 0.3, 0.42)
    edge = [
        (-deep, -flare),
        *map(tuple, arc(deep * 1.02, 180 + 26, 180 - 26, 6, squash=1.0).tolist()),
        (-deep, flare),
    ]
    edge = [
        (-deep * 0.92, -flare),
        (-deep, -0.5 * flare),
        (-deep * 1.03, 0),
        (-deep, 0.5 * flare),
        (-deep * 0.92, flare),
    ]
    outline = [(0.17, -0.15), (0.17, 0.15), (-0.1, 0.14), *edge[::-1], (-0.1, -0.14)]

    def wedge(points: np.ndarray) -> np.ndarray:
        thin = np.clip(1.0 + (points[:, 0] + 0.1) / deep * 0.85, 0.12, 1.0)
        return points * np.stack([np.ones_like(thin), np.ones_like(thin), thin], axis=1)

    head = extruded(outline, 0.22, 0.02).deformed(wedge).moved(y=0.05)
    bright = [(x * 1.03, y * 1.05) for x, y in edge] + [(x + 0.11, y * 0.86) for x, y in edge[::-1]]
    rim = extruded(bright[::-1], 0.075, 0.01).moved(y=0.05)
    parts = (
        Part("handle", merged(handle, knob), draw.main, pattern=WoodGrain()),
        Part("head", head, draw.accent, METAL),
        Part("edge", rim, shaded(draw.paint("white"), -0.04), METAL),
    )
    return leaning(parts, draw.between("lean", 30, 46))


def sword(draw: Draw) -> tuple[Part, ...]:
    """A sword: pointed blade with a ridge, cross-guard, wound grip, pommel with a stone."""
    long, half = draw.between("blade", 1.3, 1.6), draw.between("width", 0.12, 0.17)
    diamond = np.array([(half, 0), (0, 0.05), (-half, 0), (0, -0.05)])
    t = np.array([0.0, 0.55, 0.85, 1.0])
    blade = swept(
        np.stack([0 * t, t * long, 0 * t], axis=1), diamond, np.array([1.0, 0.92, 0.78, 0.01])
    )
    wide = draw.between("guard", 0.3, 0.42)
    guard = tube(spline([(-wide, 0.08, 0), (-0.6 * wide, 0.0, 0), (0, -0.01, 0), (0.6 * wide, 0.0, 0),
                         (wide, 0.08, 0)], 4), 0.07, 10)  # fmt: skip
    ends = ball(0.095, 14, 8).moved(wide, 0.09).with_mirror()
    grip = capsule(0.075, 0.34, 14).moved(y=-0.24)
    winding = merged(*(torus(0.078, 0.018, 16, 6).moved(y=-0.1 - 0.075 * k) for k in range(5)))
    pommel = ball(0.125, 18, 10).moved(y=-0.52)
    stone = ellipsoid(0.06, 0.06, 0.05, 12, 8)
    stones = merged(stone.moved(0, -0.52, 0.1), stone.moved(0, 0.0, 0.075))
    parts = (
        Part("blade", blade, draw.main, METAL),
        Part("hilt", merged(guard, ends, pommel), draw.accent, METAL),
        Part("grip", grip, shaded(draw.paint("brown"), -0.05), MATTE),
        Part("winding", winding, shaded(draw.accent, -0.1), METAL),
        Part("stone", stones, draw.paint("red"), GLOSSY),
    )
    return leaning(parts, draw.between("lean", -50, -36))


def screwdriver(draw: Draw) -> tuple[Part, ...]:
    """A screwdriver: fluted handle, steel shaft, flat tip."""
    long = draw.between("shaft", 0.8, 1.05)
    profile = [
        (0, -0.8),
        (0.12, -0.8),
        (0.19, -0.68),
        (0.18, -0.3),
        (0.12, -0.16),
        (0.16, -0.08),
        (0.12, 0),
        (0, 0),
    ]
    handle = revolved(filleted(profile, 0.05), 36)

    def fluted(points: np.ndarray) -> np.ndarray:
        angle = np.arctan2(points[:, 0], points[:, 2])
        inside = np.clip((-points[:, 1] - 0.2) * 8, 0, 1) * np.clip((points[:, 1] + 0.76) * 8, 0, 1)
        factor = 1 + 0.1 * inside * np.cos(6 * angle)
        return points * np.stack([factor, np.ones_like(factor), factor], axis=1)

    shaft = cylinder(0.055, long, segments=14).moved(y=long / 2)
    t = np.array([0.0, 0.4, 1.0])
    tip = extruded(
        [(-0.055, 0), (0.055, 0), (0.1, 0.14), (0.085, 0.26), (-0.085, 0.26), (-0.1, 0.14)],
        0.07,
        0.02,
    )
    ring = cylinder(0.075, 0.1, 0.02, 16).moved(y=0.04)
    band = cylinder(0.2, 0.07, 0.02, 24).moved(y=-0.72)
    assert len(t) == 3
    parts = (
        Part("handle", handle.deformed(fluted), draw.main, GLOSSY),
        Part("band", band, shaded(draw.main, -0.15)),
        Part("shaft", merged(shaft, ring, tip.moved(y=long - 0.02)), draw.accent, METAL),
    )
    return leaning(parts, draw.between("lean", 32, 48))


def pencil(draw: Draw) -> tuple[Part, ...]:
    """A pencil: six-sided body, sharpened wood with a lead, metal band, rubber."""
    long = draw.between("body", 1.1, 1.4)
    hexagon = arc(0.19, 0, 300, 5)
    body = swept([(0, 0, 0), (0, long, 0)], hexagon)
    flutes = revolved([(0.0, -0.36), (0.06, -0.3), (0.19, 0.0)], 24)
    wood = revolved([(0.065, -0.3), (0.192, 0.0), (0.0, 0.02)], 24)
    lead = revolved([(0, -0.44), (0.022, -0.42), (0.07, -0.29), (0, -0.28)], 16)
    band = merged(cylinder(0.2, 0.2, 0.02, 24), torus(0.2, 0.02, 24, 6).moved(y=0.05),
                  torus(0.2, 0.02, 24, 6).moved(y=-0.05)).moved(y=long + 0.06)  # fmt: skip
    rubber = revolved(filleted([(0, 0), (0.19, 0), (0.19, 0.2), (0, 0.24)], 0.08), 24).moved(
        y=long + 0.14
    )
    assert flutes.faces.size
    parts = (
        Part("body", body, draw.main, GLOSSY),
        Part("wood", wood, shaded(draw.paint("orange"), 0.1, -0.5), MATTE),
        Part("lead", lead, draw.paint("black"), MATTE),
        Part("band", band, draw.paint("grey"), METAL),
        Part("rubber", rubber, draw.accent, MATTE),
    )
    return leaning(parts, draw.between("lean", -50, -36))


def magnet(draw: Draw) -> tuple[Part, ...]:
    """A horseshoe magnet: thick arch with pale poles, opening downward."""
    radius = draw.between("radius", 0.42, 0.5)
    leg = draw.between("leg", 0.4, 0.6)
    curve = arc(radius, 180, 0, 16)
    path = np.concatenate([[(-radius, -leg)], curve, [(radius, -leg)]])
    section = rectangle(0.32, 0.34, 0.09)
    arch = swept(np.column_stack([path, np.zeros(len(path))]), section)
    pole = rounded_box(0.335, draw.between("pole", 0.26, 0.34), 0.355, 0.07, 3)
    return (
        Part("body", arch, draw.main, GLOSSY),
        Part("poles", pole.moved(radius, -leg - 0.1).with_mirror(), draw.accent, METAL),
    )


def padlock(draw: Draw) -> tuple[Part, ...]:
    """A padlock: rounded body with a keyhole, steel shackle."""
    wide, tall = draw.between("width", 0.92, 1.08), draw.between("tall", 0.7, 0.82)
    body = rounded_box(wide, tall, 0.42, 0.13, 4)
    radius = draw.between("shackle", 0.28, 0.33)
    rise = draw.between("rise", 0.22, 0.36)
    loop = np.concatenate(
        [[(-radius, 0.2)], arc(radius, 180, 0, 14, centre=(0, tall / 2 + rise)), [(radius, 0.2)]]
    )
    shackle = tube(np.column_stack([loop, np.zeros(len(loop))]), 0.085, 12)
    hole = merged(cylinder(0.11, 0.03, 0.008, 20).turned(x=90).moved(y=0.06),
                  extruded([(-0.05, 0.04), (-0.075, -0.2), (0.075, -0.2), (0.05, 0.04)], 0.03, 0.008))  # fmt: skip
    plate = cylinder(0.25, 0.03, 0.01, 28).turned(x=90).moved(z=0.205)
    bands = merged(
        *(
            rounded_box(wide + 0.015, 0.045, 0.43, 0.02).moved(y=y)
            for y in (-0.3 * tall, 0.36 * tall)
        )
    )
    return (
        Part("body", body, draw.main, GLOSSY),
        Part("body", bands, shaded(draw.main, -0.06)),
        Part("plate", plate, shaded(draw.main, 0.05), METAL),
        Part("keyhole", hole.moved(z=0.222), draw.paint("black"), MATTE),
        Part("shackle", shackle, draw.accent, METAL),
    )


def anchor(draw: Draw) -> tuple[Part, ...]:
    """An anchor: ring, stock, shank, curved arms ending in flukes."""
    wide = draw.between("arms", 0.62, 0.74)
    shank = tube([(0, -0.86, 0), (0, 0.62, 0)], np.array([0.105, 0.08]), 12)
    ring = torus(draw.between("ring", 0.17, 0.21), 0.065, 24, 10).turned(x=90).moved(y=0.84)
    stock = tube(
        [(-0.46, 0.4, 0), (0, 0.42, 0), (0.46, 0.4, 0)], np.array([0.065, 0.085, 0.065]), 10
    )
    knobs = ball(0.1, 12, 8).moved(0.48, 0.4).with_mirror()
    arms = tube(np.column_stack([arc(wide, 205, 335, 16, centre=(0, -0.24)), np.zeros(17)]),
                0.06 + 0.055 * np.sin(np.linspace(0, np.pi, 17)), 10)  # fmt: skip
    fluke = extruded(
        filleted([(-0.19, -0.03), (0.19, -0.03), (0, 0.36)], 0.03, closed=True), 0.14, 0.04
    )
    tip = fluke.turned(z=-18).moved(wide * 0.93, -0.52)
    return (
        Part("shank", merged(shank, arms, tip.with_mirror()), draw.main, METAL),
        Part("ring", merged(ring, stock, knobs), draw.accent, METAL),
    )


WOODS: tuple[ColourName, ...] = ("brown", "orange")
HANDLE = Noun("handle", "手柄")
CATEGORIES = (
    Category(Noun("key", "钥匙", "把"), key, Noun("bow", "匙身"), Noun("collar", "圆环"),
             ("yellow", "orange", "grey"), ("grey", "red", "blue"), emoji=("🔑", "🗝️"), front_ambiguous=True),
    Category(Noun("hammer", "锤子", "把", held_out_synonyms=("mallet",)), hammer, HANDLE, Noun("head", "锤头"),
             ("brown", "orange", "red"), ("grey", "black"), emoji=("🔨",), front_ambiguous=True),
    Category(Noun("axe", "斧头", "把", held_out_synonyms=("hatchet",)), axe, HANDLE, Noun("head", "斧头刃"),
             WOODS, ("grey", "red", "black"), emoji=("🪓",), front_ambiguous=True),
    Category(Noun("sword", "剑", "把", chinese_synonyms=("宝剑",), held_out_synonyms=("dagger",)), sword,
             Noun("blade", "剑刃"), Noun("hilt", "剑柄"), ("grey", "white"), ("yellow", "red", "brown"),
             emoji=("🗡️", "⚔️"), front_ambiguous=True),
    Category(Noun("screwdriver", "螺丝刀", "把"), screwdriver, HANDLE, Noun("shaft", "刀杆"),
             ("red", "yellow", "blue", "orange"), ("grey", "black"), emoji=("🪛",), front_ambiguous=True),
    Category(Noun("pencil", "铅笔", "支"), pencil, Noun("body", "笔身"), Noun("rubber", "橡皮"),
             ("yellow", "orange", "red", "blue", "green"), ("pink", "red", "white"), emoji=("✏️",),
             front_ambiguous=True),
    Category(Noun("magnet", "磁铁", "块"), magnet, Noun("body", "主体"), Noun("poles", "磁极", plural=True),
             ("red", "blue"), ("white", "grey"), emoji=("🧲",), front_ambiguous=True),
    Category(Noun("padlock", "挂锁", "把", synonyms=("lock",), chinese_synonyms=("锁",)), padlock,
             Noun("body", "锁身"), Noun("shackle", "锁梁"), ("yellow", "orange", "red", "blue"), ("grey", "black"),
             emoji=("🔒", "🔓")),
    Category(Noun("anchor", "船锚"), anchor, Noun("shank", "锚身"), Noun("ring", "锚环"),
             ("blue", "grey", "black"), COLOUR_NAMES, emoji=("⚓",), front_ambiguous=True),
)  # fmt: skip
