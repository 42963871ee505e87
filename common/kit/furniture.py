"""Furniture: chair, table, sofa, bed, bathtub, television."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import filleted, rectangle, spline
from common.kit.draw import Draw
from common.kit.extrusion import extruded, puffed
from common.kit.materials import GLOSSY, MATTE, METAL
from common.kit.mesh import Mesh, merged
from common.kit.palette import COLOUR_NAMES, ColourName, shaded
from common.kit.part import Part
from common.kit.patterns import WoodGrain
from common.kit.real import Real
from common.kit.revolve import ball, cylinder, ellipsoid, frustum
from common.kit.rounded_box import rounded_box
from common.kit.surface import grid_surface
from common.kit.sweep import tube


def four_legs(x: Real, z: Real, height: Real, radius: Real, splay: Real = 0.0) -> Mesh:
    """Four tapered legs from (+-x, height, +-z) down to the floor, spread outward by ``splay``."""
    legs = []
    for sx in (-1, 1):
        for sz in (-1, 1):
            path = [(sx * (x + splay), 0.0, sz * (z + splay)), (sx * x, height, sz * z)]
            legs.append(tube(path, np.array([0.75 * radius, radius]), 10, round_ends=False))
    return merged(*legs)


def chair(draw: Draw) -> tuple[Part, ...]:
    """A wooden chair turned a little: seat, four splayed legs, a curved back on two posts."""
    seat_height = draw.between("seat_height", 0.62, 0.74)
    wide = draw.between("width", 0.36, 0.42)
    seat = rounded_box(2 * wide, 0.12, 0.76, 0.055, 4).moved(y=seat_height)
    cushion = rounded_box(1.75 * wide, 0.08, 0.64, 0.04).moved(y=seat_height + 0.08)
    legs = four_legs(0.8 * wide, 0.28, seat_height, 0.055, draw.between("splay", 0.02, 0.1))
    back_height = draw.between("back", 0.7, 0.9)
    post = tube([(0.78 * wide, seat_height, -0.32), (0.82 * wide, seat_height + back_height, -0.42)],
                0.05, 10)  # fmt: skip
    board = rounded_box(2.1 * wide, draw.between("board", 0.26, 0.44), 0.09, 0.04, 4)

    def curved(points: np.ndarray) -> np.ndarray:
        return points + np.stack([0 * points[:, 0], 0 * points[:, 0], 0.35 * points[:, 0] ** 2], 1)

    board = board.deformed(curved).moved(y=seat_height + 0.84 * back_height, z=-0.44)
    rail = rounded_box(1.7 * wide, 0.07, 0.05, 0.02).moved(
        y=seat_height + 0.3 * back_height, z=-0.36
    )
    grain = WoodGrain()
    turn = draw.between("turn", -30, -15)
    parts = (
        Part("frame", merged(legs, post.with_mirror()), draw.main, pattern=grain),
        Part("frame", merged(seat, board, rail), draw.main, pattern=WoodGrain(along_u=True)),
        Part("cushion", cushion, draw.accent, MATTE),
    )
    return tuple(part.with_mesh(part.mesh.turned(y=-turn)) for part in parts)


def table(draw: Draw) -> tuple[Part, ...]:
    """A table: a thick top, an apron and four legs, round or rectangular, with a vase or bowl."""
    height = draw.between("height", 0.7, 0.85)
    if draw.chance("round", 0.4):
        top = cylinder(0.72, 0.09, 0.035, 36).moved(y=height)
        apron = cylinder(0.52, 0.12, segments=28).moved(y=height - 0.09)
        legs = four_legs(0.38, 0.38, height - 0.05, 0.06, 0.08)
    else:
        wide = draw.between("width", 0.85, 1.1)
        top = rounded_box(2 * wide, 0.1, 1.0, 0.045).moved(y=height)
        apron = rounded_box(2 * wide - 0.22, 0.14, 0.78, 0.02).moved(y=height - 0.1)
        legs = four_legs(wide - 0.14, 0.36, height - 0.05, 0.075)
    return (
        Part("top", top, draw.main, pattern=WoodGrain(along_u=True)),
        Part("apron", apron, shaded(draw.main, -0.06)),
        Part("legs", legs, draw.accent, pattern=WoodGrain()),
    )


def sofa(draw: Draw) -> tuple[Part, ...]:
    """A sofa: plump seat and back cushions between rolled arms, and two throw pillows."""
    wide = draw.between("width", 0.72, 1.0)
    seats = draw.whole("seats", 2, 3)
    base = rounded_box(2 * wide + 0.1, 0.26, 0.86, 0.08).moved(y=0.25)
    back = rounded_box(2 * wide + 0.1, 0.72, 0.26, 0.12, 4).turned(x=-6).moved(y=0.58, z=-0.34)
    arm = rounded_box(0.26, draw.between("arm", 0.46, 0.6), 0.9, 0.12, 4)
    arms = arm.moved(wide + 0.06, 0.42).with_mirror()
    each = 2 * wide / seats - 0.14 / seats
    middles = (np.arange(seats) - (seats - 1) / 2) * each
    cushions = merged(*(rounded_box(each - 0.01, 0.2, 0.72, 0.085, 4).moved(float(x), 0.44, 0.08)
                        for x in middles))  # fmt: skip
    backs = merged(*(rounded_box(each - 0.02, 0.44, 0.2, 0.095, 4).turned(x=-8)
                     .moved(float(x), 0.72, -0.2) for x in middles))  # fmt: skip
    pillow = puffed(rectangle(0.38, 0.38, 0.06), 0.1, 3)
    pillows = merged(
        pillow.turned(x=-18, y=14, z=10).moved(-wide + 0.24, 0.7, 0.02),
        pillow.turned(x=-18, y=-14, z=-10).moved(wide - 0.24, 0.7, 0.02),
    )
    feet = four_legs(wide - 0.08, 0.32, 0.16, 0.06)
    return (
        Part("frame", merged(base, back, arms), draw.main, MATTE),
        Part("frame", merged(cushions, backs), shaded(draw.main, 0.035), MATTE),
        Part("pillows", pillows, draw.accent, MATTE, draw.pattern),
        Part("feet", feet, draw.paint("brown")),
    )


def bed(draw: Draw) -> tuple[Part, ...]:
    """A bed from the side, its head to the left: frame, mattress, pillow, blanket."""
    head = draw.between("headboard", 0.72, 0.95)
    long = draw.between("length", 1.9, 2.2)
    half = long / 2
    outline = filleted([(-0.55, 0), (0.55, 0), (0.55, head), (-0.55, head)], 0.14, 4, closed=True)
    board = extruded(outline, 0.12, 0.03).turned(y=90)
    foot = board.scaled(1, 0.62, 1)
    frame = rounded_box(long, 0.2, 1.04, 0.05).moved(y=0.28)
    mattress = rounded_box(long - 0.12, 0.24, 0.98, 0.09, 4).moved(y=0.46)
    pillow = rounded_box(0.4, 0.17, 0.72, 0.08, 4).turned(z=14).moved(-half + 0.32, 0.63)
    reach = draw.between("blanket", 1.15, 1.35)
    blanket = rounded_box(reach, 0.3, 1.06, 0.1, 4).moved(half - reach / 2 - 0.03, 0.48)
    fold = rounded_box(0.2, 0.14, 1.07, 0.06, 4).moved(half - reach - 0.0, 0.6)
    return (
        Part("frame", merged(board.moved(x=-half), foot.moved(x=half), frame), draw.paint("brown"),
             pattern=WoodGrain()),
        Part("mattress", mattress, draw.paint("white"), MATTE),
        Part("blanket", blanket, draw.main, MATTE, draw.pattern),
        Part("fold", fold, shaded(draw.main, 0.07), MATTE),
        Part("pillow", pillow, draw.accent, MATTE),
    )  # fmt: skip


def bathtub(draw: Draw) -> tuple[Part, ...]:
    """A free-standing bathtub with a rolled rim, claw feet, a tap and foam."""
    tall = draw.between("height", 0.56, 0.68)
    rows = [(0.0, 0.02), (0.7, 0.02), (0.88, 0.12), (0.97, 0.6 * tall), (1.0, tall - 0.03),
            (1.07, tall), (1.07, tall + 0.04), (1.0, tall + 0.05), (0.95, tall), (0.9, 0.62 * tall),
            (0.0, 0.62 * tall)]  # fmt: skip
    angles = np.linspace(np.pi, 3 * np.pi, 37)
    tub = np.array(
        [[(1.0 * r * np.sin(a), y, 0.52 * r * np.cos(a)) for a in angles] for r, y in rows]
    )
    bubbles = [(-0.55, 0.1, 0.2), (-0.25, -0.12, 0.24), (0.05, 0.1, 0.22), (0.32, -0.08, 0.24),
               (0.58, 0.08, 0.19), (-0.42, 0.18, 0.15), (0.18, 0.2, 0.15)]  # fmt: skip
    lift = tall + draw.between("foam", -0.02, 0.06)
    foam = merged(*(ball(r, 14, 8).moved(x, lift - 0.02, z) for x, z, r in bubbles))
    foot = merged(
        tube(
            [(0.6, 0.1, 0.28), (0.7, 0.0, 0.34), (0.72, -0.1, 0.36)], np.array([0.1, 0.06, 0.05]), 8
        ),
        ball(0.075, 10, 6).moved(0.73, -0.12, 0.37),
    )
    feet = merged(foot, foot.turned(y=180), foot.mirrored(), foot.mirrored().turned(y=180))
    pipe = tube(spline([(0.92, tall - 0.1, 0), (0.95, tall + 0.42, 0), (0.8, tall + 0.56, 0),
                        (0.66, tall + 0.46, 0), (0.64, tall + 0.36, 0)], 4), 0.045, 10)  # fmt: skip
    rose = frustum(0.13, 0.05, 0.1, 0.01, 16).moved(0.64, tall + 0.33)
    return (
        Part("tub", grid_surface(tub), draw.main, GLOSSY),
        Part("foam", foam, shaded(draw.paint("cyan"), 0.12, -0.5)),
        Part("feet", feet, draw.accent, METAL),
        Part("feet", merged(pipe, rose), draw.accent, METAL),
    )


def television(draw: Draw) -> tuple[Part, ...]:
    """An old television set: rounded box, bulging screen, knobs, aerial and legs."""
    wide = draw.between("width", 1.2, 1.4)
    box = rounded_box(wide, 0.92, 0.62, 0.1, 4)
    back = rounded_box(0.7 * wide, 0.66, 0.3, 0.1).moved(z=-0.36)
    screen_width = 0.66 * wide
    bezel = extruded(rectangle(screen_width + 0.1, 0.78, 0.14), 0.06, 0.02).moved(
        -0.11 * wide, 0, 0.3
    )
    screen = puffed(rectangle(screen_width, 0.66, 0.14), 0.07, 3.5).moved(-0.11 * wide, 0, 0.32)
    panel_x = 0.375 * wide
    knobs = merged(*(cylinder(0.075, 0.09, 0.02, 16).turned(x=90).moved(panel_x, y, 0.33)
                     for y in (0.26, 0.04)))  # fmt: skip
    slots = merged(*(rounded_box(0.16, 0.025, 0.03, 0.01).moved(panel_x, y, 0.31)
                     for y in (-0.14, -0.2, -0.26)))  # fmt: skip
    spread = draw.between("aerial", 0.28, 0.45)
    rods = merged(
        *(
            merged(
                tube([(0, 0.45, 0), (sign * spread, 0.86, 0)], 0.02, 8),
                ball(0.045, 10, 6).moved(sign * spread, 0.88),
            )
            for sign in (-1, 1)
        )
    )
    socket = ellipsoid(0.13, 0.07, 0.13, 14, 8).moved(y=0.46)
    legs = four_legs(0.34 * wide, 0.18, 0.26, 0.05, 0.08).moved(y=-0.68)
    return (
        Part("case", merged(box, back), draw.main, pattern=draw.pattern),
        Part("bezel", bezel, shaded(draw.main, -0.2, -0.3)),
        Part("screen", screen, draw.accent, GLOSSY),
        Part("knob", knobs, draw.paint("red")),
        Part("slot", merged(slots, rods, socket), draw.paint("black")),
        Part("legs", legs, draw.paint("black")),
    )


WOOD: tuple[ColourName, ...] = ("brown", "orange")
CATEGORIES = (
    Category(
        Noun("chair", "椅子", "把", held_out_synonyms=("wooden seat",)),
        chair, Noun("frame", "框架"), Noun("cushion", "坐垫"), ("brown", "white", "orange", "black"),
        emoji=("🪑",),
    ),
    Category(
        Noun("table", "桌子", "张", synonyms=("dining table",), held_out_synonyms=("desk",)),
        table, Noun("top", "桌面"), Noun("legs", "桌腿", plural=True), ("brown", "white", "orange", "grey"),
        ("brown", "white", "black", "grey"), front_ambiguous=True,
    ),
    Category(
        Noun("sofa", "沙发", "张", held_out_synonyms=("couch", "settee")),
        sofa, Noun("frame", "框架"), Noun("pillows", "靠枕", plural=True), COLOUR_NAMES, emoji=("🛋️",),
    ),
    Category(
        Noun("bed", "床", "张"),
        bed, Noun("blanket", "被子"), Noun("pillow", "枕头"), COLOUR_NAMES, ("white", "grey", "blue", "pink"),
        emoji=("🛏️", "🛌"), patterned=True, front_ambiguous=True,
    ),
    Category(
        Noun("bathtub", "浴缸", "个", synonyms=("bath tub",), held_out_synonyms=("bath",)),
        bathtub, Noun("tub", "缸体"), Noun("feet", "支脚", plural=True), ("white", "grey", "pink", "cyan"),
        ("grey", "yellow", "black"), emoji=("🛁",), front_ambiguous=True,
    ),
    Category(
        Noun("television", "电视机", "台", synonyms=("TV",), held_out_synonyms=("television set", "telly"),
             chinese_synonyms=("电视",)),
        television, Noun("case", "机壳"), Noun("screen", "屏幕"), ("grey", "brown", "black", "orange"),
        ("cyan", "blue", "black", "green"), emoji=("📺",),
    ),
)  # fmt: skip
