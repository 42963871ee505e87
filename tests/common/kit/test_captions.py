"""Captions say what is true, in good English and Chinese, and nothing that is held out."""

import re
from collections.abc import Iterator

import numpy as np
import pytest

from common.kit.captions import (
    FULL,
    NOUNS_LEFT_OUT,
    Facts,
    Mention,
    caption,
    mentions,
    nouns,
    training_caption,
    with_article,
)
from common.kit.catalogue import CATEGORIES, category_named
from common.kit.category import Category
from common.kit.instances import instance
from common.kit.motions import MOTIONS, motion_caption
from common.kit.palette import COLOUR_NAMES
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_synonyms import held_out_words

from .caption_reading import (
    PATTERNS,
    Said,
    chinese_nouns,
    english_nouns,
    read_chinese,
    read_english,
)

SAID_WITH_AN = {
    "airplane", "alarm", "alien", "anchor", "apple", "avocado", "axe", "ear", "eggplant",
    "electric", "evergreen", "ice", "octopus", "orange", "owl", "umbrella",
}  # fmt: skip
"""Every word of the kit's captions that begins with the sound of a vowel."""


def facts_of(category: Category) -> Iterator[Facts]:
    """Every main colour, with all the other facts that the category can have in turn."""
    for index, main in enumerate(category.colours):
        others = [name for name in category.accents if name != main]
        accent = others[index % len(others)] if category.accent else None
        second = next(
            name
            for name in COLOUR_NAMES[index:] + COLOUR_NAMES[:index]
            if name not in (main, accent)
        )
        patterns = ("stripes", "dots", "checks") if category.patterned else ("",)
        pattern = patterns[index % len(patterns)]
        metallic = category.metallic and index % 2 == 0
        finish = ("metallic", "金属") if metallic else ("", "")
        yield Facts(category, main, accent, *finish, pattern, second if pattern else None)


def said_by(facts: Facts, mention: Mention) -> Said:
    return Said(
        facts.category.name,
        facts.main if mention.main else None,
        facts.accent if mention.accent else None,
        mention.finish and facts.finish_english != "",
        facts.pattern if mention.pattern else "",
        facts.pattern_colour if mention.pattern else None,
    )


EVERYTHING = [
    (facts, mention)
    for category in CATEGORIES
    for facts in facts_of(category)
    for mention in mentions(facts)
]


def test_captions_of_both_languages_say_exactly_the_facts():
    seen: dict[str, Said] = {}
    for facts, mention in EVERYTHING:
        truth = said_by(facts, mention)
        for noun in nouns(facts.category, "en"):
            text = caption(facts, mention, "en", noun)
            assert read_english(text) == truth, text
            # Different facts never share a caption.
            assert seen.setdefault(text, truth) == truth
        for noun in nouns(facts.category, "zh"):
            text = caption(facts, mention, "zh", noun)
            assert read_chinese(text) == truth, text
            assert seen.setdefault(text, truth) == truth
    assert len(seen) > 9_000


def test_reader_refuses_what_is_no_caption():
    for text in ("red car", "a red", "a red carriage", "a red car with blue wheels", "two cars"):
        with pytest.raises((ValueError, KeyError)):
            read_english(text)
    for text in ("红色汽车", "一辆红色", "一辆带蓝色车轮的红色汽车"):
        with pytest.raises(ValueError, match="not a caption"):
            read_chinese(text)


def test_articles_follow_the_sound():
    after: dict[str, set[str]] = {"a": set(), "an": set()}
    for facts, mention in EVERYTHING:
        for noun in nouns(facts.category):
            for article, word in re.findall(
                r"\b(an?) ([\w-]+)", caption(facts, mention, "en", noun)
            ):
                after[article].add(word)
    assert after["an"] == SAID_WITH_AN
    assert not after["a"] & SAID_WITH_AN
    assert "UFO" in after["a"]
    # Plural and uncountable words take none.
    assert not (after["a"] | after["an"]) & {"wheels", "grapes", "glasses", "cherries", "icing"}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("orange umbrella", "an orange umbrella"),
        ("UFO", "a UFO"),
        ("red apple", "a red apple"),
        ("unicorn", "a unicorn"),
        ("umbrella", "an umbrella"),
        ("ice cream", "an ice cream"),
    ],
)
def test_article_of(words: str, expected: str):
    assert with_article(words) == expected


WRITTEN = [
    ("mug", "red", "blue", "a red mug with a blue handle", "一个带蓝色把手的红色杯子"),
    ("umbrella", "orange", "grey",
     "an orange umbrella with a grey handle", "一把带灰色伞柄的橙色雨伞"),
    ("glasses", "black", "cyan",
     "a pair of black glasses with cyan lenses", "一副带青色镜片的黑色眼镜"),
    ("grapes", "purple", "green",
     "a bunch of purple grapes with green leaves", "一串带绿色叶子的紫色葡萄"),
    ("corn", "yellow", "green",
     "an ear of yellow corn with a green husk", "一根带绿色苞叶的黄色玉米"),
    ("wine", "red", None, "a glass of red wine", "一杯红色葡萄酒"),
    ("rocket", "white", "red",
     "a white rocket with red nose and fins", "一枚带红色箭头和尾翼的白色火箭"),
    ("birthday cake", "brown", "pink",
     "a brown birthday cake with pink icing", "一个带粉色糖霜的棕色生日蛋糕"),
    ("cat face", "grey", "white",
     "a grey cat face with a white muzzle", "一张带白色口鼻的灰色猫脸"),
    ("heart", "red", "white", "a red heart with a white centre", "一颗带白色小爱心的红色爱心"),
    ("pizza", "yellow", "red",
     "a slice of yellow pizza with red salami", "一块带红色香肠片的黄色披萨"),
]  # fmt: skip
"""Category, colours, and what a person would write."""


@pytest.mark.parametrize(("name", "main", "accent", "english", "chinese"), WRITTEN)
def test_full_captions_read_as_a_person_would_write_them(name, main, accent, english, chinese):
    facts = Facts(category_named(name), main, accent)
    assert caption(facts, FULL, "en") == english
    assert caption(facts, FULL, "zh") == chinese


def test_everything_at_once_in_both_languages():
    facts = Facts(category_named("mug"), "red", "blue", "metallic", "金属", "dots", "white")
    assert caption(facts) == "a metallic red mug with white dots and a blue handle"
    assert caption(facts, FULL, "zh") == "一个带白色圆点和蓝色把手的金属红色杯子"
    assert caption(facts, Mention(main=False)) == "a mug"
    assert caption(facts, Mention(), "zh") == "一个红色杯子"


@pytest.mark.parametrize(
    ("name", "noun", "text"),
    [
        ("cat face", "猫", "一只黑色猫"),
        ("pig face", "猪", "一头黑色猪"),
        ("face", "笑脸", "一张黑色笑脸"),
        ("locomotive", "蒸汽火车", "一列黑色蒸汽火车"),
        ("umbrella", "伞", "一把黑色伞"),
    ],
)  # fmt: skip
def test_chinese_synonyms_are_counted_as_they_should_be(name, noun, text):
    assert caption(Facts(category_named(name), "black"), Mention(), "zh", noun) == text


def test_bare_name_only_for_usual_colours():
    for category in CATEGORIES:
        for facts in facts_of(category):
            bare = [mention for mention in mentions(facts) if not mention.main]
            assert bool(bare) == (facts.main in category.usual)
            assert bare in ([], [Mention(main=False)])


def test_mentions_are_every_level_of_detail_once():
    facts = Facts(category_named("mug"), "red", "blue", "metallic", "金属", "dots", "white")
    found = list(mentions(facts))
    assert len(found) == len(set(found)) == 1 + 2**3
    assert FULL in found
    assert len(list(mentions(Facts(category_named("banana"), "blue")))) == 1


def test_no_caption_has_a_held_out_word():
    # "clock" is part of the name "alarm clock" itself, so it is held out only as a name.
    inside_names = {"clock"}
    held = {word for c in CATEGORIES for word in c.noun.held_out_synonyms} - inside_names
    pattern = re.compile(r"\b(" + "|".join(map(re.escape, held)) + r")\b", re.IGNORECASE)
    texts = {
        caption(facts, mention, language, noun)
        for facts, mention in EVERYTHING
        for language in ("en", "zh")
        for noun in nouns(facts.category, language)
    }
    together = "\n".join(texts)
    assert held_out_words(together) == []
    assert pattern.findall(together) == []


def test_patterns_are_never_taken_for_parts():
    # A bee's stripes are a part of it; no striped category may have such a part.
    for category in CATEGORIES:
        if category.patterned and category.accent:
            assert category.accent.english not in PATTERNS


def test_nouns_left_out_are_in_the_catalogue_and_have_a_reason():
    everything = {*english_nouns(), *chinese_nouns()}
    assert everything >= NOUNS_LEFT_OUT
    reasons = {word: held_out_words(word) for word in NOUNS_LEFT_OUT}
    assert {word for word, held in reasons.items() if not held} == {"bath tub", "football"}
    assert "bath" in category_named("bathtub").noun.held_out_synonyms
    assert "american football" in {
        c.en.names[0] for c in load_concepts().values() if "football" in c.en.names
    }
    for category in CATEGORIES:
        for language in ("en", "zh"):
            assert not set(nouns(category, language)) & NOUNS_LEFT_OUT
            assert nouns(category, language)


def test_words_of_different_categories_are_different():
    for language in ("en", "zh"):
        words = [word for category in CATEGORIES for word in nouns(category, language)]
        assert len(words) == len(set(words))
    held = [word for c in CATEGORIES for word in c.noun.held_out_synonyms]
    assert len(held) == len(set(held))
    assert not set(held) & {word for category in CATEGORIES for word in nouns(category)}


@pytest.mark.parametrize("language", ["en", "zh"])
def test_training_captions_are_true_and_use_every_noun(language):
    read = read_english if language == "en" else read_chinese
    rng = np.random.default_rng(0)
    for category in CATEGORIES[::4]:
        facts = next(facts_of(category))
        allowed = {said_by(facts, mention) for mention in mentions(facts)}
        texts = [training_caption(facts, rng, language) for _ in range(120)]
        found = {read(text) for text in texts}
        # A level of detail is missed by 120 draws with probability below 9 exp(-120 / 9) = 2e-5.
        assert found == allowed
        for noun in nouns(category, language):
            assert any(text.endswith(noun) or f"{noun} with" in text for text in texts)


def test_training_captions_follow_their_generator():
    facts = next(facts_of(category_named("mug")))
    first, again = (
        [training_caption(facts, np.random.default_rng(7)) for _ in range(3)] for _ in range(2)
    )
    assert first == again


@pytest.mark.usefixtures("unchecked_builders")
def test_captions_name_the_colours_that_the_parts_have():
    for category in CATEGORIES[::3]:
        one = instance(category, 1)
        assert one.colours[category.main.english] == one.facts.main
        if category.accent:
            assert one.colours[category.accent.english] == one.facts.accent
        assert (
            read_english(one.caption_en) == said_by(one.facts, FULL) == read_chinese(one.caption_zh)
        )


def test_motion_captions_say_who_does_what():
    facts = Facts(category_named("cherries"), "red", "green")
    said = {motion.name: motion_caption(facts, motion) for motion in MOTIONS}
    assert said["slide left"] == "a pair of red cherries with a green leaf slides to the left"
    assert motion_caption(facts, MOTIONS[0], "zh", Mention(main=False)) == "一对樱桃原地转一圈"
    assert len(set(said.values())) == len(MOTIONS) == len({m.chinese for m in MOTIONS})


def test_subject_of_a_motion_is_singular():
    # The predicates are in the third person singular, so plural nouns need a group before them.
    assert all(category.noun.group for category in CATEGORIES if category.noun.plural)
    assert all(re.fullmatch(r"[a-z]+s( .*)?", motion.english) for motion in MOTIONS)
