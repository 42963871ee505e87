"""Instance ``seed`` of a category: everything about it follows from the two."""

import hashlib
from dataclasses import replace

import numpy as np

from common.errors import InputError
from common.kit.captions import Facts, PatternName
from common.kit.category import Category
from common.kit.draw import Draw
from common.kit.face_pose import VISEMES, FacePose, blended
from common.kit.kit_object import KitObject, bounding_frame, framed
from common.kit.materials import METALLIC
from common.kit.palette import COLOUR_NAMES, ColourName, paint
from common.kit.part import Part
from common.kit.patterns import Checks, Dots, Pattern, Plain, Stripes

USUAL_SHARE = 0.55
"""How often the main part has one of its usual colours although any is allowed."""
PATTERN_SHARE = 0.3
METALLIC_SHARE = 0.15


def instance(
    category: Category,
    seed: int,
    *,
    main: ColourName | None = None,
    accent: ColourName | None = None,
    pose: FacePose | None = None,
) -> KitObject:
    """Build one object, deterministically.

    Args:
        category: what to build.
        seed: which instance; any whole number from 0.
        main: the main part's colour; None draws one. Shape, and all other choices, do not depend
            on it.
        accent: the accent part's colour; None draws one that differs from the main colour.
        pose: the expression of a category that talks; None draws one. Nothing else depends on it.

    Raises:
        InputError: a colour that the category cannot have, or a pose for one without a mouth.
    """
    _check_request(category, seed, main, accent, pose)
    streams = {name: _stream(category, seed, name) for name in ("colour", "look", "shape", "pose")}
    colour_rng = streams["colour"]
    main_name = _main_colour(category, colour_rng, main)
    accent_name = _accent_colour(category, colour_rng, main_name, accent)
    pattern_name, pattern, pattern_colour = _pattern(
        category, streams["look"], main_name, accent_name
    )
    metallic = category.metallic and streams["look"].uniform() < METALLIC_SHARE
    main_paint = paint(main_name, colour_rng)
    accent_paint = paint(accent_name or main_name, colour_rng)
    if pose is None:
        pose = still_pose(streams["pose"]) if category.talks else FacePose()
    draw = Draw(streams["shape"], main_paint, accent_paint, pattern, pose)
    parts = category.build(draw)
    reference = parts
    if category.talks and pose != FacePose():
        rest = replace(draw, rng=_stream(category, seed, "shape"), pose=FacePose(), values={})
        reference = category.build(rest)
    parts = framed(parts, bounding_frame(reference))
    if metallic:
        parts = _metallic(parts, category)
    facts = Facts(
        category,
        main_name,
        accent_name,
        METALLIC.english if metallic else "",
        METALLIC.chinese if metallic else "",
        pattern_name,
        pattern_colour,
    )
    return KitObject(seed, parts, facts, pose, dict(draw.values))


def still_pose(rng: np.random.Generator) -> FacePose:
    """An expression for a still picture: a smile, often open, or a moment of speech."""
    choice = rng.uniform()
    if choice < 0.4:
        return FacePose(mouth_open=0.0, smile=float(rng.uniform(0.4, 1.0)))
    if choice < 0.8:
        return FacePose(
            mouth_open=float(rng.uniform(0.3, 0.7)),
            mouth_width=float(rng.uniform(0.5, 0.8)),
            smile=float(rng.uniform(0.6, 1.0)),
        )
    shapes = list(VISEMES.values())
    mouth = shapes[int(rng.integers(len(shapes)))]
    spoken = blended(FacePose(), mouth, float(rng.uniform(0.6, 1.0)))
    return replace(spoken, gaze_x=float(rng.uniform(-1, 1)), gaze_y=float(rng.uniform(-0.6, 0.6)))


def _stream(category: Category, seed: int, purpose: str) -> np.random.Generator:
    digest = hashlib.sha256(f"kit/{category.name}/{seed}/{purpose}".encode()).digest()
    return np.random.default_rng(int.from_bytes(digest[:8], "big"))


def _check_request(
    category: Category,
    seed: int,
    main: ColourName | None,
    accent: ColourName | None,
    pose: FacePose | None,
) -> None:
    if seed < 0:
        raise InputError(f"instances are numbered from 0, got {seed}")
    if main is not None and main not in category.colours:
        raise InputError(
            f"the {category.main.english} of a {category.name} cannot be {main}; "
            f"possible: {', '.join(category.colours)}"
        )
    if accent is not None and (category.accent is None or accent not in category.accents):
        possible = ", ".join(category.accents) if category.accent else "none"
        raise InputError(f"a {category.name} cannot have the accent {accent}; possible: {possible}")
    if pose is not None and not category.talks:
        raise InputError(f"a {category.name} has no face to pose")


def _one_of(rng: np.random.Generator, options: tuple[ColourName, ...]) -> ColourName:
    return options[int(rng.integers(len(options)))]


def _main_colour(
    category: Category, rng: np.random.Generator, wanted: ColourName | None
) -> ColourName:
    usual, any_ = _one_of(rng, category.usual), _one_of(rng, category.colours)
    drawn = usual if rng.uniform() < USUAL_SHARE else any_
    return wanted or drawn


def _accent_colour(
    category: Category, rng: np.random.Generator, main: ColourName, wanted: ColourName | None
) -> ColourName | None:
    usual = tuple(name for name in category.usual_accents if name != main)
    any_ = tuple(name for name in category.accents if name != main)
    options = usual if usual and rng.uniform() < USUAL_SHARE else any_
    drawn = options[int(rng.uniform() * len(options))] if options else main
    return (wanted or drawn) if category.accent else None


def _pattern(
    category: Category, rng: np.random.Generator, main: ColourName, accent: ColourName | None
) -> tuple[PatternName, Pattern, ColourName | None]:
    chance, which, period, upright = rng.uniform(size=4)
    options = tuple(name for name in COLOUR_NAMES if name not in (main, accent))
    second = paint(
        "white" if "white" in options and rng.uniform() < 0.4 else _one_of(rng, options), rng
    )
    if not category.patterned or chance > PATTERN_SHARE:
        return "", Plain(), None
    if which < 0.45:
        stripes = Stripes(second, 0.14 + 0.12 * float(period), bool(upright < 0.4))
        return "stripes", stripes, second.name
    if which < 0.85:
        return "dots", Dots(second, 0.16 + 0.1 * float(period)), second.name
    return "checks", Checks(second, 0.2 + 0.12 * float(period)), second.name


def _metallic(parts: tuple[Part, ...], category: Category) -> tuple[Part, ...]:
    name = category.main.english
    return tuple(replace(part, material=METALLIC) if part.name == name else part for part in parts)
