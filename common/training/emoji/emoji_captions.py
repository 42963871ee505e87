"""Builds the table of what emoji are called, in English and Chinese, from emojibase-data.

Names are the CLDR short name, then emojibase's shortcodes and the Unicode character name where they
are another plain name. Keywords are CLDR's, sorted by how few emoji share them: one that a single
concept has (``stocking`` for socks) can stand for it, others only add to a name. Words held out for
the test of unseen synonyms are left out everywhere.
"""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.training.emoji.emoji_codepoints import emoji_key
from common.training.emoji.emoji_concepts import (
    CAPTIONS,
    EmojiConcept,
    LookAlike,
    Wording,
    save_concepts,
)
from common.training.emoji.emoji_lookalikes import lookalike_of
from common.training.emoji.emoji_packages import NAMES, STILLS
from common.training.emoji.emoji_pixels import emoji_files
from common.training.emoji.emoji_synonyms import Synonym, held_out_words, load_synonyms
from common.training.emoji.emoji_wording import (
    chinese_keyword,
    chinese_name,
    english_alias,
    english_keyword,
    english_name,
)
from common.training.emoji.npm_package import unpacked_package

MAX_OWN = 8
MAX_SHARED = 6
MAX_SHARING = 24
"""A keyword that more concepts share says too little about any of them."""

_PATTERNS = (
    "en/data.json",
    "zh/data.json",
    "en/shortcodes/emojibase.json",
    "meta/groups.json",
    "meta/unicode-names.json",
)

_Words = dict[str, tuple[str, ...]]
"""Texts by emoji key."""


@dataclass(frozen=True)
class _Draft:
    """One emoji before its words are compared with those of the others."""

    key: str
    group: str
    subgroup: str
    lookalike: LookAlike | None
    like: str | None
    en_name: str
    zh_name: str
    en_aliases: tuple[str, ...]
    en_keywords: tuple[str, ...]
    zh_keywords: tuple[str, ...]


def prepare_captions(cache: Path, path: Path = CAPTIONS) -> dict[str, EmojiConcept]:
    """Download names and pictures and write the table at ``path``: for those who maintain it."""
    with unpacked_package(STILLS, cache, patterns=("assets/*.webp",)) as stills:
        keys = tuple(emoji_files(stills))
    with unpacked_package(NAMES, cache, patterns=_PATTERNS) as names:
        concepts = build_concepts(names, keys, load_synonyms())
    sources = [f"{package.spec} ({package.license})" for package in (NAMES, STILLS)]
    save_concepts(concepts, sources, path)
    return concepts


def build_concepts(
    emojibase: Path, keys: tuple[str, ...], held_out: tuple[Synonym, ...]
) -> dict[str, EmojiConcept]:
    """The wording and kinship of the emoji ``keys`` from an unpacked emojibase-data.

    Raises:
        InputError: an emoji has no name, two share one, or a name holds a held-out word.
    """
    drafts = _drafts(emojibase, keys)
    aliases = _clear_aliases(drafts, held_out)
    en_names: _Words = {draft.key: (draft.en_name, *aliases[draft.key]) for draft in drafts}
    zh_names: _Words = {draft.key: (draft.zh_name,) for draft in drafts}
    _check_names(en_names, "English", held_out)
    _check_names(zh_names, "Chinese", held_out)
    english = _wordings(drafts, en_names, {d.key: d.en_keywords for d in drafts}, held_out)
    chinese = _wordings(drafts, zh_names, {d.key: d.zh_keywords for d in drafts}, held_out)
    return {
        draft.key: EmojiConcept(
            key=draft.key,
            group=draft.group,
            subgroup=draft.subgroup,
            lookalike=draft.lookalike,
            like=draft.like,
            en=english[draft.key],
            zh=chinese[draft.key],
        )
        for draft in drafts
    }


def _drafts(emojibase: Path, keys: tuple[str, ...]) -> list[_Draft]:
    """Read emojibase's files and clean each emoji's words by themselves."""
    english = {emoji_key(row["hexcode"]): row for row in _read(emojibase, "en/data.json")}
    chinese = {emoji_key(row["hexcode"]): row for row in _read(emojibase, "zh/data.json")}
    shortcodes = _by_key(_read(emojibase, "en/shortcodes/emojibase.json"))
    unicode_names = _by_key(_read(emojibase, "meta/unicode-names.json"))
    groups = _read(emojibase, "meta/groups.json")
    unnamed = [key for key in keys if key not in english or key not in chinese]
    if unnamed:
        raise InputError(f"emojibase-data names none of {unnamed[:5]} ({len(unnamed)} in all)")
    drafts = []
    for key in keys:
        row, label = english[key], english[key]["label"]
        subgroup = groups["subgroups"][str(row["subgroup"])]
        lookalike, like = lookalike_of(key, label, subgroup, keys)
        name, zh_name = english_name(label), chinese_name(chinese[key]["label"])
        other = (
            [] if lookalike == "family" else shortcodes.get(key, []) + unicode_names.get(key, [])
        )
        tags, zh_tags = row.get("tags", []), chinese[key].get("tags", [])
        drafts.append(
            _Draft(
                key=key,
                group=groups["groups"][str(row["group"])],
                subgroup=subgroup,
                lookalike=lookalike,
                like=like,
                en_name=name,
                zh_name=zh_name,
                en_aliases=_distinct(english_alias(text, name) for text in other),
                en_keywords=_distinct(english_keyword(text, name) for text in tags),
                zh_keywords=_distinct(chinese_keyword(text, zh_name) for text in zh_tags),
            )
        )
    return drafts


def _clear_aliases(drafts: list[_Draft], held_out: tuple[Synonym, ...]) -> _Words:
    """Aliases that are no other emoji's name or alias and hold no held-out word."""
    taken = Counter(alias for draft in drafts for alias in draft.en_aliases)
    taken.update(draft.en_name for draft in drafts)
    return {
        draft.key: tuple(
            alias
            for alias in draft.en_aliases
            if taken[alias] == 1 and not held_out_words(alias, held_out)
        )
        for draft in drafts
    }


def _check_names(names: _Words, language: str, held_out: tuple[Synonym, ...]) -> None:
    """Every name is of one emoji only and none is held out."""
    of_name: dict[str, str] = {}
    for key, its_names in names.items():
        for name in its_names:
            if not name or name in of_name:
                raise InputError(
                    f"the {language} name {name!r} of {key} is also that of {of_name.get(name)}"
                )
            if words := held_out_words(name, held_out):
                raise InputError(f"the {language} name {name!r} of {key} holds out {words}")
            of_name[name] = key


def _wordings(
    drafts: list[_Draft],
    names: _Words,
    keywords: _Words,
    held_out: tuple[Synonym, ...],
) -> dict[str, Wording]:
    """Split keywords into own and shared by how many *concepts* have them (variants count once)."""
    sharing: dict[str, set[str]] = {}
    for draft in drafts:
        for word in keywords[draft.key]:
            sharing.setdefault(word, set()).add(draft.like or draft.key)
    every_name = {name for its_names in names.values() for name in its_names}
    wordings = {}
    for draft in drafts:
        words = [
            word
            for word in keywords[draft.key]
            if len(sharing[word]) <= MAX_SHARING
            and word not in names[draft.key]
            and not held_out_words(word, held_out)
        ]
        words.sort(key=lambda word: (len(sharing[word]), word))
        distinct = draft.like is None and draft.lookalike in (None, "sign")
        own = [w for w in words if distinct and len(sharing[w]) == 1 and w not in every_name]
        shared = [word for word in words if word not in own]
        wordings[draft.key] = Wording(
            names[draft.key], tuple(own[:MAX_OWN]), tuple(shared[:MAX_SHARED])
        )
    return wordings


def _read(folder: Path, name: str) -> Any:
    return json.loads((folder / name).read_text(encoding="utf-8"))


def _by_key(texts: dict[str, str | list[str]]) -> dict[str, list[str]]:
    """Texts by emoji key, each a list."""
    return {
        emoji_key(spelled): [text] if isinstance(text, str) else list(text)
        for spelled, text in texts.items()
    }


def _distinct(texts: Iterable[str | None]) -> tuple[str, ...]:
    """The texts that are not None, without repetition, in order."""
    return tuple(dict.fromkeys(text for text in texts if text is not None))
