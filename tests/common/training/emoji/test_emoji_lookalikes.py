import pytest

from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_lookalikes import lookalike_of

CASES = [
    ("1f1e6-1f1fa", "flag: Australia", "country-flag", "country_flag", None),
    ("37-20e3", "keycap: 7", "keycap", "keycap", None),
    ("1f647-200d-2640", "woman bowing", "person-gesture", "gender", "1f647"),
    ("1f468-200d-1f680", "man astronaut", "person-role", "gender", "1f9d1-200d-1f680"),
    ("1f468-200d-1f9b0", "man: red hair", "person", "hair", "1f468"),
    ("1f468-200d-1f466", "family: man, boy", "family", "family", "1f46a"),
    ("1f46c", "men holding hands", "family", "family", "1f9d1-200d-1f91d-200d-1f9d1"),
    ("1f550", "one o’clock", "time", "clock", "1f55b"),
    ("25ab", "white small square", "geometric", "size", "2b1c"),
    ("264f", "Scorpio", "zodiac", "sign", None),
    ("1f63a", "grinning cat", "cat-face", "twin", "1f431"),
]


@pytest.mark.parametrize(("key", "label", "subgroup", "kind", "like"), CASES)
def test_lookalike_of_each_kind(
    key: str, label: str, subgroup: str, kind: str, like: str | None
) -> None:
    assert lookalike_of(key, label, subgroup, load_concepts()) == (kind, like)


@pytest.mark.parametrize(
    ("key", "label", "subgroup"),
    [
        ("1f40c", "snail", "animal-bug"),
        ("1f468", "man", "person"),
        ("1f46a", "family", "family"),
        ("1f55b", "twelve o’clock", "time"),
        ("231a", "watch", "time"),
        ("2b1c", "white large square", "geometric"),
        ("1f3f4-200d-2620", "pirate flag", "flag"),
        ("1f3f3-200d-1f308", "rainbow flag", "flag"),
    ],
)
def test_plain_emoji_are_no_lookalikes(key: str, label: str, subgroup: str) -> None:
    assert lookalike_of(key, label, subgroup, load_concepts()) == (None, None)


def test_variant_of_a_missing_picture_is_none() -> None:
    assert lookalike_of("1f647-200d-2640", "woman bowing", "person-gesture", set()) == (None, None)


def test_committed_kinds_agree() -> None:
    concepts = load_concepts()
    for concept in concepts.values():
        label = concept.en.names[0].replace("'", "’").replace(", ", ": ", 1)
        kind, like = lookalike_of(concept.key, label, concept.subgroup, concepts)
        assert (kind, like) == (concept.lookalike, concept.like), concept.key
