"""Tracks of sounds whose answers are known."""

from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from common.errors import InputError
from common.media.audio import Audio, write_wav
from tests.common.media.sample_media import ffmpeg
from video.sound.config import SoundConfig
from video.sound.features import energies
from video.sound.pitch import pitches_hz
from video.sound.tracks import fitted, read_sound, sound_tracks

RATE = 44_100
CLICKS_S = (0.3, 0.77, 1.5, 2.0, 2.61, 3.4)


def clicks(times, seconds=4.0, noise=0.0):
    """Short bursts at times, over noise."""
    rng = np.random.default_rng(0)
    samples = noise * rng.standard_normal(round(seconds * RATE))
    for time in times:
        begin = round(time * RATE)
        burst = np.exp(-np.arange(400) / 80) * np.sin(2 * np.pi * 1500 * np.arange(400) / RATE)
        samples[begin : begin + 400] += burst[: len(samples) - begin]
    return Audio(samples.astype(np.float32)[None], RATE)


def sine(hz, seconds=2.0, envelope=0.5):
    times = np.arange(round(seconds * RATE)) / RATE
    return Audio((envelope * np.sin(2 * np.pi * hz * times)).astype(np.float32)[None], RATE)


def config_of(path="x.wav", **keys):
    return SoundConfig(path=Path(path), **keys)


@pytest.mark.parametrize("fps", [8.0, 12.0, 23.976, 30.0])
@pytest.mark.parametrize("noise", [0.0, 0.01])
def test_clicks_are_onsets_of_their_frame_and_nothing_else_is(fps, noise):
    count = int(4 * fps)
    found = sound_tracks(config_of(), clicks(CLICKS_S, noise=noise), count, fps)["onset"]
    heard = np.flatnonzero(found)
    if noise:
        heard = heard[heard > 0]  # the noise itself begins in the first frame
    assert len(heard) == len(CLICKS_S)
    # To a step of 5 ms: what begins at the very end of a frame is heard in the next.
    late = heard - np.floor(np.array(CLICKS_S) * fps)
    assert set(late.tolist()) <= {0, 1}
    left_s = 1 / fps - np.array(CLICKS_S) % (1 / fps)
    assert not late[left_s > 0.01].any()
    assert found.max() == 1
    assert found[heard].min() > 0.5


@given(time=st.floats(0.05, 1.9), fps=st.floats(5, 60))
@settings(deadline=None, max_examples=25)
def test_one_click_is_heard_within_one_frame(time, fps):
    count = int(2 * fps)
    found = sound_tracks(config_of(), clicks([time], 2.0), count, fps)["onset"]
    assert abs(int(found.argmax()) - min(time * fps, count - 1)) <= 1


def test_energy_is_the_envelope():
    """Of a sine with amplitude ``a`` over whole periods: ``a / sqrt 2``."""
    levels = np.array([0.1, 0.4, 0.8, 0.05, 0.6, 0.0, 0.3, 0.2])
    audio = sine(1_000, 0.8, np.repeat(levels, RATE // 10))
    found = energies(audio, 8, 10.0)
    np.testing.assert_allclose(found, levels / np.sqrt(2), atol=1e-3)
    track = sound_tracks(config_of(), audio, 8, 10.0)["energy"]
    np.testing.assert_allclose(track, levels / 0.8, atol=1e-3)


def test_opposite_channels_are_heard_as_loud():
    left = sine(300).samples
    found = energies(Audio(np.concatenate([left, -left]), RATE), 8, 4.0)
    np.testing.assert_allclose(found, 0.5 / np.sqrt(2), atol=1e-3)


@pytest.mark.parametrize("hz", [100.0, 220.0, 440.0, 900.0])
def test_pitch_of_a_sine_and_its_place(hz):
    samples = sine(hz).samples[0]
    centres = (np.arange(8) + 0.5) / 4
    np.testing.assert_allclose(pitches_hz(samples, RATE, centres, (80.0, 1000.0)), hz, rtol=2e-3)
    track = sound_tracks(config_of(), sine(hz), 8, 4.0)["pitch"]
    np.testing.assert_allclose(track, np.log(hz / 80) / np.log(1000 / 80), atol=2e-3)


def test_noise_and_silence_have_no_pitch_and_the_last_one_is_held():
    rng = np.random.default_rng(1)
    noise = rng.standard_normal(RATE).astype(np.float32)
    assert np.isnan(pitches_hz(noise, RATE, np.array([0.3, 0.6]), (80.0, 1000.0))).all()
    assert np.isnan(pitches_hz(np.zeros(RATE), RATE, np.array([0.5]), (80.0, 1000.0))).all()
    parts = [np.zeros((1, RATE)), sine(200, 1.0).samples, np.zeros((1, RATE))]
    audio = Audio(np.concatenate(parts, 1).astype(np.float32), RATE)
    track = sound_tracks(config_of(), audio, 6, 2.0)["pitch"]
    place = np.log(200 / 80) / np.log(1000 / 80)
    np.testing.assert_allclose(track, [0, 0, *[place] * 4], atol=5e-3)


def test_bands_tell_low_from_high():
    low, high = (sound_tracks(config_of(), sine(hz), 8, 4.0) for hz in (120, 6_000))
    assert low["mel 0"].min() > 0.9
    assert low["mel 7"][1:].max() < 1e-3
    assert high["mel 7"].min() > 0.9
    assert high["mel 0"][1:].max() < 1e-3, "but for its sudden beginning"


def test_most_bands_are_all_of_some_width():
    """Each hears noise: none is narrower than the spectrum's own step."""
    noise = np.random.default_rng(2).standard_normal((1, RATE)).astype(np.float32)
    found = sound_tracks(config_of(mel_bands=40), Audio(noise, RATE), 8, 8.0)
    assert all(found[f"mel {band}"].min() > 0.1 for band in range(40))


def test_smoothing_spreads_a_click_over_its_neighbours():
    sharp, soft = (
        sound_tracks(config_of(smoothing_ms=ms), clicks([1.04], 2.0), 24, 12.0)["onset"]
        for ms in (0.0, 100.0)
    )
    assert sharp.argmax() == soft.argmax() == 12
    assert sharp[11] == sharp[13] == 0
    # A Gaussian of 1.2 frames, sampled.
    np.testing.assert_allclose(soft[[11, 13]], np.exp(-0.5 / 1.2**2), atol=1e-6)


def test_sound_of_another_length_is_cut_filled_repeated_or_refused():
    audio = clicks([0.1], 0.5)
    assert fitted(config_of(), audio, 2, 8.0).samples.shape[1] == RATE // 4
    filled = fitted(config_of(), audio, 8, 8.0).samples[0]
    assert len(filled) == RATE
    assert not filled[RATE // 2 :].any()
    repeated = fitted(config_of(length="repeat"), audio, 8, 8.0).samples[0]
    np.testing.assert_array_equal(repeated[: RATE // 2], repeated[RATE // 2 :])
    exact = config_of(length="exact")
    assert fitted(exact, audio, 4, 8.0).samples.shape[1] == RATE // 2
    with pytest.raises(InputError, match=r"lasts 0.500 s .* num_frames=4"):
        fitted(exact, audio, 8, 8.0)


def test_part_of_a_sound_that_is_not_there_is_refused():
    audio = clicks([0.1], 1.0)
    with pytest.raises(InputError, match="beyond its end"):
        fitted(config_of(start_s=2.0), audio, 2, 8.0)
    with pytest.raises(InputError, match=r"is silent from 0\.5 s on"):
        fitted(config_of(start_s=0.5), audio, 2, 8.0)
    with pytest.raises(ValidationError, match="40 <= low < high"):
        config_of(pitch_hz=(500.0, 100.0))


@pytest.mark.parametrize("name", ["a.wav", "a.flac", "a.mp3", "a.m4a"])
def test_clicks_are_heard_in_every_format(tmp_path, name):
    write_wav(tmp_path / "a.wav", clicks(CLICKS_S))
    if name != "a.wav":
        ffmpeg("-i", tmp_path / "a.wav", tmp_path / name)
    found = read_sound(config_of(tmp_path / name), 32, 8.0)
    assert found.audio.samples.shape[1] == 4 * RATE
    heard = np.flatnonzero(found.tracks["onset"] > 0.3)
    np.testing.assert_allclose(heard, np.floor(np.array(CLICKS_S) * 8), atol=1)
