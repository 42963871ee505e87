"""What the embedded prior was trained on, as words: emoji and the things of the object kit.

The list is data of the repository (``data/concepts.json``), so that nothing that generates needs
the kit or the training tables. ``common.training.facts.embedded_concepts`` writes it.
"""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from common.errors import InputError

CONCEPTS = Path(__file__).parent / "data" / "concepts.json"

Names = tuple[str, ...]
"""What something is called in one language, its usual name first."""


@dataclass(frozen=True)
class Term:
    """One word or phrase in both languages."""

    english: str
    chinese: str


@dataclass(frozen=True)
class KnownEmoji:
    """An emoji; ``lookalike`` says why it was shown less often, and is empty where it was not."""

    group: str
    lookalike: str
    english: Names
    chinese: Names


@dataclass(frozen=True)
class KnownThing:
    """A category of the object kit."""

    english: Names
    chinese: Names
    part: Term | None
    """The part that has a colour of its own."""
    usual: tuple[str, ...]
    """English names of the colours that it has when none is asked for."""
    colours: tuple[str, ...]
    """English names of all colours it was shown in."""


@dataclass(frozen=True)
class Concepts:
    """Everything that captions of the training pictures name."""

    emoji: tuple[KnownEmoji, ...]
    things: tuple[KnownThing, ...]
    colours: tuple[Term, ...]
    finishes: tuple[Term, ...]
    """Finishes and patterns of things."""
    elevation_deg: tuple[float, float]
    """From where things were shown: all round, and between these elevations. Emoji: the front."""


@dataclass(frozen=True)
class Meaning:
    """Texts of one language that mean the same."""

    texts: Names
    is_object: bool
    """Whether it can be drawn by itself, unlike a colour or a part."""


@cache
def load_concepts(path: Path = CONCEPTS) -> Concepts:
    """The committed list.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return Concepts(
            emoji=tuple(
                KnownEmoji(group, lookalike, tuple(english), tuple(chinese))
                for group, lookalike, english, chinese in rows["emoji"]
            ),
            things=tuple(_thing(row) for row in rows["things"]),
            colours=_terms(rows["colours"]),
            finishes=_terms(rows["finishes"]),
            elevation_deg=(float(rows["elevation_deg"][0]), float(rows["elevation_deg"][1])),
        )
    except (OSError, ValueError, KeyError, TypeError, IndexError) as broken:
        raise InputError(f"{path} is no list of concepts: {broken!r}") from broken


def meanings(concepts: Concepts) -> tuple[Meaning, ...]:
    """All meanings in a fixed order, each language by itself."""
    objects: list[KnownEmoji | KnownThing] = [*concepts.emoji, *concepts.things]
    parts = dict.fromkeys(thing.part for thing in concepts.things if thing.part)
    terms = [*concepts.colours, *concepts.finishes, *parts]
    found = [Meaning(texts, True) for one in objects for texts in (one.english, one.chinese)]
    return (
        *found,
        *(Meaning((text,), False) for term in terms for text in (term.english, term.chinese)),
    )


def concepts_json(concepts: Concepts) -> str:
    """The file's text: one emoji or thing a line, so that differences can be read."""
    emoji = [[e.group, e.lookalike, e.english, e.chinese] for e in concepts.emoji]
    things = [
        {
            "en": t.english,
            "zh": t.chinese,
            "part": [t.part.english, t.part.chinese] if t.part else None,
            "usual": t.usual,
            "colours": t.colours,
        }
        for t in concepts.things
    ]
    blocks: dict[str, list[Any]] = {
        "emoji": emoji,
        "things": things,
        "colours": [[t.english, t.chinese] for t in concepts.colours],
        "finishes": [[t.english, t.chinese] for t in concepts.finishes],
    }
    lines = [f'"{name}": [\n{_lines(rows)}\n]' for name, rows in blocks.items()]
    lines.append(f'"elevation_deg": {json.dumps(concepts.elevation_deg)}')
    return "{\n" + ",\n".join(lines) + "\n}\n"


def _lines(rows: Iterable[Any]) -> str:
    return ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)


def _thing(row: dict[str, Any]) -> KnownThing:
    part = Term(*row["part"]) if row["part"] else None
    return KnownThing(
        tuple(row["en"]), tuple(row["zh"]), part, tuple(row["usual"]), tuple(row["colours"])
    )


def _terms(rows: Iterable[Any]) -> tuple[Term, ...]:
    return tuple(Term(english, chinese) for english, chinese in rows)
