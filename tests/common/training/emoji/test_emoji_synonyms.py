import pytest

from common.errors import InputError
from common.training.emoji.emoji_colours import load_colours
from common.training.emoji.emoji_concepts import LANGUAGES, load_concepts
from common.training.emoji.emoji_phrases import phrases
from common.training.emoji.emoji_synonyms import Synonym, held_out_words, load_synonyms


def test_forty_prompts_in_both_languages() -> None:
    synonyms = load_synonyms()
    assert len(synonyms) == len({synonym.prompt for synonym in synonyms}) == 40
    assert sum(synonym.language == "zh" for synonym in synonyms) == 15
    concepts = load_concepts()
    for synonym in synonyms:
        assert any(word in synonym.prompt for word in synonym.words), synonym
        assert synonym.keys, synonym
        assert all(key in concepts for key in synonym.keys), synonym


def test_no_caption_of_any_emoji_has_a_held_out_word() -> None:
    colours = load_colours()
    synonyms = load_synonyms()
    texts = [
        phrase.text
        for concept in load_concepts().values()
        for language in LANGUAGES
        for phrase in phrases(concept, language, colours[concept.key].sure)
    ]
    assert len(texts) > 25_000
    assert [text for text in texts if held_out_words(text, synonyms)] == []


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("a small Puppy, animal", ["puppy"]),
        ("two puppies and an infant", ["infant", "puppies"]),
        ("一只小狗的图片", ["小狗"]),
        ("a crimson mug", ["crimson"]),
        ("hamburger", []),
        ("a tall toadstool", []),
        ("dog", []),
    ],
)
def test_held_out_words_are_found_whole(text: str, found: list[str]) -> None:
    assert held_out_words(text) == found


def test_held_out_words_of_an_empty_list() -> None:
    assert held_out_words("puppy", ()) == []
    assert held_out_words("a.b", (Synonym("a.b", "en", ("a.b",), ()),)) == ["a.b"]
    assert held_out_words("axb", (Synonym("a.b", "en", ("a.b",), ()),)) == []


def test_load_damaged_list_refused(tmp_path) -> None:
    (tmp_path / "synonyms.json").write_text('{"synonyms": [{"prompt": "x"}]}')
    with pytest.raises(InputError, match="no list of synonyms"):
        load_synonyms(tmp_path / "synonyms.json")
