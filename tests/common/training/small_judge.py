"""A real judge of a few one-coloured shapes under the names of emoji and kit categories."""

from itertools import product

import numpy as np

from common.kit.captions import Facts
from common.kit.catalogue import category_named
from common.kit.palette import PALETTE, ColourName
from common.kit.views import FRONT, View
from common.training.emoji.emoji_stills import EmojiStills
from common.training.judge.judge_evaluation import RealPictures
from common.training.judge.judge_kit import KitSource
from common.training.judge.judge_trainer import JudgeTraining, TrainJudge
from common.training.kit.kit_pictures import KitCategorySet, KitShot
from common.training.loop_config import LearningRate, LoopConfig

KEYS = ("1f34e", "1f34b", "1f438", "1f433")  # red apple, lemon, frog, whale
COLOURS: tuple[ColourName, ...] = ("red", "yellow", "green", "blue")
VIEWS = (FRONT, View(90.0, 12.0, 25.0), View(270.0, 12.0, 25.0))
_SHAPES = {"car": (4, 40), "house": (10, 12), "mug": (4, 10)}
"""Rows between the bars of which each category's square consists, and how thick they are."""


def emoji_squares() -> EmojiStills:
    """Four squares in the colours of four emoji."""
    pixels = np.zeros((4, 64, 64, 4), np.uint8)
    for picture, colour in zip(pixels, COLOURS, strict=True):
        picture[12:52, 12:52] = opaque(colour)
    return EmojiStills(KEYS, pixels)


def opaque(colour: ColourName) -> list[int]:
    """The RGBA bytes of a typical paint."""
    return [*(round(255 * part) for part in PALETTE[colour].typical), 255]


def kit_squares(seeds: tuple[int, ...]) -> tuple[KitCategorySet, ...]:
    """Squares of the main colour; the accent colour is above, left or right of it by view."""
    sets = []
    for name in _SHAPES:
        shots, pictures = [], []
        pairs = [pair for pair in product(COLOURS, COLOURS) if pair[0] != pair[1]]
        for seed in seeds:
            main, accent = pairs[seed % len(pairs)]
            shots.append(KitShot(seed, Facts(category_named(name), main, accent), VIEWS))
            pictures += [_square(main, accent, name, place) for place in range(len(VIEWS))]
        sets.append(KitCategorySet(category_named(name), tuple(shots), np.stack(pictures)))
    return tuple(sets)


def _square(main: ColourName, accent: ColourName, name: str, place: int) -> np.ndarray:
    """Bars of the main colour, and a border of the accent colour above, left or right."""
    picture = np.zeros((64, 64, 4), np.uint8)
    gap, thickness = _SHAPES[name]
    for row in range(12, 52):
        if (row - 12) % (gap + thickness) < thickness:
            picture[row, 12:52] = opaque(main)
    edge = ((slice(4, 12), slice(12, 52)), (slice(12, 52), slice(4, 12)),
            (slice(12, 52), slice(52, 60)))[place]  # fmt: skip
    picture[edge] = opaque(accent)
    return picture


def small_judge(num_steps: int = 4, **settings: object) -> tuple[TrainJudge, JudgeTraining]:
    """The method and its training on squares."""
    loop = LoopConfig(
        num_steps=num_steps, batch_size=10, precision="float32", ema_decay=0.5,
        learning_rate=LearningRate(peak=2e-3, warmup_steps=2),
    )  # fmt: skip
    small = {
        "loop": loop, "channels": (16, 16, 16), "blocks": (1, 1, 1), "joint_channels": 32,
        "num_kit_categories": 3, "objects_per_category": 2, "num_other_names": 4,
    }  # fmt: skip
    method = TrainJudge(**{**small, **settings})
    colours = dict(zip(KEYS, COLOURS, strict=True))
    held_out = kit_squares((0, 5))
    real = RealPictures(emoji_squares(), colours, held_out, held_out[:1], held_out)
    kit = kit_source(tuple(range(1, 12)), tuple(range(1, 12))) if method.num_kit else KitSource()
    return method, JudgeTraining(method, real, kit, 0, "cpu")


def kit_source(seeds: tuple[int, ...], turned_seeds: tuple[int, ...] = (1, 2, 3)) -> KitSource:
    """Squares of some objects, and of others that count as seen under turned light."""
    return KitSource(kit_squares(seeds), kit_squares(turned_seeds))
