"""Things of feasts: trophy, gift, bell, balloon, star, heart, snowman, Christmas tree."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import filleted, profile_spline, spline, star_outline
from common.kit.draw import Draw
from common.kit.extrusion import extruded, puffed
from common.kit.materials import GLOSSY, MATTE, METAL
from common.kit.mesh import Mesh, merged
from common.kit.palette import COLOUR_NAMES, ColourName, shaded
from common.kit.part import Part
from common.kit.patterns import Gradient
from common.kit.revolve import ball, cylinder, ellipsoid, frustum, revolved, torus
from common.kit.rounded_box import rounded_box
from common.kit.sweep import tube


def trophy(draw: Draw) -> tuple[Part, ...]:
    """A trophy: cup with two handles and a star, stem, stepped base with a plate."""
    wide = draw.between("width", 0.42, 0.5)
    cup = revolved(
        filleted([(0, 0.62), (0.12, 0.62), (0.3, 0.76), (wide - 0.04, 1.0), (wide, 1.38), (wide - 0.05, 1.38),
                  (wide - 0.1, 1.04), (0, 0.86)], 0.06), 32,
    )  # fmt: skip
    rim = torus(wide - 0.01, 0.04, 32, 8).moved(y=1.38)
    stem = revolved(filleted([(0, 0.28), (0.22, 0.28), (0.2, 0.34), (0.07, 0.42), (0.11, 0.5), (0.07, 0.56),
                              (0.13, 0.66), (0, 0.66)], 0.02), 20)  # fmt: skip
    reach = draw.between("handles", 0.24, 0.34)
    ear = tube(spline([(wide - 0.03, 1.26, 0), (wide + 0.7 * reach, 1.3, 0), (wide + reach, 1.12, 0),
                       (wide + 0.3 * reach, 0.9, 0), (0.3, 0.8, 0)], 4), 0.05, 10).with_mirror()  # fmt: skip
    base = merged(
        rounded_box(0.74, 0.18, 0.6, 0.03).moved(y=0.09),
        rounded_box(0.56, 0.14, 0.46, 0.03).moved(y=0.23),
    )
    plate = rounded_box(0.36, 0.1, 0.03, 0.01).moved(0, 0.09, 0.3)
    star = extruded(filleted(star_outline(5, 0.16, 0.075), 0.015, 2, closed=True), 0.06, 0.02)
    return (
        Part("cup", merged(cup, rim, stem, ear), draw.main, METAL),
        Part("star", star.moved(0, 1.16, wide - 0.015), shaded(draw.main, 0.08), METAL),
        Part("base", base, draw.accent),
        Part("plate", plate, shaded(draw.main, 0.05), METAL),
    )


def gift(draw: Draw) -> tuple[Part, ...]:
    """A present: box, lid, ribbon both ways, a bow of two loops with tails."""
    wide, tall = draw.between("width", 0.9, 1.1), draw.between("tall", 0.66, 0.9)
    box = rounded_box(wide, tall, wide, 0.04).moved(y=tall / 2)
    lid = rounded_box(wide + 0.12, 0.22, wide + 0.12, 0.04).moved(y=tall)
    band = merged(
        rounded_box(0.2, tall + 0.02, wide + 0.02, 0.02),
        rounded_box(wide + 0.02, tall + 0.02, 0.2, 0.02),
    )
    cross = merged(
        rounded_box(0.2, 0.24, wide + 0.15, 0.02), rounded_box(wide + 0.15, 0.24, 0.2, 0.02)
    )
    top = tall + 0.12
    size = draw.between("bow", 0.9, 1.15)
    path = spline(
        [(0, 0, 0), (0.2, 0.24, 0), (0.44, 0.28, 0), (0.48, 0.12, 0), (0.26, 0.02, 0), (0, 0, 0)], 4
    )
    loop = tube(path, 0.05, 8, squash=2.6).scaled(size)
    tail = tube(
        spline([(0, 0, 0.05), (0.2, 0.02, 0.14), (0.38, -0.03, 0.26)], 4), 0.035, 8, squash=2.6
    )
    knot = ellipsoid(0.12, 0.1, 0.12, 16, 8).moved(y=0.05)
    bow = merged(loop.with_mirror(), tail.with_mirror(), knot).moved(y=top)
    return (
        Part("box", merged(box, lid), draw.main, pattern=draw.pattern),
        Part("ribbon", merged(band.moved(y=tall / 2), cross.moved(y=tall)), draw.accent, GLOSSY),
        Part("ribbon", bow, draw.accent, GLOSSY),
    )


def bell(draw: Draw) -> tuple[Part, ...]:
    """A hand-cast bell: flared body with a lip, crown loop, clapper."""
    wide, tall = draw.between("mouth", 0.58, 0.68), draw.between("tall", 1.0, 1.15)
    wall = profile_spline(
        [
            (wide - 0.02, 0.0),
            (wide, 0.06),
            (0.74 * wide, 0.24),
            (0.6 * wide, 0.5 * tall),
            (0.52 * wide, 0.8 * tall),
            (0.3 * wide, 0.96 * tall),
            (0, tall),
        ],
        4,
    )
    body = revolved(np.concatenate([[(0, 0.1), (wide - 0.09, 0.02)], wall]), 34)
    lip = torus(wide - 0.02, 0.06, 36, 10).moved(y=0.04)
    ring = merged(torus(0.63 * wide, 0.025, 32, 8).moved(y=0.42 * tall), torus(0.55 * wide, 0.02, 32, 8)
                  .moved(y=0.76 * tall))  # fmt: skip
    loop = torus(0.12, 0.05, 20, 8).turned(x=90).moved(y=tall + 0.08)
    clapper = merged(
        ball(draw.between("clapper", 0.14, 0.17), 18, 10).moved(y=-0.1),
        cylinder(0.04, 0.3).moved(y=0.05),
    )
    swing = draw.between("swing", -14, 14)
    parts = (
        Part("body", merged(body, lip, ring), draw.main, METAL),
        Part("loop", loop, shaded(draw.main, -0.08), METAL),
        Part("clapper", clapper, draw.accent, GLOSSY),
    )
    return tuple(part.with_mesh(part.mesh.turned(z=swing)) for part in parts)


def balloon(draw: Draw) -> tuple[Part, ...]:
    """A balloon: drop-shaped, tied off, on a curly string."""
    wide = draw.between("width", 0.44, 0.52)
    body = revolved(profile_spline([(0.03, 0), (0.09, 0.06), (0.3, 0.26), (wide, 0.68), (0.84 * wide, 1.0),
                                    (0.45 * wide, 1.17), (0, 1.22)], 5), 32)  # fmt: skip
    knot = revolved([(0, -0.11), (0.1, -0.1), (0.03, 0.02), (0, 0.02)], 14)
    t = np.linspace(0, 1, 25)
    wave = draw.between("string_wave", 0.05, 0.11)
    string = tube(np.stack([wave * np.sin(7 * t) * t**0.5, -0.08 - 0.85 * t, 0.6 * wave * np.cos(5 * t) * t], axis=1),
                  0.02, 6)  # fmt: skip
    lean = draw.between("lean", -16, 16)
    parts = (
        Part("skin", body, draw.main, GLOSSY, draw.pattern),
        Part("knot", knot, shaded(draw.main, -0.06), GLOSSY),
        Part("string", string, draw.accent, MATTE),
    )
    return tuple(part.with_mesh(part.mesh.turned(z=lean)) for part in parts)


def star(draw: Draw) -> tuple[Part, ...]:
    """A plump five-pointed star with a smaller one embossed on its front."""
    inner = draw.between("inner", 0.46, 0.56)
    outline = filleted(star_outline(5, 1.0, inner), 0.2, 5, closed=True)
    plump = draw.between("plump", 0.24, 0.34)
    body = puffed(outline, plump, 2.0, 6)
    small = puffed(filleted(star_outline(5, 0.5, 0.5 * inner), 0.1, 4, closed=True), 0.06, 2.5, 4)
    turn = draw.between("turn", -12, 12)
    parts = (
        Part("body", body, draw.main, GLOSSY, draw.pattern),
        Part("centre", small.moved(z=plump * 0.86), draw.accent, GLOSSY),
    )
    return tuple(part.with_mesh(part.mesh.turned(z=turn)) for part in parts)


def heart(draw: Draw) -> tuple[Part, ...]:
    """A plump heart wearing a ribbon sash with a bow, or a small heart on its front."""
    t = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    outline = np.stack(
        [
            16 * np.sin(t) ** 3,
            13 * np.cos(t) - 5 * np.cos(2 * t) - 2 * np.cos(3 * t) - np.cos(4 * t),
        ],
        1,
    )
    outline = outline[::-1] / 17 * np.array([draw.between("width", 0.94, 1.06), 1.0])
    plump = draw.between("plump", 0.36, 0.46)
    body = puffed(outline, plump, 2.1, 7, (0.0, 0.1))
    small = puffed(outline * 0.34, 0.06, 2.5, 4, (0.0, 0.0))
    return (
        Part("body", body, draw.main, GLOSSY, Gradient(shaded(draw.main, 0.05))),
        Part("small heart", small.moved(y=0.08, z=plump * 0.95), draw.accent, GLOSSY),
    )


def snowman(draw: Draw) -> tuple[Part, ...]:
    """A snowman: two balls, carrot nose, coal eyes and smile, scarf, hat, twig arms, buttons."""
    low = draw.between("body", 0.5, 0.58)
    size = draw.between("head", 0.36, 0.41)
    neck = 1.72 * low
    middle = neck + 0.72 * size
    balls = merged(
        ellipsoid(low, 0.94 * low, low, 30, 16).moved(y=0.92 * low),
        ball(size, 28, 14).moved(y=middle),
    )
    coal = ball(0.052, 10, 6)
    eyes = coal.moved(0.13, middle + 0.08, 0.93 * size).with_mirror()
    smile = merged(*(ball(0.03, 8, 5).moved(0.2 * np.sin(a), middle - 0.1 - 0.08 * np.cos(a), 0.93 * size - 0.25 * a * a * 0.14)
                     for a in np.linspace(-1.0, 1.0, 6)))  # fmt: skip
    buttons = merged(
        *(
            ball(0.055, 10, 6).moved(0, y * low, z * low)
            for y, z in ((1.4, 0.86), (1.05, 0.99), (0.7, 0.98))
        )
    )
    nose = (
        frustum(0.065, 0.0, draw.between("nose", 0.26, 0.38), 0, 12)
        .turned(x=90)
        .moved(0, middle, size + 0.1)
    )
    scarf = merged(torus(0.72 * size, 0.1, 28, 10).scaled(1, 0.9, 1).moved(y=neck + 0.06),
                   rounded_box(0.17, 0.46, 0.09, 0.04).turned(z=10).moved(0.16, neck - 0.18, 0.4))  # fmt: skip
    brim = cylinder(0.36, 0.06, 0.025, 26)
    hat = merged(brim, frustum(0.24, 0.27, 0.38, 0.03, 24).moved(y=0.2)).turned(
        z=draw.between("hat_tilt", -14, 14)
    )
    twig = merged(tube([(0.42, 1.05 * low, 0), (0.72, 1.35 * low, 0.05), (0.92, 1.62 * low, 0.05)], 0.03, 7),
                  tube([(0.76, 1.4 * low, 0.05), (0.96, 1.4 * low, 0.08)], 0.022, 6))  # fmt: skip
    return (
        Part("snow", balls, draw.main, MATTE),
        Part("scarf", scarf, draw.accent, MATTE),
        Part("coal", merged(eyes, smile, buttons), draw.paint("black"), MATTE),
        Part("nose", nose, draw.paint("orange"), MATTE),
        Part("hat", hat.moved(y=middle + 0.86 * size), shaded(draw.paint("black"), 0.04), MATTE),
        Part("twig", twig.with_mirror(), draw.paint("brown"), MATTE),
    )


def christmas_tree(draw: Draw) -> tuple[Part, ...]:
    """A decorated fir: tiers, baubles, garland, a star on top, a trunk."""
    tiers = 3
    wide = draw.between("width", 0.52, 0.6)
    cones = merged(*(revolved(filleted([(0, 0), (wide * (1 - 0.24 * k), 0.0), (0.1, 0.62), (0, 0.64)], 0.06), 30)
                     .moved(y=0.24 + 0.36 * k) for k in range(tiers)))  # fmt: skip
    t = np.linspace(0, 1, 60)
    radius = wide * (1.02 - 0.78 * t) + 0.02
    y = 0.3 + 1.12 * t
    garland = tube(
        np.stack([radius * np.sin(18 * t), y, radius * np.cos(18 * t)], axis=1), 0.028, 6
    )
    colours: tuple[ColourName, ...] = ("red", "blue", "yellow", "purple", "orange", "pink")
    baubles: dict[ColourName, list[Mesh]] = {name: [] for name in colours}
    for index in range(15):
        share = (index + 0.5) / 15
        reach = wide * (1.0 - 0.74 * share) - 0.02
        bauble = (
            ball(0.075, 12, 7).moved(y=0.34 + 1.0 * share, z=reach).turned(y=index * 137.5 + 20)
        )
        baubles[colours[index % 6]].append(bauble)
    shown = [name for name in colours if name != draw.main.name]
    top = extruded(filleted(star_outline(5, 0.2, 0.095), 0.02, 2, closed=True), 0.09, 0.03).moved(
        y=1.72
    )
    trunk = cylinder(0.11, 0.34, 0.02, 14).moved(y=0.1)
    return (
        Part("branches", cones, draw.main, MATTE),
        Part("garland", garland, draw.paint("white"), METAL),
        *(Part("bauble", merged(*baubles[name]), draw.paint(name), GLOSSY) for name in shown),
        Part("star", top, draw.accent, METAL),
        Part("trunk", trunk, draw.paint("brown"), MATTE),
    )


CATEGORIES = (
    Category(Noun("trophy", "奖杯", "座", synonyms=("trophy cup",), held_out_synonyms=("winner's cup",)), trophy,
             Noun("cup", "杯身"), Noun("base", "底座"), ("yellow", "orange", "grey"), ("brown", "black", "red", "blue"),
             emoji=("🏆",)),
    Category(Noun("gift", "礼物", "份", synonyms=("gift box", "present"), held_out_synonyms=("wrapped parcel",),
                  chinese_synonyms=("礼物盒",)), gift, Noun("box", "盒子"), Noun("ribbon", "丝带"), COLOUR_NAMES,
             emoji=("🎁",), front_ambiguous=True, patterned=True),
    Category(Noun("bell", "铃铛", "只", chinese_synonyms=("钟",)), bell, Noun("body", "钟身"),
             Noun("clapper", "钟舌"), ("yellow", "orange", "grey"), ("brown", "red", "black"), emoji=("🔔",),
             front_ambiguous=True),
    Category(Noun("balloon", "气球", "只"), balloon, Noun("skin", "球身"), Noun("string", "绳子"), COLOUR_NAMES,
             emoji=("🎈",), front_ambiguous=True, patterned=True),
    Category(Noun("star", "星星", "颗"), star, Noun("body", "主体"), Noun("centre", "中心"), ("yellow", "orange"),
             ("orange", "yellow", "white"), emoji=("⭐", "🌟"), metallic=True),
    Category(Noun("heart", "爱心", "颗", chinese_synonyms=("心",)), heart, Noun("body", "主体"),
             Noun("small heart", "小爱心"), COLOUR_NAMES, emoji=("❤️", "💖", "💙", "💚", "💛", "💜", "🧡"), metallic=True),
    Category(Noun("snowman", "雪人"), snowman, Noun("snow", "身体"), Noun("scarf", "围巾"), ("white",),
             ("red", "blue", "green"), emoji=("⛄", "☃️")),
    Category(Noun("Christmas tree", "圣诞树", "棵", held_out_synonyms=("xmas tree",)), christmas_tree,
             Noun("branches", "树枝", plural=True), Noun("star", "星星"), ("green",), ("yellow",), emoji=("🎄",),
             front_ambiguous=True),
)  # fmt: skip
