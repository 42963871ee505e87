"""What jitters is taken out of clips, along their motion."""

import math

import pytest
import torch
import torch.nn.functional as F
from scipy import ndimage

from common.embedded.mouth import AT_REST, Talk
from common.embedded.moves import at_rest, centres_of, frames_moved, in_motion, moved
from common.embedded.temporal_filter import Lead, decoded_clips, joined, smoothed
from common.seeding import generators_for
from common.zoo.models import load_frame_prior
from tests.common.embedded.test_trajectory import MOVES, things
from tests.common.zoo.small_zoo import store_frame_layers, store_prior


def over_frames(values):
    return values.reshape(1, 1, -1, 1, 1).expand(1, 4, -1, 3, 3).double()


@pytest.mark.parametrize("period", [2, 3, 4, 8, 16])
def test_a_period_passes_by_its_response(period):
    w = 2 * math.pi / period
    wave = torch.cos(w * torch.arange(32.0).double() + 0.3)
    response = (10 + 8 * math.cos(w) - 2 * math.cos(2 * w)) / 16
    kept = smoothed(over_frames(wave))[0, 0, :, 0, 0]
    torch.testing.assert_close(kept, response * wave[2:-2])


def test_steady_change_passes():
    line = over_frames(torch.linspace(0, 1, 9))
    torch.testing.assert_close(smoothed(line), line[:, :, 2:-2])


def test_a_clip_that_goes_on_runs_out_of_its_first_frame():
    """A line that is 0.8 off the first frame: each step makes up for an eighth of it."""
    line = 0.3 + 0.02 * torch.arange(12.0).double()
    line[0] = 1.1
    found = joined(over_frames(line))[0, 0, :, 0, 0]
    expected = 0.3 + 0.02 * torch.arange(12.0) + 0.8 * (1 - torch.arange(12.0) / 8).clamp(min=0)
    torch.testing.assert_close(found, expected.double())


def test_what_has_no_step_stays():
    line = over_frames(torch.linspace(0, 1, 9))
    torch.testing.assert_close(joined(line), line)
    short = over_frames(torch.tensor([5.0, 0.0, 1.0, 0.0]))
    assert torch.equal(joined(short), short)


@pytest.mark.parametrize("name", MOVES)
def test_what_moves_is_at_rest_where_it_began(name):
    # Smooth, so that looking up between pixels costs little.
    first = torch.from_numpy(ndimage.gaussian_filter(things(1).numpy(), (0, 0, 2, 2)))
    tracks = MOVES[name]
    clip = moved(first, tracks)
    centres = centres_of(first)
    resting = at_rest(clip + 1, tracks, centres) - 1
    for frame in resting.unbind(2):
        # Halved in size, a pixel holds four: that costs most.
        assert float((frame - first).square().mean().sqrt()) < 0.03
    again = in_motion(resting + 1, tracks, centres) - 1
    assert float((again - clip).square().mean().sqrt()) < 0.04


@pytest.fixture(scope="module")
def prior(tmp_path_factory):
    folder = tmp_path_factory.mktemp("zoo")
    store_prior(folder)
    store_frame_layers(folder, "motion_layers")
    return load_frame_prior("motion_layers", 3, (64, 64), folder)


@pytest.fixture(scope="module")
def lead(prior):
    first = prior.noise(generators_for(0, range(1), "latents"))[:, :, 0]
    return Lead(first, MOVES["slides"][:, :3])


def test_without_a_lead_clips_are_decoded(prior, lead):
    latents = prior.noise(generators_for(1, range(1), "latents"))
    torch.testing.assert_close(decoded_clips(prior, latents, None), prior.decode(latents))
    pair = latents[:, :, :2]
    torch.testing.assert_close(decoded_clips(prior, pair, lead), prior.decode(pair))


def pictures_of(prior, lead):
    return moved(prior.pictures.decode(lead.first).clamp(-1, 1), lead.tracks)


def test_where_nothing_else_was_drawn_the_moved_picture_is_shown(prior, lead):
    pictures = pictures_of(prior, lead)
    torch.testing.assert_close(decoded_clips(prior, prior.encode(pictures), lead), pictures)


@pytest.mark.parametrize("looped", [False, True])
def test_what_stands_in_one_frame_alone_is_weakened_and_shared(prior, lead, looped):
    """Of five frames the middle one; in a loop of four it is seen from both sides."""
    count = 4 if looped else 5
    still = Lead(lead.first, torch.zeros(1, count, 5), looped)
    pictures = pictures_of(prior, still)
    latents = prior.encode(pictures)
    latents[:, :, 2] += 0.5 * torch.randn(latents[:, :, 2].shape, generator=torch.Generator())
    own = prior.decode(latents) - prior.decode(prior.encode(pictures))
    shown = decoded_clips(prior, latents, still) - pictures
    close = {"atol": 1e-5, "rtol": 1e-4}
    torch.testing.assert_close(shown[:, :, 2], 10 / 16 * own[:, :, 2], **close)
    torch.testing.assert_close(shown[:, :, 1], 4 / 16 * own[:, :, 2], **close)
    far = -2 / 16 if looped else 0  # the first frame of a clip that is no loop stays
    torch.testing.assert_close(shown[:, :, 0], far * own[:, :, 2], **close)


@pytest.mark.parametrize("looped", [False, True])
def test_parts_join_without_a_seam(prior, lead, looped):
    tracks = torch.cat([MOVES["slides"], MOVES["slides"].flip(1)], 1)[:, :11]
    long = Lead(lead.first, tracks, looped)
    latents = prior.encode(pictures_of(prior, long))
    latents += 0.3 * torch.randn(latents.shape, generator=torch.Generator().manual_seed(1))
    whole = decoded_clips(prior, latents, long)
    parts = [decoded_clips(prior, latents, long, slice(at, at + 4)) for at in (0, 4, 8)]
    # Convolutions of another batch size round otherwise.
    torch.testing.assert_close(torch.cat(parts, 2), whole, atol=1e-5, rtol=1e-5)
    if not looped:
        first = prior.decode(latents[:, :, :1]) + pictures_of(prior, long)[:, :, :1]
        again = prior.decode(prior.encode(pictures_of(prior, long)[:, :, :1]))
        torch.testing.assert_close(whole[:, :, :1], first - again, atol=1e-5, rtol=1e-5)


def test_nothing_is_drawn_where_a_told_mouth_is_in_any_frame(prior, lead):
    mouths = torch.tensor([AT_REST, (1.0, 0.6, 0.1), (0.3, 0.2, 0.8), AT_REST, (0.1, 0.5, 0.0)])
    talk = Talk(torch.tensor([[0.5, 0.5, 0.3]]), mouths)
    still = Lead(lead.first, torch.zeros(1, 5, 5), talk=talk)
    first = prior.pictures.decode(lead.first).clamp(-1, 1)
    frames = frames_moved(talk.frames(first, range(5)), still.tracks, centres_of(first))
    latents = prior.encode(frames)
    latents += 0.5 * torch.randn(latents.shape, generator=torch.Generator().manual_seed(2))
    over = (decoded_clips(prior, latents, still) - frames).abs().amax(1)[0]
    inside = (talk.reach(first) == 1)[0, 0]
    # Rows and columns at the edge of the area are mixed with their neighbours when it is moved.
    inside = F.max_pool2d((~inside)[None].float(), 3, 1, 1)[0] == 0
    assert int(inside.sum()) > 50
    assert float(over[:, inside].max()) < 1e-5
    assert float(over[1:, ~inside].mean()) > 0.01
