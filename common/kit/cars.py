"""Road vehicles, seen from the side, driving left: car, bus, truck, tractor."""

import itertools

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import filleted
from common.kit.draw import Draw
from common.kit.extrusion import extruded
from common.kit.materials import GLASS, GLOSSY, MATTE
from common.kit.mesh import merged
from common.kit.palette import shaded
from common.kit.part import Part
from common.kit.revolve import capsule, ellipsoid
from common.kit.rounded_box import rounded_box
from common.kit.sweep import tube
from common.kit.wheels import box_corners, rounded_panes, wheels


def car(draw: Draw) -> tuple[Part, ...]:
    """A small car: bonnet on the left, cabin with two windows a side, bumpers, lamps."""
    belt = draw.between("belt", 0.62, 0.7)
    roof = belt + draw.between("cabin", 0.42, 0.54)
    nose = draw.between("bonnet", 0.36, 0.62)
    radius = draw.between("wheel", 0.23, 0.28)
    hull = filleted([(-1, 0.22), (1, 0.22), (1.02, belt - 0.04), (0.9, belt), (-0.6, belt),
                     (-0.98, belt - 0.1), (-1.04, 0.4)], 0.12, closed=True)  # fmt: skip
    front, slope = -1 + nose, draw.between("windscreen", 0.16, 0.3)
    cabin = filleted([(front, belt - 0.05), (0.95, belt - 0.05), (0.84, roof), (front + slope, roof)],
                     0.1, closed=True)  # fmt: skip
    top, low, middle = roof - 0.1, belt + 0.02, 0.22
    lean = slope * (roof - top) / (roof - belt)
    glass = rounded_panes(
        [[(front + 0.14, low), (middle - 0.05, low), (middle - 0.05, top),
          (front + slope - lean + 0.1, top)],
         [(middle + 0.05, low), (0.82, low), (0.76, top), (middle + 0.05, top)]], 0.8
    )  # fmt: skip
    screen = extruded(
        [(front + 0.06, low), (front + 0.2, low), (front + slope + 0.1, top),
         (front + slope - 0.04, top)], 0.62
    ).moved(x=-0.065)  # fmt: skip
    rear = extruded([(0.8, low), (0.95, low), (0.87, top), (0.74, top)], 0.62).moved(x=0.012)
    cap = rounded_box(0.86 - front - slope, 0.1, 0.78, 0.05)
    tyres, hubs = wheels([-0.58, 0.6], radius, 0.2, 0.98)
    bumper = capsule(0.07, 0.8).turned(x=90)
    lamp = ellipsoid(0.06, 0.09, 0.11, 14, 8)
    return (
        Part("body", extruded(hull, 0.92, 0.08, 3), draw.main, GLOSSY),
        Part("body", extruded(cabin, 0.8, 0.07, 3), draw.main, GLOSSY),
        Part("roof", cap.moved(x=(0.84 + front + slope) / 2, y=roof - 0.01), draw.accent, GLOSSY),
        Part("window", merged(glass, screen, rear), draw.paint("cyan"), GLASS),
        Part("tyre", tyres, draw.paint("black"), MATTE),
        Part("hub", hubs, draw.paint("grey")),
        Part("bumper", merged(bumper.moved(-1.0, 0.28), bumper.moved(1.0, 0.28)),
             draw.paint("grey")),
        Part("lamp", merged(lamp.moved(-1.0, 0.48, 0.3), lamp.moved(-1.0, 0.48, -0.3)),
             draw.paint("yellow"), GLASS),
        Part("tail lamp", merged(lamp.moved(1.0, 0.5, 0.32), lamp.moved(1.0, 0.5, -0.32)),
             draw.paint("red"), GLASS),
        Part("door handle", merged(*(rounded_box(0.12, 0.03, 0.96, 0.015).moved(x, belt - 0.1)
                                     for x in (0.08, 0.68))), draw.paint("grey")),
    )  # fmt: skip


def bus(draw: Draw) -> tuple[Part, ...]:
    """A long bus with a row of windows, a door and a stripe."""
    half = draw.between("length", 1.1, 1.35)
    high = draw.between("height", 1.12, 1.3)
    shell = filleted(box_corners(-half, half, 0.2, high), 0.16, 4, closed=True)
    low, top = 0.6, high - 0.18
    count = draw.whole("windows", 3, 5)
    edges = np.linspace(-half + 0.5, half - 0.1, count + 1)
    sides = [box_corners(a + 0.04, b - 0.04, low, top) for a, b in itertools.pairwise(edges)]
    door = [box_corners(-half + 0.14, -half + 0.42, 0.3, top)]
    screen = rounded_box(0.06, top - low + 0.06, 0.74, 0.03).moved(y=(top + low) / 2)
    tyres, hubs = wheels([-half + 0.62, half - 0.5], 0.25, 0.2, 0.98)
    stripe = rounded_box(2 * half + 0.03, 0.1, 0.95, 0.02)
    cap = rounded_box(2 * half - 0.3, 0.14, 0.76, 0.07)
    lamp = ellipsoid(0.05, 0.07, 0.09, 12, 8)
    return (
        Part("body", extruded(shell, 0.92, 0.1, 3), draw.main, GLOSSY),
        Part("window", merged(rounded_panes(sides, 0.92), screen.moved(-half), screen.moved(half)), draw.paint("cyan"), GLASS),
        Part("door", rounded_panes(door, 0.925), shaded(draw.paint("cyan"), 0.06), GLASS),
        Part("roof", cap.moved(y=high + 0.01), draw.accent),
        Part("roof", stripe.moved(y=0.46), draw.accent),
        Part("tyre", tyres, draw.paint("black"), MATTE),
        Part("hub", hubs, draw.paint("grey")),
        Part("lamp", merged(lamp.moved(-half, 0.34, 0.32), lamp.moved(-half, 0.34, -0.32)),
             draw.paint("yellow"), GLASS),
    )  # fmt: skip


def truck(draw: Draw) -> tuple[Part, ...]:
    """A delivery truck: cab on the left, a big box behind it."""
    length = draw.between("box_length", 1.1, 1.45)
    high = draw.between("box_height", 0.95, 1.15)
    box = rounded_box(length, high, 0.98, 0.07).moved(length / 2 - 0.28, 0.34 + high / 2)
    tall = draw.between("cab_height", 0.9, 1.0)
    outline = filleted([(-1, 0.24), (-0.32, 0.24), (-0.32, tall), (-0.72, tall), (-0.92, 0.62),
                        (-1.0, 0.56)], 0.08, 3, closed=True)  # fmt: skip
    cab = extruded(outline, 0.9, 0.07, 3)
    pane = [[(-0.86, 0.6), (-0.46, 0.6), (-0.46, tall - 0.1), (-0.72, tall - 0.1)]]
    screen = extruded(
        [(-0.98, 0.62), (-0.88, 0.62), (-0.68, tall - 0.09), (-0.78, tall - 0.09)], 0.68
    )
    frame = rounded_box(length + 0.75, 0.12, 0.8, 0.05).moved((length - 1.3) / 2, 0.3)
    tyres, hubs = wheels([-0.64, length - 0.62], 0.25, 0.22, 1.0)
    lamp = ellipsoid(0.05, 0.08, 0.1, 12, 8)
    doors = rounded_box(0.03, high - 0.16, 0.4, 0.012).moved(length - 0.28, 0.34 + high / 2, 0.22)
    trim = rounded_box(length - 0.16, 0.06, 1.0, 0.02).moved(length / 2 - 0.28, 0.34 + 0.82 * high)
    return (
        Part("cab", cab, draw.main, GLOSSY),
        Part("box", box, draw.accent),
        Part("box", merged(doors, doors.moved(z=-0.44)), shaded(draw.accent, -0.04)),
        Part("box", trim, shaded(draw.accent, -0.07)),
        Part("window", merged(rounded_panes(pane, 0.9), screen.moved(x=0.01)), draw.paint("cyan"), GLASS),
        Part("frame", frame, draw.paint("black")),
        Part("tyre", tyres, draw.paint("black"), MATTE),
        Part("hub", hubs, draw.paint("grey")),
        Part("lamp", merged(lamp.moved(-1.0, 0.42, 0.3), lamp.moved(-1.0, 0.42, -0.3)),
             draw.paint("yellow"), GLASS),
        Part("door handle", rounded_box(0.1, 0.03, 0.94, 0.015).moved(-0.44, 0.52), draw.paint("grey")),
    )  # fmt: skip


def tractor(draw: Draw) -> tuple[Part, ...]:
    """A tractor: small wheels in front, huge ones behind, an exhaust and a glazed cab."""
    big = draw.between("rear_wheel", 0.5, 0.58)
    small = 0.56 * big
    tall = draw.between("cab_height", 1.36, 1.55)
    hood = extruded(filleted([(-1, 0.42), (0.2, 0.38), (0.2, 0.86), (-0.86, 0.8), (-1, 0.72)], 0.08,
                             3, closed=True), 0.5, 0.06, 3)  # fmt: skip
    post = rounded_box(0.07, tall - 0.6, 0.62, 0.03)
    glass = rounded_box(0.56, tall - 0.84, 0.54, 0.04).moved(0.4, (tall + 0.76) / 2)
    roof = rounded_box(0.84, 0.11, 0.74, 0.05).moved(0.4, tall)
    seat = rounded_box(0.7, 0.42, 0.56, 0.08).moved(0.42, 0.66)
    guard = tube([(0.02 + 0.62 * np.cos(a) + 0.44, 0.02 + big + (big + 0.04) * np.sin(a), 0)
                  for a in np.linspace(2.6, 0.5, 9)], 0.05, 8, squash=4.0)  # fmt: skip
    pipe = tube([(-0.55, 0.8, 0), (-0.55, 1.22, 0), (-0.5, 1.3, 0)], 0.045, 10, round_ends=False)
    grill = rounded_box(0.05, 0.3, 0.36, 0.02).moved(-1.0, 0.58)
    rear_tyres, rear_hubs = wheels([0.46], big, 0.3, 1.12)
    front_tyres, front_hubs = wheels([-0.66], small, 0.2, 0.92)
    return (
        Part("body", merged(hood, seat, guard.moved(z=0.4), guard.moved(z=-0.4)), draw.main, GLOSSY),
        Part("roof", roof, draw.main, GLOSSY),
        Part("post", merged(post.moved(0.1, (tall + 0.6) / 2), post.moved(0.7, (tall + 0.6) / 2)),
             draw.main),
        Part("window", glass, draw.paint("cyan"), GLASS),
        Part("tyre", merged(rear_tyres, front_tyres), draw.paint("black"), MATTE),
        Part("wheels", merged(rear_hubs, front_hubs), draw.accent),
        Part("pipe", pipe, draw.paint("grey")),
        Part("grill", merged(grill, *(rounded_box(0.3, 0.03, 0.52, 0.01).moved(-0.5, y)
                                      for y in (0.58, 0.66))), draw.paint("black")),
    )  # fmt: skip


ROOF = Noun("roof", "车顶")
CATEGORIES = (
    Category(
        Noun("car", "汽车", "辆", synonyms=("small car",), held_out_synonyms=("automobile", "auto"),
             chinese_synonyms=("小汽车",)),
        car, Noun("body", "车身"), ROOF, ("red", "blue", "yellow", "white", "grey", "green"),
        usual_accents=("red", "white", "black", "grey"), emoji=("🚗", "🚙", "🚕", "🚘"), metallic=True,
    ),
    Category(
        Noun("bus", "公共汽车", "辆", synonyms=("city bus",), held_out_synonyms=("coach",),
             chinese_synonyms=("公交车", "巴士")),
        bus, Noun("body", "车身"), ROOF, ("yellow", "orange", "red", "blue", "green"),
        usual_accents=("white", "red", "grey", "blue"), emoji=("🚌", "🚎", "🚍", "🚐"),
    ),
    Category(
        Noun("truck", "卡车", "辆", synonyms=("delivery truck",), held_out_synonyms=("lorry",),
             chinese_synonyms=("货车",)),
        truck, Noun("cab", "驾驶室"), Noun("box", "货箱"), ("orange", "red", "blue", "white"),
        usual_accents=("yellow", "white", "grey"), emoji=("🚚", "🚛"),
    ),
    Category(
        Noun("tractor", "拖拉机", "台", held_out_synonyms=("farm tractor",)),
        tractor, Noun("body", "车身"), Noun("wheels", "车轮", plural=True), ("green", "red", "blue"),
        usual_accents=("yellow", "white", "red", "grey"), emoji=("🚜",),
    ),
)  # fmt: skip
