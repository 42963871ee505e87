"""Plants: tree, evergreen, palm, cactus, tulip, rose, sunflower, potted plant."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import filleted, profile_spline, spline
from common.kit.draw import Draw
from common.kit.fruit import GREEN, LEAVES, leaf_blade
from common.kit.leaf import leaf, leaf_widths
from common.kit.materials import MATTE
from common.kit.mesh import Mesh, merged, ring_of
from common.kit.palette import shaded
from common.kit.part import Part
from common.kit.patterns import WoodGrain
from common.kit.real import Real
from common.kit.revolve import ball, cylinder, ellipsoid, frustum, revolved, torus
from common.kit.surface import grid_surface
from common.kit.sweep import swept, tube

TRUNK, BLOSSOM = Noun("trunk", "树干"), Noun("petals", "花瓣", plural=True)


def tree(draw: Draw) -> tuple[Part, ...]:
    """A broad-leaved tree: a trunk with two branches and a crown of round clouds."""
    trunk_height = draw.between("trunk", 0.55, 0.75)
    trunk = tube(
        [(0, 0, 0), (0, 0.08, 0), (0, 0.5 * trunk_height, 0), (0, trunk_height + 0.2, 0)],
        np.array([0.19, 0.14, 0.115, 0.1]), 14, round_ends=False,
    )  # fmt: skip
    branch = tube(
        [(0, 0.6 * trunk_height, 0), (0.24, trunk_height + 0.08, 0.06)], np.array([0.07, 0.05]), 8
    )
    base = trunk_height + 0.1
    clouds = [(0, 0.42, 0, 0.44), (-0.34, 0.18, 0.04, 0.34), (0.34, 0.2, 0.04, 0.34), (0, 0.14, 0.26, 0.33),
              (0, 0.16, -0.28, 0.33), (-0.2, 0.52, 0.12, 0.3), (0.24, 0.5, -0.08, 0.31)]  # fmt: skip
    puffs = []
    for index, (x, y, z, size) in enumerate(clouds):
        size *= draw.between(f"cloud_{index}", 0.9, 1.12)
        puffs.append(ball(size, 20, 12).moved(x, base + y, z))
    return (
        Part("crown", merged(*puffs), draw.main, MATTE),
        Part("trunk", merged(trunk, branch, branch.turned(y=180)), draw.accent, MATTE, WoodGrain()),
    )


def evergreen(draw: Draw) -> tuple[Part, ...]:
    """A fir: three or four tiers with drooping scalloped skirts on a short trunk."""
    tiers = draw.whole("tiers", 3, 4)
    wide = draw.between("width", 0.5, 0.6)
    skirts = []
    for tier in range(tiers):
        share = tier / tiers
        radius = wide * (1 - 0.72 * share)
        y = 0.26 + 1.15 * share
        profile = profile_spline([(0, y + 0.02), (0.7 * radius, y), (radius, y - 0.05), (0.9 * radius, y + 0.07),
                                  (0.35 * radius, y + 0.36), (0, y + 0.56)], 3)  # fmt: skip
        skirts.append(revolved(profile, 36))

    def scalloped(points: np.ndarray) -> np.ndarray:
        wave = 1 + 0.06 * np.cos(9 * np.arctan2(points[:, 0], points[:, 2]))
        return points * np.stack([wave, np.ones_like(wave), wave], axis=1)

    trunk = cylinder(0.11, 0.4, 0.02, 14).moved(y=0.1)
    return (
        Part("crown", merged(*skirts).deformed(scalloped), draw.main, MATTE),
        Part("trunk", trunk, draw.accent, MATTE, WoodGrain()),
    )


def palm_tree(draw: Draw) -> tuple[Part, ...]:
    """A palm: leaning ringed trunk, arching fronds, coconuts."""
    lean = draw.between("lean", -0.18, 0.18)
    line = spline([(0, 0, 0), (0.35 * lean, 0.5, 0), (lean, 1.15, 0)], 6)
    t = np.linspace(0, 1, len(line))
    trunk = tube(line, 0.15 - 0.06 * t, 14)
    rings = []
    for index in range(1, len(line) - 1):
        direction = line[index + 1] - line[index - 1]
        ring = torus(0.15 - 0.06 * t[index], 0.025, 18, 6).aimed(tuple(direction.tolist()))
        rings.append(ring.moved(*line[index]))
    u = np.linspace(0, 1, 11)
    long = draw.between("frond", 0.78, 0.92)
    spine = np.stack([0.42 * np.sin(np.pi * u * 0.95) - 0.42 * u**2, long * u], axis=1)
    frond = leaf(spine, leaf_widths(10, 0.34, 0.45, 0.25), 0.05, -0.25)
    count = draw.whole("fronds", 7, 9)
    fronds = merged(
        ring_of(frond, count, draw.between("phase", 0, 40)), frond.scaled(0.7).turned(x=-42)
    )
    nuts = ring_of(ball(0.1, 14, 8).moved(y=-0.1, z=0.13), 3, 30)
    top = line[-1]
    return (
        Part("fronds", fronds.moved(*top), draw.main),
        Part("trunk", merged(trunk, *rings), draw.accent, MATTE),
        Part("coconuts", nuts.moved(*top), shaded(draw.paint("brown"), -0.12)),
    )


def cactus(draw: Draw) -> tuple[Part, ...]:
    """A saguaro: ribbed column with two bent arms, spines, often a flower, in a pot or on sand."""
    tall = draw.between("height", 1.3, 1.6)
    section_angles = np.linspace(0, 2 * np.pi, 40, endpoint=False)
    ribbed_section = (
        np.stack([np.cos(section_angles), np.sin(section_angles)], axis=1)
        * (1 + 0.09 * np.cos(10 * section_angles))[:, None]
    )
    body = swept([(0, 0, 0), (0, 0.5 * tall, 0), (0, tall - 0.24, 0)], ribbed_section,
                 np.array([0.24, 0.26, 0.24]), round_ends=True)  # fmt: skip

    def arm(side: Real, height: Real, reach: Real, rise: Real) -> Mesh:
        path = spline([(side * 0.1, height, 0), (side * (reach - 0.1), height + 0.02, 0),
                       (side * reach, height + 0.14, 0), (side * reach, height + rise, 0)], 4)  # fmt: skip
        return swept(path, ribbed_section[::2], 0.15, round_ends=True)

    left, right = draw.between("left_arm", 0.45, 0.62), draw.between("right_arm", 0.62, 0.8)
    arms = merged(
        arm(-1, left * tall * 0.85, 0.52, draw.between("left_rise", 0.3, 0.5)),
        arm(1, right * tall * 0.85, 0.5, draw.between("right_rise", 0.26, 0.42)),
    )
    spine = frustum(0.012, 0.0, 0.09, 0, 5)
    spines = []
    for row in range(6):
        spines.append(
            ring_of(
                spine.turned(x=80).moved(y=0.2 + row * (tall - 0.4) / 6, z=0.3),
                10,
                18.0 * (row % 2),
            )
        )
    petal = leaf_blade(0.2, 0.13, 0.3).turned(x=45)
    flower = merged(ring_of(petal, 6), ball(0.05, 10, 6).moved(y=0.04)).moved(y=tall - 0.02)
    pot = revolved(filleted([(0, -0.46), (0.34, -0.46), (0.43, -0.06), (0.48, -0.06), (0.48, 0.08), (0.4, 0.08),
                             (0.4, 0.02), (0, 0.02)], 0.03), 28)  # fmt: skip
    return (
        Part("body", merged(body, arms), draw.main, MATTE),
        Part("spine", merged(*spines), draw.paint("white"), MATTE),
        Part("flower", flower, draw.pick("flower", ("pink", "red", "yellow"))),
        Part("pot", pot, draw.accent, MATTE),
    )


def stalk_with_leaves(height: Real, size: Real) -> tuple[Mesh, Mesh]:
    """A flower's stalk from the ground to ``height`` and a pair of long leaves at its foot."""
    stalk = tube([(0, 0, 0), (0, 0.5 * height, 0), (0, height, 0)], 0.055, 10)
    t = np.linspace(0, 1, 11)
    spine = np.stack([size * np.sin(1.9 * t) * 1.0, 0.06 + 0.6 * size * t**1.4], axis=1)
    blade = leaf(spine, leaf_widths(10, 0.42 * size, 0.4, 0.15), 0.05, 0.3)
    return stalk, merged(blade.turned(y=80), blade.turned(y=-80))


def tulip(draw: Draw) -> tuple[Part, ...]:
    """A tulip: cup of six pointed petals on a stalk with two long leaves."""
    height = draw.between("stalk", 0.72, 0.95)
    stalk, leaves = stalk_with_leaves(height, draw.between("leaf", 0.6, 0.8))
    t = np.linspace(0, 1, 11)
    open_ = draw.between("open", 0.0, 0.14)
    spine = np.stack(
        [0.72 * t, 0.02 + 0.3 * np.sin(np.pi * np.clip(t * 0.8 + 0.05, 0, 1)) + open_ * t**2],
        axis=1,
    )
    petal = leaf(spine, leaf_widths(10, 0.5, 0.42, 0.3), 0.07, -0.42)
    inner = petal.scaled(0.92, 1.04, 0.86)
    return (
        Part("petals", ring_of(petal, 3, 0).moved(y=height), draw.main),
        Part("petals", ring_of(inner, 3, 60).moved(y=height), shaded(draw.main, -0.05)),
        Part("leaves", merged(stalk, leaves), draw.accent),
    )


def _wrapped_petal(radius: Real, height: Real, flare: Real, spread_deg: Real) -> Mesh:
    """A petal curved about the Y axis like part of a cup, its rounded rim rolled outward."""
    angles = np.radians(np.linspace(-spread_deg / 2, spread_deg / 2, 15))
    across = np.linspace(-1, 1, 15)
    top = height * (1 - 0.28 * across**2 - 0.12 * across**6)
    rows = []
    for side in (1.0, -1.0):
        for t in np.linspace(0, 1, 8)[:: int(side)]:
            swell = radius * np.sin(np.pi / 2 * min(1.0, 0.25 + 1.6 * t)) + flare * t**4
            around = swell + side * 0.018 * (1 - t**6)
            rows.append(
                np.stack([around * np.sin(angles), t * top, around * np.cos(angles)], axis=1)
            )
    return grid_surface(np.array(rows))


def rose(draw: Draw) -> tuple[Part, ...]:
    """A rose: petals wound around a bud, sepals, a stalk with thorns and leaves."""
    height = draw.between("stalk", 0.8, 1.0)
    stalk = tube(spline([(0, 0, 0), (0.03, 0.5 * height, 0), (0, height, 0)], 4), 0.05, 10)
    open_ = draw.between("open", 0.0, 0.06)
    layers = []
    for layer, (count, radius, tall, flare, spread) in enumerate(
        ((2, 0.09, 0.56, -0.02, 240), (3, 0.17, 0.55, -0.01, 175), (3, 0.24, 0.52, 0.01 + open_, 155),
         (4, 0.3, 0.45, 0.07 + open_, 130))
    ):  # fmt: skip
        petal = _wrapped_petal(radius, tall, flare, spread).turned(x=4 * layer)
        layers.append((ring_of(petal, count, 15 + 47 * layer), -0.08 + 0.045 * layer))
    hip = revolved([(0, -0.06), (0.1, -0.04), (0.2, 0.06), (0.24, 0.14), (0, 0.16)], 18)
    sepals = ring_of(leaf_blade(0.26, 0.12, 0.1).turned(x=75), 5).moved(y=height)
    blade = leaf_blade(0.46, 0.28, 0.15)
    leaves = merged(
        blade.turned(z=-58).moved(0.03, 0.42 * height),
        blade.turned(z=55).moved(0.02, 0.26 * height),
    )
    thorn = frustum(0.028, 0, 0.09, 0, 6)
    thorns = merged(
        thorn.turned(z=-70).moved(0.08, 0.62 * height),
        thorn.turned(z=70).moved(-0.06, 0.5 * height),
    )
    return (
        Part("petals", hip.moved(y=height), draw.main),
        *(Part("petals", layer.moved(y=height), shaded(draw.main, tone)) for layer, tone in layers),
        Part("leaves", merged(stalk, sepals, leaves, thorns), draw.accent),
    )  # fmt: skip


def sunflower(draw: Draw) -> tuple[Part, ...]:
    """A sunflower facing the viewer: two rings of petals, a dark dotted disc, stalk, leaves."""
    height = draw.between("stalk", 0.85, 1.0)
    stalk, leaves = stalk_with_leaves(height, draw.between("leaf", 0.62, 0.8))
    count = draw.whole("petals", 12, 16)
    petal = leaf_blade(0.34, 0.2, 0.12).moved(y=0.24)
    ring = merged(*(petal.turned(z=360.0 * k / count) for k in range(count)))
    behind = merged(*(petal.turned(z=360.0 * (k + 0.5) / count) for k in range(count))).moved(
        z=-0.05
    )
    disc = ellipsoid(0.29, 0.29, 0.1, 28, 10)
    ring_disc = torus(0.24, 0.05, 28, 8).turned(x=90).moved(z=0.05)
    index = np.arange(46)
    radius, angle = 0.26 * np.sqrt((index + 0.5) / 46), index * np.pi * (3 - np.sqrt(5))
    seed = ball(0.022, 6, 4)
    seeds = merged(*(seed.moved(r * np.cos(a), r * np.sin(a), 0.1 * np.sqrt(1 - (r / 0.3) ** 2))
                     for r, a in zip(radius.tolist(), angle.tolist(), strict=True)))  # fmt: skip
    top, nod = height + 0.12, draw.between("nod", -6, 12)

    def head(mesh: Mesh) -> Mesh:
        return mesh.turned(x=nod).moved(y=top, z=0.1)

    brown = draw.paint("brown")
    return (
        Part("petals", head(ring), draw.main),
        Part("petals", head(behind), shaded(draw.main, -0.07)),
        Part("disc", head(merged(disc, ring_disc)), brown, MATTE),
        Part("seed", head(seeds), shaded(brown, -0.14)),
        Part("leaves", merged(stalk, leaves), draw.accent),
    )


def potted_plant(draw: Draw) -> tuple[Part, ...]:
    """A pot with soil and a young plant of paired leaves."""
    pot = revolved(filleted([(0, 0), (0.34, 0), (0.43, 0.44), (0.5, 0.44), (0.5, 0.58), (0.42, 0.58), (0.42, 0.5),
                             (0, 0.5)], 0.03), 30)  # fmt: skip
    soil = cylinder(0.42, 0.04, segments=28).moved(y=0.53)
    tall = draw.between("plant", 0.75, 1.0)
    stem = tube(
        [(0, 0.5, 0), (0.02, 0.5 + 0.5 * tall, 0), (0, 0.5 + tall, 0)],
        np.array([0.05, 0.04, 0.03]),
        8,
    )
    blades = []
    pairs = draw.whole("pairs", 2, 3)
    for pair in range(pairs):
        share = 0.28 + 0.5 * pair / max(pairs - 1, 1)
        blade = leaf_blade(0.56 - 0.12 * pair, 0.32 - 0.05 * pair, 0.12)
        turn = 30.0 * pair * (-1) ** pair
        both = merged(blade.turned(z=-52 + 6 * pair), blade.turned(z=52 - 6 * pair)).turned(y=turn)
        blades.append(both.moved(0.01, 0.5 + share * tall))
    blades.append(leaf_blade(0.4, 0.24, 0.1).turned(z=8).moved(0, 0.46 + tall))
    return (
        Part("pot", pot, draw.main, MATTE, draw.pattern),
        Part("soil", soil, shaded(draw.paint("brown"), -0.1), MATTE),
        Part("leaves", merged(stem, *blades), draw.accent),
    )


CROWN = Noun("crown", "树冠")
CATEGORIES = (
    Category(Noun("tree", "树", "棵", chinese_synonyms=("大树",)), tree, CROWN, TRUNK,
             ("green",), ("brown",), emoji=("🌳",), front_ambiguous=True),
    Category(Noun("evergreen", "松树", "棵", synonyms=("pine tree", "fir tree"), held_out_synonyms=("conifer",)),
             evergreen, CROWN, TRUNK, ("green",), ("brown",), emoji=("🌲",), front_ambiguous=True),
    Category(Noun("palm tree", "棕榈树", "棵", synonyms=("palm",), held_out_synonyms=("coconut tree",)),
             palm_tree, Noun("fronds", "叶子", plural=True), TRUNK, ("green",), ("brown",), emoji=("🌴",),
             front_ambiguous=True),
    Category(Noun("cactus", "仙人掌", "棵", held_out_synonyms=("saguaro",)), cactus, Noun("body", "茎"),
             Noun("pot", "花盆"), ("green",), ("orange", "brown", "red", "blue", "white"), emoji=("🌵",),
             front_ambiguous=True),
    Category(Noun("tulip", "郁金香", "朵"), tulip, BLOSSOM, LEAVES,
             ("red", "pink", "yellow", "purple", "orange", "white"), GREEN, emoji=("🌷",), front_ambiguous=True),
    Category(Noun("rose", "玫瑰", "朵", chinese_synonyms=("玫瑰花",)), rose, BLOSSOM, LEAVES,
             ("red", "pink", "white", "yellow"), GREEN, emoji=("🌹", "🥀"), front_ambiguous=True),
    Category(Noun("sunflower", "向日葵", "朵"), sunflower, BLOSSOM, LEAVES, ("yellow", "orange"), GREEN,
             emoji=("🌻",)),
    Category(Noun("potted plant", "盆栽", "盆", held_out_synonyms=("houseplant",)), potted_plant,
             Noun("pot", "花盆"), LEAVES, ("orange", "brown", "red", "white", "blue"), GREEN, emoji=("🪴",),
             front_ambiguous=True, patterned=True),
)  # fmt: skip
