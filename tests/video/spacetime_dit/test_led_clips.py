"""Clips of the spacetime DiT that begin with their first frame, moved as the prompt tells."""

import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import FlowEuler
from common.diffusion.samplers import build_scheduler
from common.embedded.drawn_clip import Drawing
from common.embedded.first_frame import clip_draws
from common.embedded.led_start import Said, led_start
from common.embedded.moves import moved
from common.embedded.planned_clips import PlannedClips, decoded_frame, encoded_frame
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.embedded.temporal_filter import decoded_clips
from common.seeding import generators_for
from tests.common.zoo.small_zoo import store_prior
from tests.video.spacetime_dit.small_dit import store_dit, store_trajectories
from video.spacetime_dit.drawn_clip import drawn_dit_clip
from video.spacetime_dit.load import load_spacetime_dit

DRAWING = Drawing(FlowEuler(num_steps=6), CFG(guidance_scale=3.0), 0)
PROMPT = "a mug"


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    store_prior(folder)
    store_dit(folder, folder)
    store_trajectories(folder)
    return folder


def clips(folder, noise=1e-3):
    config = SpacetimeDiTPriorConfig(models_dir=folder, bases_dir=folder, trajectory_noise=noise)
    return load_spacetime_dit(config, (3, 64, 64), "cpu")


def begun(prior, first=None):
    spec = prior.spec
    scheduler = build_scheduler(DRAWING.sampler, spec.schedule, spec.prediction)
    said = Said(prior.embed([PROMPT]), prior.embed([""]), prior.told_by([PROMPT]))
    draws = clip_draws(prior, 0, [0])
    return led_start(prior, said, scheduler, DRAWING.guidance, draws, first), scheduler, draws


def drawn_alone(prior):
    """The picture that the model draws as a clip of one frame."""
    alone = prior.of_first_frames()
    assert alone.spec.latent_shape == (4, 1, 8, 8)
    scheduler = build_scheduler(DRAWING.sampler, alone.spec.schedule, "velocity")
    *_, last = sample(
        alone, scheduler, alone.embed([PROMPT]), alone.embed([""]), DRAWING.guidance,
        clip_draws(prior, 0, [0]).noise[:, :, :1], generators_for(0, [0], "first frame"),
    )  # fmt: skip
    return torch.as_tensor(last.latents)[:, :, 0]


def test_it_is_a_prior_with_a_plan(folder):
    prior = clips(folder)
    assert isinstance(prior, PlannedClips)
    assert prior.plan.trajectories is not None
    assert prior.told_by([PROMPT]).shape == (1, prior.plan.trajectories.architecture.features)


def test_clips_begin_with_their_own_first_frame_moved_as_told(folder):
    prior = clips(folder)
    (begin, lead), scheduler, draws = begun(prior)

    first = drawn_alone(prior)
    told = prior.plan.trajectories.told(
        prior.told_by([PROMPT]), generators_for(0, [0], "moving")
    ).tracks[:, :3]
    clean = prior.encode(moved(decoded_frame(prior, first), told))
    assert begin.evaluation == len(scheduler.timesteps) - 1
    torch.testing.assert_close(lead.first, first)
    torch.testing.assert_close(lead.tracks, told)
    sigma = prior.spec.schedule.sigma(scheduler.timesteps[-1:].float())
    expected = (1 - sigma) * clean + sigma * draws.noise
    torch.testing.assert_close(begin.latents, expected.float())


def test_a_given_first_frame_is_the_one_that_moves(folder):
    prior = clips(folder)
    given = encoded_frame(prior, torch.zeros(1, 4, 64, 64))
    (_, lead), *_ = begun(prior, given)
    assert torch.equal(lead.first, given)


def test_clips_without_trajectory_noise_begin_with_noise_alone(folder):
    prior = clips(folder, None)
    (begin, lead), _, draws = begun(prior)
    assert (begin.evaluation, lead) == (0, None)
    assert torch.equal(begin.latents, draws.noise)


def test_one_clip_is_drawn_from_its_start(folder):
    prior = clips(folder)
    (begin, lead), scheduler, _ = begun(prior)
    *_, last = sample(
        prior, scheduler, prior.embed([PROMPT]), prior.embed([""]), DRAWING.guidance,
        begin.latents, generators_for(0, [0], "sampler"), begin=begin.evaluation,
    )  # fmt: skip
    expected = decoded_clips(prior, torch.as_tensor(last.latents), lead).clamp(-1, 1)
    torch.testing.assert_close(drawn_dit_clip(prior, PROMPT, DRAWING, 0), expected)
    plain = drawn_dit_clip(clips(folder, None), PROMPT, DRAWING, 0)
    assert (plain - expected).abs().max() > 1e-3
