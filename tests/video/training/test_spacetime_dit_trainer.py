"""Training the spacetime DiT."""

from itertools import islice

import numpy as np
import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sampler_config import FlowEuler
from common.embedded.drawn_clip import Drawing
from common.runs.state import Checkpoint, load_newest, save
from common.training.loop import train
from tests.common.training.small_training import same_bits
from tests.video.training.small_spacetime import LOOP, NUM_FRAMES, Steps, small
from video.spacetime_dit.architecture import Patch, SpacetimeDiTArchitecture
from video.training.clip_and_still_source import ClipAndStillSource
from video.training.known_frames import KnownFrames
from video.training.spacetime_dit_trainer import TrainSpacetimeDiT

NOTHING = KnownFrames(first=0.0, keys=0.0, region=0.0)


def test_killed_and_resumed_training_ends_in_the_same_bits(tmp_path):
    loop = LOOP.model_copy(update={"num_accumulated": 2})
    config, whole = small(loop=loop)
    *_, expected = train(config.loop, whole, "cpu")
    _, first = small(loop=loop)
    for step in islice(train(config.loop, first, "cpu"), 3):
        save(tmp_path, Checkpoint(step.step, step.state), keep=1)
    _, second = small(loop=loop)
    *_, resumed = train(config.loop, second, "cpu", load_newest(tmp_path).state)
    assert same_bits(resumed.state["model"], expected.state["model"])
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])


def test_untrained_error_is_that_of_no_velocity():
    _, training = small()
    clean = torch.from_numpy(Steps().held_out().latents)
    found = training.evaluate(training.model)
    # E |eps - x|^2 = 1 + x^2; 8 x 4 x 4 x 64 numbers of noise.
    assert found["velocity_error/clips"] == pytest.approx(
        1 + float(clean.square().mean()), rel=0.05
    )


def test_training_learns_prompts_order_and_given_frames():
    config, training = small(picture_share=0.1, known=KnownFrames(first=0.5, keys=0.0, region=0.0))
    untrained = training.evaluate(training.model)
    loop = config.loop.model_copy(update={"num_steps": 150})
    *_, last = train(loop, training, "cpu")

    found = training.evaluate(last.averaged.eval())

    assert found["velocity_error/clips"] < 0.5 * untrained["velocity_error/clips"]
    assert found["velocity_error/clips"] < found["velocity_error/no_prompt"]
    assert found["velocity_error/clips"] < 0.8 * found["velocity_error/shuffled"]
    assert found["velocity_error/first_given"] < found["velocity_error/clips"]


def seen_by(training, draw=0):
    """What the model is called with in a step, and the loss if it answers with zeros."""
    calls = []

    def spy(latents, timesteps, text, known, times):
        calls.append((latents, timesteps, text, known, times))
        return torch.zeros_like(latents)

    losses = training.losses(spy, draw)
    return calls[0], float(losses["loss"])


def test_batches_are_clips_or_as_many_pictures():
    shapes = {
        tuple(seen_by(small(picture_share=0.5)[1], draw)[0][0].shape) for draw in range(12)
    }  # fmt: skip
    count = LOOP.batch_size
    assert shapes == {(count, 4, NUM_FRAMES, 8, 8), (count * NUM_FRAMES, 4, 1, 8, 8)}


def test_frames_are_taken_at_their_own_times():
    latents, *_, times = seen_by(small(frames_at_once=2, picture_share=0.0)[1])[0]
    assert latents.shape[2] == 2
    assert bool((times[:, 0] == 0).all())
    assert bool((times[:, 1] >= 1).all())


def test_given_cells_are_clean_and_not_counted():
    _config, training = small(picture_share=0.0, known=KnownFrames(first=1.0, keys=0.0, region=0.0))
    (_latents, _, _, known, _), _ = seen_by(training)
    assert bool((known.mask[:, :, 0] == 1).all())
    assert not known.mask[:, :, 1:].any()
    flat = known.latents[:, :, 0].flatten(2)
    torch.testing.assert_close(flat, flat[..., :1].expand_as(flat), rtol=0, atol=0)

    def right_but_there(latents, timesteps, text, known, times):
        sigma = (timesteps / 1000)[:, None, None, None, None]
        return torch.where(known.mask > 0, 99.0, (latents - known.latents) / sigma)

    # The velocity of what is given follows from it; wrong answers there cost nothing.
    assert float(training.losses(right_but_there, 0)["loss"]) == pytest.approx(0, abs=1e-6)


def test_prompts_are_left_out_as_told():
    texts = [seen_by(small(text_dropout=share, known=NOTHING)[1])[0][2] for share in (0.0, 0.999)]
    lengths = [int(text.mask.sum(1).max()) for text in texts]
    assert lengths[1] == 1 < lengths[0], "only the start of the text"


def test_previews_are_a_row_for_each_clip(monkeypatch):
    quick = Drawing(FlowEuler(num_steps=2), CFG(guidance_scale=3.0), 0)
    monkeypatch.setattr("video.training.clip_sheet._DRAWING", quick)
    _, training = small()
    sheet = training.preview(training.model.eval())
    assert sheet.shape[0] > sheet.shape[1], "six rows of four frames"


def test_package_says_what_it_stands_on():
    _, training = small()
    package = training.package(training.model)
    assert package.kind == "spacetime_dit"
    assert package.requires == {"autoencoder": "a" * 64, "text_encoder": "t" * 64}


def test_stills_and_first_frames_are_mixed():
    source = ClipAndStillSource(Steps(), None, 0.0, 0.35)
    rng = np.random.default_rng(0)
    assert source.pictures(5, rng).latents.shape == (5, 4, 1, 8, 8)
    assert source.draw(5, rng).latents.shape == (5, 4, NUM_FRAMES, 8, 8)
    assert len(source.held_out().prompts) == 8


def test_patches_of_neighbours_are_not_cut_from_frames_apart():
    sizes = SpacetimeDiTArchitecture(patch=Patch(frames=2))
    with pytest.raises(ValueError, match="frames_at_once 8 takes frames that are apart"):
        TrainSpacetimeDiT(architecture=sizes, frames_at_once=8)
    TrainSpacetimeDiT(architecture=sizes)


def test_models_of_longer_clips_than_there_are_to_learn_from_are_refused():
    with pytest.raises(ValueError, match="the clips of training have 16 frames"):
        TrainSpacetimeDiT(architecture=SpacetimeDiTArchitecture(max_frames=32))
