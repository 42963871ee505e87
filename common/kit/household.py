"""Household things: lamp, light bulb, candle, alarm clock, umbrella, bucket."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import arc, dome_profile, filleted, profile_spline, spline
from common.kit.draw import Draw
from common.kit.materials import GLASS, GLOSSY, MATTE, METAL
from common.kit.mesh import merged
from common.kit.palette import COLOUR_NAMES, shaded
from common.kit.part import Part
from common.kit.real import Real
from common.kit.revolve import ball, capsule, cylinder, ellipsoid, frustum, revolved, torus
from common.kit.rounded_box import rounded_box
from common.kit.surface import grid_surface
from common.kit.sweep import tube


def lamp(draw: Draw) -> tuple[Part, ...]:
    """A table lamp: foot, stem with a bead, a shade with the bulb under it, a pull chain."""
    stem = draw.between("stem", 0.55, 0.8)
    low, high = draw.between("shade_low", 0.46, 0.58), draw.between("shade_high", 0.22, 0.34)
    tall = draw.between("shade_height", 0.46, 0.6)
    foot = revolved(filleted([(0, 0), (0.34, 0), (0.34, 0.06), (0.12, 0.13), (0.06, 0.2), (0, 0.2)],
                             0.03), 28)  # fmt: skip
    rod = cylinder(0.045, stem, segments=14).moved(y=0.1 + stem / 2)
    bead = ellipsoid(0.13, 0.15, 0.13, 18, 10).moved(y=0.14 + 0.42 * stem)
    wall = [(low, 0), (high, tall), (high - 0.03, tall), (low - 0.03, 0), (low, 0)]
    shade = revolved(wall, 32).moved(y=0.02 + stem)
    trim = merged(torus(low, 0.025, 32, 8), torus(high, 0.02, 32, 8).moved(y=tall)).moved(
        y=0.02 + stem
    )
    bulb = ball(0.17, 16, 10).moved(y=0.16 + stem)
    chain = merged(tube([(0.3, stem + 0.04, 0.2), (0.3, stem - 0.16, 0.2)], 0.012, 6),
                   ball(0.04, 10, 6).moved(0.3, stem - 0.18, 0.2))  # fmt: skip
    return (
        Part("shade", shade, draw.main, MATTE, draw.pattern),
        Part("trim", trim, shaded(draw.main, -0.08)),
        Part("base", merged(foot, rod, bead), draw.accent, GLOSSY),
        Part("bulb", merged(bulb, chain), draw.paint("yellow"), GLASS),
    )


def light_bulb(draw: Draw) -> tuple[Part, ...]:
    """A light bulb: glass, glowing filament drawn on it, screw cap with threads, contact."""
    wide = draw.between("width", 0.46, 0.54)
    glass = revolved(
        profile_spline([(0.2, 0.0), (0.24, 0.1), (0.4, 0.36), (wide, 0.7), (0.78 * wide, 1.05),
                        (0.34 * wide, 1.2), (0, 1.22)], 5), 30,
    )  # fmt: skip
    cap = merged(
        *(torus(0.19 - 0.008 * k, 0.045, 24, 8).moved(y=-0.04 - 0.085 * k) for k in range(4))
    )
    core = frustum(0.15, 0.2, 0.38, 0.02, 20).moved(y=-0.18)
    tip = revolved(dome_profile(0.13, 0.12), 16).turned(x=180).moved(y=-0.36)
    path = [
        (-0.1, 0.2),
        (-0.17, 0.62),
        (-0.08, 0.5),
        (0, 0.66),
        (0.08, 0.5),
        (0.17, 0.62),
        (0.1, 0.2),
    ]
    front = [(x, y, 0.985 * float(np.interp(y, [0, 0.1, 0.36, 0.7], [0.2, 0.25, 0.41, wide])) - abs(x) * 0.12)
             for x, y in path]  # fmt: skip
    wire = tube(spline(front, 3), 0.024, 8)
    collar = torus(0.215, 0.03, 24, 8).moved(y=0.02)
    return (
        Part("bulb", glass, draw.main, GLOSSY),
        Part("filament", wire, shaded(draw.paint("orange"), 0.02)),
        Part("cap", merged(cap, core, collar), draw.accent, METAL),
        Part("contact", tip, draw.paint("black")),
    )


def candle(draw: Draw) -> tuple[Part, ...]:
    """A burning candle with wax drips, standing on a dish with a finger ring."""
    tall = draw.between("height", 0.75, 1.15)
    radius = draw.between("radius", 0.2, 0.27)
    rim = [(0, 0), (radius, 0), (radius, tall), (0.8 * radius, tall + 0.03), (0.55 * radius, tall - 0.02),
           (0, tall - 0.04)]  # fmt: skip
    wax = revolved(filleted(rim, 0.04), 24)
    drips = []
    for index, angle in enumerate((-50.0, 0.0, 42.0, 130.0, 220.0)):
        long = 0.12 + 0.24 * draw.between(f"drip_{index}", 0, 1)
        drip = tube([(0, tall - 0.01, 0.96 * radius), (0, tall - long, 1.0 * radius)],
                    np.array([0.05, 0.065]), 8)  # fmt: skip
        drips.append(drip.turned(y=angle))
    wick = tube([(0, tall - 0.05, 0), (0, tall + 0.09, 0), (0.02, tall + 0.14, 0)], 0.022, 8)
    shape = profile_spline([(0, 0), (0.1, 0.1), (0.11, 0.2), (0.05, 0.36), (0, 0.48)], 4)
    flame = revolved(shape, 18).moved(y=tall + 0.08)
    glow = revolved(shape * 0.55, 14).moved(y=tall + 0.1, z=0.075)
    dish = revolved(filleted([(0, -0.08), (0.4, -0.08), (0.5, 0.06), (0.46, 0.07), (0.36, -0.02),
                              (0, -0.02)], 0.03), 32)  # fmt: skip
    ring = torus(0.13, 0.04, 20, 8).turned(x=90).moved(0.58, 0.0)
    return (
        Part("wax", wax, draw.main, pattern=draw.pattern),
        Part("drip", merged(*drips), shaded(draw.main, 0.04)),
        Part("wick", wick, draw.paint("black"), MATTE),
        Part("flame", flame, draw.paint("orange"), MATTE),
        Part("glow", glow, draw.paint("yellow"), MATTE),
        Part("dish", merged(dish, ring), draw.accent, METAL),
    )


def alarm_clock(draw: Draw) -> tuple[Part, ...]:
    """An alarm clock: drum with a white face and hands, two bells, hammer, feet."""
    deep = draw.between("depth", 0.34, 0.46)
    case = cylinder(0.6, deep, 0.06, 36).turned(x=90)
    face = cylinder(0.5, 0.03, 0.01, 36).turned(x=90).moved(z=deep / 2)
    ticks = merged(*(rounded_box(0.035, 0.1 if k % 3 == 0 else 0.05, 0.02, 0.008, 1).moved(y=0.42)
                     .turned(z=30.0 * k) for k in range(12))).moved(z=deep / 2 + 0.016)  # fmt: skip
    hour = draw.between("hour", 0, 12)
    z = deep / 2 + 0.03
    short = capsule(0.036, 0.2, 8, 3).moved(y=0.1).turned(z=-30 * hour).moved(z=z)
    long = capsule(0.028, 0.32, 8, 3).moved(y=0.16).turned(z=-360 * (hour % 1)).moved(z=z + 0.02)
    pin = ball(0.055, 12, 8).moved(z=z + 0.01)
    tilt = draw.between("bell_tilt", 34, 42)
    dome = revolved(np.concatenate([[(0, 0)], dome_profile(0.27, 0.22)]), 24)
    bell = merged(
        dome, ball(0.05, 10, 6).moved(y=0.24), cylinder(0.04, 0.2, segments=10).moved(y=-0.06)
    )
    bells = bell.moved(y=0.66).turned(z=-tilt).with_mirror()
    hammer = merged(cylinder(0.03, 0.22, segments=8).moved(y=0.66),
                    capsule(0.06, 0.1, 10, 3).turned(z=90).moved(y=0.8))  # fmt: skip
    leg = tube([(0.3, -0.46, 0), (0.44, -0.74, 0)], np.array([0.07, 0.05]), 10).with_mirror()
    return (
        Part("case", case, draw.main, GLOSSY),
        Part("face", face, draw.paint("white"), MATTE),
        Part("hand", merged(short, long, ticks), draw.paint("black"), MATTE),
        Part("pin", pin, draw.paint("red")),
        Part("bells", bells, draw.accent, METAL),
        Part("leg", merged(hammer, leg), shaded(draw.paint("grey"), -0.15), METAL),
    )


def umbrella(draw: Draw) -> tuple[Part, ...]:
    """An open umbrella: eight scalloped panels in two colours, a shaft with a hook."""
    depth = draw.between("depth", 0.5, 0.62)
    panels = 8
    angles = np.linspace(np.pi, 3 * np.pi, panels * 5 + 1)
    ribs = np.abs(np.cos(angles * panels / 2))

    def canopy(lift: Real) -> np.ndarray:
        t = np.linspace(0.0, 1.0, 9)[:, None]
        radius = np.sin(t * np.pi / 2) * (1 - 0.05 * t * (1 - ribs))
        y = depth * np.cos(t * np.pi / 2) ** 0.9 + 0.1 * t**3 * (1 - ribs) - 0.05 * t * (1 - ribs)
        return np.stack([radius * np.sin(angles), y + lift, radius * np.cos(angles)], axis=2)

    outer = canopy(0.0)
    closed = np.concatenate([canopy(-0.03), outer[::-1]])[::1]
    even = [closed[:, 5 * k : 5 * k + 6] for k in range(panels)]
    tip = revolved([(0, 0), (0.035, 0), (0.015, 0.17), (0, 0.18)], 10).moved(y=depth - 0.01)
    shaft = cylinder(0.03, 1.6, segments=10).moved(y=depth - 0.85)
    hook_y = depth - 1.62
    hook = tube(spline([(0, hook_y + 0.1, 0), (0, hook_y, 0), (0.09, hook_y - 0.16, 0),
                        (0.24, hook_y - 0.13, 0), (0.29, hook_y + 0.02, 0)], 4), 0.06, 10)  # fmt: skip
    turn = draw.between("turn", 0, 45)
    return (
        Part("canopy", merged(*(grid_surface(one) for one in even[::2])).turned(y=turn), draw.main),
        Part("canopy", merged(*(grid_surface(one) for one in even[1::2])).turned(y=turn),
             shaded(draw.main, -0.06)),
        Part("shaft", merged(tip, shaft), draw.paint("grey"), METAL),
        Part("handle", hook, draw.accent),
    )  # fmt: skip


def bucket(draw: Draw) -> tuple[Part, ...]:
    """A bucket: tapering wall with a rolled rim, a bail handle to one side, water inside."""
    foot = draw.between("foot", 0.36, 0.44)
    height = draw.between("height", 0.85, 1.0)
    wall = [(0, 0), (foot, 0), (0.56, height), (0.52, height), (foot - 0.04, 0.06), (0, 0.06)]
    pail = revolved(filleted(wall, 0.025), 32)
    rim = torus(0.56, 0.045, 32, 8).moved(y=height)
    band = torus(foot + 0.01, 0.03, 32, 8).moved(y=0.05)
    swing = draw.between("swing", 18, 50)
    bail = tube(np.column_stack([arc(0.6, 0, 180, 14, squash=draw.between("bail", 0.8, 1.05)),
                                 np.zeros(15)]), 0.035, 10).turned(x=swing)  # fmt: skip
    ears = ball(0.075, 12, 8).moved(0.59, height - 0.02).with_mirror()
    water = cylinder(0.5, 0.03, segments=32).moved(y=0.82 * height)
    return (
        Part("body", merged(pail, rim, band), draw.main, GLOSSY, draw.pattern),
        Part("handle", merged(bail.moved(y=height), ears), draw.accent, GLOSSY),
        Part("water", water, draw.paint("cyan"), GLASS),
    )


CATEGORIES = (
    Category(
        Noun("lamp", "台灯", "盏", synonyms=("table lamp",), held_out_synonyms=("bedside lamp",)),
        lamp, Noun("shade", "灯罩"), Noun("base", "底座"), COLOUR_NAMES, front_ambiguous=True, patterned=True,
    ),
    Category(
        Noun("light bulb", "灯泡", held_out_synonyms=("lightbulb",)),
        light_bulb, Noun("bulb", "灯泡"), Noun("cap", "灯头"), ("yellow", "white", "orange"),
        ("grey", "black"), emoji=("💡",),
    ),
    Category(
        Noun("candle", "蜡烛", "支"),
        candle, Noun("wax", "烛身"), Noun("dish", "烛台"), ("white", "yellow", "red", "pink"),
        ("yellow", "grey", "brown"), emoji=("🕯️",), patterned=True,
    ),
    Category(
        Noun("alarm clock", "闹钟", held_out_synonyms=("clock",)),
        alarm_clock, Noun("case", "钟壳"), Noun("bells", "铃铛", plural=True), COLOUR_NAMES,
        ("yellow", "orange", "grey", "red"), emoji=("⏰",),
    ),
    Category(
        Noun("umbrella", "雨伞", "把", held_out_synonyms=("parasol", "brolly"), chinese_synonyms=("伞",)),
        umbrella, Noun("canopy", "伞面"), Noun("handle", "伞柄"), COLOUR_NAMES, ("brown", "black"),
        emoji=("☂️", "☔", "⛱️"), front_ambiguous=True,
    ),
    Category(
        Noun("bucket", "水桶", held_out_synonyms=("pail",), chinese_synonyms=("桶",)),
        bucket, Noun("body", "桶身"), Noun("handle", "提手"), COLOUR_NAMES, ("grey", "yellow", "white"),
        emoji=("🪣",), patterned=True, metallic=True,
    ),
)  # fmt: skip
