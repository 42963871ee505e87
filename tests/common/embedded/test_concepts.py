import json

import pytest

from common.embedded.concepts import CONCEPTS, concepts_json, load_concepts, meanings
from common.errors import InputError
from common.generation.embedded_words import embedded_text
from common.kit.captions import nouns
from common.kit.catalogue import CATEGORIES
from common.training.emoji.emoji_concepts import load_concepts as load_emoji
from common.training.emoji.emoji_synonyms import held_out_words
from common.training.facts.embedded_concepts import build_concepts, store_concepts

WRITE_ANEW = "write it anew: python -m common.training.facts.embedded_concepts"


def test_committed_list_is_what_the_training_tables_say():
    assert load_concepts() == build_concepts(), WRITE_ANEW
    assert CONCEPTS.read_text(encoding="utf-8") == concepts_json(build_concepts()), WRITE_ANEW


def test_list_names_every_emoji_and_category_in_both_languages():
    concepts = load_concepts()
    emoji = load_emoji().values()
    assert [(e.english[0], e.chinese[0]) for e in concepts.emoji] == [
        (e.en.names[0], e.zh.names[0]) for e in emoji
    ]
    said = embedded_text()
    for category, thing in zip(CATEGORIES, concepts.things, strict=True):
        assert thing.english == nouns(category, "en")
        assert thing.chinese == nouns(category, "zh")
        assert f"    {thing.english[0]} {thing.chinese[0]} (" in said
        assert set(thing.usual) <= set(thing.colours)
    for one in concepts.emoji:
        if not one.lookalike:
            assert f"{one.english[0]} {one.chinese[0]}" in said
    assert "flags of countries (248): " in said


def test_words_held_out_from_pictures_are_no_known_concepts():
    texts = [text for meaning in meanings(load_concepts()) for text in meaning.texts]
    assert held_out_words("\n".join(texts)) == []
    assert held_out_words("\n".join([*texts, "puppy"])) == ["puppy"]


def test_meanings_say_what_can_be_drawn_by_itself():
    concepts = load_concepts()
    found = meanings(concepts)
    objects = [meaning for meaning in found if meaning.is_object]
    assert len(objects) == 2 * (len(concepts.emoji) + len(concepts.things))
    assert ("red",) in [meaning.texts for meaning in found if not meaning.is_object]


def test_stored_list_reads_back_equal(tmp_path):
    path = tmp_path / "concepts.json"
    assert store_concepts(path) == load_concepts(path)


@pytest.mark.parametrize("damage", ["", "[]", '{"emoji": [["a"]]}'])
def test_damaged_list_is_refused(tmp_path, damage):
    path = tmp_path / "concepts.json"
    path.write_text(damage, encoding="utf-8")
    with pytest.raises(InputError, match="is no list of concepts"):
        load_concepts(path)


def test_list_holds_no_more_than_it_needs():
    rows = json.loads(CONCEPTS.read_text(encoding="utf-8"))
    assert sorted(rows) == ["colours", "elevation_deg", "emoji", "finishes", "things"]
    assert CONCEPTS.stat().st_size < 250_000
