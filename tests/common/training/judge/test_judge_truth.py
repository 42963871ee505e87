import numpy as np

from common.kit.captions import Facts
from common.kit.catalogue import CATEGORIES, category_named
from common.training.emoji.emoji_concepts import load_concepts
from common.training.judge.judge_claims import drawn_claim, fact_codes
from common.training.judge.judge_truth import (
    FALSE,
    TRUE,
    UNKNOWN,
    alike_table,
    emoji_block,
    shared_emoji,
    truth_table,
)

KEYS = ("1f34e", "1f34b", "1f407", "1f430")  # red apple, lemon, rabbit, rabbit face
MEANINGS = {key: number for number, key in enumerate(KEYS)}


def row_of(name: str) -> int:
    return [category.name for category in CATEGORIES].index(name)


def test_other_captions_of_the_same_meaning_are_unknown():
    block = emoji_block(np.array([5, 7]), np.array([5, 7, 5, 9]), np.array([0, 1, -1, -1]))
    assert block.tolist() == [[TRUE, FALSE, UNKNOWN, FALSE], [FALSE, TRUE, FALSE, FALSE]]


def test_categories_are_alike_by_emoji_and_by_name():
    alike = alike_table(MEANINGS, load_concepts())
    assert alike[row_of("apple")].tolist() == [True, False, False, False]
    # The kit's rabbit face may be called a rabbit, as the other emoji is.
    assert alike[row_of("rabbit face")].tolist() == [False, False, True, True]
    assert not alike[row_of("car")].any()


def test_shared_things_are_unknown_across_the_two_kinds():
    apple, car = Facts(category_named("apple"), "red"), Facts(category_named("car"), "red")
    rng = np.random.default_rng(0)
    claims = np.stack([drawn_claim(facts, "en", rng).codes for facts in (apple, car)])
    objects = np.stack([fact_codes(apple), fact_codes(car)])
    emoji = np.array([0, 1])
    block = emoji_block(emoji, emoji, np.array([0, 1]))
    alike = alike_table(MEANINGS, load_concepts())
    table = truth_table(block, objects, claims, emoji, emoji, alike)
    assert table.tolist() == [
        [TRUE, FALSE, UNKNOWN, FALSE],
        [FALSE, TRUE, FALSE, FALSE],
        [UNKNOWN, FALSE, TRUE, FALSE],
        [FALSE, FALSE, FALSE, TRUE],
    ]


def test_most_categories_have_an_emoji():
    shared = shared_emoji(load_concepts())
    assert shared["apple"][0] == "1f34e"
    assert len(shared) > 0.9 * len(CATEGORIES)
