import pytest

from common.embedded.class_names import Wanted, class_names, load_class_names
from common.embedded.concepts import load_concepts
from common.errors import InputError

NAMES = load_class_names()


@pytest.mark.parametrize(
    ("prompt", "what", "colour"),
    [
        ("a red mug", "mug", "red"),
        ("a RED mug with a blue handle", "mug", "red"),
        ("a mug with a blue handle", "mug", None),
        ("一个带蓝色把手的红色杯子", "mug", "red"),
        ("红杯子", "mug", "red"),
        ("a red apple", "apple", "red"),
        ("a mug on a dining table", "mug", None),
        ("a hot dog", "hot dog", None),
        ("two yellow mugs", "mug", "yellow"),
        ("a smiling face", "smiling face", None),
        ("something green", None, "green"),
        ("quantum flux", None, None),
        ("", None, None),
    ],
)
def test_prompts_are_read_in_both_languages(prompt, what, colour):
    wanted = NAMES.read(prompt)
    found = None if wanted.what is None else NAMES.whats[wanted.what][0]
    assert found == what
    assert (None if wanted.colour is None else NAMES.colours[wanted.colour][0]) == colour


def test_every_thing_and_colour_is_read_as_itself_in_both_languages():
    for number, thing in enumerate(load_concepts().things):
        for name in (*thing.english, *thing.chinese):
            assert NAMES.read(f"{name}").what == number, name
    for number, colour in enumerate(load_concepts().colours):
        for name in (colour.english, colour.chinese):
            assert NAMES.read(name) == Wanted(None, number)


def test_emoji_are_classes_but_look_alikes_and_those_that_are_things():
    concepts = load_concepts()
    for one, known in zip(concepts.emoji, NAMES.of_emoji, strict=True):
        assert (known is None) == bool(one.lookalike)
        if known is not None and known >= NAMES.num_things:
            assert NAMES.whats[known][0] == one.english[0]
    apples = [k for e, k in zip(concepts.emoji, NAMES.of_emoji, strict=True)
              if e.english[0] in ("red apple", "green apple")]  # fmt: skip
    assert [NAMES.whats[k][0] for k in apples if k is not None] == ["apple", "apple"]


def test_digest_is_of_the_names():
    assert class_names(load_concepts()).digest == NAMES.digest
    other = class_names(load_concepts()).__class__(
        NAMES.whats[::-1], NAMES.num_things, NAMES.colours, NAMES.of_emoji
    )
    assert other.digest != NAMES.digest


def test_named_classes_are_checked():
    assert NAMES.said(NAMES.named(["red", "mug"])) == "red mug"
    assert NAMES.said(NAMES.named(["杯子"])) == "mug"
    with pytest.raises(InputError, match="'flux capacitor' is no class of the classifier; it know"):
        NAMES.named(["flux capacitor"])
    with pytest.raises(InputError, match="mug, car: name at most one thing or emoji"):
        NAMES.named(["mug", "car"])
