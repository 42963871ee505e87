"""Training the causal autoencoder."""

from itertools import islice

import numpy as np
import pytest
import torch

from common.runs.state import Checkpoint, load_newest, save
from common.training.loop import train
from tests.common.training.small_training import same_bits
from tests.video.causal_autoencoder.small_causal import SIZES
from tests.video.training.small_causal_training import LOOP, Waves, small
from video.causal_autoencoder.model import Roundtrip
from video.training.causal_autoencoder_trainer import TrainCausalAutoencoder
from video.training.coded_clips import CodedClipSource


def test_killed_and_resumed_training_ends_in_the_same_bits(tmp_path):
    config, whole = small()
    *_, expected = train(config.loop, whole, "cpu")
    _, first = small()
    for step in islice(train(config.loop, first, "cpu"), 3):
        save(tmp_path, Checkpoint(step.step, step.state), keep=1)
    _, second = small()
    *_, resumed = train(config.loop, second, "cpu", load_newest(tmp_path).state)
    assert same_bits(resumed.state["model"], expected.state["model"])


def test_untrained_model_is_the_interpolation():
    _, training = small()
    found = training.evaluate(training.model)
    assert found["error/waves"] == found["interpolated/waves"]
    clip = Waves().measured["waves"][:, :, 1:]
    assert found["interpolated/waves"] == pytest.approx(float(np.square(clip).mean()), rel=1e-5)


def test_training_learns_what_is_between_kept_frames():
    config, training = small(code_noise=0.0, correction_weight=0.001, pixel_weight=0.0)
    loop = config.loop.model_copy(update={"num_steps": 150})
    *_, last = train(loop, training, "cpu")
    found = training.evaluate(last.averaged.eval())
    assert found["error/waves"] < 0.5 * found["interpolated/waves"]


def answered(training, codes, latents, draw=0):
    """The losses of a step if the model answers with these, and the clips that it saw."""
    seen = []

    def model(clean, noise):
        seen.append((clean, noise))
        return Roundtrip(codes(clean), latents(clean))

    losses = {name: float(value) for name, value in training.losses(model, draw).items()}
    return losses, seen[0]


def kept(clean):
    return clean[:, :, [0, 4, 8]]


def test_right_answers_cost_nothing_and_wrong_ones_what_is_said():
    _, training = small(half_share=0.0)
    losses, _ = answered(training, kept, lambda clean: clean)
    assert losses["latents"] == losses["correction"] == losses["pixels"] == losses["loss"] == 0

    losses, _ = answered(training, lambda clean: kept(clean) + 2, lambda clean: clean + 1)
    assert losses["latents"] == pytest.approx(1)
    assert losses["correction"] == pytest.approx(4)
    assert losses["pixels"] > 0
    config = TrainCausalAutoencoder()
    assert losses["loss"] == pytest.approx(
        1 + config.correction_weight * 4 + config.pixel_weight * losses["pixels"]
    )


def test_the_first_frame_costs_nothing():
    _, training = small()

    def only_first(clean):
        return torch.cat([clean[:, :, :1] + 1, clean[:, :, 1:]], 2)

    losses, _ = answered(training, lambda clean: only_first(kept(clean)), only_first)
    assert losses["loss"] == 0


def test_steps_of_halved_clips_have_four_times_as_many():
    shapes = set()
    for draw in range(12):
        _, (clean, noise) = answered(small(half_share=0.5)[1], kept, lambda clean: clean, draw)
        shapes.add(tuple(clean.shape))
        assert noise.shape == kept(clean).shape
    count = LOOP.batch_size
    assert shapes == {(count, 4, 9, 8, 8), (4 * count, 4, 9, 4, 4)}


def test_noise_is_as_strong_as_told():
    _, (_, noise) = answered(small(code_noise=0.2, half_share=0.0)[1], kept, lambda clean: clean)
    assert float(noise.std()) == pytest.approx(0.2, rel=0.1)


def test_clips_are_drawn_both_ways():
    class Climbing:
        def draw(self, count, rng):
            from common.training.frames.frame_batch import FrameBatch

            latents = np.broadcast_to(
                np.arange(5, dtype=np.float32)[None, None, :, None, None], (count, 4, 5, 2, 2)
            ).copy()
            return FrameBatch(latents, ("",) * count, (None,) * count, np.zeros((count, 5), "f4"))

        def held_out(self):
            return self.draw(1, np.random.default_rng(0))

    source = CodedClipSource({128: Climbing()}, {})
    drawn = source.draw(128, 32, np.random.default_rng(0))
    starts = drawn[:, 0, 0, 0, 0]
    assert set(starts.tolist()) == {0.0, 4.0}
    assert (np.abs(np.diff(drawn, axis=2)) == 1).all()


def test_preview_shows_clips_and_what_became_of_them():
    _, training = small()
    sheet = training.preview(training.model.eval())
    assert sheet.ndim == 3


def test_package_says_what_it_stands_on():
    _, training = small()
    package = training.package(training.model)
    assert (package.kind, package.requires) == ("causal_autoencoder", {"autoencoder": "a" * 64})
    assert package.architecture == SIZES
