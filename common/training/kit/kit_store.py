"""Prepared kit data in the cache: for every part and category an index, and arrays beside it.

``<kind>/<part>/<category>.json`` says what the category's arrays hold and the digest of what they
were made by. It is written last and removed first, so that its presence means complete arrays.
"""

import hashlib
from pathlib import Path
from typing import Any

import numpy as np
import torch
from jaxtyping import Float, UInt8
from torch import Tensor

from common.errors import InputError
from common.kit import catalogue
from common.kit.captions import Facts
from common.kit.catalogue import category_named
from common.kit.category import Category
from common.training.emoji.emoji_cache import read_index


def category_index(cache: Path, kind: str, part: str, category: Category) -> Path:
    """The index file of a category of one part of the data called ``kind``."""
    return cache / kind / part / f"{category.name.replace(' ', '_')}.json"


def array_path(index: Path, size_px: int) -> Path:
    """The array of pictures of one size that belongs to an index."""
    return index.with_name(f"{index.stem}-{size_px}.npy")


def open_index(index: Path, digest: str, preset: str) -> dict[str, Any]:
    """What is prepared of a category.

    Raises:
        InputError: nothing, or it was made by other sources; the message names the preset.
    """
    content = read_index(index, digest)
    if content is None:
        raise InputError(
            f"{index.parent} holds nothing of '{index.stem.replace('_', ' ')}' by the present kit. "
            f"Prepare it first: python run.py {preset}"
        )
    return content


def sources_digest(without: tuple[str, ...]) -> str:
    """SHA-256 over the kit's sources and data files, but for those of these names."""
    folder = Path(catalogue.__file__).parent
    digest = hashlib.sha256()
    for path in sorted([*folder.glob("*.py"), *folder.glob("*.json")]):
        if path.name not in without:
            digest.update(path.name.encode() + b"\0" + path.read_bytes() + b"\0")
    return digest.hexdigest()


def digest_with(sources: str, *settings: object) -> str:
    """The digest of sources together with settings, which count as they are printed."""
    return hashlib.sha256("\0".join([sources, *map(repr, settings)]).encode()).hexdigest()


def object_entry(seed: int, facts: Facts) -> dict[str, Any]:
    """An object of an index: its facts by name."""
    return {
        "category": facts.category.name,
        "seed": seed,
        "main": facts.main,
        "accent": facts.accent,
        "finish": [facts.finish_english, facts.finish_chinese],
        "pattern": facts.pattern,
        "pattern_colour": facts.pattern_colour,
    }


def facts_of(entry: dict[str, Any]) -> Facts:
    """The facts of an object of an index."""
    finish_english, finish_chinese = entry["finish"]
    return Facts(
        category_named(entry["category"]), entry["main"], entry["accent"],
        finish_english, finish_chinese, entry["pattern"], entry["pattern_colour"],
    )  # fmt: skip


def to_bytes(rgba: Float[Tensor, "v h w 4"]) -> UInt8[np.ndarray, "v h w 4"]:
    """Rendered pictures in 8 bits a channel, rounded."""
    return (rgba.clamp(0, 1) * 255).round().to(torch.uint8).numpy()
