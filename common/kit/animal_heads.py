"""Animal faces that can speak: cat, dog, bear, rabbit, pig, mouse, fox."""

import numpy as np

from common.kit.category import Category, Noun
from common.kit.curves import filleted, spline
from common.kit.draw import Draw
from common.kit.extrusion import puffed
from common.kit.head import Front, cheeks, dot_eyes, mouth, nose_button, whiskers
from common.kit.leaf import leaf
from common.kit.materials import GLOSSY, MATTE
from common.kit.mesh import Mesh, merged
from common.kit.palette import ColourName, shaded, typical_paint
from common.kit.part import Part
from common.kit.real import Real
from common.kit.revolve import ellipsoid

BLACK = typical_paint("black")


def triangle_ear(width: Real, height: Real, depth: Real) -> Mesh:
    """An upright pointed ear about its foot."""
    outline = filleted([(-width / 2, 0), (width / 2, 0), (0.1 * width, height), (-0.1 * width, height)], 0.28 * width,
                       4, closed=True)  # fmt: skip
    return puffed(outline, depth, 2.4, 4, (0.0, 0.35 * height))


def cat(draw: Draw) -> tuple[Part, ...]:
    """A cat's face: pointed ears, muzzle, pink nose, whiskers."""
    wide, tall = draw.between("width", 0.66, 0.74), draw.between("tall", 0.52, 0.58)
    front = Front(wide, tall, 0.5)
    size, spread = draw.between("ear", 0.5, 0.62), draw.between("ear_spread", 0.36, 0.42)
    ear = triangle_ear(0.46, size, 0.13).turned(z=-14).moved(spread, 0.3)
    inner = triangle_ear(0.28, 0.66 * size, 0.06).turned(z=-14).moved(spread, 0.35, 0.1)
    pads = front.place(ellipsoid(0.21, 0.16, 0.14, 18, 10), 0.14, -0.17).with_mirror()
    muzzle = Front(0.36, 0.24, 0.2, -0.2, 0.4)
    return (
        Part("fur", merged(ellipsoid(wide, tall, 0.5, 32, 18), ear.with_mirror()), draw.main),
        Part("inner ear", inner.with_mirror(), draw.paint("pink"), MATTE),
        Part("muzzle", merged(pads, ellipsoid(0.2, 0.14, 0.12, 14, 8).moved(0, -0.27, 0.38)), draw.accent),
        *dot_eyes(draw.pose, front, 0.27, 0.08, draw.between("eye", 0.085, 0.105), draw.main),
        Part("nose", nose_button(muzzle, -0.09, 0.14, 0.1), draw.paint("pink"), GLOSSY),
        Part("whiskers", whiskers(front, 0.3, -0.16, 0.42), BLACK),
        *mouth(draw.pose, muzzle, -0.25, 0.24, shaded(BLACK, 0.04)),
        *((Part("stripes", _forehead_stripes(front), shaded(draw.main, -0.14)),)
          if draw.chance("striped", 0.5) else ()),
    )  # fmt: skip


def dog(draw: Draw) -> tuple[Part, ...]:
    """A dog's face: hanging ears, broad muzzle, big nose, a tongue when it speaks."""
    wide = draw.between("width", 0.54, 0.6)
    front = Front(wide, 0.6, 0.5)
    long = draw.between("ear", 0.72, 0.86)
    t = np.linspace(0, 1, 9)
    spine = np.stack([-long * t, 0.12 * np.sin(np.pi * t)], axis=1)
    ear = leaf(spine, 0.5 * 0.4 * np.sin(np.pi * (0.1 + 0.84 * t**0.75)) ** 0.8, 0.16, 0.1)
    ear = ear.turned(z=16).moved(wide - 0.04, 0.44, 0.04)
    muzzle = Front(0.36, 0.29, 0.26, -0.24, 0.38)
    snout = ellipsoid(0.36, 0.29, 0.26, 24, 14).moved(0, -0.24, 0.38)
    patch = front.place(ellipsoid(0.2, 0.24, 0.05, 18, 8), 0.24, 0.14)
    return (
        Part("fur", ellipsoid(wide, 0.6, 0.5, 32, 18), draw.main),
        Part("ears", merged(ear.with_mirror(), patch), draw.accent),
        Part("muzzle", snout, shaded(draw.paint("white"), 0.0)),
        *dot_eyes(draw.pose, front, 0.23, 0.14, draw.between("eye", 0.08, 0.1), draw.main),
        Part("nose", nose_button(muzzle, -0.09, 0.24, 0.16, 0.02), BLACK, GLOSSY),
        *mouth(draw.pose, muzzle, -0.34, 0.34, shaded(BLACK, 0.04)),
    )


def bear(draw: Draw) -> tuple[Part, ...]:
    """A bear's face: round ears with paler insides, round muzzle, dark nose."""
    wide = draw.between("width", 0.62, 0.68)
    front = Front(wide, 0.58, 0.5)
    ear_size = draw.between("ear", 0.2, 0.25)
    ear = ellipsoid(ear_size, ear_size, 0.13, 20, 10).moved(0.47, 0.45)
    inner = ellipsoid(0.62 * ear_size, 0.62 * ear_size, 0.08, 16, 8).moved(0.46, 0.44, 0.09)
    muzzle = Front(0.3, 0.23, 0.22, -0.2, 0.4)
    snout = ellipsoid(0.3, 0.23, 0.22, 22, 12).moved(0, -0.2, 0.4)
    return (
        Part("fur", merged(ellipsoid(wide, 0.58, 0.5, 32, 18), ear.with_mirror()), draw.main),
        Part("muzzle", merged(inner.with_mirror(), snout), draw.accent),
        *dot_eyes(draw.pose, front, 0.24, 0.08, draw.between("eye", 0.07, 0.09), draw.main),
        Part("nose", nose_button(muzzle, -0.09, 0.2, 0.13, 0.02), BLACK, GLOSSY),
        *mouth(draw.pose, muzzle, -0.28, 0.26, shaded(BLACK, 0.04)),
    )


def rabbit(draw: Draw) -> tuple[Part, ...]:
    """A rabbit's face: long upright ears, cheeks, small nose, buck teeth under the lip."""
    front = Front(0.52, 0.48, 0.44)
    long = draw.between("ear", 0.7, 0.9)
    outline = spline([(-0.12, 0), (-0.17, 0.45 * long), (-0.11, 0.86 * long), (0, long), (0.11, 0.86 * long),
                      (0.17, 0.45 * long), (0.12, 0)], 3)  # fmt: skip
    ear = puffed(outline[::-1], 0.1, 2.4, 4, (0.0, 0.5 * long))
    tilt = draw.between("ear_tilt", 4, 16)
    inner = puffed(outline[::-1] * 0.6, 0.05, 2.4, 3, (0.0, 0.3 * long)).moved(0, 0.18 * long, 0.08)

    def placed(mesh: Mesh) -> Mesh:
        return mesh.turned(z=-tilt).moved(0.2, 0.36).with_mirror()

    pads = front.place(ellipsoid(0.17, 0.13, 0.12, 16, 10), 0.11, -0.17).with_mirror()
    muzzle = Front(0.3, 0.22, 0.16, -0.2, 0.38)
    return (
        Part("fur", merged(ellipsoid(0.52, 0.48, 0.44, 30, 16), placed(ear)), draw.main),
        Part("inner ears", placed(inner), draw.accent, MATTE),
        Part("pads", pads, shaded(draw.main, 0.04)),
        *dot_eyes(draw.pose, front, 0.21, 0.05, draw.between("eye", 0.075, 0.095), draw.main),
        Part("nose", nose_button(muzzle, -0.1, 0.12, 0.09), draw.accent, GLOSSY),
        Part("whiskers", whiskers(front, 0.24, -0.16, 0.3), BLACK),
        cheeks(front, 0.36, -0.1, 0.1, shaded(draw.paint("pink"), 0.03)),
        *mouth(draw.pose, muzzle, -0.26, 0.2, shaded(BLACK, 0.04)),
    )


def pig(draw: Draw) -> tuple[Part, ...]:
    """A pig's face: folded ears, flat snout disc with nostrils."""
    wide = draw.between("width", 0.62, 0.68)
    front = Front(wide, 0.56, 0.48)
    ear = triangle_ear(0.36, draw.between("ear", 0.4, 0.5), 0.09)

    def folded(points: np.ndarray) -> np.ndarray:
        fold = np.clip(points[:, 1] - 0.14, 0, None)
        return np.stack(
            [points[:, 0], points[:, 1] - 0.55 * fold, points[:, 2] + 0.9 * fold], axis=1
        )

    ear = ear.deformed(folded).turned(z=-26).moved(0.42, 0.34, 0.06)
    disc = puffed(np.stack([0.25 * np.cos(a := np.linspace(0, 2 * np.pi, 24, endpoint=False)),
                            0.19 * np.sin(a)], axis=1), 0.13, 4, 5).moved(0, -0.05, 0.46)  # fmt: skip
    nostril = ellipsoid(0.045, 0.07, 0.03, 12, 8).moved(0.09, -0.05, 0.585).with_mirror()
    return (
        Part("skin", merged(ellipsoid(wide, 0.56, 0.48, 32, 18), ear.with_mirror()), draw.main),
        Part("snout", disc, draw.accent),
        Part("nostrils", nostril, shaded(draw.accent, -0.2), MATTE),
        *dot_eyes(draw.pose, front, 0.27, 0.13, draw.between("eye", 0.07, 0.09), draw.main),
        cheeks(front, 0.45, -0.1, 0.11, shaded(draw.main, -0.06, 0.5)),
        *mouth(draw.pose, Front(wide, 0.56, 0.5), -0.33, 0.32, shaded(draw.main, -0.22)),
    )


def mouse(draw: Draw) -> tuple[Part, ...]:
    """A mouse's face: huge round ears, small pointed muzzle, whiskers."""
    front = Front(0.5, 0.46, 0.44)
    size = draw.between("ear", 0.34, 0.4)
    ear = ellipsoid(size, size, 0.09, 24, 10).moved(0.5, 0.4, -0.04)
    inner = ellipsoid(0.72 * size, 0.72 * size, 0.07, 20, 8).moved(0.5, 0.4, 0.02)
    muzzle = Front(0.22, 0.18, 0.26, -0.17, 0.32)
    snout = ellipsoid(0.22, 0.18, 0.26, 20, 12).moved(0, -0.17, 0.32)
    return (
        Part(
            "fur", merged(ellipsoid(0.5, 0.46, 0.44, 30, 16), ear.with_mirror(), snout), draw.main
        ),
        Part("inner ears", inner.with_mirror(), draw.accent, MATTE),
        *dot_eyes(draw.pose, front, 0.2, 0.07, draw.between("eye", 0.08, 0.1), draw.main),
        Part(
            "nose",
            nose_button(muzzle, -0.1, 0.13, 0.1, 0.02),
            shaded(draw.paint("pink"), -0.05),
            GLOSSY,
        ),
        Part("whiskers", whiskers(front, 0.22, -0.14, 0.38), BLACK),
        *mouth(draw.pose, muzzle, -0.27, 0.16, shaded(BLACK, 0.04)),
    )


def fox(draw: Draw) -> tuple[Part, ...]:
    """A fox's face: tall ears with dark tips, pointed cheeks, pale jowls, small nose."""
    head = ellipsoid(0.66, 0.5, 0.46, 34, 18)

    def pointed(points: np.ndarray) -> np.ndarray:
        low = np.clip(0.1 - points[:, 1], 0, None)
        drop = 0.25 * np.abs(points[:, 0]) ** 2 * np.clip(1 - 3 * np.abs(points[:, 1] + 0.1), 0, 1)
        return points + np.stack(
            [0.25 * drop * np.sign(points[:, 0]), -drop - 0.12 * low, 0.35 * low], axis=1
        )

    ear = triangle_ear(0.44, draw.between("ear", 0.64, 0.76), 0.13).turned(z=-10).moved(0.4, 0.26)
    inner = triangle_ear(0.25, 0.42, 0.06).turned(z=-10).moved(0.4, 0.33, 0.1)
    front = Front(0.66, 0.5, 0.5)
    jowl = front.place(ellipsoid(0.34, 0.2, 0.12, 20, 10).turned(z=24), 0.36, -0.2).with_mirror()
    muzzle = Front(0.24, 0.2, 0.28, -0.24, 0.44)
    snout = ellipsoid(0.24, 0.2, 0.28, 20, 12).moved(0, -0.24, 0.44)
    return (
        Part("fur", merged(head.deformed(pointed), ear.with_mirror()), draw.main),
        Part("inner ear", inner.with_mirror(), shaded(BLACK, 0.08), MATTE),
        Part("cheeks", merged(jowl, snout), draw.accent),
        *dot_eyes(draw.pose, front, 0.25, 0.06, draw.between("eye", 0.075, 0.09), draw.main),
        Part("nose", nose_button(muzzle, -0.15, 0.16, 0.11, 0.02), BLACK, GLOSSY),
        *mouth(draw.pose, muzzle, -0.33, 0.2, shaded(BLACK, 0.04)),
    )


def _forehead_stripes(front: Front) -> Mesh:
    """Three short stripes above the eyes."""
    bar = ellipsoid(0.03, 0.11, 0.03, 10, 6)
    return merged(*(front.place(bar, x, 0.36 - 0.5 * abs(x), 0.0) for x in (-0.12, 0.0, 0.12)))


FUR, MUZZLE = Noun("fur", "毛", plural=True), Noun("muzzle", "口鼻")
INNER_EARS = Noun("inner ears", "内耳", plural=True)
FURS: tuple[ColourName, ...] = ("brown", "grey", "black", "white", "orange")
CATEGORIES = (
    Category(Noun("cat face", "猫脸", "张", synonyms=("cat",), held_out_synonyms=("kitten", "kitty"),
                  chinese_synonyms=("猫",)), cat, FUR, MUZZLE, ("orange", "grey", "black", "brown"), ("white",),
             emoji=("🐱", "😺"), talks=True),
    Category(Noun("dog face", "狗脸", "张", synonyms=("dog",), held_out_synonyms=("puppy", "doggy"),
                  chinese_synonyms=("狗",)), dog, FUR, Noun("ears", "耳朵", plural=True),
             ("brown", "white", "grey", "orange"), ("brown", "black"), emoji=("🐶",), talks=True),
    Category(Noun("bear face", "熊脸", "张", synonyms=("bear",), held_out_synonyms=("grizzly",),
                  chinese_synonyms=("熊",)), bear, FUR, MUZZLE, ("brown", "white", "black"),
             ("orange", "white", "grey"), emoji=("🐻", "🐻\u200d❄️"), talks=True),
    Category(Noun("rabbit face", "兔脸", "张", synonyms=("rabbit",), held_out_synonyms=("bunny", "hare"),
                  chinese_synonyms=("兔子",)), rabbit, FUR, INNER_EARS, ("white", "grey", "brown"), ("pink",),
             emoji=("🐰",), talks=True),
    Category(Noun("pig face", "猪脸", "张", synonyms=("pig",), held_out_synonyms=("piglet",),
                  chinese_synonyms=("猪",)), pig, Noun("skin", "皮肤"), Noun("snout", "鼻子"), ("pink",), ("red", "pink"),
             emoji=("🐷", "🐽"), talks=True),
    Category(Noun("mouse face", "鼠脸", "张", synonyms=("mouse",), chinese_synonyms=("老鼠",)), mouse, FUR,
             INNER_EARS, ("grey", "white", "brown"), ("pink",), emoji=("🐭",), talks=True),
    Category(Noun("fox face", "狐狸脸", "张", synonyms=("fox",), chinese_synonyms=("狐狸",)), fox, FUR,
             Noun("cheeks", "脸颊", plural=True), ("orange", "red"), ("white",), emoji=("🦊",), talks=True),
)  # fmt: skip
