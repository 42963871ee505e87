"""Phonemes to mouths: closed forms at the middle of sounds, in pauses, and at both ends."""

import numpy as np
import pytest

from common.training.talking.espeak import Phoneme
from common.training.talking.face_shots import loud_viseme, mouth_of
from common.training.talking.speech_mouth import mouths_said, shapes_of


@pytest.mark.parametrize(("ipa", "shapes"), [
    ("m", ("m",)), ("aɪ", ("a", "e")), ("oʊ", ("o", "u")), ("tʃ", ("t", "s")), ("ph", ("m",)),
    ("ɑːɹ", ("a", "t")), ("uei", ("u", "e")), ("", ()), ("(en)", ()), ("h", ("t",)),
])  # fmt: skip
def test_shapes_of_phonemes(ipa, shapes):
    assert shapes_of(ipa) == shapes


def test_shapes_are_complete_in_the_middle_and_eased_between():
    said = (Phoneme(0.2, "m"), Phoneme(0.4, "ɑ"), Phoneme(0.6, ""), Phoneme(1.0, "m"))
    mouths = mouths_said(said, 1.3)
    assert mouths.shape == (3, 130)
    at = np.arange(130) * 0.01 + 0.005
    closed, wide = (np.array(mouth_of(loud_viseme(name))) for name in ("m", "a"))

    def value(time_s):
        return np.array([np.interp(time_s, at, row) for row in mouths])

    np.testing.assert_allclose(value(0.3), closed, atol=2e-3)
    np.testing.assert_allclose(value(0.5), wide, atol=8e-3)
    np.testing.assert_allclose(value(0.4), (closed + wide) / 2, atol=1e-9)  # half way
    np.testing.assert_allclose(value(0.35), closed + 0.15625 * (wide - closed), atol=2e-3)
    rest = np.array([0.0, 0.5, 0.0])
    np.testing.assert_allclose(value(0.8), rest, atol=1e-9)  # the pause
    np.testing.assert_allclose(value(0.005), rest, atol=2e-3)
    np.testing.assert_allclose(value(1.295), rest, atol=2e-3)


def test_short_pauses_are_spoken_through():
    said = (Phoneme(0.0, "ɑ"), Phoneme(0.3, ""), Phoneme(0.35, "ɑ"))
    opening = mouths_said(said, 0.65)[0]
    assert opening[15:50].min() > 0.99 * loud_viseme("a").mouth_open


def test_silence_is_a_mouth_at_rest():
    np.testing.assert_allclose(mouths_said((), 0.5), np.tile([[0.0], [0.5], [0.0]], 50))
