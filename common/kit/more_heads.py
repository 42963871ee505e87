"""More faces that can speak: panda, koala, frog, monkey, cow, and a plain round face."""

import numpy as np

from common.kit.animal_heads import BLACK, FUR, MUZZLE
from common.kit.category import Category, Noun
from common.kit.curves import spline
from common.kit.draw import Draw
from common.kit.head import Front, brow, cheeks, dot_eyes, mouth, nose_button, round_eyes
from common.kit.leaf import leaf
from common.kit.materials import GLOSSY, MATTE
from common.kit.mesh import Mesh, merged
from common.kit.palette import shaded, typical_paint
from common.kit.part import Part
from common.kit.patterns import Gradient
from common.kit.real import Real
from common.kit.revolve import ball, ellipsoid
from common.kit.sweep import tube


def panda(draw: Draw) -> tuple[Part, ...]:
    """A panda's face: dark round ears and eye patches on a pale head."""
    wide = draw.between("width", 0.64, 0.7)
    front = Front(wide, 0.56, 0.5)
    ear = ellipsoid(0.21, 0.21, 0.12, 20, 10).moved(0.47, 0.45)
    patch = front.place(
        ellipsoid(0.15, draw.between("patch", 0.17, 0.21), 0.05, 18, 8).turned(z=-32), 0.25, 0.06
    )
    muzzle = Front(0.24, 0.18, 0.14, -0.2, 0.42)
    snout = ellipsoid(0.24, 0.18, 0.14, 20, 10).moved(0, -0.2, 0.42)
    return (
        Part("fur", merged(ellipsoid(wide, 0.56, 0.5, 32, 18), snout), draw.main),
        Part("patches", merged(ear, patch).with_mirror(), draw.accent, MATTE),
        *_panda_eyes(draw, front),
        Part("nose", nose_button(muzzle, -0.11, 0.16, 0.1, 0.01), BLACK, GLOSSY),
        *mouth(draw.pose, muzzle, -0.26, 0.2, shaded(BLACK, 0.04)),
    )


def koala(draw: Draw) -> tuple[Part, ...]:
    """A koala's face: broad fluffy ears, a big oval nose."""
    front = Front(0.56, 0.54, 0.48)
    size = draw.between("ear", 0.26, 0.31)
    fluff = [(0.0, 0.0, 1.0), (0.14, 0.1, 0.75), (0.1, -0.14, 0.75), (-0.02, 0.17, 0.7)]
    ear = merged(
        *(ellipsoid(size * k, size * k, 0.13, 16, 10).moved(0.56 + x, 0.3 + y) for x, y, k in fluff)
    )
    inner = ellipsoid(0.55 * size, 0.6 * size, 0.09, 16, 8).moved(0.56, 0.29, 0.1)
    nose = ellipsoid(0.13, draw.between("nose", 0.19, 0.23), 0.12, 20, 12).moved(0, -0.08, 0.5)
    return (
        Part("fur", merged(ellipsoid(0.56, 0.54, 0.48, 32, 18), ear.with_mirror()), draw.main),
        Part("inner ears", inner.with_mirror(), draw.accent, MATTE),
        *dot_eyes(draw.pose, front, 0.27, 0.1, draw.between("eye", 0.065, 0.085), draw.main),
        Part("nose", nose, shaded(BLACK, 0.06), GLOSSY),
        *mouth(draw.pose, front, -0.38, 0.22, shaded(BLACK, 0.04)),
    )


def frog(draw: Draw) -> tuple[Part, ...]:
    """A frog's face: wide head, bulging eyes on top, a wide mouth."""
    wide = draw.between("width", 0.7, 0.78)
    front = Front(wide, 0.44, 0.46)
    bump, x = draw.between("eye", 0.22, 0.26), 0.38
    lids = ball(bump, 22, 12).moved(x, 0.36, 0.08).with_mirror()
    squeeze = 0.1 + 0.9 * draw.pose.eye_open
    white = ellipsoid(0.8 * bump, 0.8 * bump * squeeze, 0.1, 20, 10).moved(x, 0.37, 0.24)
    pupil = ellipsoid(0.48 * bump, 0.52 * bump * squeeze, 0.06, 16, 8)
    shift_x, shift_y = 0.06 * draw.pose.gaze_x, 0.05 * draw.pose.gaze_y
    pupils = merged(*(pupil.moved(side * x + shift_x, 0.37 + shift_y, 0.31) for side in (-1, 1)))
    nostril = front.place(ball(0.025, 8, 6), 0.06, 0.1).with_mirror()
    return (
        Part("skin", merged(ellipsoid(wide, 0.44, 0.46, 34, 16), lids), draw.main),
        Part("eyes", white.with_mirror(), draw.accent, GLOSSY),
        Part("pupils", pupils, BLACK, GLOSSY),
        Part("nostrils", nostril, shaded(draw.main, -0.2), MATTE),
        cheeks(front, 0.52, -0.06, 0.09, shaded(draw.paint("pink"), 0.0)),
        *mouth(draw.pose, Front(wide, 0.44, 0.48), -0.08, 0.66, shaded(draw.main, -0.25)),
    )


def monkey(draw: Draw) -> tuple[Part, ...]:
    """A monkey's face: pale heart-shaped mask, ears at the sides."""
    front = Front(0.56, 0.56, 0.5)
    ear = merged(ellipsoid(0.2, 0.22, 0.1, 18, 10).moved(0.62, 0.02))
    inner = ellipsoid(0.13, 0.15, 0.08, 16, 8).moved(0.63, 0.02, 0.05)
    brow_pads = front.place(ellipsoid(0.2, 0.21, 0.07, 20, 10), 0.17, 0.12).with_mirror()
    muzzle = Front(0.42, 0.27, 0.24, -0.24, 0.34)
    jaw = ellipsoid(0.42, 0.27, 0.24, 26, 14).moved(0, -0.24, 0.34)
    tuft = merged(
        *(
            ellipsoid(0.06, 0.16, 0.06, 10, 8).turned(z=lean).moved(-0.004 * lean, 0.56)
            for lean in (-28, 0, 28)
        )
    )
    nostril = muzzle.place(ellipsoid(0.035, 0.025, 0.02, 10, 6), 0.06, -0.1).with_mirror()
    return (
        Part("fur", merged(ellipsoid(0.56, 0.56, 0.5, 32, 18), ear.with_mirror(), tuft), draw.main),
        Part("muzzle", merged(brow_pads, jaw, inner.with_mirror()), draw.accent),
        *dot_eyes(
            draw.pose,
            Front(0.56, 0.56, 0.56),
            0.17,
            0.12,
            draw.between("eye", 0.07, 0.09),
            draw.accent,
        ),
        Part("nostrils", nostril, shaded(draw.accent, -0.3), MATTE),
        *mouth(
            draw.pose, muzzle, -0.28, draw.between("mouth", 0.36, 0.44), shaded(draw.accent, -0.3)
        ),
    )


def cow(draw: Draw) -> tuple[Part, ...]:
    """A cow's face: horns, ears out to the sides, patches, a broad pink muzzle."""
    front = Front(0.48, 0.56, 0.46)
    horn = tube(
        spline([(0.22, 0.46, 0), (0.42, 0.6, 0), (0.42, 0.82, 0.04)], 5),
        np.linspace(0.1, 0.03, 11),
        10,
    )
    t = np.linspace(0, 1, 9)
    ear = leaf(
        np.stack([0.5 * t, 0.08 * np.sin(np.pi * t)], axis=1),
        0.13 * np.sin(np.pi * (0.08 + 0.88 * t)) ** 0.7,
        0.14,
    )
    ear = ear.turned(z=-100 + draw.between("ear_droop", -6, 10)).moved(0.38, 0.3)
    patch = front.place(ellipsoid(0.2, draw.between("patch", 0.22, 0.28), 0.05, 18, 8), -0.24, 0.2)
    muzzle = Front(0.44, 0.26, 0.26, -0.36, 0.3)
    nostril = muzzle.place(ellipsoid(0.05, 0.07, 0.03, 12, 8), 0.17, -0.26).with_mirror()
    return (
        Part("fur", ellipsoid(0.48, 0.56, 0.46, 30, 16), draw.main),
        Part("ears", merged(ear.with_mirror(), patch), draw.accent),
        Part("horns", horn.with_mirror(), shaded(draw.paint("orange"), 0.12, -0.6)),
        *dot_eyes(draw.pose, front, 0.22, 0.12, draw.between("eye", 0.07, 0.09), draw.main),
        Part(
            "muzzle", ellipsoid(0.44, 0.26, 0.26, 26, 14).moved(0, -0.36, 0.3), draw.paint("pink")
        ),
        Part("nostrils", nostril, shaded(draw.paint("pink"), -0.25), MATTE),
        *mouth(draw.pose, muzzle, -0.44, 0.34, shaded(draw.paint("pink"), -0.3)),
    )


def face(draw: Draw) -> tuple[Part, ...]:
    """A round face, or a tall one, with big eyes, brows, cheeks and a mouth made for speaking."""
    wide, tall = draw.between("width", 0.6, 0.66), draw.between("tall", 0.58, 0.66)
    front = Front(wide, tall, 0.56)
    size, apart = draw.between("eye", 0.13, 0.17), draw.between("apart", 0.21, 0.26)
    lift = draw.between("brow", 0.3, 0.36)
    raised = lift + 0.06 * draw.pose.eye_open - 0.02
    brow_mesh = front.place(brow(0.16, 8.0), apart, raised, 0.01)
    iris = draw.pick("iris", ("black", "brown", "blue", "green"))
    return (
        Part("skin", ellipsoid(wide, tall, 0.56, 36, 20), draw.main,
             pattern=Gradient(shaded(draw.main, 0.04))),
        *round_eyes(draw.pose, front, apart, 0.12, size, iris),
        Part("brows", brow_mesh.with_mirror(), shaded(draw.paint("brown"), -0.1), MATTE),
        cheeks(front, 0.42, -0.12, 0.1, shaded(draw.paint("pink"), -0.04, 0.2)),
        *mouth(draw.pose, front, -0.26, draw.between("mouth", 0.42, 0.52), shaded(typical_paint("red"), -0.1)),
        Part("hair", _hair(draw, tall), draw.accent, MATTE),
    )  # fmt: skip


def _panda_eyes(draw: Draw, front: Front) -> tuple[Part, ...]:
    raised = Front(front.rx, front.ry, front.rz + 0.05)
    return dot_eyes(draw.pose, raised, 0.24, 0.07, draw.between("eye", 0.065, 0.08), draw.accent)


def _hair(draw: Draw, tall: Real) -> Mesh:
    """A quiff: curved locks that spring from the crown and fall to one side."""
    side = 1.0 if draw.chance("parting", 0.5) else -1.0
    locks = []
    for index, (x, rise, fall) in enumerate(((-0.16, 0.1, 0.2), (-0.04, 0.2, 0.26), (0.1, 0.2, 0.26),
                                             (0.22, 0.12, 0.2))):  # fmt: skip
        grow = draw.between(f"lock_{index}", 0.85, 1.2)
        path = spline([(side * x, tall - 0.1, 0.06), (side * (x - 0.03), tall + rise * grow, 0.08),
                       (side * (x + 0.6 * fall), tall + (rise - 0.02) * grow, 0.16),
                       (side * (x + fall), tall - 0.02, 0.22)], 4)  # fmt: skip
        locks.append(tube(path, 0.13 * np.linspace(1.0, 0.08, len(path)) ** 0.7, 10))
    return merged(*locks)


CATEGORIES = (
    Category(Noun("panda face", "熊猫脸", "张", synonyms=("panda",), chinese_synonyms=("熊猫",)), panda, FUR,
             Noun("patches", "斑块", plural=True), ("white",), ("black",), emoji=("🐼",), talks=True),
    Category(Noun("koala face", "考拉脸", "张", synonyms=("koala",), chinese_synonyms=("考拉",)), koala, FUR,
             Noun("inner ears", "内耳", plural=True), ("grey", "brown"), ("white", "pink"), emoji=("🐨",), talks=True),
    Category(Noun("frog face", "青蛙脸", "张", synonyms=("frog",), held_out_synonyms=("toad",),
                  chinese_synonyms=("青蛙",)), frog, Noun("skin", "皮肤"), Noun("eyes", "眼睛", plural=True), ("green",),
             ("yellow", "white", "orange"), emoji=("🐸",), talks=True),
    Category(Noun("monkey face", "猴脸", "张", synonyms=("monkey",), chinese_synonyms=("猴子",)), monkey, FUR,
             MUZZLE, ("brown", "black"), ("orange", "white", "pink"), emoji=("🐵",), talks=True),
    Category(Noun("cow face", "牛脸", "张", synonyms=("cow",), chinese_synonyms=("奶牛",)), cow, FUR,
             Noun("ears", "耳朵", plural=True), ("white", "brown"), ("black", "brown"), emoji=("🐮",), talks=True),
    Category(Noun("face", "脸", "张", synonyms=("talking face", "smiley"), held_out_synonyms=("smiling head",),
                  chinese_synonyms=("笑脸",)), face, Noun("skin", "皮肤"), Noun("hair", "头发", plural=True), ("yellow",),
             ("brown", "black", "orange", "yellow"), emoji=("😀", "🙂", "😃", "😄"), talks=True),
)  # fmt: skip
