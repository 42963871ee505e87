"""Buildings: house, castle, church, tent, lighthouse, windmill."""

import itertools

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import arc, filleted
from common.kit.draw import Draw
from common.kit.extrusion import extruded
from common.kit.materials import GLASS, MATTE
from common.kit.mesh import Mesh, merged, ring_of
from common.kit.palette import shaded
from common.kit.part import Part
from common.kit.patterns import Stripes
from common.kit.real import Real
from common.kit.revolve import ball, cylinder, ellipsoid, frustum, revolved, torus
from common.kit.rounded_box import rounded_box
from common.kit.sweep import tube


def gable_roof(width: Real, depth: Real, height: Real, overhang: Real, thick: Real = 0.09) -> Mesh:
    """Two sloping slabs meeting in a ridge along Z; eaves at y = 0, ridge at ``height``."""
    half = width / 2 + overhang
    drop = -overhang * height / (width / 2)
    outline = [(-half, drop), (0, height), (half, drop), (half, drop + thick), (0, height + 1.35 * thick),
               (-half, drop + thick)]  # fmt: skip
    return extruded(outline, depth + 2 * overhang, 0.015)


def window(width: Real, height: Real) -> tuple[Mesh, Mesh]:
    """A window about the origin facing +Z: frame with a cross, and its pane."""
    frame = merged(
        rounded_box(width + 0.08, 0.05, 0.06, 0.015, 1).moved(y=height / 2),
        rounded_box(width + 0.12, 0.05, 0.08, 0.015, 1).moved(y=-height / 2),
        rounded_box(0.05, height, 0.06, 0.015, 1).moved(width / 2).with_mirror(),
        rounded_box(0.03, height, 0.05, 0.012, 1), rounded_box(width, 0.03, 0.05, 0.012, 1),
    )  # fmt: skip
    return frame, rounded_box(width, height, 0.03, 0.01, 1)


def arched_door(width: Real, height: Real, depth: Real) -> Mesh:
    """A round-topped plate standing on y = 0."""
    top = arc(width / 2, 0, 180, 10, centre=(0, height - width / 2))
    return extruded(np.concatenate([[(-width / 2, 0), (width / 2, 0)], top]), depth, 0.01, 1)


def house(draw: Draw) -> tuple[Part, ...]:
    """A house: walls, gabled roof, chimney, door with a step, windows, a bush."""
    wide, tall = draw.between("width", 1.1, 1.35), draw.between("tall", 0.66, 0.86)
    deep = draw.between("depth", 0.8, 1.0)
    rise = draw.between("roof", 0.5, 0.68)
    outline = [(-wide / 2, 0), (wide / 2, 0), (wide / 2, tall), (0, tall + rise), (-wide / 2, tall)]
    walls = extruded(outline, deep, 0.01, 1)
    roof = gable_roof(wide, deep, rise, 0.12).moved(y=tall)
    front = deep / 2
    door_x = draw.between("door_x", -0.3, -0.18)
    door = rounded_box(0.28, 0.5, 0.05, 0.02).moved(door_x, 0.25, front + 0.01)
    step = rounded_box(0.38, 0.07, 0.2, 0.02).moved(door_x, 0.02, front + 0.08)
    knob = ball(0.028, 8, 6).moved(door_x + 0.09, 0.25, front + 0.045)
    frame, pane = window(0.3, 0.28)
    places = [(0.28, 0.42, front, 0.0), (0.0, tall + 0.32 * rise, front, 0.0), (wide / 2, 0.42, 0.0, 90.0),
              (-wide / 2, 0.42, 0.0, -90.0), (-0.25, 0.42, -front, 180.0), (0.25, 0.42, -front, 180.0)]  # fmt: skip

    def placed(mesh: Mesh) -> Mesh:
        return merged(*(mesh.turned(y=turn).moved(x, y, z) for x, y, z, turn in places))

    chimney_x = 0.28 * wide
    chimney = merged(rounded_box(0.2, 0.5, 0.22, 0.02).moved(chimney_x, tall + 0.72 * rise, -0.12),
                     rounded_box(0.27, 0.09, 0.29, 0.025).moved(chimney_x, tall + 0.72 * rise + 0.24, -0.12))  # fmt: skip
    ground = rounded_box(wide + 0.5, 0.08, deep + 0.5, 0.035).moved(y=-0.04)
    bush = merged(
        ball(0.16, 14, 8).moved(wide / 2 + 0.02, 0.1, front),
        ball(0.12, 12, 8).moved(wide / 2 - 0.2, 0.08, front + 0.08),
    )
    return (
        Part("walls", walls, draw.main, MATTE),
        Part(
            "roof", roof, draw.accent, MATTE, Stripes(shaded(draw.accent, -0.04), 0.12, True, 0.16)
        ),
        Part("door", door, draw.paint("brown")),
        Part("frame", placed(frame), draw.paint("white"), MATTE),
        Part("window", placed(pane), draw.paint("cyan"), GLASS),
        Part("chimney", chimney, shaded(draw.paint("red"), -0.1, -0.3), MATTE),
        Part("step", merged(step, knob), draw.paint("grey")),
        Part("grass", merged(ground, bush), draw.paint("green"), MATTE),
    )


def _battlements(radius: Real, count: int) -> Mesh:
    """A crown of merlons round a tower's top."""
    block = rounded_box(0.09, 0.13, 0.09, 0.015, 1).moved(y=0.05, z=radius - 0.035)
    return merged(ring_of(block, count), cylinder(radius, 0.06, 0.01, 24).moved(y=-0.02))


def castle(draw: Draw) -> tuple[Part, ...]:
    """A castle: keep and four towers with pointed roofs and flags, walls, gate with a portcullis."""
    tower, high = draw.between("tower", 0.17, 0.21), draw.between("tower_height", 0.86, 1.05)
    half, wall = 0.62, 0.56
    corners = [(half, 0.42), (-half, 0.42), (half, -0.42), (-half, -0.42)]
    shaft = merged(revolved(filleted([(0, 0), (tower * 1.08, 0), (tower, 0.2), (tower, high), (tower * 1.15, high + 0.05),
                                      (tower * 1.15, high + 0.12), (0, high + 0.12)], 0.02), 20))  # fmt: skip
    cone = draw.between("roof", 0.42, 0.58)
    roof = revolved([(0, 0), (tower * 1.3, 0), (tower * 1.22, 0.03), (0, cone)], 20).moved(
        y=high + 0.11
    )
    keep_high = high + draw.between("keep", 0.3, 0.45)
    keep = revolved(filleted([(0, 0.3), (0.26, 0.3), (0.26, keep_high), (0.31, keep_high + 0.05), (0.31, keep_high + 0.12),
                              (0, keep_high + 0.12)], 0.02), 24)  # fmt: skip
    keep_roof = revolved([(0, 0), (0.36, 0), (0.33, 0.04), (0, 1.2 * cone)], 24).moved(
        y=keep_high + 0.11
    )
    sides = merged(rounded_box(2 * half, wall, 0.14, 0.02, 1).moved(0, wall / 2, 0.42),
                   rounded_box(2 * half, wall, 0.14, 0.02, 1).moved(0, wall / 2, -0.42),
                   rounded_box(0.14, wall, 0.84, 0.02, 1).moved(half, wall / 2).with_mirror(),
                   rounded_box(2 * half, 0.3, 0.84, 0.02, 1).moved(0, 0.15))  # fmt: skip
    merlons = merged(*(rounded_box(0.11, 0.12, 0.15, 0.015, 1).moved(x, wall + 0.05, z)
                       for x in np.linspace(-0.38, 0.38, 4) for z in (0.42, -0.42)))  # fmt: skip
    gate = arched_door(0.32, 0.42, 0.03).moved(z=0.49)
    bars = merged(
        *(rounded_box(0.02, 0.36, 0.02, 0.006, 1).moved(x, 0.2, 0.51) for x in (-0.09, 0, 0.09))
    )
    slit = arched_door(0.09, 0.2, 0.03)
    slits = merged(*(slit.moved(x, 0.62 * high, z + tower * 0.98) for x, z in corners[:2]),
                   slit.moved(0, keep_high - 0.3, 0.255).scaled(1), slit.moved(0.0, keep_high - 0.3, -0.255))  # fmt: skip
    pole = merged(tube([(0, 0, 0), (0, 0.2, 0)], 0.012, 6))
    flag = extruded([(0, 0.2), (0, 0.08), (0.2, 0.14)], 0.02)
    tops = [(x, high + 0.1 + cone, z) for x, z in corners] + [
        (0.0, keep_high + 0.1 + 1.2 * cone, 0.0)
    ]
    return (
        Part(
            "walls",
            merged(*(shaft.moved(x=x, z=z) for x, z in corners), sides, merlons, keep),
            draw.main,
            MATTE,
        ),
        Part(
            "roofs",
            merged(*(roof.moved(x=x, z=z) for x, z in corners), keep_roof),
            draw.accent,
            MATTE,
        ),
        Part("gate", merged(gate, slits), shaded(draw.paint("brown"), -0.08), MATTE),
        Part("bars", merged(bars, *(pole.moved(*top) for top in tops)), draw.paint("grey")),
        Part(
            "flags",
            merged(*(flag.moved(*top) for top in tops)),
            draw.pick("flag", ("red", "blue", "yellow")),
            MATTE,
        ),
    )


def church(draw: Draw) -> tuple[Part, ...]:
    """A church: nave with a gabled front, side aisles, bell tower with a spire and a cross."""
    wide, tall = draw.between("width", 0.72, 0.85), draw.between("tall", 0.7, 0.84)
    rise, deep = draw.between("roof", 0.42, 0.54), 1.0
    outline = [(-wide / 2, 0), (wide / 2, 0), (wide / 2, tall), (0, tall + rise), (-wide / 2, tall)]
    nave = extruded(outline, deep, 0.01, 1).moved(z=-0.1)
    aisles = rounded_box(wide + 0.56, 0.42, 0.8, 0.02).moved(y=0.21, z=-0.15)
    slope = extruded([(wide / 2 - 0.02, 0.62), (wide / 2 - 0.02, 0.54), (wide / 2 + 0.34, 0.38), (wide / 2 + 0.34, 0.46)],
                     0.9, 0.01).moved(z=-0.15).with_mirror()  # fmt: skip
    tower_top = tall + rise + draw.between("tower", 0.12, 0.28)
    tower = rounded_box(0.36, tower_top - 0.2, 0.36, 0.02).moved(0, (tower_top + 0.2) / 2, 0.26)
    spire = frustum(0.31, 0.0, draw.between("spire", 0.42, 0.6), 0, 4).turned(y=45)
    spire = spire.moved(0, tower_top + draw.values["spire"] / 2, 0.26)
    tip = tower_top + draw.values["spire"]
    cross = merged(
        rounded_box(0.045, 0.26, 0.045, 0.012), rounded_box(0.17, 0.045, 0.045, 0.012).moved(y=0.04)
    )
    roof = gable_roof(wide, deep, rise, 0.09).moved(y=tall, z=-0.1)
    door = arched_door(0.26, 0.44, 0.03).moved(z=0.45)
    light = arched_door(0.13, 0.28, 0.03)
    rose = cylinder(0.09, 0.03, segments=18).turned(x=90).moved(0, 0.72, 0.45)
    windows = merged(light.moved(0.46, 0.1, 0.255), light.moved(-0.46, 0.1, 0.255), rose,
                     *(light.turned(y=side * 90).moved(side * (wide / 2 + 0.275), 0.08, z)
                       for side in (-1, 1) for z in (-0.35, 0.0)))  # fmt: skip
    bell = ellipsoid(0.07, 0.08, 0.05, 14, 8).moved(0, tower_top - 0.16, 0.43)
    opening = arched_door(0.18, 0.26, 0.03).moved(0, tower_top - 0.3, 0.435)
    base = rounded_box(wide + 0.9, 0.08, deep + 0.5, 0.03).moved(y=-0.04, z=-0.05)
    return (
        Part("walls", merged(nave, aisles, tower), draw.main, MATTE),
        Part("roof", merged(roof, slope, spire), draw.accent, MATTE),
        Part("door", merged(door, opening), shaded(draw.paint("brown"), -0.08), MATTE),
        Part("window", windows, draw.paint("blue"), GLASS),
        Part("cross", merged(cross.moved(0, tip + 0.08, 0.26), bell), draw.paint("yellow")),
        Part("grass", base, draw.paint("green"), MATTE),
    )


def tent(draw: Draw) -> tuple[Part, ...]:
    """A ridge tent: sloping sides, dark opening with folded flaps, poles, guy ropes, pegs."""
    wide, tall = draw.between("width", 1.2, 1.4), draw.between("tall", 0.85, 1.0)
    deep = draw.between("depth", 1.2, 1.5)
    sheet = extruded([(-wide / 2 - 0.05, 0), (-wide / 2, 0), (0, tall - 0.06), (wide / 2, 0), (wide / 2 + 0.05, 0), (0, tall)],
                     deep, 0.01, 1)  # fmt: skip
    back = extruded([(-wide / 2, 0), (wide / 2, 0), (0, tall - 0.05)], 0.04).moved(
        z=-deep / 2 + 0.05
    )
    inside = extruded([(-wide / 2 + 0.04, 0), (wide / 2 - 0.04, 0), (0, tall - 0.1)], 0.04).moved(
        z=deep / 2 - 0.14
    )
    flap = extruded(
        filleted(
            [(0.03, tall - 0.07), (0.22 * wide, 0.02), (wide / 2 - 0.02, 0.0)], 0.02, 2, closed=True
        ),
        0.05,
        0.015,
    )
    flap = flap.turned(y=draw.between("flap", 4, 16)).moved(z=deep / 2 - 0.06)
    pole = tube([(0, 0, 0), (0, tall + 0.1, 0)], 0.026, 8)
    poles = merged(pole.moved(z=deep / 2), pole.moved(z=-deep / 2))
    ropes, pegs = [], []
    for sx in (-1, 1):
        for sz in (-1, 1):
            end = (sx * (wide / 2 + 0.22), 0.02, sz * (deep / 2 + 0.12))
            ropes.append(tube([(0, tall + 0.04, sz * deep / 2), end], 0.012, 6))
            pegs.append(tube([(end[0], 0.08, end[2]), (end[0], -0.06, end[2])], 0.022, 6))
    ground = rounded_box(wide + 0.6, 0.07, deep + 0.4, 0.03).moved(y=-0.04)
    turn = draw.between("turn", 14, 30)
    parts = (
        Part("canvas", merged(sheet, back), draw.main, MATTE, draw.pattern),
        Part("flaps", flap.with_mirror(), draw.accent, MATTE),
        Part("inside", inside, shaded(draw.main, -0.3), MATTE),
        Part("pole", merged(poles, *ropes, *pegs), draw.paint("brown"), MATTE),
        Part("grass", ground, draw.paint("green"), MATTE),
    )
    return tuple(part.with_mesh(part.mesh.turned(y=turn)) for part in parts)


def lighthouse(draw: Draw) -> tuple[Part, ...]:
    """A lighthouse: banded tapering tower, gallery, lantern, cap, door, rocks."""
    tall, foot = draw.between("tall", 1.5, 1.75), draw.between("foot", 0.34, 0.4)
    bands = draw.whole("bands", 2, 3) * 2 + 1
    edges = np.linspace(0, 1, bands + 1)

    def radius(share: Real) -> float:
        return foot * (1 - 0.42 * share)

    rings = [
        revolved([(radius(a), a * tall), (radius(b), b * tall)], 28)
        for a, b in itertools.pairwise(edges)
    ]
    gallery = revolved(
        filleted([(0, tall - 0.02), (0.32, tall), (0.34, tall + 0.08), (0, tall + 0.08)], 0.02), 28
    )
    rail = merged(torus(0.31, 0.018, 28, 6).moved(y=tall + 0.2),
                  ring_of(cylinder(0.014, 0.14, segments=6).moved(y=tall + 0.14, z=0.31), 10))  # fmt: skip
    lamp = cylinder(0.18, 0.26, segments=20).moved(y=tall + 0.2)
    cap = revolved(
        [
            (0, tall + 0.32),
            (0.26, tall + 0.32),
            (0.22, tall + 0.4),
            (0.05, tall + 0.56),
            (0, tall + 0.58),
        ],
        24,
    )
    knob = ball(0.055, 10, 6).moved(y=tall + 0.6)
    door = arched_door(0.19, 0.32, 0.05).moved(z=foot - 0.02)
    light = arched_door(0.1, 0.17, 0.04)
    lights = merged(
        *(light.moved(0, share * tall, radius(share) - 0.015) for share in (0.42, 0.74))
    )
    rocks = merged(*(ellipsoid(0.24, 0.13, 0.2, 9, 5).moved(np.sin(a) * foot * 1.05, -0.02, np.cos(a) * foot * 1.05)
                     for a in np.arange(0.4, 6.6, 1.05)))  # fmt: skip
    return (
        Part("tower", merged(*rings[0::2]), draw.main),
        Part("bands", merged(*rings[1::2]), draw.accent),
        Part("cap", merged(cap, knob), draw.accent),
        Part("gallery", merged(gallery, rail), shaded(draw.paint("grey"), -0.15)),
        Part("lamp", lamp, draw.paint("yellow"), GLASS),
        Part("door", merged(door, lights), shaded(draw.paint("brown"), -0.1), MATTE),
        Part("rocks", rocks, draw.paint("grey"), MATTE),
    )


def windmill(draw: Draw) -> tuple[Part, ...]:
    """A windmill: tapering tower, domed cap, four latticed sails, door and windows."""
    tall, foot = draw.between("tall", 1.1, 1.3), draw.between("foot", 0.4, 0.48)
    tower = revolved(filleted([(0, 0), (foot, 0), (0.62 * foot, tall), (0, tall)], 0.02), 12)
    balcony = torus(0.85 * foot, 0.04, 28, 6).moved(y=0.38 * tall)
    cap = revolved(
        filleted(
            [
                (0, tall - 0.02),
                (0.76 * foot, tall - 0.02),
                (0.66 * foot, tall + 0.2),
                (0, tall + 0.38),
            ],
            0.08,
        ),
        24,
    )
    hub = merged(cylinder(0.05, 0.3, segments=12).turned(x=90), ball(0.085, 14, 8).moved(z=0.15))
    long = draw.between("sail", 0.8, 0.95)
    spar = rounded_box(0.04, long, 0.04, 0.012, 1).moved(y=long / 2)
    slats = merged(*(rounded_box(0.24, 0.025, 0.025, 0.008, 1).moved(0.1, y) for y in np.linspace(0.26, long - 0.02, 6)),
                   rounded_box(0.025, long - 0.24, 0.025, 0.008, 1).moved(0.21, 0.62 * long))  # fmt: skip
    cloth = rounded_box(0.2, long - 0.24, 0.014, 0.005, 1).moved(0.11, 0.62 * long, -0.005)
    angle = draw.between("angle", 15, 75)
    front = 0.62 * foot + 0.16

    def four(mesh: Mesh) -> Mesh:
        return merged(*(mesh.turned(z=angle + 90 * k) for k in range(4))).moved(
            0, tall + 0.06, front
        )

    door = arched_door(0.22, 0.36, 0.05).moved(z=foot - 0.04)
    light = arched_door(0.12, 0.18, 0.04)
    lights = merged(
        light.moved(0, 0.6 * tall, 0.76 * foot),
        light.turned(y=120).moved(0.6 * foot, 0.5 * tall, -0.3 * foot),
    )
    ground = cylinder(foot + 0.3, 0.07, 0.03, 32).moved(y=-0.03)
    return (
        Part("tower", merged(tower, balcony), draw.main, MATTE),
        Part("cap", cap, shaded(draw.accent, -0.06), MATTE),
        Part("sails", four(cloth), draw.accent, MATTE),
        Part(
            "spar",
            merged(four(merged(spar, slats)), hub.moved(0, tall + 0.06, front - 0.1)),
            draw.paint("brown"),
        ),
        Part("door", merged(door, lights), shaded(draw.paint("brown"), -0.1), MATTE),
        Part("grass", ground, draw.paint("green"), MATTE),
    )


WALLS, ROOF = Noun("walls", "墙壁", plural=True), Noun("roof", "屋顶")
CATEGORIES = (
    Category(Noun("house", "房子", "座", held_out_synonyms=("cottage", "home"), chinese_synonyms=("房屋",)), house,
             WALLS, ROOF, ("orange", "yellow", "white", "pink"), ("red", "brown", "blue"), emoji=("🏠", "🏡")),
    Category(Noun("castle", "城堡", "座", held_out_synonyms=("fortress",)), castle, WALLS,
             Noun("roofs", "屋顶", plural=True), ("white", "grey", "pink"), ("red", "blue", "purple"), emoji=("🏰", "🏯")),
    Category(Noun("church", "教堂", "座", held_out_synonyms=("chapel",)), church, WALLS, ROOF,
             ("orange", "white", "yellow"), ("brown", "red", "blue"), emoji=("⛪",)),
    Category(Noun("tent", "帐篷", "顶"), tent, Noun("canvas", "帐布"), Noun("flaps", "门帘", plural=True),
             ("green", "orange", "blue", "yellow"), ("yellow", "green", "white"), emoji=("⛺",), patterned=True),
    Category(Noun("lighthouse", "灯塔", "座"), lighthouse, Noun("tower", "塔身"), Noun("bands", "环带", plural=True),
             ("white",), ("red", "blue", "black")),
    Category(Noun("windmill", "风车", "座"), windmill, Noun("tower", "塔身"), Noun("sails", "叶片", plural=True),
             ("white", "brown", "orange"), ("red", "white", "blue")),
)  # fmt: skip
