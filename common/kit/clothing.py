"""Things to wear and carry: top hat, crown, cap, boot, glasses, handbag, backpack."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import arc, circle_outline, filleted, profile_spline, spline
from common.kit.draw import Draw
from common.kit.extrusion import extruded, puffed
from common.kit.materials import GLASS, GLOSSY, MATTE, METAL
from common.kit.mesh import merged, ring_of
from common.kit.palette import COLOUR_NAMES, shaded
from common.kit.part import Part
from common.kit.revolve import ball, capsule, ellipsoid, revolved, torus
from common.kit.rounded_box import rounded_box, tapered
from common.kit.surface import grid_surface
from common.kit.sweep import tube


def top_hat(draw: Draw) -> tuple[Part, ...]:
    """A top hat: flaring crown, ribbon, brim turned up at the sides."""
    tall = draw.between("height", 0.75, 1.0)
    waist = draw.between("waist", 0.4, 0.45)
    crown = revolved(
        filleted(
            [(0.46, 0), (waist, 0.4 * tall), (0.52, tall), (0.46, tall + 0.02), (0, tall)], 0.05
        ),
        32,
    )
    brim = revolved(
        filleted([(0, -0.03), (0.82, -0.03), (0.86, 0.02), (0.82, 0.06), (0.4, 0.05)], 0.03), 40
    )

    def rolled(points: np.ndarray) -> np.ndarray:
        lift = 0.32 * np.clip(np.abs(points[:, 0]) - 0.45, 0, None) ** 2
        return points + np.stack([0 * lift, 2.4 * lift, 0 * lift], axis=1)

    ribbon = revolved(
        [(0.455, 0.05), (0.475, 0.06), (waist + 0.038, 0.26), (waist + 0.01, 0.27)], 32
    )
    return (
        Part("body", crown, draw.main, pattern=draw.pattern),
        Part("body", brim.deformed(rolled), draw.main),
        Part("ribbon", ribbon, draw.accent, MATTE),
    )


def crown(draw: Draw) -> tuple[Part, ...]:
    """A crown: a ring of points tipped with balls, a jewelled band, a cap inside."""
    points = draw.whole("points", 5, 7)
    high, low = draw.between("high", 0.72, 0.9), draw.between("low", 0.34, 0.44)
    angles = np.linspace(np.pi, 3 * np.pi, points * 8 + 1)
    phase = (angles * points / (2 * np.pi) + (0.0 if points % 2 else 0.5)) % 1.0
    top = low + (high - low) * np.abs(2 * np.abs(phase - 0.5)) ** 1.3
    rows = []
    for share, inset in (
        (0.0, 0.0),
        (0.5, 0.0),
        (0.9, 0.0),
        (1.0, 0.02),
        (0.9, 0.045),
        (0.0, 0.045),
    ):
        y = 0.05 + share * (top - 0.05)
        radius = 0.55 + 0.16 * y - inset
        rows.append(np.stack([radius * np.sin(angles), y, radius * np.cos(angles)], axis=1))
    grid = np.array(rows)
    grid[:, -1] = grid[:, 0]
    wall = grid_surface(grid)
    band = merged(torus(0.565, 0.05, 40, 8).moved(y=0.05), torus(0.6, 0.03, 40, 8).moved(y=0.29))
    first = 0.0 if points % 2 else 180.0 / points
    tip = ball(0.085, 14, 8).moved(y=high + 0.05, z=0.55 + 0.16 * high)
    tips = ring_of(tip, points, first)
    gem = ellipsoid(0.075, 0.085, 0.045, 12, 8).moved(y=0.17, z=0.59)
    small = ball(0.045, 10, 6).moved(y=0.17, z=0.59)
    velvet = revolved(
        profile_spline([(0, 0.1), (0.5, 0.1), (0.5, 0.3), (0.3, 0.42), (0, 0.44)], 3), 28
    )
    return (
        Part("gold", merged(wall, band, tips), draw.main, METAL),
        Part("jewels", ring_of(gem, points, first), draw.accent, GLOSSY),
        Part("pearl", ring_of(small, points, first + 180.0 / points), draw.paint("white"), GLOSSY),
        Part("velvet", velvet, draw.paint("red"), MATTE),
    )


def cap(draw: Draw) -> tuple[Part, ...]:
    """A baseball cap seen from the front: panelled dome, peak, button."""
    tall = draw.between("tall", 0.62, 0.72)
    dome = revolved(
        profile_spline(
            [(0.58, 0), (0.6, 0.12), (0.55, 0.55 * tall), (0.34, 0.9 * tall), (0, tall)], 4
        ),
        36,
    )
    band = torus(0.575, 0.035, 36, 8).moved(y=0.01)
    line = spline(
        [
            (0, 0.04, 0.59),
            (0, 0.12, 0.6),
            (0, 0.55 * tall, 0.55),
            (0, 0.9 * tall, 0.34),
            (0, tall, 0),
        ],
        4,
    )
    seams = ring_of(tube(line, 0.016, 5), 6, 30)
    angles = np.radians(np.linspace(-68, 68, 17))
    out, droop = draw.between("peak", 0.44, 0.58), draw.between("droop", 0.1, 0.2)
    rows = []
    for share, lift in (
        (0.0, 0.035),
        (0.6, 0.03),
        (1.0, 0.0),
        (0.6, -0.03),
        (0.0, -0.035),
        (0.0, 0.035),
    ):
        inner = np.stack([0.57 * np.sin(angles), 0 * angles, 0.57 * np.cos(angles)], axis=1)
        rim = np.stack(
            [
                0.66 * np.sin(angles),
                0 * angles,
                0.57 * np.cos(angles) + out * np.cos(angles) ** 0.7,
            ],
            1,
        )
        row = inner + share * (rim - inner)
        row[:, 1] = lift - droop * share**1.5 + 0.04 - 0.12 * (np.abs(np.sin(angles)) ** 2) * share
        rows.append(row)
    peak = grid_surface(np.array(rows)[::-1])
    button = ellipsoid(0.07, 0.04, 0.07, 14, 6).moved(y=tall)
    badge = puffed(circle_outline(0.15, 20), 0.03, 3).turned(x=-12).moved(0, 0.52 * tall, 0.57)
    return (
        Part("body", dome, draw.main, MATTE, draw.pattern),
        Part("seam", merged(seams, band), shaded(draw.main, -0.09), MATTE),
        Part("peak", peak, draw.accent, MATTE),
        Part("peak", button, draw.accent, MATTE),
        Part("badge", badge, draw.paint("white"), MATTE),
    )


def boot(draw: Draw) -> tuple[Part, ...]:
    """A boot from the side, toe to the right: shaft, foot, sole with a heel, cuff, pull tab."""
    tall = draw.between("shaft", 1.0, 1.25)
    outline = filleted([(-0.45, 0.05), (0.62, 0.05), (0.74, 0.14), (0.7, 0.32), (0.48, 0.42), (0.22, 0.5),
                        (0.11, 0.7), (0.11, tall), (-0.43, tall)], 0.1, 4, closed=True)  # fmt: skip
    body = extruded(outline, 0.5, 0.07, 3)
    sole = extruded(filleted([(-0.5, -0.02), (0.64, -0.02), (0.78, 0.06), (0.74, 0.12), (-0.5, 0.12)], 0.03,
                             closed=True), 0.5, 0.05)  # fmt: skip
    heel_height = draw.between("heel", 0.14, 0.26)
    heel = rounded_box(0.36, heel_height + 0.06, 0.42, 0.03).moved(-0.31, -heel_height / 2 + 0.02)
    cuff = rounded_box(0.62, 0.2, 0.56, 0.07, 3).moved(-0.16, tall - 0.05)
    opening = ellipsoid(0.2, 0.03, 0.17, 18, 6).moved(-0.16, tall + 0.045)
    strap = rounded_box(0.58, 0.07, 0.54, 0.025).moved(-0.17, 0.6)
    buckle = torus(0.075, 0.025, 16, 6).turned(x=90).moved(-0.1, 0.6, 0.28)
    return (
        Part("leather", body, draw.main),
        Part("cuff", cuff, draw.accent, MATTE),
        Part("sole", merged(sole, heel), shaded(draw.paint("brown"), -0.15), MATTE),
        Part("opening", opening, draw.paint("black"), MATTE),
        Part("strap", strap, shaded(draw.main, -0.1)),
        Part("buckle", buckle, draw.paint("yellow"), METAL),
    )


def glasses(draw: Draw) -> tuple[Part, ...]:
    """A pair of sunglasses: thick rims, tinted lenses, bridge, folded-back temples."""
    wide, tall = draw.between("lens_width", 0.56, 0.66), draw.between("lens_height", 0.4, 0.54)
    corner = draw.between("roundness", 0.16, 0.24)
    shape = filleted([(-0.44 * wide, -tall / 2), (0.4 * wide, -tall / 2), (wide / 2, tall / 2), (-wide / 2, tall / 2)],
                     corner, 6, closed=True)  # fmt: skip
    closed = np.concatenate([shape, shape[:1]])
    rim = tube(np.column_stack([closed, np.zeros(len(closed))]), 0.055, 8, round_ends=False)
    lens = puffed(shape * 0.98, 0.035, 4, 3)
    offset = wide / 2 + 0.13
    bridge = tube(spline([(-0.14, 0.1, 0), (0, 0.15, 0.02), (0.14, 0.1, 0)], 4), 0.05, 8)
    arm = tube(
        spline(
            [
                (offset + wide / 2 + 0.02, 0.36 * tall, 0),
                (offset + wide / 2 + 0.06, 0.36 * tall, -0.12),
                (offset + wide / 2 + 0.03, 0.34 * tall, -0.8),
                (offset + wide / 2, 0.1, -1.05),
            ],
            4,
        ),
        0.042,
        8,
    )
    shine = capsule(0.025, 0.16, 8, 3).turned(z=-38)
    shines = merged(shine.moved(-offset - 0.1, 0.06, 0.04), shine.moved(offset - 0.1, 0.06, 0.04))
    return (
        Part(
            "frame",
            merged(rim.moved(offset).with_mirror(), bridge, arm.with_mirror()),
            draw.main,
            GLOSSY,
        ),
        Part("lenses", lens.moved(offset).with_mirror(), draw.accent, GLOSSY),
        Part("shine", shines, draw.paint("white"), GLASS),
    )


def handbag(draw: Draw) -> tuple[Part, ...]:
    """A handbag: tapered body, flap with a clasp, an arched handle."""
    wide, tall = draw.between("width", 1.0, 1.25), draw.between("tall", 0.66, 0.85)
    body = tapered(rounded_box(wide, tall, 0.5, 0.12, 4), 1.0, 0.8)
    flap_height = draw.between("flap", 0.36, 0.52) * tall
    half = 0.43 * wide
    outline = filleted([(-half, 0), (-0.9 * half, -flap_height), (0.9 * half, -flap_height), (half, 0)], 0.12, 4,
                       closed=True)  # fmt: skip
    flap = extruded(outline, 0.08, 0.03).turned(x=-6).moved(y=0.47 * tall, z=0.22)
    lid = rounded_box(0.84 * wide, 0.1, 0.46, 0.05, 3).moved(y=0.5 * tall)
    path = arc(0.3 * wide, 0, 180, 16, squash=draw.between("handle", 1.1, 1.6))
    handle = tube(np.column_stack([path, np.zeros(17)]), 0.05, 10).moved(y=0.5 * tall)
    clasp = rounded_box(0.18, 0.14, 0.06, 0.03).moved(0, 0.5 * tall - flap_height, 0.285)
    rings = torus(0.075, 0.025, 16, 6).turned(x=90).moved(0.3 * wide, 0.53 * tall).with_mirror()
    piping = rounded_box(1.02 * wide, 0.06, 0.52, 0.03).moved(y=-0.47 * tall)
    return (
        Part("body", body, draw.main, MATTE, draw.pattern),
        Part("flap", merged(flap, lid), draw.accent),
        Part("handle", handle, shaded(draw.main, -0.12)),
        Part("piping", piping, shaded(draw.main, -0.12)),
        Part("clasp", merged(clasp, rings), draw.paint("yellow"), METAL),
    )


def backpack(draw: Draw) -> tuple[Part, ...]:
    """A school backpack: round-topped body, front pocket, zips, loop, straps behind."""
    tall = draw.between("tall", 1.15, 1.35)
    outline = filleted([(-0.5, 0), (0.5, 0), (0.46, tall), (-0.46, tall)], 0.3, 6, closed=True)
    body = extruded(outline, 0.5, 0.14, 4)
    pocket_height = draw.between("pocket", 0.42, 0.52)
    pocket = extruded(filleted([(-0.38, 0), (0.38, 0), (0.36, pocket_height), (-0.36, pocket_height)], 0.14, 5,
                               closed=True), 0.2, 0.07, 3).moved(y=0.08, z=0.29)  # fmt: skip
    flap_zip = arc(0.37, 8, 172, 14, squash=1.0)
    zip_top = tube(np.column_stack([flap_zip, np.full(15, 0.25)]), 0.022, 6).moved(y=tall - 0.52)
    zip_low = tube(
        [(-0.28, pocket_height - 0.07, 0.395), (0.28, pocket_height - 0.07, 0.395)], 0.024, 6
    )
    pull = capsule(0.035, 0.1, 8, 3)
    pulls = merged(pull.moved(0.2, pocket_height - 0.13, 0.4), pull.moved(-0.36, tall - 0.54, 0.27))
    loop = tube(spline([(-0.12, tall - 0.04, -0.05), (-0.1, tall + 0.14, -0.05), (0.1, tall + 0.14, -0.05),
                        (0.12, tall - 0.04, -0.05)], 4), 0.04, 8)  # fmt: skip
    strap = tube(spline([(0.22, tall - 0.12, -0.24), (0.3, 0.75 * tall, -0.44), (0.32, 0.35 * tall, -0.42),
                         (0.36, 0.12, -0.22)], 4), 0.06, 8, squash=0.5)  # fmt: skip
    side = rounded_box(0.12, 0.42, 0.34, 0.055).moved(0.5, 0.28).with_mirror()
    return (
        Part("body", body, draw.main, MATTE, draw.pattern),
        Part("pocket", merged(pocket, side), draw.accent, MATTE),
        Part("zip", merged(zip_top, zip_low), shaded(draw.paint("yellow"), 0.0), METAL),
        Part("zip", pulls, draw.paint("yellow"), METAL),
        Part("strap", merged(loop, strap.with_mirror()), shaded(draw.main, -0.12), MATTE),
    )


CATEGORIES = (
    Category(Noun("top hat", "礼帽", "顶", synonyms=("hat",)), top_hat, Noun("body", "帽身"),
             Noun("ribbon", "丝带"), ("black", "grey", "brown"), ("red", "white", "purple"), emoji=("🎩",),
             front_ambiguous=True),
    Category(Noun("crown", "王冠", "顶", held_out_synonyms=("diadem",)), crown, Noun("gold", "冠身"),
             Noun("jewels", "宝石", plural=True), ("yellow", "orange", "grey"), ("red", "blue", "green", "purple"),
             emoji=("👑",), front_ambiguous=True),
    Category(Noun("cap", "鸭舌帽", "顶", synonyms=("baseball cap",), chinese_synonyms=("棒球帽",)), cap,
             Noun("body", "帽身"), Noun("peak", "帽檐"), COLOUR_NAMES, emoji=("🧢",), patterned=True),
    Category(Noun("boot", "靴子", "只"), boot, Noun("leather", "靴面"), Noun("cuff", "靴口"),
             ("red", "brown", "black", "pink"), ("yellow", "white", "brown"), emoji=("👢", "🥾"),
             front_ambiguous=True),
    Category(Noun("glasses", "眼镜", "副", plural=True, group="a pair of", synonyms=("sunglasses",),
                  held_out_synonyms=("spectacles",)), glasses, Noun("frame", "镜框"),
             Noun("lenses", "镜片", plural=True), ("black", "blue", "brown", "red"), ("blue", "cyan", "black", "brown"),
             emoji=("👓", "🕶️")),
    Category(Noun("handbag", "手提包", held_out_synonyms=("purse",)), handbag, Noun("body", "包身"),
             Noun("flap", "翻盖"), ("brown", "red", "pink", "black"), ("brown", "orange", "black", "white"),
             emoji=("👜", "👛")),
    Category(Noun("backpack", "背包", synonyms=("rucksack",), held_out_synonyms=("school bag",),
                  chinese_synonyms=("书包",)), backpack, Noun("body", "包身"), Noun("pocket", "口袋"),
             COLOUR_NAMES, emoji=("🎒",), patterned=True),
)  # fmt: skip
