"""The committed prompts on which clips and assets are evaluated, and what each asks for.

``common.training.facts.evaluation_frames`` writes ``data/clips.json`` and ``data/assets.json``.
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from common.errors import InputError
from common.judging.asked import Asked

CLIPS = Path(__file__).parent / "data" / "clips.json"
ASSETS = Path(__file__).parent / "data" / "assets.json"

ClipSetName = Literal["held_out", "held_out_zh", "trained"]
AssetSetName = Literal["held_out", "fronted", "emoji"]
CLIP_SETS: tuple[ClipSetName, ...] = get_args(ClipSetName)
ASSET_SETS: tuple[AssetSetName, ...] = get_args(AssetSetName)


@dataclass(frozen=True)
class ClipRequest:
    """A clip to make, the object that should be in it, and how it should move."""

    prompt: str
    asked: Asked
    """Of every frame; its caption does not say the motion."""
    motion: str


def load_clip_set(name: ClipSetName, path: Path = CLIPS) -> tuple[ClipRequest, ...]:
    """One set of clips.

    Raises:
        InputError: the file is missing or damaged.
    """
    return tuple(
        ClipRequest(row["prompt"], _asked(row, "objects"), row["motion"])
        for row in _rows(name, path)
    )


def load_asset_set(name: AssetSetName, path: Path = ASSETS) -> tuple[Asked, ...]:
    """One set of assets.

    Raises:
        InputError: the file is missing or damaged.
    """
    domain: Literal["emoji", "objects"] = "emoji" if name == "emoji" else "objects"
    return tuple(_asked(row, domain) for row in _rows(name, path))


def _rows(name: str, path: Path) -> list[dict[str, Any]]:
    try:
        rows: list[dict[str, Any]] = json.loads(path.read_text(encoding="utf-8"))[name]
        for row in rows:
            row["prompt"], row["concepts"][0], row["language"]
    except (OSError, ValueError, KeyError, TypeError, IndexError) as broken:
        raise InputError(f"{path} is no list of prompts: {broken!r}") from broken
    return rows


def _asked(row: dict[str, Any], domain: Literal["emoji", "objects"]) -> Asked:
    return Asked(
        row.get("caption", row["prompt"]),
        domain,
        row["concepts"][0],
        row.get("colour"),
        None,
        None,
        row["language"],
    )
