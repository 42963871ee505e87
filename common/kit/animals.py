"""Whole animals: duck, fish, chick, penguin, snail, turtle, owl, whale."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import dome_profile, filleted, spline
from common.kit.draw import Draw
from common.kit.extrusion import extruded
from common.kit.head import Front, cheeks, dot_eyes, round_eyes
from common.kit.leaf import leaf, leaf_widths
from common.kit.materials import GLOSSY, MATTE
from common.kit.mesh import Mesh, merged
from common.kit.palette import COLOUR_NAMES, shaded, typical_paint
from common.kit.part import Part
from common.kit.patterns import Gradient
from common.kit.real import Real
from common.kit.revolve import ball, capsule, ellipsoid, frustum, revolved, torus
from common.kit.sweep import tube

BLACK, WHITE = typical_paint("black"), typical_paint("white")


def side_eye(size: Real) -> tuple[Part, ...]:
    """One round eye about the origin on the +z side: white, pupil, glint."""
    return (
        Part("eye", ellipsoid(size, size, 0.5 * size, 16, 10), WHITE, GLOSSY),
        Part("pupil", ellipsoid(0.62 * size, 0.66 * size, 0.3 * size, 14, 8).moved(-0.1 * size, 0, 0.3 * size),
             BLACK, GLOSSY),
        Part("glint", ball(0.2 * size, 8, 5).moved(-0.3 * size, 0.28 * size, 0.52 * size), WHITE, MATTE),
    )  # fmt: skip


def eyes_at(size: Real, x: Real, y: Real, z: Real, turn: Real = 0.0) -> tuple[Part, ...]:
    """Eyes on both flanks of an animal seen from the side."""
    eyes = []
    for part in side_eye(size):
        near = part.mesh.turned(y=turn).moved(x, y, z)
        far = near.mirrored().turned(y=180)
        eyes.append(part.with_mesh(merged(near, far)))
    return tuple(eyes)


def both_flanks(mesh: Mesh) -> Mesh:
    """A mesh on the +z side and its mirror image on the -z side."""
    return merged(mesh, mesh.mirrored().turned(y=180))


def duck(draw: Draw) -> tuple[Part, ...]:
    """A duck swimming left: boat-shaped body with a turned-up tail, round head, bill, wings."""
    head_size = draw.between("head", 0.27, 0.32)
    neck = draw.between("neck", 0.36, 0.5)
    body = ellipsoid(0.68, 0.4, 0.44, 30, 16)

    def shaped(points: np.ndarray) -> np.ndarray:
        back = np.clip(points[:, 0], 0, None)
        front = np.clip(-points[:, 0], 0, None)
        return points + np.stack(
            [0.15 * back, 0.62 * back**2 + 0.12 * front, -points[:, 2] * 0.35 * back], axis=1
        )

    head_y = 0.3 + neck
    throat = tube(
        spline([(-0.34, 0.1, 0), (-0.46, 0.3, 0), (-0.42, head_y, 0)], 4),
        np.linspace(0.28, 0.17, 9),
        18,
    )
    head = ellipsoid(head_size, head_size * 0.95, head_size * 0.92, 24, 14).moved(-0.44, head_y)
    bill = merged(ellipsoid(0.2, 0.06, 0.14, 18, 8).moved(-0.44 - head_size - 0.06, head_y - 0.03),
                  ellipsoid(0.17, 0.045, 0.12, 16, 8).moved(-0.44 - head_size - 0.03, head_y - 0.1))  # fmt: skip
    t = np.linspace(0, 1, 9)
    wing = leaf(
        np.stack([0.66 * t, 0.06 * np.sin(np.pi * t)], axis=1),
        leaf_widths(8, 0.42, 0.35, 0.3),
        0.14,
    )
    wing = wing.turned(z=-72).moved(-0.16, 0.08, 0.38)
    ring = torus(0.205, 0.035, 22, 8).moved(-0.455, 0.28 + 0.36 * neck)
    return (
        Part("body", body.deformed(shaped), draw.main, pattern=Gradient(shaded(draw.main, 0.04))),
        Part("body", both_flanks(wing), shaded(draw.main, -0.05)),
        Part("head", merged(throat, head), draw.accent),
        Part("ring", ring, shaded(WHITE, 0.0)),
        Part("bill", bill, draw.paint("orange"), GLOSSY),
        *eyes_at(0.065, -0.52, head_y + 0.08, 0.8 * head_size, -25),
    )


def fish(draw: Draw) -> tuple[Part, ...]:
    """A fish swimming left: tall body, forked tail, fins, bands, round eye, lips."""
    tall = draw.between("tall", 0.42, 0.54)
    body = ellipsoid(0.66, tall, 0.27, 32, 16)

    def tapered(points: np.ndarray) -> np.ndarray:
        narrow = 1 - 0.42 * np.clip(points[:, 0], 0, None)
        return points * np.stack([np.ones_like(narrow), narrow, narrow], axis=1)

    spread = draw.between("tail", 0.36, 0.48)
    tail = extruded(
        filleted([(0.5, 0), (0.98, -spread), (0.86, 0), (0.98, spread)], 0.08, 3, closed=True),
        0.1,
        0.035,
    )
    top = extruded(spline([(-0.24, tall - 0.1), (0.3, tall - 0.16), (0.5, tall + 0.1), (0.2, tall + 0.22),
                           (-0.12, tall + 0.16)], 3, closed=True), 0.08, 0.025)  # fmt: skip
    under = extruded(spline([(0.12, -tall + 0.06), (0.1, -tall - 0.14), (0.32, -tall - 0.12), (0.36, -tall + 0.16)][::1],
                            3, closed=True), 0.08, 0.02)  # fmt: skip
    t = np.linspace(0, 1, 7)
    flipper = leaf(np.stack([0.32 * t, 0.1 * t], axis=1), leaf_widths(6, 0.22, 0.6, 0.3), 0.05)
    flipper = flipper.turned(z=-115).turned(y=-18).moved(0.0, -0.06, 0.25)
    bands = []
    for x in (-0.12, 0.2)[: draw.whole("bands", 1, 2)]:
        reach = np.sqrt(1 - (x / 0.66) ** 2)
        narrow = 1 - 0.42 * max(x, 0.0)
        band = (
            torus(1.0, 0.07, 30, 8)
            .turned(z=90)
            .scaled(0.9, tall * reach * narrow, 0.27 * reach * narrow)
        )
        bands.append(band.moved(x))
    lips = torus(0.06, 0.03, 16, 8).turned(z=90).moved(-0.655, -0.03)
    return (
        Part("body", body.deformed(tapered), draw.main),
        Part("fins", merged(tail, top, under, both_flanks(flipper)), draw.accent),
        Part("bands", merged(*bands), shaded(draw.accent, 0.03)),
        Part("lips", lips, shaded(draw.main, -0.12)),
        *eyes_at(0.11, -0.4, 0.1, 0.2, -25),
    )


def chick(draw: Draw) -> tuple[Part, ...]:
    """A chick facing the viewer: egg-shaped body, stub wings, orange beak and feet, tuft."""
    wide, tall = draw.between("width", 0.48, 0.54), draw.between("tall", 0.6, 0.68)
    body = ellipsoid(wide, tall, 0.48, 30, 18)

    def pear(points: np.ndarray) -> np.ndarray:
        factor = 1.02 - 0.16 * points[:, 1] / tall
        return points * np.stack([factor, np.ones_like(factor), factor], axis=1)

    front = Front(wide, tall, 0.46)
    wing = (
        ellipsoid(0.12, 0.28, 0.2, 18, 10)
        .turned(z=draw.between("wing", 12, 34))
        .moved(wide + 0.03, -0.1)
    )
    beak = revolved([(0.12, 0), (0.07, 0.1), (0, 0.2)], 14).scaled(1, 1, 0.75).turned(x=90)
    toe = tube([(0, 0, 0), (0, -0.01, 0.16)], np.array([0.05, 0.035]), 8)
    foot = merged(
        toe, toe.turned(y=38), toe.turned(y=-38), tube([(0, 0, 0), (0, 0.16, -0.02)], 0.04, 8)
    )
    tuft = merged(*(ellipsoid(0.04, 0.12, 0.04, 10, 6).turned(z=lean).moved(-0.003 * lean, tall + 0.05)
                    for lean in (-30, 0, 30)))  # fmt: skip
    return (
        Part("body", merged(body.deformed(pear), tuft), draw.main, MATTE),
        Part("wings", wing.with_mirror(), shaded(draw.main, -0.07), MATTE),
        Part("beak", front.place(beak, 0.0, 0.12), draw.accent),
        Part("beak", foot.moved(0.18, -tall - 0.1, 0.06).with_mirror(), draw.accent),
        *dot_eyes(draw.pose, front, 0.17, 0.24, draw.between("eye", 0.06, 0.075), draw.main),
        cheeks(front, 0.29, 0.1, 0.07, draw.paint("pink")),
    )


def penguin(draw: Draw) -> tuple[Part, ...]:
    """A penguin facing the viewer: dark coat, pale belly and face, flippers, orange beak, feet."""
    wide, tall = draw.between("width", 0.44, 0.5), draw.between("tall", 0.72, 0.8)
    body = ellipsoid(wide, tall, 0.42, 30, 18)
    front = Front(wide, tall, 0.42)
    belly = ellipsoid(0.8 * wide, 0.6 * tall, 0.3, 26, 14).moved(0, -0.2 * tall, 0.17)
    mask = merged(
        *(
            front.place(ellipsoid(0.2, 0.22, 0.05, 20, 10), side * 0.14, 0.46 * tall)
            for side in (-1, 1)
        )
    )
    flipper = (
        ellipsoid(0.09, 0.36, 0.17, 16, 12)
        .turned(z=draw.between("flipper", 14, 40))
        .moved(wide + 0.05, -0.06)
    )
    beak = revolved([(0.1, 0), (0.06, 0.09), (0, 0.18)], 14).scaled(1.15, 1, 0.7).turned(x=90)
    foot = ellipsoid(0.17, 0.07, 0.22, 18, 8).moved(0.2, -tall + 0.01, 0.14)
    tail = frustum(0.12, 0.0, 0.26, 0, 10).turned(x=-130).moved(0, -0.8 * tall, -0.36)
    raised = Front(wide, tall, 0.5)
    return (
        Part("coat", merged(body, flipper.with_mirror(), tail), draw.main),
        Part("belly", merged(belly, mask), shaded(WHITE, 0.0), MATTE),
        Part("beak", front.place(beak, 0.0, 0.34 * tall, 0.03), draw.accent),
        Part("beak", foot.with_mirror(), draw.accent),
        *dot_eyes(draw.pose, raised, 0.13, 0.5 * tall, draw.between("eye", 0.055, 0.07)),
        cheeks(raised, 0.22, 0.34 * tall, 0.05, draw.paint("pink")),
    )


def snail(draw: Draw) -> tuple[Part, ...]:
    """A snail creeping left: spiral shell, long foot, two horns with eyes."""
    turns = draw.between("turns", 1.9, 2.5)
    t = np.linspace(0, 1, 44)
    angle = -0.55 * np.pi - 2 * np.pi * turns * t
    radius = 0.46 * (1 - t) ** 0.9 + 0.02
    centre = np.array([0.2, 0.6])
    path = np.stack(
        [centre[0] + radius * np.cos(angle), centre[1] + radius * np.sin(angle), 0 * t], axis=1
    )
    coil = tube(path, 0.215 * (1 - t) ** 0.7 + 0.05, 14, squash=1.25)
    core = ellipsoid(0.5, 0.5, 0.2, 28, 10).moved(centre[0], centre[1])
    foot = tube(spline([(1.02, 0.03, 0), (0.5, 0.1, 0), (-0.3, 0.1, 0), (-0.66, 0.2, 0), (-0.78, 0.52, 0)], 5),
                np.array([0.02, 0.07, 0.1, 0.13, 0.15, 0.16, 0.165, 0.17, 0.17, 0.17, 0.17, 0.175, 0.18, 0.185, 0.18,
                          0.17, 0.165, 0.165, 0.17, 0.175, 0.18]), 14, squash=1.15)  # fmt: skip
    spread = draw.between("horns", 0.1, 0.18)
    horns, eyes = [], []
    for z in (0.1, -0.1):
        tip = (-0.86 - spread, 1.0, 2.0 * z)
        horns.append(tube(spline([(-0.8, 0.6, z), (-0.84, 0.8, 1.4 * z), tip], 4), 0.035, 8))
        eyes.append(ball(0.075, 14, 8).moved(*tip))
    smile = tube(
        spline([(-0.93, 0.5, 0.08), (-0.86, 0.45, 0.15), (-0.76, 0.47, 0.19)], 4), 0.014, 6
    )
    return (
        Part("shell", merged(coil, core), draw.main, GLOSSY),
        Part("body", merged(foot, *horns), draw.accent),
        Part("eyes", merged(*eyes), BLACK, GLOSSY),
        Part("mouth", smile, shaded(draw.accent, -0.25), MATTE),
    )


def turtle(draw: Draw) -> tuple[Part, ...]:
    """A turtle walking left: domed shell with plates and a rim, head, legs, tail."""
    high = draw.between("shell", 0.46, 0.58)
    shell = revolved(
        np.concatenate([[(0, -0.04), (0.56, -0.04)], dome_profile(0.58, high, 9)]), 34
    ).scaled(1.12, 1, 0.92)
    plates = []
    spots = (
        [(0, 78, 0.2)]
        + [(60 * k + 30, 42, 0.17) for k in range(6)]
        + [(36 * k, 14, 0.12) for k in range(10)]
    )
    scale = np.array([0.58 * 1.12, high, 0.58 * 0.92])
    for azimuth, up, size in spots:
        a, e = np.radians(azimuth), np.radians(up)
        direction = np.array([np.sin(a) * np.cos(e), np.sin(e), np.cos(a) * np.cos(e)])
        plate = revolved([(size, -0.02), (0.88 * size, 0.016), (0, 0.03)], 6).turned(y=azimuth)
        plates.append(plate.aimed(tuple((direction / scale).tolist())).moved(*(direction * scale)))
    rim = torus(0.58, 0.055, 36, 8).scaled(1.14, 1, 0.94).moved(y=-0.01)
    reach = draw.between("neck", 0.14, 0.24)
    neck = tube(
        [(-0.5, -0.05, 0), (-0.74 - reach * 0.4, 0.08, 0), (-0.74 - reach, 0.16, 0)], 0.14, 12
    )
    head = ellipsoid(0.22, 0.19, 0.18, 22, 12).moved(-0.8 - reach, 0.2)
    leg = capsule(0.13, 0.18, 14).moved(0.36, -0.2, 0.3)
    legs = merged(leg, leg.moved(x=-0.74), both_flanks(merged(leg, leg.moved(x=-0.74))))
    tail = frustum(0.07, 0.0, 0.2, 0, 10).turned(z=-105).moved(0.7, -0.06)
    smile = tube(
        spline(
            [(-1.0 - reach, 0.13, 0.06), (-0.92 - reach, 0.09, 0.14), (-0.8 - reach, 0.11, 0.175)],
            4,
        ),
        0.012,
        6,
    )
    return (
        Part("shell", shell, draw.main),
        Part("shell", rim, shaded(draw.main, 0.07)),
        Part("plates", merged(*plates), shaded(draw.main, -0.09)),
        Part("body", merged(neck, head, legs, tail), draw.accent),
        Part("mouth", smile, shaded(draw.accent, -0.25), MATTE),
        *eyes_at(0.062, -0.87 - reach, 0.27, 0.13, -25),
    )


def owl(draw: Draw) -> tuple[Part, ...]:
    """An owl facing the viewer: ringed eyes, ear tufts, speckled breast, wings, claws."""
    wide, tall = draw.between("width", 0.48, 0.54), draw.between("tall", 0.64, 0.72)
    body = ellipsoid(wide, tall, 0.42, 30, 18)
    front = Front(wide, tall, 0.42)
    tuft = (
        frustum(0.15, 0.0, draw.between("tuft", 0.3, 0.4), 0, 14)
        .turned(z=-26)
        .moved(0.32, 0.8 * tall)
    )
    breast = ellipsoid(0.36, 0.38, 0.26, 24, 12).moved(0, -0.24, 0.2)
    marks = []
    surface = Front(0.36, 0.38, 0.26, -0.24, 0.2)
    for row, count in enumerate((3, 4, 3)):
        for k in range(count):
            marks.append(
                surface.place(
                    ellipsoid(0.03, 0.045, 0.02, 8, 5),
                    (k - (count - 1) / 2) * 0.14,
                    -0.12 - 0.13 * row,
                )
            )
    wing = ellipsoid(0.12, 0.42, 0.28, 18, 12).turned(z=10).moved(wide, -0.14)
    ring = front.place(ellipsoid(0.23, 0.23, 0.06, 24, 10), 0.2, 0.26).with_mirror()
    beak = revolved([(0.08, 0), (0.05, 0.08), (0, 0.16)], 12).turned(x=120)
    claw = merged(
        *(ellipsoid(0.05, 0.05, 0.1, 10, 6).moved(x, -tall + 0.02, 0.22) for x in (0.1, 0.19, 0.28))
    )
    raised = Front(wide, tall, 0.47)
    return (
        Part("feathers", merged(body, tuft.with_mirror()), draw.main, MATTE),
        Part("wings", wing.with_mirror(), shaded(draw.main, -0.08), MATTE),
        Part("breast", merged(breast, ring), draw.accent, MATTE),
        Part("mark", merged(*marks), shaded(draw.main, -0.05), MATTE),
        *round_eyes(draw.pose, raised, 0.2, 0.26, draw.between("eye", 0.14, 0.17), BLACK),
        Part("beak", front.place(beak, 0.0, 0.13, 0.04), draw.paint("orange")),
        Part("claws", claw.with_mirror(), draw.paint("orange")),
    )


def whale(draw: Draw) -> tuple[Part, ...]:
    """A spouting whale facing left: huge head, pale grooved belly, raised flukes, fountain."""
    body = ellipsoid(0.78, 0.48, 0.52, 34, 18)

    def shaped(points: np.ndarray) -> np.ndarray:
        back = np.clip(points[:, 0] - 0.1, 0, None)
        narrow = 1 - 0.75 * back
        return np.stack(
            [
                points[:, 0] + 0.25 * back,
                points[:, 1] * narrow + 0.7 * back**1.6,
                points[:, 2] * narrow,
            ],
            axis=1,
        )

    belly = ellipsoid(0.7, 0.36, 0.47, 30, 14).moved(-0.06, -0.14, 0)
    rise = draw.between("tail", 0.62, 0.78)
    stem = tube(
        spline([(0.5, 0.06, 0), (0.82, 0.2, 0), (0.98, rise - 0.06, 0)], 5),
        np.linspace(0.24, 0.09, 11),
        14,
    )
    t = np.linspace(0, 1, 9)
    fluke = leaf(np.stack([0.46 * t, 0.14 * t**2], axis=1), leaf_widths(8, 0.3, 0.5, 0.4), 0.09)
    flukes = merged(fluke.turned(z=52), fluke.turned(z=-52)).turned(y=25).moved(0.98, rise - 0.1)
    flipper = leaf(np.stack([0.4 * t, 0.1 * t], axis=1), leaf_widths(8, 0.2, 0.4, 0.5), 0.08)
    flipper = both_flanks(flipper.turned(z=205, x=24).moved(-0.1, -0.2, 0.46))
    spout = []
    for lean in (-1, 1):
        curve = spline([(-0.24, 0.46, 0), (-0.24 + 0.04 * lean, 0.72, 0), (-0.24 + 0.24 * lean, 0.84, 0),
                        (-0.24 + 0.34 * lean, 0.68, 0)], 4)  # fmt: skip
        spout.append(tube(curve, np.linspace(0.05, 0.075, len(curve)), 10))
    smile = tube(
        spline([(-0.76, -0.06, 0.18), (-0.6, -0.12, 0.37), (-0.42, -0.06, 0.47)], 4), 0.014, 6
    )
    return (
        Part("body", merged(body.deformed(shaped), stem, flukes, flipper), draw.main, GLOSSY),
        Part("belly", belly, draw.accent),
        Part("spout", merged(*spout), shaded(draw.paint("cyan"), 0.1), GLOSSY),
        Part("mouth", smile, shaded(draw.main, -0.25), MATTE),
        *eyes_at(0.07, -0.5, 0.1, 0.37, -25),
    )


BODY, FEET = Noun("body", "身体"), Noun("beak", "嘴和脚")
CATEGORIES = (
    Category(Noun("duck", "鸭子", "只", held_out_synonyms=("duckling", "drake")), duck, BODY, Noun("head", "头"),
             ("white", "grey", "brown", "yellow"), ("green", "yellow", "black"), emoji=("🦆",), front_ambiguous=True),
    Category(Noun("fish", "鱼", "条"), fish, BODY, Noun("fins", "鱼鳍", plural=True),
             ("blue", "orange", "yellow", "cyan"), COLOUR_NAMES, emoji=("🐟", "🐠"), front_ambiguous=True),
    Category(Noun("chick", "小鸡", "只", held_out_synonyms=("baby chicken",)), chick, BODY, Noun("beak", "嘴"),
             ("yellow",), ("orange",), emoji=("🐥", "🐤")),
    Category(Noun("penguin", "企鹅", "只"), penguin, Noun("coat", "羽毛"), Noun("beak", "嘴"),
             ("black", "purple", "blue", "grey"), ("orange", "yellow"), emoji=("🐧",)),
    Category(Noun("snail", "蜗牛", "只"), snail, Noun("shell", "壳"), BODY, ("brown", "orange", "red"),
             ("orange", "yellow", "pink", "grey"), emoji=("🐌",), front_ambiguous=True),
    Category(Noun("turtle", "乌龟", "只", held_out_synonyms=("tortoise",)), turtle, Noun("shell", "壳"), BODY,
             ("green", "brown"), ("green", "yellow", "brown"), emoji=("🐢",), front_ambiguous=True),
    Category(Noun("owl", "猫头鹰", "只"), owl, Noun("feathers", "羽毛", plural=True), Noun("breast", "胸口"),
             ("brown", "grey", "white"), ("orange", "yellow", "white"), emoji=("🦉",)),
    Category(Noun("whale", "鲸鱼", "头", chinese_synonyms=("鲸",)), whale, BODY, Noun("belly", "肚皮"),
             ("blue", "grey", "cyan"), ("white", "cyan", "grey"), emoji=("🐳", "🐋"), front_ambiguous=True),
)  # fmt: skip
