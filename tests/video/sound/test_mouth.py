"""Mouths heard in a sound: means over frames, parts that join, what the shipped network hears."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from common.media.audio import Audio, read_audio, resample
from common.training.talking.espeak import Phoneme
from common.training.talking.speech_mouth import mouths_said
from video.sound import mouth as module
from video.sound.agreement import best_lag, correlation
from video.sound.config import SoundConfig
from video.sound.features import ANALYSIS_HZ, log_bands
from video.sound.mouth import SpeechMouth, SpeechMouthArchitecture, frame_means, mouths_heard
from video.sound.tracks import read_sound, sound_tracks

DATA = Path(__file__).parent / "data"
FPS, FRAMES = 8.0, 16


def test_means_are_over_each_frames_time():
    values = np.arange(10.0)[None]
    np.testing.assert_allclose(frame_means(values, 10.0, 5, 5.0)[0], [0.5, 2.5, 4.5, 6.5, 8.5])
    # A frame of 1.5 values takes half of the one that it shares.
    np.testing.assert_allclose(frame_means(values, 10.0, 2, 10 / 1.5)[0], [1 / 3, 5 / 3])
    np.testing.assert_allclose(frame_means(values, 10.0, 20, 20.0)[0], np.repeat(values[0], 2))
    np.testing.assert_allclose(frame_means(values, 10.0, 3, 2.0)[0], [2, 7, 9])  # the last holds


def test_long_sounds_are_heard_as_short_ones(monkeypatch):
    torch.manual_seed(0)
    model = SpeechMouth(SpeechMouthArchitecture(channels=8)).eval()
    samples = np.random.default_rng(0).normal(0, 0.1, 3 * ANALYSIS_HZ).astype(np.float32)
    whole = mouths_heard(model, samples, 3.0)
    monkeypatch.setattr(module, "_SECONDS_AT_ONCE", 0.7)
    assert whole.shape == (3, 300)
    np.testing.assert_allclose(mouths_heard(model, samples, 3.0), whole, atol=1e-6)


def test_bands_are_of_the_loudest_and_do_not_know_the_volume():
    time = np.arange(ANALYSIS_HZ) / ANALYSIS_HZ
    tone = np.sin(2 * np.pi * 1000 * time) * (time > 0.5)
    bands = log_bands(tone, 1.0, 100.0, 40)
    assert bands.shape == (40, 100)
    assert bands.max() == pytest.approx(1, abs=1e-4)
    assert np.abs(bands[:, :49]).max() < 1e-3
    np.testing.assert_allclose(log_bands(0.01 * tone, 1.0, 100.0, 40), bands, atol=1e-6)
    assert (log_bands(0 * tone, 1.0, 100.0, 40) == 0).all()


def test_lag_is_that_of_a_delayed_track():
    track = np.random.default_rng(0).random(24)
    for lag in (-2, 0, 3):
        assert best_lag(np.roll(track, lag), track) == lag
    assert correlation(track, 1 - 2 * track) == pytest.approx(-1)
    assert correlation(track, np.ones(24)) == 0


@pytest.fixture(scope="module")
def said():
    """The viseme track of the sentence in the repository, by frame."""
    told = json.loads((DATA / "speech.json").read_text(encoding="utf-8"))
    phonemes = tuple(Phoneme(*one) for one in told["phonemes"])
    return frame_means(mouths_said(phonemes, told["duration_s"]), 100.0, FRAMES, FPS)


def test_shipped_network_hears_a_voice_that_it_never_met(said):
    tracks = read_sound(SoundConfig(path=DATA / "speech.flac"), FRAMES, FPS).tracks
    heard = tracks["mouth_open"]
    assert ((heard >= 0) & (heard <= 1)).all()
    assert correlation(heard, said[0]) >= 0.75
    assert abs(best_lag(heard, said[0])) <= 1
    assert correlation(tracks["mouth_width"], said[1]) >= 0.6


def test_shuffled_speech_is_another_mouth(said):
    audio = resample(read_audio(DATA / "speech.flac"), 16_000)
    pieces = np.split(audio.samples[:, :32_000], FRAMES, axis=1)
    config, found = SoundConfig(path=DATA / "speech.flac"), []
    for seed in range(8):
        order = np.random.default_rng(seed).permutation(FRAMES)
        mixed = Audio(np.concatenate([pieces[i] for i in order], 1), 16_000)
        heard = sound_tracks(config, mixed, FRAMES, FPS)["mouth_open"]
        found.append(correlation(heard, said[0]))
    assert abs(np.mean(found)) <= 0.2
