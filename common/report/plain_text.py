"""Untrusted text made visible: characters that cannot be drawn become ones that can."""

import re

# C0 and C1 controls except tab and newline, and surrogates that no encoder accepts.
_UNDRAWABLE = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff]")


def plain(text: str) -> str:
    """Text that every encoder, HTML parser and font takes.

    Control characters are shown by their Unicode pictures (``␛`` for escape), those without one
    and lone surrogates by ``U+FFFD``. Line ends become newlines.
    """
    return _UNDRAWABLE.sub(_picture, text.replace("\r\n", "\n"))


def _picture(found: re.Match[str]) -> str:
    code = ord(found[0])
    if code < 0x20:
        return chr(0x2400 + code)
    return "\u2421" if code == 0x7F else "\ufffd"
