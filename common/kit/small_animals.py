"""Small creatures: ladybird, octopus, bee, butterfly, crab, spider."""

import numpy as np

from common.kit.animals import BLACK, WHITE, both_flanks, eyes_at
from common.kit.category import Category, Noun
from common.kit.curves import spline
from common.kit.draw import Draw
from common.kit.extrusion import extruded
from common.kit.head import Front, cheeks, mouth, round_eyes
from common.kit.leaf import leaf, leaf_widths
from common.kit.materials import GLASS, GLOSSY, MATTE
from common.kit.mesh import Mesh, merged
from common.kit.palette import COLOUR_NAMES, shaded
from common.kit.part import Part
from common.kit.real import Real
from common.kit.revolve import ball, capsule, ellipsoid, revolved
from common.kit.sweep import tube


def ladybird(draw: Draw) -> tuple[Part, ...]:
    """A ladybird seen from above, head up: spotted wing cases with a seam, six legs, feelers."""
    front = Front(0.52, 0.58, 0.36)
    case = ellipsoid(0.52, 0.58, 0.36, 32, 16)
    seam = tube([(0, y, float(front.depth(np.array(0.0), np.array(y))) + 0.004) for y in np.linspace(0.5, -0.56, 12)],
                0.02, 6)  # fmt: skip
    size = draw.between("spot", 0.09, 0.12)
    spots = [(0.24, 0.24), (0.26, -0.06), (0.2, -0.34), (0.42, 0.08), (0.1, 0.06)][
        : draw.whole("spots", 3, 5)
    ]
    dots = merged(
        *(front.place(ellipsoid(size, size, 0.03, 14, 6), x, y) for x, y in spots)
    ).with_mirror()
    head = ellipsoid(0.3, 0.22, 0.24, 24, 12).moved(0, 0.6, 0.02)
    collar = ellipsoid(0.38, 0.2, 0.26, 24, 10).moved(0, 0.46, 0.0)
    feeler = tube(spline([(0.12, 0.76, 0.08), (0.2, 0.92, 0.12), (0.32, 0.98, 0.16)], 4), 0.025, 7)
    knob = ball(0.045, 10, 6).moved(0.33, 0.98, 0.16)
    legs = []
    for y, lift in ((0.3, 0.22), (-0.04, 0.0), (-0.36, -0.22)):
        legs.append(tube(spline([(0.38, y, -0.08), (0.62, y + 0.5 * lift, -0.04), (0.74, y + lift + 0.02, -0.16)], 4),
                         0.04, 8))  # fmt: skip
    face = Front(0.3, 0.22, 0.24, 0.6, 0.02)
    return (
        Part("wing cases", case, draw.main, GLOSSY),
        Part("spots", merged(dots, seam), draw.accent, MATTE),
        Part("head", merged(head, collar, feeler.with_mirror(), knob.with_mirror()), BLACK),
        Part("legs", merged(*legs).with_mirror(), BLACK),
        *round_eyes(draw.pose, face, 0.14, 0.66, 0.07, BLACK),
    )


def octopus(draw: Draw) -> tuple[Part, ...]:
    """An octopus: bulging head, eyes, smiling, eight curling arms with suckers."""
    tall = draw.between("head", 0.5, 0.6)
    head = ellipsoid(0.46, tall, 0.44, 30, 18).moved(y=0.42)
    front = Front(0.46, tall, 0.44, 0.42)
    arms, suckers = [], []
    reach = draw.between("reach", 0.52, 0.64)
    for index in range(8):
        angle = 22.5 + 45.0 * index
        path = spline([(0, 0.12, 0.2), (0, -0.16, 0.36), (0, -0.3, 0.26 + reach * 0.6), (0, -0.22, 0.28 + reach),
                       (0, -0.06, 0.26 + reach * 0.96)], 4)  # fmt: skip
        arms.append(tube(path, np.linspace(0.15, 0.06, len(path)), 10).turned(y=angle))
        for share in (6, 9, 12):
            spot = path[share] + np.array([0, -0.02, 0.07])
            suckers.append(ellipsoid(0.04, 0.04, 0.03, 8, 5).moved(*spot).turned(y=angle))
    freckles = merged(*(front.place(ellipsoid(s, s, 0.02, 10, 5), x, y) for x, y, s in
                        ((0.12, 0.82, 0.045), (-0.1, 0.86, 0.035), (0.0, 0.74, 0.03))))  # fmt: skip
    return (
        Part("body", merged(head, *arms), draw.main, GLOSSY),
        Part("suckers", merged(*suckers, freckles), draw.accent, MATTE),
        *round_eyes(draw.pose, front, 0.19, 0.42, draw.between("eye", 0.1, 0.125), BLACK),
        *mouth(draw.pose, front, 0.19, 0.22, shaded(draw.main, -0.25)),
        cheeks(front, 0.33, 0.26, 0.06, shaded(draw.main, -0.08, 0.4)),
    )


def bee(draw: Draw) -> tuple[Part, ...]:
    """A bee flying left: striped plump body, two glassy wings, feelers, sting."""
    long = draw.between("length", 0.56, 0.66)
    tall = 0.4
    turns = np.linspace(-90, 90, 25)
    profile = np.stack([tall * np.cos(np.radians(turns)), long * np.sin(np.radians(turns))], axis=1)
    profile[[0, -1], 0] = 0.0
    count = draw.whole("stripes", 2, 3)
    cuts = np.linspace(9, 23, 2 * count + 1).round().astype(int)
    bands: tuple[list[Mesh], list[Mesh]] = ([revolved(profile[: cuts[0] + 1], 28)], [])
    for index, (low, high) in enumerate(zip(cuts, [*cuts[1:], 24], strict=True)):
        bands[(index + 1) % 2].append(revolved(profile[low : high + 1], 28))
    t = np.linspace(0, 1, 9)
    wing = leaf(np.stack([0.62 * t, 0.1 * t], axis=1), leaf_widths(8, 0.36, 0.62, 0.2), 0.05)
    wings = merged(
        wing.turned(x=24, z=-16).moved(0.02, 0.3, 0.14),
        wing.scaled(0.8).turned(x=20, z=-50).moved(0.1, 0.28, 0.16),
    )
    sting = revolved([(0.07, 0), (0, 0.18)], 10).turned(z=-90).moved(long - 0.03)
    feelers = []
    for z in (0.12, -0.12):
        tip = (-long - 0.2, 0.46, 2 * z)
        feelers.append(merged(tube(spline([(-0.82 * long, 0.24, z), (-0.98 * long, 0.42, 1.5 * z), tip], 4), 0.022, 6),
                              ball(0.045, 10, 6).moved(*tip)))  # fmt: skip
    legs = merged(
        *(tube([(x, -0.34, 0.14), (x - 0.03, -0.52, 0.2)], 0.03, 7) for x in (-0.2, 0.02, 0.24))
    )
    smile = tube(
        spline(
            [(-0.97 * long, -0.08, 0.09), (-0.9 * long, -0.13, 0.15), (-0.78 * long, -0.1, 0.225)],
            4,
        ),
        0.013,
        6,
    )
    return (
        Part("body", merged(*bands[0]).turned(z=-90), draw.main, MATTE),
        Part("stripes", merged(*bands[1]).turned(z=-90), draw.accent, MATTE),
        Part("wings", both_flanks(wings), shaded(draw.paint("cyan"), 0.12, -0.4), GLASS),
        Part("sting", merged(sting, *feelers, both_flanks(legs), smile), BLACK),
        *eyes_at(0.075, -0.74 * long, 0.1, 0.235, -35),
    )


def butterfly(draw: Draw) -> tuple[Part, ...]:
    """A butterfly with open wings: two pairs with a coloured field and spots, body, feelers."""
    wide = draw.between("width", 0.9, 1.05)
    upper = spline(
        [(0.05, 0.02), (0.5, 0.1), (0.86, 0.34), (0.9, 0.66), (0.66, 0.82), (0.28, 0.6)],
        4,
        closed=True,
    )
    lower = spline(
        [(0.05, 0.0), (0.28, -0.5), (0.5, -0.66), (0.68, -0.5), (0.64, -0.2), (0.4, 0.02)],
        4,
        closed=True,
    )
    squeeze = np.array([wide, 1.0])

    def wing(outline: np.ndarray, share: Real, thick: Real) -> Mesh:
        middle = outline.mean(axis=0)
        return extruded((middle + share * (outline - middle)) * squeeze, thick, 0.015)

    fold = draw.between("fold", 12, 28)

    def folded(mesh: Mesh) -> Mesh:
        return mesh.turned(y=-fold).with_mirror()

    spots = merged(*(ellipsoid(size, size, 0.05, 12, 6).moved(x * wide, y) for x, y, size in
                     ((0.74, 0.62, 0.06), (0.8, 0.45, 0.045), (0.56, -0.5, 0.05))))  # fmt: skip
    body = merged(capsule(0.075, 0.62, 14).moved(y=0.04), ball(0.115, 16, 10).moved(y=0.48))
    feeler = merged(tube(spline([(0.04, 0.56, 0.03), (0.12, 0.74, 0.06), (0.26, 0.84, 0.06)], 4), 0.018, 6),
                    ball(0.04, 10, 6).moved(0.27, 0.845, 0.06))  # fmt: skip
    return (
        Part("wings", folded(merged(wing(upper, 1.0, 0.06), wing(lower, 1.0, 0.06))), draw.main),
        Part(
            "fields", folded(merged(wing(upper, 0.62, 0.085), wing(lower, 0.6, 0.085))), draw.accent
        ),
        Part("spots", folded(spots), WHITE, MATTE),
        Part("body", merged(body, feeler.with_mirror()), BLACK, MATTE),
    )


def crab(draw: Draw) -> tuple[Part, ...]:
    """A crab facing the viewer: wide shell, stalked eyes, raised claws, six legs, a smile."""
    wide = draw.between("width", 0.56, 0.64)
    shell = ellipsoid(wide, 0.36, 0.4, 30, 16)
    front = Front(wide, 0.36, 0.4)
    stalk = tube([(0.2, 0.26, 0.14), (0.23, 0.5, 0.2)], 0.045, 8)
    raised = Front(0.4, 0.5, 0.2, 0.5, 0.1)
    legs = []
    for index, drop in enumerate((-0.16, -0.3, -0.42)):
        path = spline([(0.74 * wide, -0.12 - 0.06 * index, 0), (wide + 0.2 - 0.05 * index, -0.02 + drop * 0.5, 0.04),
                       (wide + 0.3 - 0.1 * index, drop - 0.22, 0.08)], 4)  # fmt: skip
        legs.append(tube(path, np.linspace(0.075, 0.03, len(path)), 8))
    arm = tube(
        spline([(0.8 * wide, 0.06, 0.14), (wide + 0.2, 0.1, 0.2), (wide + 0.24, 0.34, 0.22)], 4),
        0.075,
        10,
    )
    size = draw.between("claw", 0.95, 1.2)
    pincer = spline([(0.0, -0.12), (0.2, 0.0), (0.24, 0.26), (0.1, 0.46), (0.1, 0.22), (0.02, 0.16), (-0.06, 0.24),
                     (-0.1, 0.46), (-0.22, 0.26), (-0.18, 0.0)], 3, closed=True)  # fmt: skip
    claw = extruded(pincer * size, 0.22, 0.05, 3).turned(z=12).moved(wide + 0.22, 0.42, 0.22)
    return (
        Part(
            "shell",
            merged(shell, stalk.with_mirror(), merged(*legs, arm).with_mirror()),
            draw.main,
            GLOSSY,
        ),
        Part("claws", claw.with_mirror(), draw.accent, GLOSSY),
        *round_eyes(draw.pose, raised, 0.23, 0.54, draw.between("eye", 0.11, 0.13), BLACK),
        *mouth(draw.pose, front, -0.04, 0.28, shaded(draw.main, -0.25)),
        cheeks(front, 0.36, 0.0, 0.06, shaded(draw.main, 0.08)),
    )


def spider(draw: Draw) -> tuple[Part, ...]:
    """A spider facing the viewer: round body with a mark, eyes, eight arched legs."""
    body = ellipsoid(0.36, 0.36, 0.34, 28, 16).moved(y=0.06, z=-0.16)
    head = ball(0.24, 24, 14).moved(y=-0.06, z=0.22)
    front = Front(0.24, 0.24, 0.24, -0.06, 0.22)
    spread = draw.between("legs", 0.9, 1.05)
    legs = []
    for rise, reach, foot, z in ((0.66, 0.62, 0.5, -0.3), (0.5, 0.92, 0.2, -0.1), (0.26, 1.0, -0.3, 0.12),
                                 (0.0, 0.72, -0.56, 0.34)):  # fmt: skip
        path = spline([(0.16, -0.02, 0.5 * z), (0.45 * spread * reach, rise, z), (0.86 * spread * reach, 0.72 * rise, 1.2 * z),
                       (spread * reach, foot, 1.3 * z)], 5)  # fmt: skip
        legs.append(tube(path, np.linspace(0.06, 0.03, len(path)), 8))
    mark = merged(*(Front(0.36, 0.36, 0.34, 0.06, -0.16).place(ellipsoid(0.1, 0.06, 0.04, 12, 6).turned(z=lean), x, 0.3)
                    for x, lean in ((-0.08, -35), (0.08, 35))))  # fmt: skip
    return (
        Part("body", merged(body, head), draw.main, GLOSSY),
        Part("legs", merged(*legs).with_mirror(), shaded(draw.main, 0.03)),
        Part("mark", mark, draw.accent),
        *round_eyes(draw.pose, front, 0.1, 0.0, draw.between("eye", 0.085, 0.1), BLACK),
    )


CATEGORIES = (
    Category(Noun("ladybird", "瓢虫", "只", synonyms=("ladybug",), held_out_synonyms=("lady beetle",)), ladybird,
             Noun("wing cases", "鞘翅", plural=True), Noun("spots", "斑点", plural=True), ("red", "orange", "yellow"),
             ("black",), emoji=("🐞",)),
    Category(Noun("octopus", "章鱼", "只", held_out_synonyms=("squid",)), octopus, Noun("body", "身体"),
             Noun("suckers", "吸盘", plural=True), ("orange", "red", "purple", "pink"), ("yellow", "pink", "white"),
             emoji=("🐙",), talks=True),
    Category(Noun("bee", "蜜蜂", "只", held_out_synonyms=("honeybee", "bumblebee")), bee, Noun("body", "身体"),
             Noun("stripes", "条纹", plural=True), ("yellow", "orange"), ("black", "brown"), emoji=("🐝",),
             front_ambiguous=True),
    Category(Noun("butterfly", "蝴蝶", "只"), butterfly, Noun("wings", "翅膀", plural=True),
             Noun("fields", "翅膀花纹", plural=True), ("blue", "orange", "purple", "pink", "yellow"), COLOUR_NAMES,
             emoji=("🦋",), front_ambiguous=True),
    Category(Noun("crab", "螃蟹", "只"), crab, Noun("shell", "壳"), Noun("claws", "钳子", plural=True),
             ("red", "orange"), ("orange", "red", "yellow"), emoji=("🦀",), talks=True),
    Category(Noun("spider", "蜘蛛", "只"), spider, Noun("body", "身体"), Noun("mark", "花纹"),
             ("black", "brown", "purple"), ("red", "yellow", "white"), emoji=("🕷️",)),
)  # fmt: skip
