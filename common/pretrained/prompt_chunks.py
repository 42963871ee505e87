"""Prompts as tokens, in chunks that a CLIP text encoder can read.

CLIP reads 77 tokens, of which the first and one after the words are marks. As in AUTOMATIC1111, a
longer prompt is cut after every 75 tokens, each piece gets its own marks, and the encodings are
laid one after the other; nothing is dropped. A prompt of up to 75 tokens is what diffusers makes of
it.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from jaxtyping import Float, Int
from torch import Tensor

from common.adapters.learnt_words import NO_WORDS, LearntWords
from common.errors import InputError
from common.json_files import MAX_INDEX_BYTES, read_object
from common.pretrained.emphasis import weighted_segments
from common.pretrained.families import TokenizerKind

NUM_MARKS = 2
_WHOLE = ("tokenizer.json",)
_PARTS: dict[TokenizerKind, tuple[str, ...]] = {
    "clip": ("vocab.json", "merges.txt"),
    "t5": ("spiece.model",),
}


@dataclass(frozen=True)
class Chunks:
    """A prompt as an encoder reads it."""

    ids: Int[Tensor, "n l"]
    """Tokens of each chunk: start, words, end, padding."""
    weights: Float[Tensor, "n l"]
    """Of each token; 1 without emphasis, and for marks and padding."""


def load_tokenizer(folder: Path, kind: TokenizerKind = "clip") -> Any:
    """The CLIP or T5 tokenizer in a folder.

    Raises:
        InputError: files are missing, too large or damaged.
    """
    from transformers import CLIPTokenizer, T5Tokenizer

    parts = _PARTS[kind]
    names = [path.name for path in folder.iterdir()] if folder.is_dir() else []
    if not (set(_WHOLE) <= set(names) or set(parts) <= set(names)):
        raise InputError(
            f"{folder} holds no tokenizer: it needs tokenizer.json, or {' and '.join(parts)}"
        )
    for name in names:
        if name.endswith(".json"):
            read_object(folder / name, MAX_INDEX_BYTES)
        elif (folder / name).stat().st_size > MAX_INDEX_BYTES:
            raise InputError(f"{folder / name} is larger than {MAX_INDEX_BYTES:,} bytes")
    try:
        cls = CLIPTokenizer if kind == "clip" else T5Tokenizer
        return cls.from_pretrained(folder, local_files_only=True)
    # Whatever a damaged vocabulary makes the tokenizers library raise.
    except Exception as broken:
        reason = (str(broken).splitlines() or [type(broken).__name__])[0][:300]
        raise InputError(f"{folder} holds no {kind.upper()} tokenizer: {reason}") from broken


def num_words(tokenizer: Any, prompt: str, words: LearntWords = NO_WORDS) -> int:
    """Tokens of a prompt, marks not counted."""
    return len(weighted_tokens(tokenizer, prompt, words))


def chunks_of(
    tokenizer: Any,
    prompt: str,
    length: int,
    at_least: int = 1,
    words: LearntWords = NO_WORDS,
) -> Chunks:
    """A prompt's tokens and their weights.

    Args:
        tokenizer: of ``load_tokenizer``.
        prompt: with emphasis brackets, or without.
        length: tokens of a chunk, marks included.
        at_least: chunks; missing ones are those of the empty prompt.
        words: that the tokenizer does not know.

    Raises:
        InputError: the brackets do not match.
    """
    tokens, room = weighted_tokens(tokenizer, prompt, words), length - NUM_MARKS
    count = max(at_least, -(-len(tokens) // room))
    pad = [(tokenizer.pad_token_id, 1.0)]
    start, end = [(tokenizer.bos_token_id, 1.0)], [(tokenizer.eos_token_id, 1.0)]
    rows = []
    for number in range(count):
        own = tokens[number * room : (number + 1) * room]
        rows.append(start + own + end + pad * (room - len(own)))
    ids = [[token for token, _ in row] for row in rows]
    weights = [[weight for _, weight in row] for row in rows]
    return Chunks(torch.tensor(ids), torch.tensor(weights, dtype=torch.float32))


def weighted_tokens(
    tokenizer: Any, prompt: str, words: LearntWords = NO_WORDS
) -> list[tuple[int, float]]:
    """A prompt's tokens without marks, and the weight of each.

    Raises:
        InputError: the brackets do not match.
    """
    found: list[tuple[int, float]] = []
    for segment in weighted_segments(prompt):
        for part in words.parts(segment.text):
            if isinstance(part, str):
                made = tokenizer(part, add_special_tokens=False, verbose=False).input_ids
            else:
                made = part
            found += [(token, segment.weight) for token in made]
    return found
