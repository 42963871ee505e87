"""Speech with the time of every phoneme, said by espeak-ng; for training data alone.

The library of the Debian package espeak-ng is called in its own process's memory; nothing that
draws needs it.
"""

import ctypes
import ctypes.util
from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from common.errors import InputError

_SYNCHRONOUS, _PHONEME_EVENTS, _IPA, _DO_NOT_EXIT = 2, 0x1, 0x2, 0x8000
_LAST, _PHONEME = 0, 7
"""Kinds of events: the end of a list, and the begin of a phoneme."""
_UTF8, _BY_CHARACTER = 1, 1
_RATE, _PITCH = 1, 3
"""Parameters of the voice."""


class _Name(ctypes.Union):
    _fields_ = (
        ("number", ctypes.c_int),
        ("name", ctypes.c_char_p),
        ("string", ctypes.c_char * 8),
    )


class _Event(ctypes.Structure):
    _fields_ = (
        ("kind", ctypes.c_int), ("number", ctypes.c_uint), ("text_position", ctypes.c_int),
        ("length", ctypes.c_int), ("audio_position", ctypes.c_int), ("sample", ctypes.c_int),
        ("user_data", ctypes.c_void_p), ("id", _Name),
    )  # fmt: skip


_Heard = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.POINTER(_Event)
)


class Voice(NamedTuple):
    """Who speaks, and how."""

    name: str
    """Of espeak-ng, with a variant: ``en-us+f2``."""
    words_per_minute: int
    """80 to 450."""
    pitch: int
    """0 to 100."""


class Phoneme(NamedTuple):
    """A sound of speech, from where it begins."""

    begin_s: float
    ipa: str
    """In the International Phonetic Alphabet; empty for a pause."""


class Said(NamedTuple):
    """A sentence as it was said."""

    samples: Float[np.ndarray, " n"]
    """Full scale is 1."""
    sample_rate: int
    phonemes: tuple[Phoneme, ...]

    @property
    def duration_s(self) -> float:
        """Length in seconds."""
        return len(self.samples) / self.sample_rate


class Speaker:
    """espeak-ng, opened once: it keeps one voice at a time."""

    def __init__(self) -> None:
        """Open the library.

        Raises:
            InputError: it is not installed.
        """
        name = ctypes.util.find_library("espeak-ng")
        if name is None:
            raise InputError(
                "speech to train on is made by espeak-ng, which is not installed: "
                "apt-get install espeak-ng (needed for training data alone)"
            )
        self._library = ctypes.CDLL(name)
        options = _PHONEME_EVENTS | _IPA | _DO_NOT_EXIT
        self.sample_rate = int(self._library.espeak_Initialize(_SYNCHRONOUS, 0, None, options))
        if self.sample_rate <= 0:
            raise InputError("espeak-ng is installed without its voices: install espeak-ng-data")
        self._parts: list[np.ndarray] = []
        self._phonemes: list[Phoneme] = []
        self._heard = _Heard(self._take)  # kept, or the library would call freed memory
        self._library.espeak_SetSynthCallback(self._heard)

    def said(self, text: str, voice: Voice) -> Said:
        """A sentence in a voice.

        Raises:
            InputError: espeak-ng has no such voice, or made no sound of it.
        """
        self._parts, self._phonemes = [], []
        if self._library.espeak_SetVoiceByName(voice.name.encode()) != 0:
            raise InputError(f"espeak-ng has no voice {voice.name}")
        self._library.espeak_SetParameter(_RATE, voice.words_per_minute, 0)
        self._library.espeak_SetParameter(_PITCH, voice.pitch, 0)
        given = text.encode()
        failed = self._library.espeak_Synth(
            given, len(given) + 1, 0, _BY_CHARACTER, 0, _UTF8, None, None
        )
        if failed or not self._parts:
            raise InputError(f"espeak-ng said nothing for '{text}' in the voice {voice.name}")
        samples = np.concatenate(self._parts).astype(np.float32) / 2**15
        return Said(samples, self.sample_rate, tuple(self._phonemes))

    def _take(
        self,
        samples: "ctypes._Pointer[ctypes.c_short]",
        count: int,
        events: "ctypes._Pointer[_Event]",
    ) -> int:
        """What the library calls with each part; 0 goes on."""
        if count > 0:
            self._parts.append(np.ctypeslib.as_array(samples, (count,)).copy())
        at = 0
        while events[at].kind != _LAST:
            if events[at].kind == _PHONEME:
                ipa = events[at].id.string.decode(errors="ignore")
                self._phonemes.append(Phoneme(events[at].audio_position / 1000, ipa))
            at += 1
        return 0
