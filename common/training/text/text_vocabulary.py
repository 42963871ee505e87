"""Builds the vocabulary of the embedded text encoder.

It holds the whole words and word endings of BERT's English vocabulary (Apache 2.0, through the
teacher's package), every word that an emoji or a kit object is called, and every Chinese character
of their names.
"""

import re
from collections.abc import Iterable
from pathlib import Path

from common.atomic import write_text
from common.embedded.tokenizer import INSIDE, PAD, START, VOCABULARY, byte_piece, words
from common.kit.palette import PALETTE
from common.training.emoji.emoji_concepts import LANGUAGES, load_concepts
from common.training.kit.kit_texts import everything_said
from common.training.text.text_teacher import teacher_folder

_PUNCTUATION = ",.!?;:'\"()-+&/%$#@*=，。！？；：、（）“”"


def build_vocabulary(bert: Iterable[str], texts: Iterable[str]) -> list[str]:
    """The pieces in order: padding, start, bytes, single letters, then everything else sorted."""
    plain = [piece for piece in bert if re.fullmatch(r"(##)?[a-z]+", piece)]
    own = {word for text in texts for word in words(text)}
    kept = {word for word in own if len(word) == 1 or re.fullmatch(r"[a-z]{2,}", word)}
    letters = "abcdefghijklmnopqrstuvwxyz0123456789"
    singles = [*letters, *(INSIDE + letter for letter in letters), *_PUNCTUATION]
    rest = sorted({*plain, *kept} - set(singles))
    bytes_ = [byte_piece(byte) for byte in range(256)]
    return [PAD, START, *bytes_, *dict.fromkeys(singles), *rest]


def store_vocabulary(cache: Path, path: Path = VOCABULARY) -> int:
    """Build the vocabulary from the committed captions and the teacher; its number of pieces."""
    bert = (teacher_folder(cache) / "vocab.txt").read_text(encoding="utf-8").splitlines()
    pieces = build_vocabulary(bert, caption_texts())
    write_text(path, "\n".join(pieces) + "\n")
    return len(pieces)


def caption_texts() -> list[str]:
    """Every name and keyword of the emoji, every colour and all of the kit, in both languages."""
    found = [swatch.chinese for swatch in PALETTE.values()] + list(PALETTE) + everything_said()
    for concept in load_concepts().values():
        for language in LANGUAGES:
            found += concept.wording(language).everything
    return found
