"""Toys and made-up beings: robot, ghost, alien, teddy bear, die, football, basketball, camera."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import (
    filleted,
    rectangle,
    spline,
)
from common.kit.draw import Draw
from common.kit.extrusion import extruded
from common.kit.head import Front, cheeks, dot_eyes, mouth, nose_button
from common.kit.materials import GLASS, GLOSSY, MATTE, METAL
from common.kit.mesh import Mesh, merged, rotation_between, unit
from common.kit.palette import shaded, typical_paint
from common.kit.part import Part
from common.kit.real import Real
from common.kit.revolve import ball, capsule, cylinder, ellipsoid, torus
from common.kit.rounded_box import rounded_box
from common.kit.surface import grid_surface
from common.kit.sweep import tube

BLACK, WHITE = typical_paint("black"), typical_paint("white")


def robot(draw: Draw) -> tuple[Part, ...]:
    """A robot: box head with a screen face and aerial, barrel body, hose arms, stub legs."""
    wide = draw.between("head", 0.82, 0.98)
    head = rounded_box(wide, 0.62, 0.6, 0.14, 4).moved(y=0.72)
    visor = extruded(rectangle(wide - 0.18, 0.44, 0.12), 0.06, 0.02).moved(0, 0.73, 0.3)
    pose, level = draw.pose, 0.79
    eye = cylinder(0.085, 0.04, 0.01, 18).turned(x=90).scaled(1, 0.12 + 0.88 * pose.eye_open, 1)
    eyes = merged(
        *(
            eye.moved(side * 0.2 + 0.03 * pose.gaze_x, level + 0.03 * pose.gaze_y, 0.335)
            for side in (-1, 1)
        )
    )
    half = 0.1 + 0.14 * pose.mouth_width * (1 - 0.5 * pose.rounding)
    gap = 0.03 + 0.13 * pose.mouth_open
    grill = rounded_box(2 * half, gap, 0.04, min(0.014, gap / 2.2)).moved(0, 0.6, 0.335)
    ears = merged(cylinder(0.12, 0.1, 0.03, 18).turned(z=90).moved(wide / 2 + 0.03, 0.72),
                  capsule(0.035, 0.26, 8, 3).moved(wide / 2 + 0.06, 0.92)).with_mirror()  # fmt: skip
    aerial = merged(cylinder(0.025, 0.2, segments=8).moved(y=1.1), ball(0.08, 14, 8).moved(y=1.22))
    neck = cylinder(0.14, 0.16, segments=16).moved(y=0.38)
    body = rounded_box(0.74, draw.between("body", 0.56, 0.68), 0.5, 0.14, 4)
    panel = rounded_box(0.42, 0.3, 0.05, 0.02).moved(0, 0.04, 0.24)
    lights = merged(*(ball(0.045, 10, 6).moved(x, 0.08, 0.275) for x in (-0.1, 0.0, 0.1)))
    swing = draw.between("arm", 0.0, 0.5)
    arm = tube(
        spline(
            [(0.36, 0.16, 0), (0.56, 0.1, 0), (0.62 + 0.1 * swing, -0.12 + 0.5 * swing, 0.06)], 4
        ),
        0.075,
        10,
    )
    hand = (
        torus(0.1, 0.045, 16, 8).turned(x=90).moved(0.64 + 0.1 * swing, -0.2 + 0.66 * swing, 0.08)
    )
    leg = merged(
        cylinder(0.09, 0.24, segments=12).moved(0.18, -0.4),
        rounded_box(0.26, 0.16, 0.36, 0.06).moved(0.18, -0.56, 0.04),
    )
    return (
        Part("body", merged(head, body), draw.main),
        Part("visor", visor, shaded(BLACK, 0.02), GLOSSY),
        Part("eyes", eyes, draw.paint("cyan"), GLASS),
        Part("mouth", grill, draw.paint("cyan"), GLASS),
        Part("ears", merged(ears, aerial), draw.accent),
        Part(
            "joint",
            merged(neck, arm.with_mirror(), leg.with_mirror(), panel),
            shaded(draw.paint("grey"), -0.08),
        ),
        Part("hands", hand.with_mirror(), draw.accent),
        Part("lights", lights, draw.paint("red"), GLASS),
    )


def ghost(draw: Draw) -> tuple[Part, ...]:
    """A ghost: sheet with a wavy hem, raised arms, big dark eyes, a mouth that moves."""
    wide, tall = draw.between("width", 0.46, 0.54), draw.between("tall", 0.95, 1.1)
    angles = np.linspace(np.pi, 3 * np.pi, 49)
    waves = draw.whole("waves", 5, 7)
    rows = []
    for share in np.linspace(0, 1, 14):
        radius = wide * np.sin(np.pi / 2 * min(1.0, 1.9 * share)) * (1 + 0.2 * max(share - 0.6, 0))
        y = tall - share * tall if share > 0.5 else tall - 0.5 * tall * (1 - np.cos(np.pi * share))
        hem = 0.085 * np.cos(waves * angles) * max(0.0, share - 0.7) / 0.3
        flute = 1 + 0.05 * np.cos(waves * angles) * max(0.0, share - 0.5)
        rows.append(
            np.stack(
                [radius * flute * np.sin(angles), y + hem, radius * flute * np.cos(angles)], axis=1
            )
        )
    under = rows[-1] * np.array([0.8, 1, 0.8]) + np.array([0, 0.12, 0])
    centre = np.tile([[0.0, 0.3, 0.0]], (49, 1))
    grid = np.array([*rows, under, centre])[::-1]
    grid[:, -1] = grid[:, 0]
    front = Front(wide, 0.52 * tall, wide, 0.5 * tall)
    raise_ = draw.between("arms", 0.0, 0.3)
    arm = tube(spline([(0.7 * wide, 0.4 * tall, 0.1), (wide + 0.14, 0.42 * tall + 0.1 * raise_, 0.16),
                       (wide + 0.24, 0.5 * tall + raise_ * 0.5, 0.2)], 4), np.linspace(0.15, 0.08, 9), 12)  # fmt: skip
    lift = 0.62 * tall
    sway = draw.between("sway", -0.1, 0.1)

    def swaying(points: np.ndarray) -> np.ndarray:
        low = np.clip(0.5 - points[:, 1], 0, None)
        return points + np.stack([sway * low, 0 * low, 0 * low], axis=1)

    parts = (
        Part("sheet", grid_surface(grid), draw.main, MATTE),
        Part("sheet", arm.with_mirror(), draw.main, MATTE),
        *dot_eyes(draw.pose, front, 0.17, lift, draw.between("eye", 0.075, 0.1), draw.main),
        *mouth(draw.pose, front, lift - 0.2, 0.2, shaded(BLACK, 0.05)),
        cheeks(front, 0.29, lift - 0.13, 0.06, draw.accent),
    )
    return tuple(part.with_mesh(part.mesh.deformed(swaying)) for part in parts)


def alien(draw: Draw) -> tuple[Part, ...]:
    """An alien's head: broad skull, narrow chin, huge slanted eyes, small nostrils, thin neck."""
    skull = draw.between("skull", 0.56, 0.64)
    head = ellipsoid(skull, 0.66, 0.52, 34, 20)

    def narrowed(points: np.ndarray) -> np.ndarray:
        low = np.clip(-points[:, 1] / 0.66, 0, 1)
        factor = 1 - 0.42 * low**1.3
        return np.stack(
            [points[:, 0] * factor, points[:, 1] - 0.1 * low, points[:, 2] * (1 - 0.2 * low)],
            axis=1,
        )

    front = Front(skull, 0.66, 0.5)
    tall = draw.between("eye", 0.22, 0.27) * (0.1 + 0.9 * draw.pose.eye_open)
    eye = front.place(ellipsoid(0.14, tall, 0.06, 22, 12).turned(z=34), 0.24, -0.02).with_mirror()
    glint = front.place(
        ellipsoid(0.035, 0.05 * max(draw.pose.eye_open, 0.1), 0.02, 10, 6), 0.22, 0.08, 0.055
    )
    other = front.place(
        ellipsoid(0.035, 0.05 * max(draw.pose.eye_open, 0.1), 0.02, 10, 6), -0.28, 0.08, 0.055
    )
    nostril = (
        Front(skull * 0.8, 0.7, 0.47)
        .place(ellipsoid(0.02, 0.03, 0.015, 8, 5), 0.035, -0.3)
        .with_mirror()
    )
    stalk = tube(spline([(0.2, 0.56, 0), (0.3, 0.78, 0), (0.42, 0.86, 0.04)], 4), 0.03, 8)
    bulb = ball(draw.between("bulb", 0.075, 0.1), 14, 8).moved(0.44, 0.87, 0.05)
    return (
        Part("skin", merged(head.deformed(narrowed), stalk.with_mirror()), draw.main),
        Part("eyes", eye, shaded(BLACK, 0.0), GLOSSY),
        Part("glint", merged(glint, other), WHITE, MATTE),
        Part("nostrils", nostril, shaded(draw.main, -0.25), MATTE),
        Part("feelers", bulb.with_mirror(), draw.accent, GLOSSY),
        *mouth(draw.pose, Front(skull * 0.72, 0.74, 0.46), -0.45, 0.22, shaded(draw.main, -0.3)),
    )


def teddy_bear(draw: Draw) -> tuple[Part, ...]:
    """A sitting teddy bear: round head and belly, stub arms and legs with pads, a bow tie."""
    head = ellipsoid(0.36, 0.33, 0.31, 26, 14).moved(y=0.62)
    ear = ellipsoid(0.13, 0.13, 0.08, 16, 8).moved(0.28, 0.86)
    inner = ellipsoid(0.08, 0.08, 0.06, 14, 6).moved(0.275, 0.855, 0.045)
    body = ellipsoid(0.36, draw.between("body", 0.38, 0.44), 0.32, 26, 14)
    lift = draw.between("arm", -20, 40)
    arm = (
        ellipsoid(0.12, 0.24, 0.12, 16, 10).moved(y=-0.2).turned(z=50 + lift).moved(0.3, 0.24, 0.06)
    )
    leg = ellipsoid(0.15, 0.15, 0.26, 18, 10).turned(y=24).moved(0.28, -0.3, 0.24)
    pad = ellipsoid(0.1, 0.1, 0.03, 16, 6).turned(y=24).moved(0.375, -0.3, 0.475)
    belly = ellipsoid(0.24, 0.26, 0.1, 22, 10).moved(0, -0.03, 0.26)
    front = Front(0.36, 0.33, 0.31, 0.62)
    muzzle = Front(0.17, 0.13, 0.14, 0.54, 0.24)
    snout = ellipsoid(0.17, 0.13, 0.14, 18, 10).moved(0, 0.54, 0.24)
    loop = ellipsoid(0.11, 0.075, 0.05, 14, 8).turned(z=12).moved(0.11, 0.31, 0.3).with_mirror()
    knot = ball(0.05, 10, 6).moved(0, 0.31, 0.33)
    return (
        Part(
            "fur",
            merged(head, ear.with_mirror(), body, arm.with_mirror(), leg.with_mirror()),
            draw.main,
            MATTE,
        ),
        Part(
            "pads",
            merged(inner.with_mirror(), snout, belly, pad.with_mirror()),
            shaded(draw.main, 0.14, -0.25),
            MATTE,
        ),
        Part("bow tie", merged(loop, knot), draw.accent),
        *dot_eyes(draw.pose, front, 0.14, 0.68, draw.between("eye", 0.04, 0.052), draw.main),
        Part("nose", nose_button(muzzle, 0.6, 0.11, 0.075, 0.01), BLACK, GLOSSY),
        *mouth(draw.pose, muzzle, 0.5, 0.13, shaded(BLACK, 0.04)),
    )


def die(draw: Draw) -> tuple[Part, ...]:
    """A die showing three faces: rounded cube with sunken-looking pips one to six."""
    cube = rounded_box(1, 1, 1, draw.between("round", 0.1, 0.2), 4)
    pip = ellipsoid(0.095, 0.095, 0.03, 16, 6)
    far = 0.24
    layouts: dict[int, list[tuple[float, float]]] = {
        1: [(0, 0)], 2: [(-far, -far), (far, far)], 3: [(-far, -far), (0, 0), (far, far)],
        4: [(x, y) for x in (-far, far) for y in (-far, far)],
        5: [(0, 0)] + [(x, y) for x in (-far, far) for y in (-far, far)],
        6: [(x, y) for x in (-far, far) for y in (-far, 0, far)],
    }  # fmt: skip
    turns = {1: (-90, 0), 2: (0, 0), 3: (0, 90), 4: (0, -90), 5: (0, 180), 6: (90, 0)}
    pips = [
        merged(*(pip.moved(x, y, 0.495) for x, y in places)).turned(
            x=turns[number][0], y=turns[number][1]
        )
        for number, places in layouts.items()
    ]
    yaw, pitch = draw.between("yaw", -42, -30), draw.between("pitch", 16, 26)
    parts = (Part("cube", cube, draw.main, GLOSSY), Part("pips", merged(*pips), draw.accent, MATTE))
    return tuple(part.with_mesh(part.mesh.turned(y=yaw).turned(x=pitch)) for part in parts)


def football(draw: Draw) -> tuple[Part, ...]:
    """A football: ball with twelve five-sided patches and seams between them."""
    golden = (1 + np.sqrt(5)) / 2
    corners = unit(np.array([(0, a, b * golden) for a in (-1, 1) for b in (-1, 1)]))
    corners = np.concatenate([corners, corners[:, [2, 0, 1]], corners[:, [1, 2, 0]]])
    spin = rotation_between(
        np.array([0, 1.0, 0]),
        np.array([draw.between("tip", 0.0, 0.5), 1.0, draw.between("nod", 0.1, 0.5)]),
    )
    patches, seams = [], []
    for corner in corners:
        near = [other for other in corners if 0.1 < np.linalg.norm(other - corner) < 1.2]
        up = unit(np.cross(corner, np.cross(near[0] - corner, corner)))
        across = np.cross(up, corner)
        angles = 2 * np.pi * np.arange(5) / 5
        rim = [unit(corner + 0.34 * (np.cos(a) * up + np.sin(a) * across)) for a in angles]
        patches.append(_spherical_patch(corner, np.array(rim), 0.512))
        for other in near:
            gaps = [float(np.linalg.norm(point - other)) for point in rim]
            start = rim[gaps.index(min(gaps))]
            path = np.linspace(start, unit(corner + other), 4)
            seams.append(tube(0.5 * unit(path), 0.012, 5))
    return (
        Part("leather", ball(0.5, 36, 20).transformed(spin), draw.main),
        Part("patches", merged(*patches).transformed(spin), draw.accent),
        Part("seams", merged(*seams).transformed(spin), shaded(draw.main, -0.3), MATTE),
    )


def _spherical_patch(centre: np.ndarray, rim: np.ndarray, radius: Real) -> Mesh:
    """A patch of a sphere between ``centre`` and a polygon of directions counter-clockwise about it."""
    loop = np.concatenate(
        [
            np.concatenate(
                [
                    np.linspace(a, b, 5)[:-1]
                    for a, b in zip(rim, np.roll(rim, -1, axis=0), strict=True)
                ]
            ),
            rim[:1],
        ]
    )
    inner = [radius * unit(centre + share * (loop - centre)) for share in (0.0, 0.5, 0.93)]
    rows = [
        0.485 * unit(loop),
        (radius - 0.004) * unit(centre + 0.985 * (loop - centre)),
        *inner[::-1],
    ]
    return grid_surface(np.array(rows))


def basketball(draw: Draw) -> tuple[Part, ...]:
    """A basketball: ball with four seams."""
    spin = draw.between("spin", -50, 50)
    t = np.linspace(0, 2 * np.pi, 49)
    equator = np.stack([np.cos(t), 0 * t, np.sin(t)], axis=1)
    meridian = np.stack([np.cos(t), np.sin(t), 0 * t], axis=1)
    bend = 0.62
    curve = unit(np.stack([bend + 0.36 * np.cos(2 * t) * 0.9, np.sin(t), np.cos(t)], axis=1))
    lines = (equator, meridian, curve, curve * np.array([-1, 1, 1]))
    seams = merged(*(tube(0.5 * line, 0.013, 6, round_ends=False) for line in lines))
    valve = cylinder(0.02, 0.02, segments=8).moved(y=0.5)
    tilt = draw.between("tilt", 10, 30)

    def posed(mesh: Mesh) -> Mesh:
        return mesh.turned(y=spin).turned(x=tilt, z=tilt)

    return (
        Part("rubber", posed(ball(0.5, 36, 20)), draw.main, MATTE),
        Part("seams", posed(merged(seams, valve)), draw.accent, MATTE),
    )


def camera(draw: Draw) -> tuple[Part, ...]:
    """A camera: body with a leather band, lens rings with glass, flash, shutter button, finder."""
    wide, tall = draw.between("width", 1.1, 1.3), draw.between("tall", 0.66, 0.78)
    body = rounded_box(wide, tall, 0.4, 0.09, 4)
    band = rounded_box(wide + 0.012, 0.52 * tall, 0.412, 0.07, 3).moved(y=-0.06)
    hump = extruded(
        filleted([(-0.26, 0), (0.26, 0), (0.18, 0.16), (-0.18, 0.16)], 0.04, closed=True),
        0.34,
        0.04,
    ).moved(y=tall / 2 - 0.02)
    size = draw.between("lens", 0.27, 0.33)
    rings = merged(
        cylinder(size, 0.16, 0.03, 32).turned(x=90).moved(z=0.24),
        cylinder(0.84 * size, 0.2, 0.03, 32).turned(x=90).moved(z=0.36),
    )
    tube_ring = torus(0.78 * size, 0.03, 30, 8).turned(x=90).moved(z=0.46)
    glass = ellipsoid(0.68 * size, 0.68 * size, 0.07, 26, 10).moved(z=0.44)
    glint = ellipsoid(0.06, 0.045, 0.02, 10, 6).moved(-0.09, 0.09, 0.505)
    button = merged(
        cylinder(0.085, 0.08, 0.02, 18).moved(0.38 * wide, tall / 2 + 0.03),
        cylinder(0.11, 0.06, 0.02, 18).moved(-0.36 * wide, tall / 2 + 0.02),
    )
    flash = rounded_box(0.2, 0.13, 0.06, 0.03).moved(-0.36 * wide, 0.34 * tall, 0.19)
    finder = rounded_box(0.15, 0.08, 0.04, 0.015).moved(0, tall / 2 + 0.06, 0.165)
    down = -0.02
    return (
        Part("body", merged(body, hump), draw.main, METAL),
        Part("band", band, draw.accent, MATTE),
        Part("lens", merged(rings, tube_ring).moved(y=down), shaded(BLACK, 0.05)),
        Part(
            "glass", merged(glass.moved(y=down), finder), shaded(draw.paint("blue"), -0.12), GLASS
        ),
        Part("glint", glint, WHITE, MATTE),
        Part("button", button, shaded(draw.paint("red"), 0.0)),
        Part("flash", flash, shaded(draw.paint("yellow"), 0.08), GLASS),
    )


CATEGORIES = (
    Category(Noun("robot", "机器人", held_out_synonyms=("android",)), robot, Noun("body", "机身"),
             Noun("ears", "耳朵", plural=True), ("white", "grey", "blue", "cyan"), ("red", "orange", "yellow"),
             emoji=("🤖",), talks=True, metallic=True),
    Category(Noun("ghost", "幽灵", chinese_synonyms=("鬼",), held_out_synonyms=("spook", "phantom")), ghost,
             Noun("sheet", "身体"), Noun("cheeks", "脸颊", plural=True), ("white",), ("pink",), emoji=("👻",), talks=True),
    Category(Noun("alien", "外星人", held_out_synonyms=("extraterrestrial",)), alien, Noun("skin", "皮肤"),
             Noun("feelers", "触角", plural=True), ("green", "grey", "cyan"), ("yellow", "orange", "pink"),
             emoji=("👽", "👾"), talks=True),
    Category(Noun("teddy bear", "泰迪熊", "只", held_out_synonyms=("stuffed bear",)), teddy_bear, Noun("fur", "毛"),
             Noun("bow tie", "领结"), ("brown", "orange", "white", "pink"), ("red", "blue", "green"), emoji=("🧸",),
             talks=True),
    Category(Noun("die", "骰子", "颗", synonyms=("dice",)), die, Noun("cube", "骰身"), Noun("pips", "点数", plural=True),
             ("white", "red"), ("black", "white", "blue"), emoji=("🎲",), front_ambiguous=True),
    Category(Noun("football", "足球", "只", synonyms=("soccer ball",)), football, Noun("leather", "球面"),
             Noun("patches", "色块", plural=True), ("white",), ("black", "blue"), emoji=("⚽",), front_ambiguous=True),
    Category(Noun("basketball", "篮球", "只"), basketball, Noun("rubber", "球面"), Noun("seams", "缝线", plural=True),
             ("orange", "brown"), ("black",), emoji=("🏀",), front_ambiguous=True),
    Category(Noun("camera", "照相机", "台", chinese_synonyms=("相机",)), camera, Noun("body", "机身"),
             Noun("band", "饰带"), ("grey", "white", "black"), ("black", "brown", "grey"), emoji=("📷", "📸")),
)  # fmt: skip
