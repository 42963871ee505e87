"""How the mouth of a kit face moves while something is said: phonemes to mouth shapes over time.

Each sound's shape is complete in the middle of its time, and between two the mouth goes from one to
the next with an eased ramp, as `common/kit/speech.py` has it. Diphthongs and affricates have a
shape for each of their letters.
"""

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from common.embedded.mouth import MOUTH_RATE_HZ
from common.training.talking.espeak import Phoneme
from common.training.talking.face_shots import loud_viseme, mouth_of

_LETTERS = {
    "a": "aɑɐæʌɒ",
    "e": "eɛɜiɪ",
    "o": "oɔ",
    "u": "uʊywɥ",
    "m": "mbp",
    "f": "fv",
    "s": "szʃʒɕʑʂʐ",
    "t": "tdnlɾɹrkɡgŋθðhχxʔjəɚᵻ",
}
"""Of each mouth shape the phonetic letters; of a neutral vowel the mouth is but slightly open."""
_SHAPE_OF = {letter: name for name, letters in _LETTERS.items() for letter in letters}
_REST = "rest"
_SHORTEST_PAUSE_S = 0.08
"""Shorter ones are not seen: the mouth goes on to the next sound."""
_SETTLING_S = 0.04
"""How soon in a pause the mouth is at rest, and how late it leaves it."""


def shapes_of(ipa: str) -> tuple[str, ...]:
    """The mouth shapes of a phoneme, one after the other; a breath after a stop has none."""
    if ipa.startswith("("):  # a change of language
        return ()
    found: list[str] = []
    for place, letter in enumerate(ipa):
        shape = _SHAPE_OF.get(letter)
        breath = letter == "h" and place > 0
        if shape is not None and not breath and found[-1:] != [shape]:
            found.append(shape)
    return tuple(found)


def mouths_said(phonemes: Sequence[Phoneme], duration_s: float) -> Float[np.ndarray, "3 t"]:
    """Opening, width and rounding `MOUTH_RATE_HZ` times a second, each in the middle of its time.

    Args:
        phonemes: in order, each until the next begins.
        duration_s: of the whole sound.
    """
    times, names = _keys(phonemes, duration_s)
    values = np.array([mouth_of(loud_viseme(name)) for name in names])
    at = (np.arange(int(duration_s * MOUTH_RATE_HZ)) + 0.5) / MOUTH_RATE_HZ
    after = np.clip(np.searchsorted(times, at, side="right"), 1, len(times) - 1)
    start, end = times[after - 1], times[after]
    share = np.clip((at - start) / np.maximum(end - start, 1e-9), 0, 1)
    eased = (share * share * (3 - 2 * share))[:, None]
    return ((1 - eased) * values[after - 1] + eased * values[after]).T


def _keys(
    phonemes: Sequence[Phoneme], duration_s: float
) -> tuple[Float[np.ndarray, " k"], list[str]]:
    """When which shape is complete: at rest at both ends."""
    ends = [one.begin_s for one in phonemes[1:]] + [duration_s] * bool(phonemes)
    found = [(0.0, _REST)]
    for one, end in zip(phonemes, ends, strict=True):
        length = end - one.begin_s
        if not one.ipa and length >= _SHORTEST_PAUSE_S:
            found += [(one.begin_s + _SETTLING_S, _REST), (end - _SETTLING_S, _REST)]
        shapes = shapes_of(one.ipa)
        for number, shape in enumerate(shapes):
            found.append((one.begin_s + (number + 0.5) / len(shapes) * length, shape))
    found.append((duration_s, _REST))
    found.sort(key=lambda key: key[0])
    return np.array([when for when, _ in found]), [name for _, name in found]
