"""Speech to learn from: what is said by whom, kept and read, and what is missing."""

import ctypes.util

import numpy as np
import pytest

from common.errors import InputError
from common.training.talking import speech_set
from common.training.talking.espeak import Speaker, Voice
from common.training.talking.speech_mouth import shapes_of
from common.training.talking.speech_set import asked, load_speech

HAS_ESPEAK = ctypes.util.find_library("espeak-ng") is not None


def test_held_out_voices_and_sentences_are_never_trained_on():
    every = list(asked())
    for of in (lambda one: one.text, lambda one: one.voice.name):
        trained = {of(one) for one in every if one.part == "train"}
        held_out = {of(one) for one in every if one.part == "held_out"}
        assert trained
        assert held_out
        assert not trained & held_out
    assert len(set(every)) == len(every)


def test_without_espeak_it_is_said_how_to_get_it(monkeypatch):
    monkeypatch.setattr(ctypes.util, "find_library", lambda name: None)
    with pytest.raises(InputError, match="apt-get install espeak-ng"):
        Speaker()


def test_speech_that_is_not_prepared_is_refused(tmp_path):
    with pytest.raises(InputError, match="holds no speech"):
        load_speech(tmp_path, "train")


@pytest.mark.skipif(not HAS_ESPEAK, reason="espeak-ng is needed for training data alone")
def test_speech_is_said_kept_and_read_again(tmp_path, monkeypatch):
    some = [one for part in ("train", "held_out")
            for one in [one for one in asked() if one.part == part][:2]]  # fmt: skip
    monkeypatch.setattr(speech_set, "asked", lambda: iter(some))
    assert speech_set.prepare_speech(tmp_path) == 4
    assert speech_set.prepare_speech(tmp_path) == 4  # nothing is said again
    found = load_speech(tmp_path, "train")
    assert [one.text for one in found] == [one.text for one in some[:2]]
    for one in found:
        assert 1.0 < one.duration_s < 8.0
        assert np.abs(one.sound).max() > 0.05
        begins = [phoneme.begin_s for phoneme in one.phonemes]
        assert begins == sorted(begins)
        assert begins[-1] <= one.duration_s + 0.05
        assert sum(bool(shapes_of(phoneme.ipa)) for phoneme in one.phonemes) > 10


@pytest.mark.skipif(not HAS_ESPEAK, reason="espeak-ng is needed for training data alone")
def test_a_voice_that_is_not_there_is_refused():
    with pytest.raises(InputError, match="no voice nobody"):
        Speaker().said("Hello.", Voice("nobody", 150, 50))
