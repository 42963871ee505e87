import pytest

from common.errors import InputError
from common.kit.catalogue import CATEGORIES
from common.training.emoji.emoji_codepoints import text_key
from common.training.emoji.emoji_concepts import load_concepts
from common.training.emoji.emoji_kit import shared_concepts

EMOJI_OF = {category.name: category.emoji for category in CATEGORIES}
WITHOUT_EMOJI = {"table", "lamp", "lighthouse", "windmill"}
"""Objects that Unicode has no emoji of."""


def test_shared_concepts_are_keys_best_first() -> None:
    kit = {"car": ("🚗", "🚙"), "heart": ("❤️",), "blob": ()}
    assert shared_concepts(kit, load_concepts()) == {"car": ("1f697", "1f699"), "heart": ("2764",)}


def test_emoji_without_picture_refused() -> None:
    with pytest.raises(InputError, match="no emoji picture for"):
        shared_concepts({"shovel": ("🪏",)}, load_concepts())


def test_two_categories_with_one_best_match_refused() -> None:
    with pytest.raises(InputError, match="van and car both have 1f697"):
        shared_concepts({"car": ("🚗",), "van": ("🚗", "🚐")}, load_concepts())


def test_catalogue_shares_its_categories_with_the_emoji() -> None:
    shared = shared_concepts(EMOJI_OF, load_concepts())
    assert set(EMOJI_OF) - set(shared) == WITHOUT_EMOJI
    assert len(shared) == 125
    # No emoji answers for two categories, not even as a lesser match.
    keys = [key for of in shared.values() for key in of]
    assert len(keys) == len(set(keys))


def test_categories_are_named_like_their_emoji() -> None:
    """Every category's nouns share a word with the English wording of its best match."""
    concepts = load_concepts()
    for category in CATEGORIES:
        if category.emoji:
            wording = concepts[text_key(category.emoji[0])].en
            theirs = {word for text in wording.everything for word in text.split()}
            noun = category.noun
            nouns = (noun.english, *noun.synonyms, *noun.held_out_synonyms)
            ours = {word for text in nouns for word in text.lower().split()}
            assert ours & theirs, f"{category.name} is no {wording.names[0]}"


def test_no_emoji_named_like_a_category_is_missing() -> None:
    """Where an emoji has a category's noun as its name, the category lists that emoji."""
    concepts = load_concepts()
    listed = {text_key(text) for texts in EMOJI_OF.values() for text in texts}
    nouns = {category.noun.english.lower(): category.name for category in CATEGORIES}
    named = {name: key for key, concept in concepts.items() for name in concept.en.names[:1]}
    missing = {noun: named[noun] for noun in nouns if noun in named and named[noun] not in listed}
    assert missing == {}
