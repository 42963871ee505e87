"""Writes the list of what the embedded prior was trained on (``common.embedded.concepts``).

After a change of the emoji captions or of the kit's catalogue, write it anew:

    python -m common.training.facts.embedded_concepts
"""

from pathlib import Path

from common.atomic import write_text
from common.embedded.concepts import (
    CONCEPTS,
    Concepts,
    KnownEmoji,
    KnownThing,
    Term,
    concepts_json,
)
from common.kit.captions import PARTS_SAID, PATTERN_NOUNS, nouns
from common.kit.catalogue import CATEGORIES
from common.kit.category import Category, Noun
from common.kit.materials import METALLIC
from common.kit.palette import PALETTE
from common.kit.views import MAX_ELEVATION_DEG, MIN_ELEVATION_DEG
from common.training.emoji.emoji_concepts import load_concepts


def build_concepts() -> Concepts:
    """The names and own keywords that captions use; held-out words are not among them."""
    emoji = tuple(
        KnownEmoji(
            one.group,
            one.lookalike or "",
            one.en.names + one.en.own,
            one.zh.names + one.zh.own,
        )
        for one in load_concepts().values()
    )
    patterns = [_term(noun) for noun in PATTERN_NOUNS.values()]
    return Concepts(
        emoji=emoji,
        things=tuple(_thing(category) for category in CATEGORIES),
        colours=tuple(Term(name, swatch.chinese) for name, swatch in PALETTE.items()),
        finishes=(Term(METALLIC.english, METALLIC.chinese), *patterns),
        elevation_deg=(MIN_ELEVATION_DEG, MAX_ELEVATION_DEG),
    )


def store_concepts(path: Path = CONCEPTS) -> Concepts:
    """Write the list; what it says."""
    concepts = build_concepts()
    write_text(path, concepts_json(concepts))
    return concepts


def _thing(category: Category) -> KnownThing:
    accent = category.accent
    part = _term(PARTS_SAID.get(accent.english, accent)) if accent else None
    return KnownThing(
        nouns(category, "en"), nouns(category, "zh"), part, category.usual, category.colours
    )


def _term(noun: Noun) -> Term:
    return Term(noun.english, noun.chinese)


if __name__ == "__main__":
    store_concepts()
