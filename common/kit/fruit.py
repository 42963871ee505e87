"""Fruit: apple, pear, banana, lemon, strawberry, cherries, grapes, watermelon, pineapple, avocado."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import arc, profile_spline, spline
from common.kit.draw import Draw
from common.kit.extrusion import extruded, puffed
from common.kit.leaf import leaf, leaf_widths
from common.kit.materials import GLOSSY, MATTE
from common.kit.mesh import Mesh, merged, ring_of
from common.kit.palette import ColourName, shaded
from common.kit.part import Part
from common.kit.patterns import Gradient
from common.kit.real import Real
from common.kit.revolve import ball, ellipsoid, revolved
from common.kit.sweep import tube


def leaf_blade(length: Real, width: Real, bend: Real = 0.25) -> Mesh:
    """A pointed leaf that grows from the origin along +Y and bends forward, with a midrib."""
    t = np.linspace(0.0, 1.0, 9)
    spine = np.stack([length * t, bend * length * t**2], axis=1)
    return leaf(spine, leaf_widths(8, width, 0.45), 0.05 * length, 0.18)


def apple(draw: Draw) -> tuple[Part, ...]:
    """An apple: dimpled at both ends, broad shoulders, a stalk and one leaf."""
    tall = draw.between("tall", 0.82, 0.96)
    shoulder = draw.between("shoulder", 0.46, 0.52)
    curve = [(0, 0.06), (0.12, 0.02), (0.3, 0.05), (0.44, 0.28 * tall), (shoulder, 0.58 * tall),
             (0.42, 0.86 * tall), (0.26, 0.97 * tall), (0.12, 0.93 * tall), (0, 0.83 * tall)]  # fmt: skip
    lobes = draw.between("lobes", 0.01, 0.03)

    def lobed(points: np.ndarray) -> np.ndarray:
        factor = 1 + lobes * np.cos(5 * np.arctan2(points[:, 0], points[:, 2]))
        return points * np.stack([factor, np.ones_like(factor), factor], axis=1)

    body = revolved(profile_spline(curve, 4), 32).deformed(lobed)
    stalk = tube(spline([(0, 0.82 * tall, 0), (0.02, 0.98 * tall, 0), (0.08, 1.1 * tall, 0)], 3),
                 np.linspace(0.025, 0.04, 7), 8)  # fmt: skip
    blade = (
        leaf_blade(draw.between("leaf", 0.36, 0.46), 0.2)
        .turned(z=68)
        .moved(0.02, 0.95 * tall, 0.03)
    )
    return (
        Part("skin", body, draw.main, GLOSSY, Gradient(shaded(draw.main, 0.06), 0.3, 1.0)),
        Part("stalk", stalk, draw.paint("brown"), MATTE),
        Part("leaf", blade, draw.accent),
    )


def pear(draw: Draw) -> tuple[Part, ...]:
    """A pear, bent a little, with a stalk and a leaf."""
    waist = draw.between("waist", 0.24, 0.3)
    belly = draw.between("belly", 0.44, 0.52)
    curve = [(0, 0.04), (0.16, 0.0), (0.38, 0.14), (belly, 0.42), (0.85 * belly, 0.68), (waist, 0.98),
             (0.9 * waist, 1.18), (0.5 * waist, 1.33), (0, 1.34)]  # fmt: skip
    bend = draw.between("bend", 0.05, 0.14)

    def bent(points: np.ndarray) -> np.ndarray:
        shift = bend * np.clip(points[:, 1], 0, None) ** 2
        return points + np.stack([shift, 0 * shift, 0 * shift], axis=1)

    body = revolved(profile_spline(curve, 4), 30)
    stalk = tube(spline([(0, 1.3, 0), (0.01, 1.45, 0), (0.06, 1.58, 0)], 3), 0.035, 8)
    blade = leaf_blade(draw.between("leaf", 0.36, 0.48), 0.22).turned(z=-62).moved(0.02, 1.4)
    return (
        Part("skin", body.deformed(bent), draw.main, pattern=Gradient(shaded(draw.main, 0.05))),
        Part("stalk", stalk.deformed(bent), draw.paint("brown"), MATTE),
        Part("leaf", blade.deformed(bent), draw.accent),
    )


def banana(draw: Draw) -> tuple[Part, ...]:
    """A bunch of two or three bananas, or one half peeled, is a single curved banana here."""
    bend = draw.between("bend", 95, 130)
    radius = 1.1
    angles = np.radians(np.linspace(-90 - bend / 2, -90 + bend / 2, 15))
    line = np.stack([radius * np.cos(angles), radius * np.sin(angles), 0 * angles], axis=1)
    t = np.linspace(0, 1, 15)
    thick = draw.between("thickness", 0.25, 0.31) * np.sqrt(
        np.clip(1 - np.abs(2 * t - 1) ** 3.2, 0.06, 1)
    )
    section = 5

    def one(shift: Real) -> tuple[Mesh, Mesh, Mesh]:
        body = tube(line + np.array([0, 0, shift]), thick, section * 3)
        top = tube([line[-1], line[-1] * 1.0 + [0.06, 0.14, 0], line[-1] + [0.08, 0.25, 0]],
                   np.array([0.085, 0.06, 0.075]), 10)  # fmt: skip
        tip = ball(0.075, 10, 6).moved(*(line[0] + [-0.02, 0.02, shift]))
        return body, top, tip

    behind = draw.whole("bananas", 1, 3) - 1
    pieces: list[tuple[Mesh, ...]] = [one(0.0)]
    for index in range(behind):
        lean = (index + 1) * (16 if index % 2 == 0 else -9)
        pieces.append(
            tuple(
                mesh.turned(z=0.0)
                .moved(*(-(line[-1])))
                .turned(z=lean, y=0)
                .moved(*line[-1])
                .moved(z=-0.2 * (index + 1))
                for mesh in one(0.0)
            )
        )
    return (
        Part("skin", merged(*(piece[0] for piece in pieces)), draw.main),
        Part("stem", merged(*(piece[1] for piece in pieces)), shaded(draw.main, -0.09, -0.1)),
        Part("tip", merged(*(piece[2] for piece in pieces)), draw.paint("brown"), MATTE),
    )


def lemon(draw: Draw) -> tuple[Part, ...]:
    """A lemon lying at a slant: pointed ends, a leaf at the upper one."""
    plump = draw.between("plump", 0.4, 0.48)
    curve = [(0, -0.78), (0.08, -0.74), (0.13, -0.66), (0.3, -0.5), (plump, -0.1), (0.96 * plump, 0.2),
             (0.26, 0.54), (0.12, 0.64), (0.06, 0.72), (0, 0.73)]  # fmt: skip
    body = revolved(profile_spline(curve, 4), 28)
    blade = leaf_blade(draw.between("leaf", 0.44, 0.54), 0.24).turned(z=75).moved(-0.02, 0.66)
    stalk = tube([(0, 0.68, 0), (0, 0.8, 0)], 0.05, 8)
    lean = draw.between("lean", 38, 58)
    parts = (
        Part("skin", body, draw.main, pattern=Gradient(shaded(draw.main, 0.03))),
        Part("stalk", stalk, draw.paint("brown"), MATTE),
        Part("leaf", blade, draw.accent),
    )
    return tuple(part.with_mesh(part.mesh.turned(z=lean)) for part in parts)


def strawberry(draw: Draw) -> tuple[Part, ...]:
    """A strawberry: heart-shaped body with seeds, a star of sepals and a stalk."""
    tall = draw.between("tall", 1.0, 1.15)
    curve = profile_spline([(0, 0), (0.14, 0.05), (0.36, 0.4 * tall), (0.48, 0.72 * tall),
                            (0.42, 0.92 * tall), (0.2, tall), (0, 0.97 * tall)], 4)  # fmt: skip
    body = revolved(curve, 30)
    seed = ellipsoid(0.028, 0.045, 0.016, 8, 5)
    seeds = []
    rows = ((0.18, 5), (0.34, 8), (0.5, 10), (0.66, 11), (0.82, 10))
    for row, (share, count) in enumerate(rows):
        y = share * tall
        outer = curve[: int(np.argmax(curve[:, 0])) + 8]
        radius = float(np.interp(y, outer[:, 1], outer[:, 0]))
        slope = float(np.interp(y + 0.03, outer[:, 1], outer[:, 0])) - radius
        tilt = float(np.degrees(np.arctan2(slope, 0.03)))
        seeds.append(ring_of(seed.turned(x=tilt).moved(y=y, z=radius + 0.004), count, 18.0 * row))
    sepal = leaf_blade(0.42, 0.2, -0.2).turned(x=78)
    cap = ring_of(sepal, draw.whole("sepals", 6, 8)).moved(y=0.98 * tall)
    stalk = tube(
        spline([(0, 0.98 * tall, 0), (0, 1.12 * tall, 0), (0.07, 1.24 * tall, 0)], 3), 0.04, 8
    )
    return (
        Part("flesh", body, draw.main, GLOSSY),
        Part("seed", merged(*seeds), shaded(draw.paint("yellow"), 0.0, -0.2)),
        Part("leaves", merged(cap, stalk), draw.accent),
    )


def cherries(draw: Draw) -> tuple[Part, ...]:
    """Two cherries on long stalks that meet under a leaf."""
    size = draw.between("size", 0.32, 0.38)
    curve = [(0, 0.04), (0.2, 0.05), (0.42, 0.3), (0.5, 0.6), (0.4, 0.88), (0.18, 0.97), (0, 0.88)]
    fruit = revolved(profile_spline(curve, 4), 24).scaled(2 * size).moved(y=-size)
    apart = draw.between("apart", 0.36, 0.44)
    low = draw.between("lower", 0.0, 0.14)
    stalks = [
        tube(
            spline([(x, y + 0.75 * size, 0), (0.72 * x, y + 0.62, 0), (0.34, 1.22, 0)], 5), 0.035, 8
        )
        for x, y in ((-apart, 0.0), (apart, -low))
    ]
    knot = ball(0.07, 10, 6).moved(0.35, 1.23)
    blade = (
        leaf_blade(draw.between("leaf", 0.6, 0.72), 0.32, 0.15).turned(z=84).moved(0.33, 1.24, 0.02)
    )
    return (
        Part("fruit", merged(fruit.moved(-apart), fruit.moved(apart, -low)), draw.main, GLOSSY),
        Part("stalk", merged(*stalks, knot), shaded(draw.accent, -0.06)),
        Part("leaf", blade, draw.accent),
    )


def grapes(draw: Draw) -> tuple[Part, ...]:
    """A bunch of grapes hanging in rows from broad to one, with a stalk and two leaves."""
    size = draw.between("size", 0.17, 0.2)
    berry = ball(size, 16, 9)
    berries = []
    for row, count in enumerate((4, 5, 4, 3, 2, 1)):
        y = -row * size * 1.55
        for ring, share in ((count, 1.0), (max(count - 2, 0), 0.0)):
            for index in range(ring):
                angle = 2 * np.pi * (index + 0.5 * (row % 2)) / max(ring, 1)
                reach = size * 0.52 * count * share
                berries.append(berry.moved(reach * np.sin(angle), y + 0.2 * size * share,
                                           0.75 * reach * np.cos(angle)))  # fmt: skip
    stalk = tube(spline([(0, -0.1, 0), (0.02, 0.28, 0), (0.16, 0.5, 0)], 4), 0.05, 8)
    blade = leaf_blade(draw.between("leaf", 0.5, 0.6), 0.4, 0.2)
    leaves = merged(
        blade.turned(z=70).moved(0, 0.24, 0.05), blade.scaled(0.8).turned(z=-60).moved(0.04, 0.26)
    )
    return (
        Part("berries", merged(*berries), draw.main, GLOSSY),
        Part("stalk", stalk, draw.paint("brown"), MATTE),
        Part("leaves", leaves, draw.accent),
    )


def watermelon(draw: Draw) -> tuple[Part, ...]:
    """A slice of watermelon: red flesh with seeds, a pale and a green rim, one point up."""
    thick = draw.between("thickness", 0.2, 0.3)
    spread = draw.between("spread", 38, 46)

    def ring(inner: Real, outer: Real, depth: Real) -> Mesh:
        rim = arc(outer, -90 - spread, -90 + spread, 16)
        back = [(0.0, 0.0)] if inner == 0 else arc(inner, -90 + spread, -90 - spread, 16)
        return extruded(np.concatenate([rim, back]), depth, 0.02)

    seed = ellipsoid(0.035, 0.06, 0.02, 10, 6)
    places = [
        (0.0, -0.34),
        (-0.16, -0.58),
        (0.17, -0.6),
        (0.0, -0.78),
        (-0.34, -0.72),
        (0.34, -0.76),
    ]
    places = places[: draw.whole("seeds", 4, 6)]
    seeds = merged(*(seed.turned(z=float(np.degrees(np.arctan2(x, -y)))).moved(x, y, z)
                     for x, y in places for z in (thick / 2, -thick / 2)))  # fmt: skip
    lean = draw.between("lean", -40, -20)
    parts = (
        Part("flesh", ring(0.0, 1.0, thick), draw.main),
        Part("white rind", ring(1.0, 1.08, thick), draw.paint("white")),
        Part("rind", ring(1.08, 1.2, thick + 0.01), draw.accent),
        Part("seed", seeds, draw.paint("black"), GLOSSY),
    )
    return tuple(part.with_mesh(part.mesh.turned(z=lean)) for part in parts)


def pineapple(draw: Draw) -> tuple[Part, ...]:
    """A pineapple: rows of bumps in a spiral, a crown of stiff leaves."""
    wide, tall = draw.between("width", 0.4, 0.48), draw.between("tall", 1.05, 1.25)
    core = ellipsoid(wide, tall / 2, wide, 26, 14)
    eye = revolved([(0.1, -0.02), (0.075, 0.03), (0.025, 0.055), (0, 0.06)], 6).turned(x=90)
    eyes = []
    for row in range(7):
        v = (row + 0.5) / 7 * 2 - 1
        radius = wide * np.sqrt(1 - 0.92 * v * v)
        count = max(6, round(14 * radius / wide))
        lean = -float(np.degrees(np.arctan2(0.92 * v * wide, tall / 2 * np.sqrt(1 - v * v + 0.05))))
        size = 2 * np.pi * radius / count / 0.19
        placed = eye.scaled(size, min(size, 1.05), 1).turned(x=lean * 0.8)
        eyes.append(
            ring_of(
                placed.moved(y=v * tall / 2 * 0.98, z=radius - 0.02),
                count,
                180.0 / count * (row % 2),
            )
        )
    blades = []
    for row, (count, lean, long) in enumerate(
        ((8, 62, 0.4), (7, 42, 0.52), (6, 24, 0.6), (4, 9, 0.66))
    ):
        blade = leaf_blade(long, 0.17, 0.3).turned(x=lean)
        blades.append(ring_of(blade.moved(z=0.06), count, 20.0 * row))
    lean = draw.between("lean", -18, 18)
    parts = (
        Part("skin", core, shaded(draw.main, -0.1)),
        Part("skin", merged(*eyes), draw.main),
        Part("leaves", merged(*blades).moved(y=tall / 2 - 0.04), draw.accent),
    )
    return tuple(part.with_mesh(part.mesh.turned(z=lean)) for part in parts)


def avocado(draw: Draw) -> tuple[Part, ...]:
    """Half an avocado: dark skin, green rim, pale flesh, a round stone."""
    outline = spline([(0, 0.78), (-0.24, 0.62), (-0.34, 0.25), (-0.54, -0.2), (-0.42, -0.62), (0, -0.78),
                      (0.42, -0.62), (0.54, -0.2), (0.34, 0.25), (0.24, 0.62)], 4, closed=True)  # fmt: skip
    outline = outline * np.array([draw.between("width", 0.92, 1.1), 1.0])
    half = puffed(outline, 0.5, 2.2, 6, (0.0, -0.15))

    def halved(points: np.ndarray) -> np.ndarray:
        z = np.where(points[:, 2] > 0, 0.16 * points[:, 2], points[:, 2])
        return np.stack([points[:, 0], points[:, 1], z], axis=1)

    rim = puffed(outline * 0.93, 0.05, 4, 4, (0.0, -0.15)).moved(z=0.055)
    flesh = puffed(outline * 0.82, 0.05, 4, 4, (0.0, -0.15)).moved(z=0.075)
    stone = ball(draw.between("stone", 0.24, 0.29), 22, 12).moved(0, -0.24, 0.1)
    lean = draw.between("lean", -40, -20)
    parts = (
        Part("skin", half.deformed(halved), draw.main, MATTE),
        Part("rim", rim, shaded(draw.paint("green"), 0.1, -0.1)),
        Part("flesh", flesh, shaded(draw.paint("yellow"), 0.06, -0.25)),
        Part("stone", stone, draw.accent, GLOSSY),
    )
    return tuple(part.with_mesh(part.mesh.turned(z=lean)) for part in parts)


LEAF, LEAVES = Noun("leaf", "叶子"), Noun("leaves", "叶子", plural=True)
SKIN = Noun("skin", "果皮")
GREEN: tuple[ColourName, ...] = ("green",)
CATEGORIES = (
    Category(Noun("apple", "苹果"), apple, SKIN, LEAF, ("red", "green", "yellow"), GREEN,
             emoji=("🍎", "🍏")),
    Category(Noun("pear", "梨"), pear, SKIN, LEAF, ("green", "yellow"), GREEN, emoji=("🍐",)),
    Category(Noun("banana", "香蕉", "根"), banana, SKIN, None, ("yellow", "green"), emoji=("🍌",)),
    Category(Noun("lemon", "柠檬"), lemon, SKIN, LEAF, ("yellow",), GREEN, emoji=("🍋",)),
    Category(Noun("strawberry", "草莓"), strawberry, Noun("flesh", "果肉"), LEAVES, ("red",), GREEN,
             emoji=("🍓",), front_ambiguous=True),
    Category(Noun("cherries", "樱桃", "对", plural=True, group="a pair of"), cherries, Noun("fruit", "果实"), LEAF, ("red",),
             GREEN, emoji=("🍒",)),
    Category(Noun("grapes", "葡萄", "串", plural=True, group="a bunch of"), grapes, Noun("berries", "果实", plural=True), LEAVES,
             ("purple", "green"), GREEN, emoji=("🍇",)),
    Category(Noun("watermelon", "西瓜", "块", group="a slice of", plural=True), watermelon, Noun("flesh", "果肉"),
             Noun("rind", "瓜皮"), ("red", "yellow"), GREEN, emoji=("🍉",)),
    Category(Noun("pineapple", "菠萝", held_out_synonyms=("ananas",), chinese_synonyms=("凤梨",)),
             pineapple, SKIN, LEAVES, ("yellow", "orange"), GREEN, emoji=("🍍",), front_ambiguous=True),
    Category(Noun("avocado", "牛油果", chinese_synonyms=("鳄梨",)), avocado, SKIN,
             Noun("stone", "果核"), ("green", "black"), ("brown",), emoji=("🥑",)),
)  # fmt: skip
