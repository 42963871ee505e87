import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.io import wavfile

from common.errors import InputError
from common.media.audio import Audio, fit_audio, read_audio, resample, write_wav
from tests.common.media.sample_media import ffmpeg
from tests.common.media.test_video_write import tone


def noise(num_samples: int, num_channels: int, sample_rate: int = 44_100) -> Audio:
    rng = np.random.default_rng(5)
    samples = rng.uniform(-0.9, 0.9, (num_channels, num_samples)).astype(np.float32)
    return Audio(samples, sample_rate)


@pytest.mark.parametrize("num_channels", [1, 2])
@pytest.mark.parametrize("num_samples", [1, 1023, 44_100])
def test_wav_gives_the_same_samples_back(tmp_path, num_channels, num_samples):
    audio = noise(num_samples, num_channels)
    write_wav(tmp_path / "a.wav", audio)
    found = read_audio(tmp_path / "a.wav")
    assert found.sample_rate == 44_100
    assert found.samples.dtype == np.float32
    assert np.array_equal(found.samples, audio.samples)


@pytest.mark.parametrize("dtype", [np.uint8, np.int16, np.int32, np.float64])
def test_other_sample_formats_are_scaled_to_one(tmp_path, dtype):
    if dtype == np.float64:
        full = np.array([-1.0, 0.0, 0.5], dtype)
    else:
        info = np.iinfo(dtype)
        middle = (int(info.max) + int(info.min) + 1) // 2
        full = np.array([info.min, middle, middle + (int(info.max) + 1 - middle) // 2], dtype)
    wavfile.write(tmp_path / "a.wav", 8000, full)
    assert read_audio(tmp_path / "a.wav").samples.tolist() == [[-1.0, 0.0, 0.5]]


@pytest.mark.parametrize("num_samples", [4096, 44_100, 50_001])
def test_flac_is_exact_to_16_bits(tmp_path, num_samples):
    samples = np.random.default_rng(1).integers(-30_000, 30_000, (num_samples, 2), np.int16)
    wavfile.write(tmp_path / "a.wav", 44_100, samples)
    ffmpeg("-i", tmp_path / "a.wav", tmp_path / "a.flac")
    found = read_audio(tmp_path / "a.flac")
    assert np.array_equal(found.samples, samples.T.astype(np.float32) / 32768)


@pytest.mark.parametrize(
    ("name", "extra"), [("a.mp3", ["-q:a", "0"]), ("a.m4a", []), ("a.opus", [])]
)
@pytest.mark.parametrize("seconds", [0.5, 1.2345])
def test_lossy_formats_keep_the_length_and_the_place(tmp_path, name, extra, seconds):
    audio = tone(seconds)
    write_wav(tmp_path / "a.wav", audio)
    ffmpeg("-i", tmp_path / "a.wav", *extra, tmp_path / name)
    found = read_audio(tmp_path / name)
    num_samples = audio.samples.shape[1]
    if name == "a.m4a":  # AAC in MP4 states its length in blocks of 1024
        assert num_samples <= found.samples.shape[1] < num_samples + 1024
    else:
        assert found.samples.shape[1] == num_samples
    inner = slice(4800, num_samples - 4800)
    # Encoder delay left in would be 500 samples and more: no likeness at all.
    likeness = np.corrcoef(found.samples[0, inner], audio.samples[0, inner])[0, 1]
    assert likeness > 0.999


def test_sound_of_a_video_is_read(tmp_path):
    from common.media.video_write import write_video
    from tests.common.media.sample_media import moving_clip

    write_video(tmp_path / "a.mp4", moving_clip(8), 8, audio=tone(1.0))
    assert read_audio(tmp_path / "a.mp4").duration_s == pytest.approx(1.0, abs=1024 / 48_000)


def test_channels_are_averaged_or_doubled_on_request(tmp_path):
    write_wav(tmp_path / "stereo.wav", noise(100, 2))
    stereo = read_audio(tmp_path / "stereo.wav").samples
    mono = read_audio(tmp_path / "stereo.wav", num_channels=1).samples
    assert np.allclose(mono[0], stereo.mean(axis=0), atol=1e-7)
    write_wav(tmp_path / "mono.wav", Audio(mono, 44_100))
    doubled = read_audio(tmp_path / "mono.wav", num_channels=2).samples
    assert np.array_equal(doubled, np.concatenate([mono, mono]))


def test_surround_is_mixed_to_stereo(tmp_path):
    samples = np.zeros((1000, 6), np.float32)
    samples[:, 0], samples[:, 2] = 0.5, 0.25  # left and centre
    wavfile.write(tmp_path / "a.wav", 48_000, samples)
    found = read_audio(tmp_path / "a.wav").samples
    assert found.shape == (2, 1000)
    # Centre goes to both at equal strength, left to the left only.
    left, right = found[:, 500]
    assert left > right > 0
    assert left / right == pytest.approx((0.5 + 0.25 * 2**-0.5) / (0.25 * 2**-0.5), rel=1e-3)


@pytest.mark.parametrize(("old", "new"), [(44_100, 16_000), (16_000, 48_000), (48_000, 44_100)])
def test_resampled_tone_is_the_tone_at_the_other_rate(old, new):
    found = resample(tone(1.0, old), new)
    expected = tone(1.0, new).samples
    assert found.samples.shape == expected.shape
    inner = slice(new // 10, -new // 10)
    # The default low-pass of scipy's polyphase resampler ripples by about 1e-3.
    assert np.abs(found.samples[:, inner] - expected[:, inner]).max() < 2e-3


def test_resampling_removes_what_would_alias(tmp_path):
    times = np.arange(48_000) / 48_000
    high = np.sin(2 * np.pi * 10_000 * times)[None].astype(np.float32)
    found = resample(Audio(high, 48_000), 16_000).samples[:, 1000:-1000]
    # 10 kHz would appear at 6 kHz at full strength; the filter leaves less than 1 %.
    assert np.abs(found).max() < 0.01


@given(st.integers(1, 5000), st.sampled_from([8_000, 11_025, 44_100, 48_000]), st.data())
@settings(max_examples=30)
def test_resampled_length_is_exact(num_samples, old, data):
    new = data.draw(st.sampled_from([8_000, 16_000, 22_050, 48_000]))
    found = resample(noise(num_samples, 1, old), new)
    assert found.samples.shape[1] == -(-num_samples * new // old)


@given(st.integers(1, 3000), st.floats(0.01, 0.2))
def test_fitted_sound_has_the_length_and_the_beginning(num_samples, seconds):
    audio = noise(num_samples, 2, 10_000)
    found = fit_audio(audio, seconds)
    assert found.samples.shape[1] == round(seconds * 10_000)
    kept = min(num_samples, found.samples.shape[1])
    assert np.array_equal(found.samples[:, :kept], audio.samples[:, :kept])
    assert not found.samples[:, kept:].any()


def test_silence_is_refused_unless_allowed(tmp_path):
    write_wav(tmp_path / "a.wav", Audio(np.zeros((1, 100), np.float32), 8000))
    with pytest.raises(InputError, match="silent: every sample is zero"):
        read_audio(tmp_path / "a.wav")
    assert read_audio(tmp_path / "a.wav", allow_silence=True).samples.shape == (1, 100)


def test_sound_without_samples_is_refused(tmp_path):
    wavfile.write(tmp_path / "a.wav", 8000, np.zeros(0, np.int16))
    with pytest.raises(InputError, match="sound"):
        read_audio(tmp_path / "a.wav")


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
def test_samples_that_are_no_numbers_are_refused(tmp_path, bad):
    wavfile.write(tmp_path / "a.wav", 8000, np.array([0.1, bad, 0.2], np.float32))
    with pytest.raises(InputError, match="no numbers"):
        read_audio(tmp_path / "a.wav")


def test_too_long_sound_is_refused(tmp_path):
    write_wav(tmp_path / "a.wav", noise(44_100, 1))
    with pytest.raises(InputError, match=r"more than 0\.9 s"):
        read_audio(tmp_path / "a.wav", max_duration_s=0.9)
    assert read_audio(tmp_path / "a.wav", max_duration_s=1.0).duration_s == 1.0


def test_impossible_sample_rates_are_refused(tmp_path):
    write_wav(tmp_path / "a.wav", noise(100, 1))
    with pytest.raises(InputError, match="between 1000 and 384000 Hz, not 0"):
        read_audio(tmp_path / "a.wav", sample_rate=0)


def test_wav_of_a_pipe_without_a_length_is_read(tmp_path):
    write_wav(tmp_path / "a.wav", tone(0.1))
    data = ffmpeg("-i", tmp_path / "a.wav", "-f", "wav", "-")
    (tmp_path / "b.wav").write_bytes(data)
    assert read_audio(tmp_path / "b.wav").samples.shape == (2, 4800)
