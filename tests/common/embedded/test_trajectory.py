"""How things in clips move as a whole: told, moved, and found again."""

import math

import numpy as np
import pytest
import torch
from scipy import ndimage

from common.diffusion.sampler_config import DDIM, DPMSolverPP2M, Heun
from common.diffusion.samplers import build_scheduler
from common.embedded.clip_plan import ClipPart, ClipPlan
from common.embedded.longer_tracks import longer_tracks
from common.embedded.moved_start import begun, moved_start
from common.embedded.moves import moved
from common.embedded.prior import embedded_schedule
from common.embedded.registration import registered, unexplained
from common.embedded.trajectory import Told, Trajectories, TrajectoryArchitecture
from common.errors import InputError
from common.seeding import generators_for
from common.training.frames.trajectory_fit import fit, fit_trajectories
from common.zoo.models import load_frame_prior, load_prior_models
from tests.common.training.frames.test_frame_layers_trainer import Steps
from tests.common.zoo.small_zoo import store_frame_layers, store_prior

SMALL = TrajectoryArchitecture(
    features=16, hidden=16, num_modes=3, num_frames=6, num_components=3
)  # fmt: skip
TIMES = torch.linspace(0, 1, 6)


def things(count, side=64):
    """Coloured rectangles with two spots, so that every turn of one looks different."""
    made = torch.full((count, 4, side, side), -1.0)
    at = side // 64
    for channel, value, rows, columns in (
        (0, 1.0, (20, 46), (25, 40)), (3, 1.0, (20, 46), (25, 40)),
        (1, 0.5, (20, 30), (25, 32)), (2, 0.3, (36, 46), (30, 40)),
    ):  # fmt: skip
        made[:, channel, slice(*(at * r for r in rows)), slice(*(at * c for c in columns))] = value
    return made


def tracks_of(**moves):
    tracks = torch.zeros(1, 6, 5)
    for place, name in enumerate(("right", "down", "across", "along", "turn")):
        tracks[0, :, place] = moves.get(name, torch.zeros(6))
    return tracks


MOVES = {
    "slides": tracks_of(right=0.3 * TIMES, down=-0.1 * TIMES),
    "shrinks": tracks_of(across=-0.7 * TIMES, along=-0.7 * TIMES),
    "spins": tracks_of(turn=2 * math.pi * TIMES * 5 / 6),
    "is squashed": tracks_of(along=-0.4 * torch.sin(math.pi * TIMES)),
}


def test_things_that_do_not_move_stay_as_they_are():
    first = things(2)
    clip = moved(first, torch.zeros(2, 3, 5))
    # Two samples a pixel, on either side of its middle: edges are half a pixel softer.
    inside = torch.nn.functional.max_pool2d(first, 3, 1, 1) == -torch.nn.functional.max_pool2d(
        -first, 3, 1, 1
    )
    for frame in clip.unbind(2):
        torch.testing.assert_close(frame[inside], first[inside])


def test_a_quarter_turn_is_that_of_the_array():
    first = torch.full((1, 4, 64, 64), -1.0)
    first[0, :, 16:48, 16:48] = torch.rand(4, 32, 32, generator=torch.Generator().manual_seed(0))
    smooth = torch.from_numpy(ndimage.gaussian_filter(first.numpy(), (0, 0, 3, 3)))
    smooth[:, 3, 16:48, 16:48] = 1.0  # what is visible, and so the centre
    smooth[:, 3, :16] = smooth[:, 3, 48:] = smooth[:, 3, :, :16] = smooth[:, 3, :, 48:] = -1.0
    turn = torch.zeros(1, 2, 5)
    turn[0, 1, 4] = math.pi / 2

    clip = moved(smooth, turn)[:, :3]

    # Clockwise as seen, rows pointing down.
    expected = torch.rot90(clip[:, :, 0], -1, (2, 3))
    torch.testing.assert_close(clip[:, :, 1], expected, atol=1e-4, rtol=0)


def test_moves_go_right_down_and_grow():
    told = tracks_of(right=0.25 * TIMES, down=0.125 * TIMES, across=math.log(1.5) * TIMES)
    last = moved(things(1), told)[0, 3, -1] > 0
    rows, columns = (np.flatnonzero(last.any(axis)) for axis in (1, 0))
    # 20 to 46 and 25 to 40 of 64, 16 pixels to the right and 8 down, half as wide again.
    assert (rows[0], rows[-1] + 1) == (28, 54)
    middle, half = 32.5 + 16, 7.5 * 1.5
    assert abs(columns[0] - (middle - half)) <= 1
    assert abs(columns[-1] + 1 - (middle + half)) <= 1


def test_what_leaves_the_picture_leaves_nothing():
    clip = moved(things(1), tracks_of(right=2 * TIMES))
    assert float(clip[:, :, -1].max()) == -1.0


@pytest.mark.parametrize("name", MOVES)
def test_registration_finds_how_a_thing_moved(name):
    tracks = MOVES[name]
    found = registered(moved(things(1, 128), tracks))
    off = (found.tracks - tracks).abs().amax((0, 1))
    # A pixel of the 32 that it looks at is 0.031; three degrees are 0.052.
    assert float(off[:2].max()) < 0.016
    assert float(off[2:4].max()) < 0.08
    assert float(off[4]) < 0.052
    assert float(found.unexplained) < 0.03


def test_what_no_move_explains_is_unexplained():
    clip = moved(things(1), MOVES["slides"])
    # Clips have two samples a pixel, what is compared with them has one: edges differ a little.
    assert float(unexplained(clip, MOVES["slides"])) < 0.01
    assert float(unexplained(clip, 0 * MOVES["slides"])) == 1.0
    blinks = clip[:, :, :1].repeat(1, 1, 6, 1, 1)
    assert float(registered(blinks).unexplained) == 1.0
    blinks[:, 1, 1::2, 20:46, 25:40] = 0.9
    assert float(registered(blinks).unexplained) > 0.8


def test_both_directions_are_drawn_and_none_between():
    """Half of the first prompt's things turn either way, all of the second's move up."""
    generator = torch.Generator().manual_seed(0)
    kind = torch.randint(2, (2000,), generator=generator)
    sign = torch.randint(2, (2000,), generator=generator) * 2.0 - 1
    tracks = torch.zeros(2000, 6, 5)
    tracks[..., 4] = (sign * (kind == 0))[:, None] * TIMES
    tracks[..., 1] = -0.3 * (kind == 1)[:, None] * TIMES
    tracks[:, 1:] += 0.01 * torch.randn(2000, 5, 5, generator=generator)
    missed = torch.where(kind == 0, 0.4, 0.02)
    vectors = torch.randn(2, 16, generator=generator).sign()[kind]

    found = fit(vectors, Told(tracks, missed), SMALL)

    told = found.told(vectors[kind == 0][:200], generators_for(0, range(200), "moving"))
    turns = told.tracks[:, -1, 4]
    torch.testing.assert_close(turns.abs(), torch.ones(200), atol=0.1, rtol=0)
    # A binomial of 200 throws of a fair coin: six deviations are 42.
    assert abs(int((turns > 0).sum()) - 100) < 42
    assert float(told.tracks[:, 0].abs().max()) == 0
    up = found.told(vectors[kind == 1][:4], generators_for(0, range(4), "moving"))
    torch.testing.assert_close(up.tracks[:, -1, 1], torch.full((4,), -0.3), atol=0.03, rtol=0)
    shares = found.expected_unexplained(torch.stack([vectors[kind == 0][0], vectors[kind == 1][0]]))
    torch.testing.assert_close(shares, torch.tensor([0.4, 0.02]), atol=0.0, rtol=0.2)


def test_values_and_what_they_tell_are_inverse():
    tracks = torch.cat([MOVES["slides"], MOVES["spins"], MOVES["shrinks"], 0 * MOVES["spins"]])
    told = Told(tracks, torch.tensor([0.1, 0.2, 0.3, 0.4]))
    found = fit(torch.zeros(4, 16), told, SMALL, num_steps=1)
    again = found.of_values(found.values(told))
    torch.testing.assert_close(again.tracks, tracks, atol=1e-4, rtol=0)
    torch.testing.assert_close(again.unexplained, told.unexplained)


def plan_with(unexplained, noise):
    """A plan that expects this share for every prompt."""
    torch.manual_seed(0)
    found = Trajectories(SMALL)
    for weight in found.mixture.parameters():
        torch.nn.init.zeros_(weight)
    bias = found.mixture.net[-1].bias.detach().unflatten(0, (3, -1))
    bias[:, 4] = math.log(unexplained)
    return ClipPlan(trajectories=found.eval(), noise=noise)


@pytest.mark.parametrize("sampler", [DPMSolverPP2M(num_steps=20), DDIM(num_steps=20), Heun()])
def test_clips_begin_where_noise_just_hides_the_rest(sampler):
    schedule = embedded_schedule()
    scheduler = build_scheduler(sampler, schedule, "v")
    alpha, sigma = schedule.alpha_sigma(scheduler.timesteps.float())
    levels = sigma / alpha.clamp(min=1e-12)
    at = begun(plan_with(0.04, 4.0), torch.zeros(1, 16), scheduler)
    assert 0 < at < len(levels) - 1
    assert levels[at] >= 0.8 > levels[at + 2]
    if isinstance(sampler, Heun):
        assert at % 2 == 0
    assert begun(plan_with(1.0, 1000.0), torch.zeros(1, 16), scheduler) == 0
    assert begun(plan_with(0.04, None), torch.zeros(1, 16), scheduler) == 0
    assert begun(ClipPlan(noise=4.0), torch.zeros(1, 16), scheduler) == 0


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    store_prior(folder)
    store_frame_layers(folder, "motion_layers")
    return folder


def test_stored_trajectories_begin_clips_with_the_moved_first_frame(folder):
    manifest = fit_trajectories(load_prior_models(folder), Steps(), folder, num_clips=16)
    assert set(manifest.figures) == {"log_likelihood", "unexplained/told", "unexplained/own"}
    prior = load_frame_prior("motion_layers", 3, (64, 64), folder, trajectory_noise=1e-3)
    scheduler = build_scheduler(DDIM(num_steps=10), prior.spec.schedule, "v")
    generators = generators_for(0, range(2), "latents")
    vectors, noise = prior.pictures.embed(["a mug"] * 2).vector, prior.noise(generators)
    first = noise[:, :, 0]

    begin, lead = moved_start(
        prior, vectors, first, scheduler, noise, generators_for(0, range(2), "moving")
    )

    tracks = prior.plan.trajectories.told(vectors, generators_for(0, range(2), "moving")).tracks
    shown = moved(prior.pictures.decode(first).clamp(-1, 1), tracks)
    clean = torch.stack([prior.pictures.encode(shown[:, :, frame]) for frame in range(3)], 2)
    assert begin.evaluation == len(scheduler.timesteps) - 1
    torch.testing.assert_close(lead.first, first)
    torch.testing.assert_close(lead.tracks, tracks)
    alpha, sigma = prior.spec.schedule.alpha_sigma(scheduler.timesteps[-1:].float())
    torch.testing.assert_close(begin.latents, (alpha * clean + sigma * noise).float())
    assert load_frame_prior("motion_layers", 3, (64, 64), folder).plan.noise is None


@pytest.mark.parametrize("anchored", [True, False])
def test_a_part_of_a_longer_clip_goes_on_as_was_told(folder, anchored):
    prior = load_frame_prior("motion_layers", 3, (64, 64), folder)
    scheduler = build_scheduler(DDIM(num_steps=10), prior.spec.schedule, "v")
    vectors = prior.pictures.embed(["a mug"]).vector
    sizes = TrajectoryArchitecture(features=vectors.shape[1], hidden=8, num_components=3)
    trajectories = Trajectories(sizes)
    generator = torch.Generator().manual_seed(0)
    trajectories.components.normal_(std=0.05, generator=generator)
    prior.plan = ClipPlan(trajectories=trajectories, noise=1e-3)
    noise = prior.noise(generators_for(0, range(1), "latents"))
    own, anchor = noise[:, :, 0], noise[:, :, 1]

    begin, lead = moved_start(
        prior.of_part(ClipPart(20, anchor if anchored else None)),
        vectors,
        own,
        scheduler,
        noise,
        generators_for(0, range(1), "moving"),
    )

    told = prior.plan.trajectories.told(vectors, generators_for(0, range(1), "moving")).tracks
    tracks, moving = longer_tracks(told, 23, False)[:, 20:], anchor
    if not anchored:
        tracks, moving = tracks - tracks[:, :1], own
    torch.testing.assert_close(lead.tracks, tracks)
    assert torch.equal(lead.first, moving)
    clean = prior.encode(moved(prior.pictures.decode(moving).clamp(-1, 1), tracks))
    alpha, sigma = prior.spec.schedule.alpha_sigma(scheduler.timesteps[-1:].float())
    torch.testing.assert_close(begin.latents, (alpha * clean + sigma * noise).float())


def test_trajectories_of_another_text_encoder_are_refused(folder, tmp_path):
    fit_trajectories(load_prior_models(folder), Steps(), tmp_path, num_clips=8)
    store_prior(tmp_path, seed=1)
    store_frame_layers(tmp_path, "motion_layers")
    with pytest.raises(InputError, match="trajectories"):
        load_frame_prior("motion_layers", 3, (64, 64), tmp_path)


def test_a_face_that_is_told_to_talk_stays_where_it_is(folder):
    prior = load_frame_prior("motion_layers", 3, (64, 64), folder)
    scheduler = build_scheduler(DDIM(num_steps=10), prior.spec.schedule, "v")
    vectors = prior.pictures.embed(["a face talks"]).vector
    trajectories = Trajectories(TrajectoryArchitecture(features=vectors.shape[1], hidden=8))
    generator = torch.Generator().manual_seed(0)
    trajectories.components.normal_(std=0.3, generator=generator)
    prior.plan = ClipPlan(trajectories=trajectories, noise=1e-3)
    noise = prior.noise(generators_for(0, range(1), "latents"))

    def tracks(prior):
        moving = generators_for(0, range(1), "moving")
        start = (vectors, noise[:, :, 0], scheduler, noise, moving)
        return moved_start(prior, *start)[1].tracks

    assert float(tracks(prior).abs().max()) > 0.1
    spoken = prior.speaking(torch.tensor([[0.2, 0.5, 0.0]] * 3))
    assert float(tracks(spoken).abs().max()) == 0
    led = torch.rand(1, 3, 5, generator=generator)
    assert torch.equal(tracks(spoken.moving(led)), led)
