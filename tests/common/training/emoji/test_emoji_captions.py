import json
from pathlib import Path
from typing import Any

import pytest

from common.errors import InputError
from common.training.emoji.emoji_captions import build_concepts
from common.training.emoji.emoji_concepts import CAPTIONS, load_concepts, save_concepts
from common.training.emoji.emoji_synonyms import Synonym

KEYS = ("1f436", "1f9e6", "1f9d1-200d-1f33e", "1f468-200d-1f33e", "1f431")
HELD_OUT = (
    Synonym("puppy", "en", ("puppy", "puppies"), ("1f436",)),
    Synonym("长筒袜", "zh", ("长筒",), ("1f9e6",)),
)


def row(code: str, label: str, tags: list[str], subgroup: int = 0) -> dict[str, Any]:
    return {"hexcode": code, "label": label, "tags": tags, "group": 0, "subgroup": subgroup}


@pytest.fixture
def emojibase(tmp_path: Path) -> Path:
    """A folder laid out like emojibase-data, with five emoji."""
    english = [
        row("1F436", "dog face", ["animal", "Puppy", "dog", "pup's"]),
        row("1F431", "cat face", ["animal", "whiskers"]),
        row("1F9E6", "socks", ["stocking"]),
        row("1F9D1-200D-1F33E", "farmer", ["gardener"]),
        row("1F468-200D-1F33E", "man farmer", ["gardener", "rancher"]),
    ]
    chinese = [
        row("1F436", "狗脸", ["宠物"]),
        row("1F431", "猫脸", ["宠物", "喵"]),
        row("1F9E6", "袜子", ["长筒袜", "短袜"]),
        row("1F9D1-200D-1F33E", "农民", []),
        row("1F468-200D-1F33E", "农夫", []),
    ]
    shortcodes = {"1F436": ["dog", "puppies"], "1F431": ["pet"], "1F9E6": "pet"}
    contents = {
        "en/data.json": english,
        "zh/data.json": chinese,
        "en/shortcodes/emojibase.json": shortcodes,
        "meta/unicode-names.json": {"1F436": "DOG FACE", "1F9E6": "PAIR OF SOCKS"},
        "meta/groups.json": {"groups": {"0": "things"}, "subgroups": {"0": "thing"}},
    }
    for name, content in contents.items():
        path = tmp_path / "emojibase" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(content), encoding="utf-8")
    return tmp_path / "emojibase"


def test_build_names_are_label_then_unique_aliases(emojibase: Path) -> None:
    concepts = build_concepts(emojibase, KEYS, ())
    assert concepts["1f436"].en.names == ("dog face", "dog", "puppies")
    assert concepts["1f9e6"].en.names == ("socks", "pair of socks")  # "pet" is also the cat's
    assert concepts["1f431"].en.names == ("cat face",)
    assert concepts["1f431"].zh.names == ("猫脸",)


def test_build_splits_keywords_by_who_shares_them(emojibase: Path) -> None:
    concepts = build_concepts(emojibase, KEYS, ())
    assert concepts["1f431"].en.own == ("whiskers",)
    assert concepts["1f431"].en.shared == ("animal",)
    assert concepts["1f431"].zh.own == ("喵",)
    assert concepts["1f431"].zh.shared == ("宠物",)


def test_build_variant_shares_the_words_of_its_concept(emojibase: Path) -> None:
    concepts = build_concepts(emojibase, KEYS, ())
    plain, variant = concepts["1f9d1-200d-1f33e"], concepts["1f468-200d-1f33e"]
    assert (variant.lookalike, variant.like, variant.root) == ("gender", plain.key, plain.key)
    assert plain.en.own == ("gardener",)  # a variant's use does not make it shared
    assert variant.en.own == ()
    assert variant.en.shared == ("gardener", "rancher")


def test_build_leaves_out_held_out_words(emojibase: Path) -> None:
    concepts = build_concepts(emojibase, KEYS, HELD_OUT)
    assert concepts["1f436"].en.names == ("dog face", "dog")
    assert "puppy" not in concepts["1f436"].en.everything
    assert concepts["1f9e6"].zh.own == ("短袜",)
    with pytest.raises(InputError, match=r"'socks' of 1f9e6 holds out \['socks'\]"):
        build_concepts(emojibase, KEYS, (Synonym("socks", "en", ("socks",), ()),))


def test_build_unnamed_emoji_refused(emojibase: Path) -> None:
    with pytest.raises(InputError, match=r"names none of \['1f600'\]"):
        build_concepts(emojibase, (*KEYS, "1f600"), ())


def test_build_shared_name_refused(emojibase: Path) -> None:
    path = emojibase / "zh/data.json"
    path.write_text(path.read_text(encoding="utf-8").replace("\\u732b\\u8138", "\\u72d7\\u8138"))
    with pytest.raises(InputError, match=r"Chinese name '狗脸' of 1f431 is also that of 1f436"):
        build_concepts(emojibase, KEYS, ())


def test_concepts_survive_saving(emojibase: Path, tmp_path: Path) -> None:
    concepts = build_concepts(emojibase, KEYS, HELD_OUT)
    save_concepts(concepts, ["tests"], tmp_path / "captions.json")
    assert load_concepts(tmp_path / "captions.json") == concepts
    assert list(load_concepts(tmp_path / "captions.json")) == sorted(KEYS)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"emoji": {"1f40c": {"group": "x"}}}'])
def test_load_damaged_table_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "captions.json").write_text(text)
    with pytest.raises(InputError, match="no table of emoji captions"):
        load_concepts(tmp_path / "captions.json")


def test_committed_table_is_clean() -> None:
    concepts = load_concepts()
    assert len(concepts) == 1855
    assert list(concepts) == sorted(concepts)
    for language in ("en", "zh"):
        names = [name for c in concepts.values() for name in c.wording(language).names]
        assert len(set(names)) == len(names)
        texts = [text for c in concepts.values() for text in c.wording(language).everything]
        assert all(text == text.lower().strip() != "" for text in texts)
    assert all(c.like is None or concepts[c.like].like is None for c in concepts.values())
    assert {c.en.names[0] for c in concepts.values()} >= {"dog", "rocket", "mushroom", "red apple"}


def test_committed_table_saves_to_the_same_bytes(tmp_path: Path) -> None:
    sources = json.loads(CAPTIONS.read_text(encoding="utf-8"))["sources"]
    save_concepts(load_concepts(), sources, tmp_path / "captions.json")
    assert (tmp_path / "captions.json").read_bytes() == CAPTIONS.read_bytes()
    assert CAPTIONS.stat().st_size < 500_000
