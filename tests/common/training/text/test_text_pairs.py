import re
from collections import Counter

import numpy as np

from common.training.text.text_pairs import (
    ACROSS_SHARE,
    COLOUR_SHARE,
    _emoji_pair,
    _kit_pair,
    draw_pairs,
    load_captions,
)

CHINESE = re.compile(r"[一-鿿]")


def drawn(count: int = 1500, seed: int = 0):
    return draw_pairs(load_captions(), count, np.random.default_rng(seed))


def test_pairs_mix_the_languages_at_their_shares():
    kinds = Counter(bool(CHINESE.search(p.first)) + bool(CHINESE.search(p.second)) for p in drawn())
    # 1500 draws: five standard deviations are 0.065.
    assert abs(kinds[1] / 1500 - ACROSS_SHARE) < 0.07
    assert min(kinds[0], kinds[2]) / 1500 > 0.15


def test_coloured_pairs_differ_in_meaning_from_plain_ones():
    captions = load_captions()
    per_concept = 13  # no colour and twelve colours
    emoji = [_emoji_pair(captions, index, np.random.default_rng(index)) for index in range(1500)]
    coloured = [p for p in emoji if p.meaning % per_concept]
    # 1500 draws: five standard deviations are 0.065.
    assert abs(len(coloured) / 1500 - COLOUR_SHARE) < 0.07
    red = next(p for p in coloured if p.meaning % per_concept == 1 and CHINESE.search(p.second))
    assert "红色" in red.second
    concept = captions.concepts[red.meaning // per_concept]
    assert any(name in red.second for name in concept.zh.names)


def test_kit_pairs_share_a_meaning_with_their_emoji_as_long_as_they_say_no_more():
    captions = load_captions()
    apple = next(c for c in captions.concepts if c.key == "1f34e")
    index = captions.emoji_of_category["apple"]
    assert captions.concepts[index].key == apple.key
    pairs = [_kit_pair(captions, np.random.default_rng(seed)) for seed in range(4000)]
    apples = [p for p in pairs if p.meaning // 13 == index]
    assert apples
    assert all("apple" in p.first or "苹果" in p.first for p in apples)
    assert not any(" with " in p.first + p.second for p in apples), "parts are not an emoji's"
    detailed = {p.meaning for p in pairs if " with " in p.first}
    assert min(detailed) >= 1_000_000


def test_shades_stand_under_the_colour_they_are():
    shades = load_captions().shades
    assert {"crimson", "scarlet"} <= set(shades["red"])
    assert "emerald" in shades["green"]
    every = [name for names in shades.values() for name in names]
    assert len(every) == len(set(every))
    assert "apple" not in every, "a thing as well"


def test_drawing_depends_on_the_generator_alone():
    assert drawn(20, seed=3) == drawn(20, seed=3) != drawn(20, seed=4)
