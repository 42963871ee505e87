from collections import Counter

import numpy as np
import pytest

from common.training.emoji.emoji_concepts import EmojiConcept, Wording
from common.training.emoji.emoji_phrases import Phrase, draw_phrase, phrases, with_article


def concept(name: str, group: str = "objects", zh: str = "袜子") -> EmojiConcept:
    return EmojiConcept(
        key="1f9e6",
        group=group,
        subgroup="clothing",
        lookalike=None,
        like=None,
        en=Wording((name, "other name"), ("own",), ("shared",)),
        zh=Wording((zh,), ("短袜",), ()),
    )


def test_phrases_in_english() -> None:
    texts = {phrase.text: phrase.weight for phrase in phrases(concept("apple"), "en", "red")}
    assert texts == {
        "apple": 4.0,
        "other name": 2.0,
        "apple emoji": pytest.approx(2 / 3),
        "a picture of an apple": pytest.approx(2 / 3),
        "an apple": pytest.approx(2 / 3),
        "apple, own": 0.75,
        "apple, shared": 0.75,
        "own": 1.0,
        "red apple": 0.75,
        "a red apple": 0.75,
    }


def test_phrases_in_chinese() -> None:
    texts = [phrase.text for phrase in phrases(concept("socks"), "zh", "green")]
    assert texts == [
        "袜子", "袜子表情", "袜子的图片", "一个袜子", "袜子，短袜", "短袜",
        "绿色袜子", "绿色的袜子",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("which", "language"),
    [
        (concept("red apple"), "en"),
        (concept("apple", zh="红苹果"), "zh"),
        (concept("waving hand", group="people-body"), "en"),
        (concept("plus", group="symbols"), "zh"),
    ],
)
def test_colour_is_not_said_twice_nor_of_people_and_symbols(which, language) -> None:
    assert phrases(which, language, "green") == phrases(which, language, None)


@pytest.mark.parametrize("name", ["socks", "butter", "flag of chad", "keycap, 7", "loaf of breads"])
def test_article_only_where_one_thing_is_named(name: str) -> None:
    counted = name == "loaf of breads"
    texts = {phrase.text for phrase in phrases(concept(name), "en")}
    assert (f"a {name}" in texts) == counted


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("apple", "an apple"),
        ("unicorn", "a unicorn"),
        ("umbrella", "an umbrella"),
        ("hourglass", "an hourglass"),
        ("t-shirt", "a t-shirt"),
        ("one-piece swimsuit", "a one-piece swimsuit"),
        ("x-ray", "an x-ray"),
    ],
)
def test_article_follows_the_sound(name: str, expected: str) -> None:
    assert with_article(name) == expected


def test_draw_follows_the_weights() -> None:
    rng = np.random.default_rng(0)
    choices = (Phrase("a", 3.0), Phrase("b", 1.0))
    drawn = Counter(draw_phrase(choices, rng) for _ in range(4000))
    # The standard error of a share of 0.75 over 4000 draws is 0.0068; four of them.
    assert drawn["a"] / 4000 == pytest.approx(0.75, abs=0.028)
