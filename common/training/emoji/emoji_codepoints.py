"""One spelling for every emoji: its *key*.

A key is the code points in lower-case hexadecimal, joined by ``-``, without what does not change
the picture: the variation selector U+FE0F, leading zeros, and the closing tag of subdivision flags
(some file names lack it and join the tags with ``_``). ``0037-fe0f-20e3`` and ``37-20e3`` are both
the keycap 7, with the key ``37-20e3``.
"""

import re

VARIATION_SELECTOR = "fe0f"
CLOSING_TAG = "e007f"
JOINER = "200d"
SKIN_TONES = frozenset({"1f3fb", "1f3fc", "1f3fd", "1f3fe", "1f3ff"})

_SPELLED = re.compile(r"[0-9a-f]{1,6}(?:[-_][0-9a-f]{1,6})*")


def emoji_key(spelled: str) -> str:
    """The key of an emoji spelled in hexadecimal code points, in any of the published ways.

    Raises:
        ValueError: ``spelled`` is no such spelling.
    """
    lowered = spelled.lower()
    if not _SPELLED.fullmatch(lowered):
        raise ValueError(f"{spelled!r} does not spell code points, such as '1f40c' or '37-20e3'")
    points = [point.lstrip("0") or "0" for point in re.split("[-_]", lowered)]
    return "-".join(point for point in points if point not in (VARIATION_SELECTOR, CLOSING_TAG))


def has_skin_tone(key: str) -> bool:
    """Whether the emoji is a skin-tone variant of another one."""
    points = key.split("-")
    return len(points) > 1 and not SKIN_TONES.isdisjoint(points[1:])


def emoji_text(key: str) -> str:
    """The characters of the emoji (without variation selectors), for labels on contact sheets."""
    return "".join(chr(int(point, 16)) for point in key.split("-"))


def text_key(text: str) -> str:
    """The key of an emoji given as characters: ``🐌`` has the key ``1f40c``."""
    return emoji_key("-".join(f"{ord(character):x}" for character in text))
