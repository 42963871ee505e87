from collections import Counter

import pytest

from common.errors import InputError
from common.judging.asked import Asked, check_asked, scrambled, with_colours
from common.judging.names import load_names

NAMES = load_names()
CAR = Asked("a red car with white wheels", "objects", "car", "red", "white")


def exchanged(caption: str, language: str = "en", **colours: str) -> str:
    return with_colours(Asked(caption, "objects", language=language), NAMES, colours)


def test_colour_words_are_exchanged_with_their_article():
    assert exchanged("a red car", red="orange") == "an orange car"
    assert exchanged("an orange car with a red roof", orange="blue") == "a blue car with a red roof"
    assert exchanged("a metallic red car", red="orange") == "a metallic orange car"
    assert exchanged("red wheels", red="white") == "white wheels"


def test_two_colours_are_exchanged_at_once():
    swapped = exchanged("a red car with white wheels", red="white", white="red")
    assert swapped == "a white car with red wheels"


def test_colours_inside_words_are_left():
    assert exchanged("a red bred thing", red="blue") == "a blue bred thing"


def test_chinese_colours_are_exchanged():
    assert exchanged("一辆带白色车顶的红色汽车", "zh", red="blue", white="red") == (
        "一辆带红色车顶的蓝色汽车"
    )


def test_caption_that_does_not_say_the_colour_is_refused():
    with pytest.raises(InputError, match="does not say red"):
        exchanged("a blue car", red="green")


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        (Asked("a car", "objects", "carr"), "'carr' is none of the objects"),
        (Asked("a crimson car", "objects", "car", "crimson"), "'crimson' is no colour word"),
        (Asked("a car", "objects", "car", "red"), "does not say red"),
        (Asked("a red car with red wheels", "objects", "car", "red", "red"), "to both parts"),
    ],
)
def test_what_cannot_be_scored_is_refused(asked, said):
    with pytest.raises(InputError, match=said):
        check_asked([CAR, asked], NAMES)


@pytest.mark.parametrize("seed", range(3))
def test_scrambling_keeps_everything_that_was_asked_but_no_picture_its_own(seed):
    asked = [Asked(f"a red {name.key}", "objects", name.key, "red") for name in NAMES.objects]
    mixed = scrambled(asked, seed)
    assert Counter(mixed) == Counter(asked)
    assert all(one != other for one, other in zip(asked, mixed, strict=True))
    assert mixed == scrambled(asked, seed)


def test_scrambling_stays_among_pictures_that_are_asked_the_same_things():
    plain = [Asked(f"a {c.key} car", "objects", "car", c.key) for c in NAMES.colours]
    accented = [Asked(f"a {c.key} car with pink wheels", "objects", "car", c.key, "pink")
                for c in NAMES.colours if c.key != "pink"]  # fmt: skip
    single = [Asked("苹果", "emoji", "1f34e", language="zh")]
    mixed = scrambled([*plain, *single, *accented], 0)
    assert Counter(mixed[:12]) == Counter(plain)
    assert mixed[12:13] == single
    assert Counter(mixed[13:]) == Counter(accented)
