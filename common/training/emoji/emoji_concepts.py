"""What the emoji are called and which are hard to tell apart: the committed table.

``data/emoji_captions.json`` is built once by ``common.training.emoji.emoji_captions`` and is data
of the repository, so that captions and split stay the same when upstream changes. All wording is
lower case.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from common.atomic import write_text
from common.errors import InputError

DATA = Path(__file__).parent / "data"
CAPTIONS = DATA / "emoji_captions.json"

Language = Literal["en", "zh"]
LANGUAGES: tuple[Language, ...] = get_args(Language)

LookAlike = Literal[
    "country_flag", "keycap", "gender", "hair", "family", "clock", "size", "sign", "twin"
]
"""Why an emoji is easily taken for another one, for training to drop it or draw it less often.

=============  ==================================================================================
country_flag   flags of countries and subdivisions
keycap         digits on a key
gender         man or woman doing what a person does
hair           a face that differs in hair alone
family         families and couples by who is in them
clock          a clock face that differs in the hour
size           a square or diamond that differs in size alone
sign           flat glyphs on coloured buttons: letters, arrows, zodiac, player keys, public signs
twin           the very same picture as another emoji in this set
=============  ==================================================================================
"""


@dataclass(frozen=True)
class Wording:
    """What one emoji is called in one language.

    ``names`` say what the picture shows, the CLDR short name first, each unique in the whole table.
    ``own`` keywords belong to this emoji alone; ``shared`` ones to several (or to a variant).
    """

    names: tuple[str, ...]
    own: tuple[str, ...]
    shared: tuple[str, ...]

    @property
    def everything(self) -> tuple[str, ...]:
        """All texts, names first."""
        return self.names + self.own + self.shared


@dataclass(frozen=True)
class EmojiConcept:
    """One emoji. ``like`` is the key of the plainest emoji it may be taken for, if there is one."""

    key: str
    group: str
    subgroup: str
    lookalike: LookAlike | None
    like: str | None
    en: Wording
    zh: Wording

    @property
    def root(self) -> str:
        """The key of the concept that this emoji is a variant of, or its own key."""
        return self.like or self.key

    def wording(self, language: Language) -> Wording:
        """The wording in ``language``."""
        return self.en if language == "en" else self.zh


def load_concepts(path: Path = CAPTIONS) -> dict[str, EmojiConcept]:
    """All emoji by key, in key order.

    Raises:
        InputError: the file is damaged.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["emoji"]
        return {key: _concept(key, row) for key, row in rows.items()}
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise InputError(f"{path} is no table of emoji captions: {broken!r}") from broken


def save_concepts(concepts: dict[str, EmojiConcept], sources: list[str], path: Path) -> None:
    """Write the table, one emoji a line, sorted by key, so that differences can be read."""
    rows = [
        f"{json.dumps(key)}: {json.dumps(_row(concepts[key]), ensure_ascii=False)}"
        for key in sorted(concepts)
    ]
    head = json.dumps(sources, ensure_ascii=False)
    text = f'{{"sources": {head},\n"emoji": {{\n' + ",\n".join(rows) + "\n}}\n"
    write_text(path, text)


def _row(concept: EmojiConcept) -> dict[str, Any]:
    """The JSON form of one emoji; what is absent takes no space."""
    row: dict[str, Any] = {"group": concept.group, "subgroup": concept.subgroup}
    if concept.lookalike:
        row["lookalike"] = concept.lookalike
    if concept.like:
        row["like"] = concept.like
    for language in LANGUAGES:
        wording = concept.wording(language)
        row[language] = [list(wording.names), list(wording.own), list(wording.shared)]
    return row


def _concept(key: str, row: dict[str, Any]) -> EmojiConcept:
    """The inverse of :func:`_row`."""
    lookalike = row.get("lookalike")
    if lookalike is not None and lookalike not in get_args(LookAlike):
        raise ValueError(f"{key}: unknown look-alike {lookalike!r}")
    words = {language: [tuple(part) for part in row[language]] for language in LANGUAGES}
    return EmojiConcept(
        key=key,
        group=row["group"],
        subgroup=row["subgroup"],
        lookalike=lookalike,
        like=row.get("like"),
        en=Wording(*words["en"]),
        zh=Wording(*words["zh"]),
    )
