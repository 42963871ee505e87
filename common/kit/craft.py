"""What flies, floats and rides rails: rocket, airplane, helicopter, saucer, sailboat, train."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import dome_profile, filleted, profile_spline, spline
from common.kit.draw import Draw
from common.kit.extrusion import extruded
from common.kit.materials import GLASS, GLOSSY, MATTE, METAL
from common.kit.mesh import merged, ring_of
from common.kit.palette import shaded
from common.kit.part import Part
from common.kit.real import Real
from common.kit.revolve import ball, capsule, cylinder, ellipsoid, frustum, revolved, torus
from common.kit.rounded_box import rounded_box
from common.kit.surface import grid_surface
from common.kit.sweep import tube
from common.kit.wheels import panes, wheel


def rocket(draw: Draw) -> tuple[Part, ...]:
    """A rocket: pointed hull, coloured nose and fins, a porthole, a nozzle with a flame."""
    belly = draw.between("belly", 0.34, 0.42)
    tall = draw.between("height", 1.7, 2.1)
    curve = profile_spline(
        [(0.62 * belly, 0.0), (0.9 * belly, 0.25), (belly, 0.42 * tall), (0.78 * belly, 0.68 * tall),
         (0.42 * belly, 0.87 * tall), (0, tall)], 5
    )  # fmt: skip
    split = int(np.argmin(np.abs(curve[:, 1] - draw.between("nose", 0.68, 0.76) * tall)))
    hull = revolved(np.concatenate([[(0, 0)], curve[: split + 1]]), 28)
    nose = revolved(curve[split:] * np.array([1.03, 1.0]), 28)
    sweep = draw.between("fin_sweep", 0.28, 0.42)
    outline = filleted([(0.55 * belly, 0.55), (0.6 * belly, 0.08), (belly + sweep, -0.28),
                        (belly + 0.9 * sweep, 0.12), (0.95 * belly, 0.62)], 0.06, closed=True)  # fmt: skip
    fin = extruded(outline, 0.1, 0.03)
    fins = ring_of(fin, draw.whole("fins", 3, 4), 180.0 if draw.values["fins"] == 4 else 210.0)
    frame = torus(0.17, 0.045, 24, 10).turned(x=90)
    pane = ellipsoid(0.16, 0.16, 0.07, 20, 10)
    height = 0.58 * tall
    depth = float(np.interp(height, curve[:, 1], curve[:, 0])) - 0.01
    nozzle = frustum(0.24, 0.17, 0.18, 0.02, 20).moved(y=-0.06)
    flame = revolved(
        profile_spline([(0, -0.62), (0.13, -0.36), (0.19, -0.16), (0.1, -0.08)], 4), 16
    )
    core = revolved(profile_spline([(0, -0.44), (0.08, -0.3), (0.2, -0.14), (0.1, -0.07)], 4), 16)
    return (
        Part("body", hull, draw.main, GLOSSY, draw.pattern),
        Part("nose and fins", nose, draw.accent, GLOSSY),
        Part("nose and fins", fins, draw.accent, GLOSSY),
        Part("frame", frame.moved(y=height, z=depth), draw.paint("grey"), METAL),
        Part("window", pane.moved(y=height, z=depth), draw.paint("cyan"), GLASS),
        Part("nozzle", nozzle, draw.paint("black")),
        Part("flame", flame, draw.paint("orange"), MATTE),
        Part("flame", core, draw.paint("yellow"), MATTE),
    )


def airplane(draw: Draw) -> tuple[Part, ...]:
    """An airliner in a climbing turn, nose to the upper right, its back to the viewer."""
    wide = draw.between("width", 0.15, 0.19)
    hull = revolved(
        profile_spline([(0, -1), (0.35 * wide, -0.92), (0.8 * wide, -0.5), (wide, -0.1),
                        (wide, 0.6), (0.75 * wide, 0.88), (0.3 * wide, 1.0), (0, 1.02)], 4), 22,
    ).turned(z=-90)  # fmt: skip
    span = draw.between("span", 0.85, 1.05)
    sweep = draw.between("sweep", 0.3, 0.5)
    wing = extruded(
        filleted([(0.28, 0), (0.28 - sweep, span), (0.1 - sweep, span), (-0.22, 0)], 0.06, closed=True),
        0.06, 0.02,
    ).turned(x=-90)  # fmt: skip
    tail = extruded(
        filleted([(-0.72, 0), (-0.9, 0.4), (-1.04, 0.4), (-0.96, 0)], 0.04, closed=True),
        0.05,
        0.015,
    )
    wings = merged(wing, wing.turned(x=180)).moved(y=-0.04)
    tailplane = tail.turned(x=-90).scaled(1, 1, 0.95)
    engine = capsule(0.075, 0.2, 14).turned(z=90).moved(0.16 - 0.4 * sweep, -0.13, -0.42 * span)
    cockpit = ellipsoid(0.09, 0.07, 0.75 * wide, 14, 8).moved(0.86, 0.35 * wide)
    dots = merged(*(ball(0.036, 8, 6).moved(x, 0.3 * wide, z) for x in np.linspace(-0.5, 0.6, 7)
                    for z in (-0.93 * wide, 0.93 * wide)))  # fmt: skip
    parts = (
        Part("body", hull, draw.main, GLOSSY),
        Part("wings", wings, draw.accent),
        Part("tail", merged(tail, tailplane, tailplane.turned(x=180)), draw.accent),
        Part("engine", merged(engine, engine.moved(z=0.84 * span)), draw.paint("grey")),
        Part("window", merged(cockpit, dots), draw.paint("blue"), GLASS),
    )
    roll, climb = draw.between("roll", 48, 60), draw.between("climb", 35, 45)
    return tuple(part.with_mesh(part.mesh.turned(x=roll).turned(z=climb)) for part in parts)


def helicopter(draw: Draw) -> tuple[Part, ...]:
    """A helicopter flying left: glazed nose, tail boom, both rotors, skids."""
    cabin = ellipsoid(0.62, draw.between("cabin", 0.42, 0.5), 0.42, 26, 14)
    glass = ellipsoid(0.34, 0.33, 0.4, 22, 12).moved(-0.33, 0.06)
    long = draw.between("tail", 0.95, 1.2)
    boom = tube([(0.2, 0.1, 0), (0.7, 0.16, 0), (long, 0.22, 0)], np.array([0.26, 0.13, 0.07]), 14)
    fin = extruded(filleted([(long - 0.12, 0.16), (long + 0.06, 0.16), (long + 0.2, 0.58),
                             (long + 0.06, 0.58)], 0.04, closed=True), 0.07, 0.02)  # fmt: skip
    small = rounded_box(0.07, 0.46, 0.03, 0.015)
    star = merged(small, small.turned(z=90)).turned(z=draw.between("tail_rotor", 0, 90))
    blade = rounded_box(1.8, 0.035, 0.13, 0.015)
    blades = merged(blade, blade.turned(y=90)).turned(y=draw.between("rotor", 8, 30)).moved(y=0.68)
    mast = cylinder(0.06, 0.3, segments=12).moved(y=0.54)
    hub = ellipsoid(0.13, 0.07, 0.13, 16, 8).moved(y=0.7)
    path = spline([(-0.72, -0.56, 0), (-0.56, -0.66, 0), (0, -0.67, 0), (0.56, -0.67, 0)], 3)
    skid = tube(path, 0.04, 8)
    leg = tube([(0, -0.3, 0.2), (0, -0.67, 0.34)], 0.03, 8)
    legs = merged(leg.moved(x=-0.3), leg.moved(x=0.28))
    gear = merged(skid.moved(z=0.34), skid.moved(z=-0.34), legs, legs.turned(y=180))
    band = torus(0.4, 0.03, 28, 8).turned(z=90).scaled(1, 1.08, 1.03).moved(0.14)
    return (
        Part("body", merged(cabin, boom), draw.main, GLOSSY),
        Part("body", band, shaded(draw.main, -0.1)),
        Part("window", glass, draw.paint("cyan"), GLASS),
        Part("rotor", merged(blades, hub), draw.accent),
        Part("rotor", star.moved(long + 0.1, 0.38, 0.07), draw.accent),
        Part("fin", fin, shaded(draw.main, -0.06)),
        Part("mast", merged(mast, gear), draw.paint("black")),
    )


def flying_saucer(draw: Draw) -> tuple[Part, ...]:
    """A flying saucer: disc with lamps round its rim, glass dome, three landing balls."""
    flat = draw.between("flatness", 0.2, 0.28)
    disc = revolved(
        profile_spline([(0, -flat), (0.5, -0.85 * flat), (0.92, -0.12), (1.0, 0), (0.9, 0.1),
                        (0.5, 0.24), (0, 0.28)], 4), 40,
    )  # fmt: skip
    dome_height = draw.between("dome", 0.36, 0.52)
    dome = revolved(dome_profile(0.45, dome_height), 28).moved(y=0.2)
    collar = torus(0.46, 0.05, 32, 10).moved(y=0.23)
    count = draw.whole("lamps", 8, 12)
    lamps = ring_of(ball(0.085, 14, 8).moved(y=-0.06, z=0.93), count)
    rim = torus(0.97, 0.04, 44, 8).moved(y=0.01)
    leg = merged(
        tube([(0, -0.15, 0.4), (0, -0.42, 0.56)], 0.04, 8), ball(0.09, 14, 8).moved(0, -0.44, 0.57)
    )
    below = ellipsoid(0.34, 0.1, 0.34, 24, 8).moved(y=-flat)
    return (
        Part("body", disc, draw.main, METAL),
        Part("rim", merged(rim, collar), shaded(draw.main, -0.12), METAL),
        Part("dome", dome, draw.accent, GLOSSY),
        Part("lamp", lamps, draw.paint("yellow"), GLASS),
        Part("leg", ring_of(leg, 3, 180), draw.paint("grey"), METAL),
        Part("light", below, draw.paint("yellow"), GLASS),
    )


def sailboat(draw: Draw) -> tuple[Part, ...]:
    """A sailing boat heading left: hull, mast, a large and a small sail, a pennant."""
    long = draw.between("hull_length", 0.82, 0.98)
    hull = _boat_hull(long)
    mast_height = draw.between("mast", 1.5, 1.8)
    mast = tube([(0, 0.2, 0), (0, mast_height, 0)], 0.035, 10)
    boom = tube([(0, 0.46, 0), (0.78, 0.46, 0)], 0.028, 8)
    belly = draw.between("belly", 0.1, 0.2)

    def sail(width: Real, top: Real, low: Real) -> np.ndarray:
        side = spline([(0, low), (width, low), (0.62 * width, 0.5 * (top + low)), (0, top)], 4)
        return filleted(side, 0.01, 1, closed=True)

    def filled(points: np.ndarray) -> np.ndarray:
        bulge = belly * np.sin(np.clip((points[:, 1] - 0.4) / (mast_height - 0.4), 0, 1) * np.pi)
        return points + np.stack([0 * bulge, 0 * bulge, bulge * np.abs(points[:, 0])], axis=1)

    large = extruded(sail(0.78, mast_height - 0.06, 0.5), 0.04).deformed(filled).moved(x=0.05)
    front = extruded(sail(0.6, 0.86 * mast_height, 0.44), 0.04).deformed(filled)
    pennant = extruded([(0, 0), (0.24, -0.07), (0, -0.14)], 0.03).moved(0.02, mast_height)
    deck = _boat_hull(long * 0.94).scaled(1, 0.12, 0.86).moved(y=0.31)
    stripe = _boat_hull(long * 1.015).scaled(1, 0.2, 1.03).moved(y=0.26)
    return (
        Part("hull", hull, draw.main, GLOSSY),
        Part("sails", large, draw.accent, MATTE),
        Part("sails", front.turned(y=180), draw.accent, MATTE),
        Part("deck", deck, draw.paint("brown")),
        Part("stripe", stripe, draw.paint("white")),
        Part("mast", merged(mast, boom), draw.paint("brown")),
        Part("pennant", pennant, draw.paint("red"), MATTE),
    )


def locomotive(draw: Draw) -> tuple[Part, ...]:
    """A steam engine driving left: boiler, funnel, dome, cab with a roof, cow catcher."""
    round_ = draw.between("boiler", 0.34, 0.4)
    axis = 0.46 + round_
    boiler = revolved(filleted([(0, -0.9), (round_, -0.9), (round_, 0.3), (0, 0.3)], 0.05), 28)
    bands = merged(*(torus(round_ + 0.005, 0.03, 28, 8).moved(y=y) for y in (-0.72, -0.3, 0.1)))
    funnel = revolved(
        filleted([(0, 0), (0.13, 0), (0.11, 0.3), (0.2, 0.5), (0.2, 0.58), (0.12, 0.58), (0, 0.5)],
                 0.02), 20,
    ).moved(-0.62, axis + 0.9 * round_)  # fmt: skip
    dome = revolved(dome_profile(0.15, 0.24), 20).moved(-0.12, axis + 0.88 * round_)
    tall = draw.between("cab", 1.36, 1.5)
    cab = rounded_box(0.66, tall - 0.4, 0.86, 0.05).moved(0.6, (tall + 0.4) / 2)
    roof = rounded_box(0.92, 0.12, 1.04, 0.06).moved(0.6, tall + 0.03)
    window = panes([filleted([(0.42, 0.98), (0.78, 0.98), (0.78, tall - 0.12), (0.42, tall - 0.12)],
                             0.05, closed=True).tolist()], 0.86)  # fmt: skip
    base = rounded_box(1.86, 0.2, 0.78, 0.06).moved(0, 0.42)
    catcher = extruded([(-1.2, 0.1), (-0.88, 0.1), (-0.88, 0.5)], 0.7, 0.03)
    lamp = ellipsoid(0.06, 0.13, 0.13, 16, 10).moved(-0.92, axis)
    big, small = wheel(0.34, 0.14), wheel(0.22, 0.14)

    def along(index: int) -> list[Part]:
        pair = [big[index].moved(0.6, 0.34, 0.4), small[index].moved(-0.05, 0.22, 0.4),
                small[index].moved(-0.56, 0.22, 0.4)]  # fmt: skip
        back = [mesh.turned(y=180).mirrored() for mesh in pair]
        colour = (draw.paint("black"), draw.paint("grey"))[index]
        return [Part(("tyre", "hub")[index], merged(*pair, *back), colour)]

    rod = rounded_box(1.2, 0.06, 0.04, 0.02).moved(0.02, 0.24, 0.49)
    return (
        Part("boiler", boiler.turned(z=-90).moved(y=axis), draw.main, GLOSSY),
        Part("band", bands.turned(z=-90).moved(y=axis), draw.paint("yellow"), METAL),
        Part("funnel", merged(funnel, dome), draw.main),
        Part("cab", cab, draw.accent, GLOSSY),
        Part("roof", roof, shaded(draw.main, -0.05)),
        Part("window", window, draw.paint("cyan"), GLASS),
        Part("base", merged(base, catcher), draw.paint("grey")),
        *along(0), *along(1),
        Part("lamp", lamp, draw.paint("yellow"), GLASS),
        Part("rod", merged(rod, rod.turned(y=180).mirrored()), draw.paint("red")),
    )  # fmt: skip


def _boat_hull(half: Real):  # type: ignore[no-untyped-def]
    rows = []
    for share, low in (
        (0.0, 0.0),
        (0.55, 0.0),
        (0.82, 0.12),
        (0.95, 0.3),
        (1.0, 0.42),
        (0.0, 0.42),
    ):
        angles = np.linspace(-np.pi, np.pi, 29)
        x = half * share * np.cos(angles)
        bow = np.where(x < 0, 1.12, 0.94) * (1 + 0.25 * low)
        z = 0.36 * share * np.sin(angles) * np.abs(np.sin(angles)) ** 0.15
        rows.append(np.stack([x * bow, np.full_like(x, low), z], axis=1))
    return grid_surface(np.array(rows)[::-1])


CATEGORIES = (
    Category(
        Noun("rocket", "火箭", "枚", held_out_synonyms=("space rocket", "spaceship")),
        rocket, Noun("body", "箭身"), Noun("nose and fins", "箭头和尾翼", plural=True),
        ("white", "grey", "red", "blue"), ("red", "orange", "blue"), emoji=("🚀",), metallic=True, patterned=True, front_ambiguous=True,
    ),
    Category(
        Noun("airplane", "飞机", "架", synonyms=("plane",), held_out_synonyms=("aeroplane", "jet")),
        airplane, Noun("body", "机身"), Noun("wings", "机翼", plural=True), ("white", "grey", "blue"),
        ("blue", "red", "grey", "orange"), emoji=("✈️", "🛩️"),
    ),
    Category(
        Noun("helicopter", "直升机", "架", held_out_synonyms=("chopper",)),
        helicopter, Noun("body", "机身"), Noun("rotor", "旋翼"), ("orange", "red", "blue", "yellow", "green"),
        ("grey", "black", "white"), emoji=("🚁",),
    ),
    Category(
        Noun("flying saucer", "飞碟", "个", synonyms=("UFO",), held_out_synonyms=("alien spacecraft",),
             chinese_synonyms=("不明飞行物",)),
        flying_saucer, Noun("body", "碟身"), Noun("dome", "圆顶"), ("grey", "purple", "green", "blue"),
        ("cyan", "green", "blue"), emoji=("🛸",), front_ambiguous=True,
    ),
    Category(
        Noun("sailboat", "帆船", "艘", held_out_synonyms=("sailing boat", "yacht")),
        sailboat, Noun("hull", "船身"), Noun("sails", "船帆", plural=True), ("brown", "red", "blue", "white"),
        ("white", "yellow", "orange", "red"), emoji=("⛵",),
    ),
    Category(
        Noun("locomotive", "火车头", "台", synonyms=("steam train",), held_out_synonyms=("steam engine",),
             chinese_synonyms=("蒸汽火车",)),
        locomotive, Noun("boiler", "锅炉"), Noun("cab", "驾驶室"), ("black", "grey", "green", "blue"),
        ("red", "blue", "green"), emoji=("🚂",),
    ),
)  # fmt: skip
