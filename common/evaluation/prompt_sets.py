"""The committed prompts on which priors are evaluated, and what each asks for.

``data/prompts.json`` is written by ``common.training.facts.evaluation_prompts``. Its sets:
``emoji`` and ``emoji_zh``, the names of 200 trained concepts (pictures of Chinese ones are named
in English too, so that the judge's Chinese, which is weaker on emoji, does not count against
them); ``objects`` and ``objects_zh``, every kit category in a trained colour; ``pairs``,
(category, colour) pairs that training never shows; ``accents``, two colours in one caption;
``synonyms``, words that no caption of training has. ``views`` is made of ``objects`` here: each
category from all round.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np

from common.embedded.image_unet import FRONT, View
from common.errors import InputError
from common.judging.asked import Asked
from common.judging.scored import RealPictures

PROMPTS = Path(__file__).parent / "data" / "prompts.json"

SetName = Literal[
    "emoji", "emoji_zh", "objects", "objects_zh", "pairs", "accents", "synonyms", "views"
]
SET_NAMES: tuple[SetName, ...] = get_args(SetName)
AZIMUTHS_DEG = tuple(45.0 * step for step in range(8))
VIEW_ELEVATION_DEG = 15.0
_REAL: dict[SetName, RealPictures] = {
    "objects": "front", "objects_zh": "Chinese", "pairs": "new colours", "accents": "front",
    "views": "any view",
}  # fmt: skip


@dataclass(frozen=True)
class Request:
    """A picture to make, and the ways in which it may be right; any of them is enough."""

    prompt: str
    view: View | None
    asked: tuple[Asked, ...]


@dataclass(frozen=True)
class PromptSet:
    """Prompts that are scored together."""

    name: SetName
    requests: tuple[Request, ...]

    @property
    def real(self) -> RealPictures:
        """The real pictures whose scores are the ceilings."""
        return _REAL.get(self.name, "any view")


def load_prompt_set(name: SetName, told: frozenset[str], path: Path = PROMPTS) -> PromptSet:
    """One set.

    Args:
        name: which.
        told: the categories whose views the judge can tell; ``views`` asks for these alone.
        path: the file.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))["objects" if name == "views" else name]
        requests = tuple(_request(row, FRONT, name) for row in rows)
    except (OSError, ValueError, KeyError, TypeError) as broken:
        raise InputError(f"{path} is no list of prompts: {broken!r}") from broken
    if name != "views":
        return PromptSet(name, requests)
    views = [View(azimuth, VIEW_ELEVATION_DEG) for azimuth in AZIMUTHS_DEG]
    rows = [row for row in rows if row["concepts"][0] in told]
    return PromptSet(name, tuple(_request(row, view, name) for row in rows for view in views))


def chosen_requests(requests: Sequence[Any], at_most: int | None) -> Sequence[Any]:
    """At most so many requests, evenly chosen; all if None."""
    if at_most is None or len(requests) <= at_most:
        return requests
    rows = np.linspace(0, len(requests) - 1, at_most).round().astype(int).tolist()
    return [requests[row] for row in rows]


def _request(row: dict[str, str | list[str]], view: View, name: SetName) -> Request:
    prompt, language = str(row["prompt"]), row["language"]
    emoji = name in ("emoji", "emoji_zh", "synonyms")
    asked = tuple(
        Asked(
            prompt,
            "emoji" if emoji else "objects",
            concept,
            _text(row, "colour"),
            _text(row, "accent"),
            view.azimuth_deg if name == "views" else None,
            "zh" if language == "zh" and not emoji else "en",
        )
        for concept in row["concepts"]
    )
    return Request(prompt, view, asked)


def _text(row: dict[str, str | list[str]], key: str) -> str | None:
    value = row.get(key)
    return None if value is None else str(value)
