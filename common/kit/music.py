"""Musical instruments: guitar, violin, drum, trumpet."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import filleted, spline
from common.kit.draw import Draw
from common.kit.extrusion import extruded
from common.kit.materials import GLOSSY, MATTE, METAL
from common.kit.mesh import Mesh, merged, ring_of
from common.kit.palette import shaded
from common.kit.part import Part
from common.kit.patterns import WoodGrain
from common.kit.real import Real
from common.kit.revolve import ball, capsule, cylinder, ellipsoid, revolved, torus
from common.kit.rounded_box import rounded_box
from common.kit.sweep import tube
from common.kit.tools import leaning


def _neck(length: Real, width: Real, start: Real, frets: int) -> tuple[Mesh, Mesh, Mesh]:
    """A fingerboard going up from y = ``start``, its frets, and four strings."""
    board = rounded_box(width, length, 0.07, 0.025).moved(0, start + length / 2, 0.1)
    wires = merged(*(rounded_box(width + 0.005, 0.016, 0.02, 0.006, 1).moved(0, start + length * (0.3 + 0.66 * k / frets), 0.137)
                     for k in range(frets)))  # fmt: skip
    strings = merged(*(tube([(x * width, start - 0.52, 0.17), (x * width, start + length, 0.145)], 0.007, 5)
                       for x in (-0.3, -0.1, 0.1, 0.3)))  # fmt: skip
    return board, wires, strings


def guitar(draw: Draw) -> tuple[Part, ...]:
    """An electric guitar: horned body, pick guard, pick-ups, knobs, neck, head with pegs."""
    waist = draw.between("waist", 0.24, 0.3)
    horn = draw.between("horn", 0.06, 0.16)
    outline = spline([(0.0, -0.56), (0.34, -0.46), (0.44, -0.16), (waist + 0.06, 0.12), (0.38, 0.36), (0.34, 0.52 + horn),
                      (0.2, 0.42), (0.12, 0.3), (-0.12, 0.3), (-0.2, 0.46), (-0.36, 0.62 + horn), (-0.42, 0.36),
                      (-waist - 0.04, 0.1), (-0.44, -0.18), (-0.34, -0.46)], 3, closed=True)  # fmt: skip
    body = extruded(outline, 0.2, 0.06, 3)
    guard = extruded(spline([(0.2, -0.34), (0.28, -0.1), (0.16, 0.14), (0.22, 0.3), (-0.06, 0.28), (-0.16, 0.1),
                             (-0.1, -0.2), (0.06, -0.2)], 3, closed=True), 0.03, 0.008).moved(z=0.105)  # fmt: skip
    pickups = merged(*(rounded_box(0.26, 0.07, 0.05, 0.02).moved(0, y, 0.135) for y in (0.12, -0.04)),
                     rounded_box(0.24, 0.09, 0.07, 0.02).moved(0, -0.26, 0.13))  # fmt: skip
    knobs = merged(
        *(
            cylinder(0.045, 0.06, 0.012, 14).turned(x=90).moved(x, y, 0.14)
            for x, y in ((0.2, -0.3), (0.25, -0.16))
        )
    )
    long = draw.between("neck", 0.9, 1.05)
    board, wires, strings = _neck(long, 0.13, 0.24, 8)
    top = 0.24 + long
    head = extruded(filleted([(-0.07, top - 0.02), (0.07, top - 0.02), (0.12, top + 0.14), (0.04, top + 0.38), (-0.12, top + 0.3),
                              (-0.13, top + 0.1)], 0.05, 3, closed=True), 0.08, 0.02).moved(z=0.08)  # fmt: skip
    pegs = merged(
        *(
            capsule(0.03, 0.05, 8, 3).turned(z=90).moved(-0.17, top + y, 0.08)
            for y in (0.08, 0.16, 0.24, 0.32)
        )
    )
    parts = (
        Part("body", body, draw.main, GLOSSY),
        Part("guard", guard, draw.accent, GLOSSY),
        Part("pickup", merged(pickups, knobs), shaded(draw.paint("black"), 0.04), MATTE),
        Part("neck", merged(board, head), draw.paint("brown"), MATTE, WoodGrain()),
        Part("fret", merged(wires, pegs, strings), shaded(draw.paint("grey"), 0.15), METAL),
    )
    return leaning(parts, draw.between("lean", -46, -34))


def violin(draw: Draw) -> tuple[Part, ...]:
    """A violin: waisted body with f-holes, bridge, tail piece, scroll; its bow lies beside it."""
    waist = draw.between("waist", 0.2, 0.25)
    outline = spline([(0, -0.56), (0.3, -0.48), (0.38, -0.24), (0.27, -0.1), (waist, 0.04), (0.24, 0.16), (0.31, 0.3),
                      (0.24, 0.48), (0, 0.54), (-0.24, 0.48), (-0.31, 0.3), (-0.24, 0.16), (-waist, 0.04), (-0.27, -0.1),
                      (-0.38, -0.24), (-0.3, -0.48)], 3, closed=True)  # fmt: skip
    body = extruded(outline, 0.2, 0.05, 3)
    belly = extruded(outline * 0.94, 0.06, 0.025).moved(z=0.1)
    hole = tube(
        spline(
            [(0.03, 0.12, 0), (-0.015, 0.1, 0), (0, 0, 0), (0.015, -0.1, 0), (-0.03, -0.12, 0)], 3
        ),
        0.018,
        6,
    )
    holes = hole.turned(z=-8).moved(0.15, -0.06, 0.135).with_mirror()
    tail = extruded(
        [(-0.04, -0.5), (0.04, -0.5), (0.075, -0.22), (-0.075, -0.22)], 0.05, 0.015
    ).moved(z=0.17)
    bridge = rounded_box(0.2, 0.03, 0.1, 0.012).moved(0, -0.1, 0.17)
    rest = ellipsoid(0.1, 0.06, 0.05, 14, 8).moved(-0.14, -0.5, 0.12)
    long = draw.between("neck", 0.72, 0.86)
    board, _, strings = _neck(long, 0.1, 0.2, 1)
    top = 0.2 + long
    box = rounded_box(0.1, 0.24, 0.1, 0.03).moved(0, top + 0.08, 0.08)
    scroll = torus(0.055, 0.045, 16, 8).turned(z=90).moved(0, top + 0.24, 0.07)
    pegs = merged(*(capsule(0.026, 0.16, 8, 3).turned(z=90).moved(side * 0.06, top + y, 0.08)
                    for side, y in ((1, 0.02), (-1, 0.07), (1, 0.12), (-1, 0.17))))  # fmt: skip
    bow = merged(tube(spline([(0.56, -0.66, 0.12), (0.62, 0.1, 0.12), (0.56, 0.82, 0.12)], 4), 0.022, 7),
                 rounded_box(0.07, 0.14, 0.05, 0.015).moved(0.53, -0.58, 0.12))  # fmt: skip
    hair = tube([(0.5, -0.6, 0.12), (0.53, 0.8, 0.12)], 0.014, 5)
    parts = (
        Part("body", body, shaded(draw.main, -0.08), GLOSSY),
        Part("body", belly, draw.main, GLOSSY, WoodGrain()),
        Part("fingerboard", merged(board, tail, rest, pegs), draw.accent, MATTE),
        Part("holes", holes, draw.paint("black"), MATTE),
        Part("scroll", merged(box, scroll, bridge, bow), shaded(draw.main, -0.14), GLOSSY),
        Part("strings", merged(strings, hair), draw.paint("white"), METAL),
    )
    return leaning(parts, draw.between("lean", -44, -30))


def drum(draw: Draw) -> tuple[Part, ...]:
    """A drum: shell with zigzag cords between two hoops, skins, crossed sticks on top."""
    radius, tall = draw.between("radius", 0.5, 0.6), draw.between("tall", 0.56, 0.74)
    shell = revolved([(radius, 0), (radius, tall)], 36)
    hoops = merged(*(revolved(filleted([(radius - 0.02, y), (radius + 0.05, y), (radius + 0.05, y + 0.13), (radius - 0.02, y + 0.13)],
                                       0.03), 36) for y in (-0.05, tall - 0.08)))  # fmt: skip
    skin = merged(
        cylinder(radius, 0.04, 0.012, 36).moved(y=tall + 0.02),
        cylinder(radius, 0.03, 0.01, 36).moved(y=-0.02),
    )
    count = draw.whole("cords", 7, 9)
    steps = 2 * np.pi * np.arange(2 * count + 1) / (2 * count)
    heights = np.where(np.arange(2 * count + 1) % 2 == 0, 0.1, tall - 0.1)
    cord = tube(
        np.stack(
            [(radius + 0.025) * np.sin(steps), heights, (radius + 0.025) * np.cos(steps)], axis=1
        ),
        0.022,
        6,
    )
    studs = ring_of(merged(ball(0.04, 8, 6).moved(y=0.08, z=radius + 0.03)), count)
    spread = draw.between("sticks", 20, 34)
    stick = merged(
        tube([(0, -0.5, 0), (0, 0.42, 0)], np.array([0.045, 0.03]), 10),
        ellipsoid(0.06, 0.075, 0.06, 12, 8).moved(y=0.45),
    )
    stick = stick.turned(x=-68).turned(y=spread)
    sticks = merged(
        stick.moved(0.2, tall + 0.2, 0.1), stick.mirrored().moved(-0.2, tall + 0.25, 0.1)
    )
    return (
        Part("shell", shell, draw.main, GLOSSY, draw.pattern),
        Part("hoops", hoops, draw.accent, GLOSSY),
        Part("skin", skin, draw.paint("white"), MATTE),
        Part("cord", merged(cord, studs), shaded(draw.paint("yellow"), 0.02)),
        Part("stick", sticks, shaded(draw.paint("orange"), 0.05, -0.3), MATTE),
    )


def trumpet(draw: Draw) -> tuple[Part, ...]:
    """A trumpet: flared bell to the left, looped tubing, three valves, mouthpiece."""
    flare = draw.between("bell", 0.3, 0.38)
    t = np.linspace(0, 1, 12)
    horn = np.stack([0.075 + (flare - 0.075) * t**3.2, 0.75 * t], axis=1)
    inner = np.stack([horn[::-1, 0] - 0.025, horn[::-1, 1] + 0.004], axis=1)[:8]
    bell = revolved(np.concatenate([horn, inner]), 30).turned(z=90).moved(-0.3, 0.16)
    rim = torus(flare, 0.028, 30, 8).turned(z=90).moved(-1.05, 0.16)
    loop = tube(spline([(-0.34, 0.16, 0), (0.42, 0.16, 0), (0.6, 0.06, 0), (0.6, -0.12, 0), (0.42, -0.2, 0), (-0.3, -0.2, 0),
                        (-0.46, -0.12, 0.0), (-0.46, 0.0, 0.06), (-0.3, 0.06, 0.1), (0.8, 0.06, 0.1)], 4), 0.052, 10)  # fmt: skip
    cup = revolved(
        filleted([(0.03, 0), (0.05, 0.1), (0.1, 0.2), (0.1, 0.24), (0.05, 0.2), (0, 0.16)], 0.02),
        18,
    )
    mouthpiece = cup.turned(z=-90).moved(0.78, 0.06, 0.1)
    valves, caps = [], []
    for index, x in enumerate((-0.14, 0.04, 0.22)):
        press = draw.between(f"valve_{index}", 0.0, 0.07)
        valves.append(cylinder(0.085, 0.5, 0.02, 18).moved(x, -0.02, 0.05))
        caps.append(merged(cylinder(0.03, 0.14, segments=10).moved(x, 0.28 - press, 0.05),
                           cylinder(0.065, 0.04, 0.012, 14).moved(x, 0.36 - press, 0.05)))  # fmt: skip
    lean = draw.between("lean", -32, -14)
    parts = (
        Part("brass", merged(bell, rim, loop, mouthpiece), draw.main, METAL),
        Part("valves", merged(*valves), draw.accent, METAL),
        Part("valves", merged(*caps), shaded(draw.accent, 0.06), METAL),
    )
    return leaning(parts, lean)


CATEGORIES = (
    Category(Noun("guitar", "吉他", "把", synonyms=("electric guitar",)), guitar, Noun("body", "琴身"),
             Noun("guard", "护板"), ("red", "orange", "blue", "brown", "black"), ("white", "black", "grey"),
             emoji=("🎸",)),
    Category(Noun("violin", "小提琴", "把", held_out_synonyms=("fiddle",)), violin, Noun("body", "琴身"),
             Noun("fingerboard", "指板"), ("brown", "orange"), ("black",), emoji=("🎻",)),
    Category(Noun("drum", "鼓", "面"), drum, Noun("shell", "鼓身"), Noun("hoops", "鼓圈", plural=True),
             ("red", "blue", "green"), ("yellow", "white", "grey"), emoji=("🥁",), front_ambiguous=True),
    Category(Noun("trumpet", "小号", "把", held_out_synonyms=("bugle",)), trumpet, Noun("brass", "号身"),
             Noun("valves", "活塞", plural=True), ("yellow", "orange", "grey"), ("grey", "white", "red"),
             emoji=("🎺",)),
)  # fmt: skip
