"""Things from the kitchen: mug, teapot, wine glass, frying pan."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import arc, filleted, profile_spline, spline
from common.kit.draw import Draw
from common.kit.extrusion import puffed
from common.kit.materials import GLASS, GLOSSY, MATTE
from common.kit.mesh import merged
from common.kit.palette import COLOUR_NAMES, shaded
from common.kit.part import Part
from common.kit.revolve import ball, capsule, cylinder, ellipsoid, revolved, torus
from common.kit.sweep import tube


def mug(draw: Draw) -> tuple[Part, ...]:
    """A mug of coffee or tea: walls with a hollow, a drink, a handle on the right."""
    height = draw.between("height", 0.85, 1.2)
    foot = draw.between("foot", 0.36, 0.46)
    wall = 0.05
    outside = [(0, 0), (foot, 0), (0.5, 0.3 * height), (0.5, height)]
    inside = [(0.5 - wall, height), (0.5 - wall, 0.12), (0, 0.12)]
    body = revolved(filleted([*outside, *inside], 0.04), 32)
    reach = draw.between("handle_reach", 0.24, 0.34)
    top, low = 0.82 * height, 0.24 * height
    path = spline(
        [(0.46, top, 0), (0.5 + 0.8 * reach, top - 0.02, 0), (0.5 + reach, 0.5 * height, 0),
         (0.5 + 0.7 * reach, low + 0.04, 0), (0.46, low, 0)], 4
    )  # fmt: skip
    handle = tube(path, draw.between("handle_thickness", 0.055, 0.08), 12)
    drink = cylinder(0.5 - wall, 0.02, segments=32).moved(y=0.86 * height)
    return (
        Part("body", body, draw.main, pattern=draw.pattern),
        Part("handle", handle, draw.accent),
        Part("drink", drink, draw.paint("brown"), GLOSSY),
    )


def teapot(draw: Draw) -> tuple[Part, ...]:
    """A round teapot: belly, lid with a knob, spout to the left, handle to the right."""
    tall = draw.between("tall", 0.75, 0.95)
    belly = revolved(
        profile_spline(
            [(0, 0), (0.3, 0.01), (0.47, 0.2 * tall), (0.52, 0.45 * tall), (0.42, 0.8 * tall),
             (0.26, 0.97 * tall), (0, tall)], 4
        ), 32,
    )  # fmt: skip
    foot = cylinder(0.3, 0.08, 0.03).moved(y=0.01)
    dome = draw.between("lid", 0.1, 0.18)
    lid = revolved(
        filleted([(0, -0.02), (0.29, -0.02), (0.29, 0.03), (0.2, dome), (0, dome + 0.02)], 0.03), 28
    ).moved(y=0.93 * tall)
    knob = ball(draw.between("knob", 0.07, 0.1), 16, 8).moved(y=0.95 * tall + dome + 0.05)
    path = spline([(-0.42, 0.3 * tall, 0), (-0.62, 0.42 * tall, 0), (-0.7, 0.68 * tall, 0),
                   (-0.86, 0.86 * tall, 0)], 4)  # fmt: skip
    spout = tube(path, np.linspace(0.14, 0.065, len(path)), 14, round_ends=False)
    hole = tube([(-0.84, 0.85 * tall, 0), (-0.868, 0.866 * tall, 0)], 0.045, 12, round_ends=False)
    loop = spline([(0.4, 0.8 * tall, 0), (0.66, 0.84 * tall, 0), (0.79, 0.58 * tall, 0),
                   (0.66, 0.3 * tall, 0), (0.46, 0.24 * tall, 0)], 4)  # fmt: skip
    return (
        Part("body", belly, draw.main, pattern=draw.pattern),
        Part("body", foot, draw.main),
        Part("body", spout, draw.main),
        Part("hole", hole, draw.paint("black"), MATTE),
        Part("lid", lid, draw.accent),
        Part("lid", knob, draw.accent),
        Part("body", tube(loop, 0.06, 12), draw.main),
    )


def wine(draw: Draw) -> tuple[Part, ...]:
    """A glass of wine: foot, stem, bowl; the wine shows through the glass up to its level."""
    bowl = draw.between("bowl", 0.32, 0.4)
    stem = draw.between("stem", 0.42, 0.58)
    top = stem + draw.between("depth", 0.58, 0.7)
    foot = filleted(
        [(0, 0), (0.3, 0), (0.3, 0.03), (0.06, 0.07), (0.035, 0.14), (0.035, stem - 0.04)], 0.02
    )
    curve = profile_spline(
        [(0.035, stem - 0.04), (0.12, stem), (0.88 * bowl, stem + 0.16), (bowl, stem + 0.3),
         (0.92 * bowl, stem + 0.5), (0.8 * bowl, top)], 5
    )  # fmt: skip
    level = stem + draw.between("level", 0.3, 0.42)
    split = int(np.searchsorted(curve[:, 1], level))
    filled = np.concatenate([[(0, stem)], curve[2:split], [(0, curve[split - 1, 1])]])
    inside = curve[split - 1 :][::-1] - np.array([0.02, 0.0])
    upper = np.concatenate([curve[split - 1 :], inside])
    glass = merged(revolved(foot, 28), revolved(curve[:3], 20), revolved(upper, 28))
    rim = torus(0.8 * bowl - 0.01, 0.018, 28, 8).moved(y=top)
    shine = (
        capsule(0.016, 0.1, 8, 3).turned(z=8).moved(-0.5 * bowl, 0.5 * (level + top), 0.74 * bowl)
    )
    pale = shaded(draw.paint("cyan"), 0.14, -0.75)
    return (
        Part("wine", revolved(filled, 28), draw.main, GLOSSY),
        Part("glass", merged(glass, rim), pale, GLASS),
        Part("shine", shine, draw.paint("white"), GLASS),
    )


def frying_pan(draw: Draw) -> tuple[Part, ...]:
    """A pan seen from above with a fried egg in it, its handle to the lower right."""
    depth = draw.between("depth", 0.1, 0.16)
    profile = [(0, 0), (0.46, 0), (0.54, depth), (0.5, depth), (0.44, 0.04), (0, 0.04)]
    pan = revolved(filleted(profile, 0.025), 36).turned(x=90)
    angle = draw.between("handle_angle", -50, -30)
    reach = draw.between("handle_length", 0.42, 0.56)
    path = [(0.5, 0, 0.06), (0.62, 0, 0.1), (0.55 + reach, 0, 0.1)]
    handle = tube(path, np.array([0.045, 0.06, 0.075]), 12).turned(z=angle)
    wobble = arc(0.34, 0, 345, 23)
    turn = np.radians(15 * np.arange(24))
    phase = draw.between("egg", 0, 6)
    wobble *= (1 + 0.07 * np.sin(3 * turn + phase) + 0.06 * np.sin(5 * turn - phase))[:, None]
    white = puffed(spline(wobble, 2, closed=True), 0.035, 3).moved(z=0.05)
    yolk = ellipsoid(0.14, 0.14, 0.085, 20, 10).moved(0.02, 0.02, 0.06)
    return (
        Part("pan", pan, draw.main),
        Part("handle", handle, draw.accent),
        Part("egg", white, draw.paint("white"), GLOSSY),
        Part("yolk", yolk, draw.paint("yellow"), GLOSSY),
    )


HANDLE = Noun("handle", "把手")
CATEGORIES = (
    Category(Noun("mug", "杯子", synonyms=("coffee mug", "cup"), held_out_synonyms=("teacup",),
                  chinese_synonyms=("马克杯",)), mug, Noun("body", "杯身"), HANDLE, COLOUR_NAMES,
             emoji=("☕",), patterned=True, metallic=True, front_ambiguous=True),
    Category(Noun("teapot", "茶壶", "把"), teapot, Noun("body", "壶身"), Noun("lid", "壶盖"), COLOUR_NAMES,
             emoji=("🫖",), patterned=True, metallic=True, front_ambiguous=True),
    Category(Noun("wine", "葡萄酒", "杯", group="a glass of", plural=True), wine, Noun("wine", "葡萄酒"), None,
             ("red", "purple", "white"), emoji=("🍷",), front_ambiguous=True),
    Category(Noun("frying pan", "平底锅", "口", synonyms=("pan",), held_out_synonyms=("skillet",)), frying_pan,
             Noun("pan", "锅身"), HANDLE, ("black", "grey", "blue"), ("red", "brown", "black"), emoji=("🍳",)),
)  # fmt: skip
