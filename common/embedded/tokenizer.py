"""Prompts to token numbers: English word pieces, single Chinese characters, bytes for the rest.

The vocabulary is data of the repository (``data/vocabulary.txt``, one piece a line, its number is
its line). Words are cut by the longest piece that fits, left to right, as in WordPiece (Schuster
and Nakajima 2012); a piece inside a word starts with ``##``. What no piece covers becomes its UTF-8
bytes, ``<0x41>``, so every text has tokens and none is "unknown".
"""

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from common.errors import InputError

VOCABULARY = Path(__file__).parent / "data" / "vocabulary.txt"
PAD = "<pad>"
START = "<start>"
INSIDE = "##"
MAX_TOKENS = 64
"""Tokens that the text encoder reads, the start included."""

_WORDS = re.compile(r"[^\W_]+|[^\w\s]|_")
_CHINESE = re.compile(r"[㐀-䶿一-鿿豈-﫿]")


@dataclass(frozen=True)
class Tokenizer:
    """A vocabulary, ready to cut texts. Token 0 is padding, token 1 the start of every text."""

    number: dict[str, int]
    """The number of each piece."""
    longest: int
    """Characters of the longest piece."""

    @property
    def num_tokens(self) -> int:
        """How many different tokens there are."""
        return len(self.number)

    def pieces(self, text: str) -> list[str]:
        """The pieces of a text, without start and padding."""
        found: list[str] = []
        for word in words(text):
            found += self._cut(word)
        return found

    def encode(self, text: str) -> list[int]:
        """The numbers of a text's tokens, start first; all of them, however long it is."""
        return [self.number[START], *(self.number[piece] for piece in self.pieces(text))]

    def _cut(self, word: str) -> list[str]:
        """The longest pieces that cover ``word``, or bytes where none fits."""
        found: list[str] = []
        start = 0
        while start < len(word):
            prefix = INSIDE if start else ""
            for end in range(min(len(word), start + self.longest), start, -1):
                if prefix + word[start:end] in self.number:
                    found.append(prefix + word[start:end])
                    break
            else:
                end = start + 1
                found += [byte_piece(byte) for byte in word[start].encode()]
            start = end
        return found


def words(text: str) -> list[str]:
    """Words, punctuation marks and Chinese characters of a text, lower case and without accents."""
    plain = unicodedata.normalize("NFKD", text).lower()
    plain = "".join(c for c in plain if not unicodedata.combining(c))
    spaced = _CHINESE.sub(lambda match: f" {match.group()} ", unicodedata.normalize("NFKC", plain))
    return _WORDS.findall(spaced)


def byte_piece(byte: int) -> str:
    """The piece of one byte."""
    return f"<0x{byte:02X}>"


def build_tokenizer(pieces: Sequence[str]) -> Tokenizer:
    """The tokenizer of a vocabulary in order.

    Raises:
        InputError: padding, start or a byte is missing, or a piece occurs twice.
    """
    number = {piece: index for index, piece in enumerate(pieces)}
    needed = [PAD, START, *(byte_piece(byte) for byte in range(256))]
    if list(pieces[: len(needed)]) != needed:
        raise InputError("a vocabulary begins with padding, start and the 256 bytes")
    if len(number) != len(pieces):
        twice = next(piece for index, piece in enumerate(pieces) if number[piece] != index)
        raise InputError(f"the piece {twice!r} occurs twice in the vocabulary")
    return Tokenizer(number, max(len(piece.removeprefix(INSIDE)) for piece in pieces))


@cache
def load_tokenizer(path: Path = VOCABULARY) -> Tokenizer:
    """The tokenizer of the repository.

    Raises:
        InputError: the file is missing or damaged.
    """
    try:
        return build_tokenizer(path.read_text(encoding="utf-8").splitlines())
    except (OSError, UnicodeDecodeError) as broken:
        raise InputError(f"the vocabulary {path} cannot be read: {broken}") from broken
