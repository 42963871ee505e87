"""That a thing drawn by the repository's own models moves with the sound, and with no other."""

import numpy as np
import pytest

from common.cli.main import main
from common.media.audio import Audio, write_wav
from common.media.images import read_picture
from run import APPS
from tests.video.sound.test_tracks import clicks
from video.sound.config import SoundConfig
from video.sound.tracks import read_sound

FPS, FRAMES = 8.0, 16
CLICKS_S = (0.3, 0.66, 1.15, 1.53, 1.8)


@pytest.fixture(scope="module")
def heights(tmp_path_factory):
    """How high a duck is in each frame, and the sound."""
    folder = tmp_path_factory.mktemp("duck")
    sound = folder / "clicks.wav"
    write_wav(sound, clicks(CLICKS_S, FRAMES / FPS))
    assert main([
        "video/audio_to_video", f"method.sound.path={sound}", f"method.num_frames={FRAMES}",
        "method.height=64", "method.width=64", "method.windows=null", "sampler.num_steps=6",
        f"export={{formats: [png], fps: {FPS}}}", f"output_dir={folder}", "name=duck",
    ], APPS) == 0  # fmt: skip
    shown = sorted((folder / "duck").glob("2*/samples/000_frames/*.png"))
    alpha = np.stack([read_picture(path)[..., 3] for path in shown]).astype(float)
    rows = np.arange(alpha.shape[1]) + 0.5
    assert alpha.sum((1, 2)).min() > 0
    return 1 - (alpha.sum(2) @ rows) / alpha.sum((1, 2)) / alpha.shape[1], sound


def onsets_of(path):
    config = SoundConfig(path=path, smoothing_ms=60.0)
    return read_sound(config, FRAMES, FPS).tracks["onset"]


def test_duck_hops_with_the_clicks_and_not_with_shuffled_ones(heights, tmp_path):
    high, sound = heights
    assert np.ptp(high) > 0.1, "the motion is seen"
    assert np.corrcoef(high, onsets_of(sound))[0, 1] >= 0.7
    # The same sound in pieces of a frame, in another order.
    samples = clicks(CLICKS_S, FRAMES / FPS).samples
    pieces = np.split(samples[:, : samples.shape[1] // FRAMES * FRAMES], FRAMES, axis=1)
    found = []
    for seed in range(12):
        order = np.random.default_rng(seed).permutation(FRAMES)
        shuffled = np.concatenate([pieces[piece] for piece in order], axis=1)
        write_wav(tmp_path / "shuffled.wav", Audio(shuffled, 44_100))
        found.append(np.corrcoef(high, onsets_of(tmp_path / "shuffled.wav"))[0, 1])
    assert abs(np.mean(found)) <= 0.2
    assert max(found) < 0.7
