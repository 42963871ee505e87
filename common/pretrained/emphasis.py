r"""Emphasis in prompts: brackets that weigh the words in them.

=============  ==================================================
written        means
=============  ==================================================
``(word)``     1.1 times the weight; ``((word))`` 1.21 times
``(word:1.3)`` 1.3 times the weight
``[word]``     the weight divided by 1.1
``\(  \)``     brackets that are text; so ``\[ \] \: \\`` too
=============  ==================================================

Brackets nest, their factors multiply. This is the notation of AUTOMATIC1111; unlike there, a
bracket without its partner is an error. What a weight does stands in ``text_conditioning``.
"""

import re
from dataclasses import dataclass

from common.errors import InputError

MAX_WEIGHT = 10.0
_STRONGER = 1.1
_PARTS = re.compile(
    r"\\(?P<escaped>[()\[\]\\:])"
    r"|:\s*(?P<number>[+-]?(?:\d+\.?\d*|\.\d+))\s*(?P<end>[)\]])"
    r"|(?P<bracket>[()\[\]])"
    r"|(?P<text>[^()\[\]\\:]+|[\\:])"
)
_OPENING = {")": "(", "]": "["}


@dataclass
class Segment:
    """A stretch of text of one weight."""

    text: str
    weight: float


def weighted_segments(prompt: str) -> list[Segment]:
    """A prompt without its emphasis brackets, in stretches of equal weight.

    A prompt without brackets is one segment of weight 1, itself.

    Raises:
        InputError: brackets do not match, or a weight is not within 0 to 10.
    """
    segments: list[Segment] = []
    open_brackets: list[tuple[str, int, int]] = []  # which, where in the prompt, first segment
    for part in _PARTS.finditer(prompt):
        closing = part["end"] or (part["bracket"] if part["bracket"] in _OPENING else None)
        if closing:
            first = _opened(closing, open_brackets, part.end() - 1)
            factor = _factor(closing, part["number"], part.start())
            for segment in segments[first:]:
                segment.weight *= factor
        elif part["bracket"]:
            open_brackets.append((part["bracket"], part.start(), len(segments)))
        else:
            segments.append(Segment(part["escaped"] or part["text"], 1.0))
    if open_brackets:
        bracket, place, _ = open_brackets[-1]
        raise _unmatched(bracket, place, "is never closed")
    return _merged(segments)


def _opened(closing: str, open_brackets: list[tuple[str, int, int]], place: int) -> int:
    """The first segment of the group that a bracket closes."""
    if not open_brackets or open_brackets[-1][0] != _OPENING[closing]:
        raise _unmatched(closing, place, f"has no '{_OPENING[closing]}' to close")
    return open_brackets.pop()[2]


def _factor(closing: str, number: str | None, place: int) -> float:
    if number is None:
        return _STRONGER if closing == ")" else 1 / _STRONGER
    if closing == "]":
        raise InputError(
            f"':{number}]' at character {place + 1}: square brackets take no weight; write "
            f"(words:{number}), or '\\:' for a colon that is text"
        )
    if not 0 <= float(number) <= MAX_WEIGHT:
        raise InputError(
            f"weight {number} at character {place + 1} is not within 0 to {MAX_WEIGHT:g}; write "
            "'\\:' for a colon that is text"
        )
    return float(number)


def _merged(segments: list[Segment]) -> list[Segment]:
    """Neighbours of equal weight as one, so that words that were split are words again."""
    merged: list[Segment] = []
    for segment in segments:
        if segment.weight > MAX_WEIGHT:
            raise InputError(
                f"the brackets around {segment.text[:40]!r} multiply to {segment.weight:.3g}; "
                f"weights go up to {MAX_WEIGHT:g}"
            )
        if merged and merged[-1].weight == segment.weight:
            merged[-1].text += segment.text
        else:
            merged.append(Segment(segment.text, segment.weight))
    return merged or [Segment("", 1.0)]


def _unmatched(bracket: str, place: int, what: str) -> InputError:
    return InputError(
        f"'{bracket}' at character {place + 1} {what}; write '\\{bracket}' for a bracket that is "
        "text"
    )
