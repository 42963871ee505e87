"""The causal autoencoder: what a code sees, lengths, pictures, and where training begins."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from tests.video.causal_autoencoder.small_causal import SIZES, random_causal
from tests.video.spacetime_dit.small_dit import randn
from video.causal_autoencoder.causal_block import CausalBlock
from video.causal_autoencoder.groups import frames_of, groups_of, num_grouped, num_groups
from video.causal_autoencoder.interpolated import kept, mixed
from video.causal_autoencoder.model import CausalAutoencoder

FACTORS = [2, 4]


def model_of(factor, reach=2):
    return random_causal(SIZES.model_copy(update={"frames_per_code": factor, "reach": reach}))


@pytest.mark.parametrize(("frames", "codes"), [(1, 1), (2, 2), (5, 2), (6, 3), (16, 5), (17, 5)])
def test_codes_of_clips(frames, codes):
    assert num_groups(frames, 4) == codes
    assert num_groups(num_grouped(codes, 4), 4) == codes
    assert model_of(4).encode(randn(1, 4, frames, 4, 4)).shape == (1, 4, codes, 4, 4)


@given(frames=st.integers(1, 19), size=st.integers(2, 5))
@settings(deadline=None, max_examples=30)
def test_groups_are_read_back(frames, size):
    clip = randn(2, 3, frames, 2, 4)
    groups = groups_of(clip, size, first=True)
    assert groups.shape == (2, num_groups(frames, size), 2, 4, 3 * size)
    assert torch.equal(frames_of(groups, size, first=True)[:, :, :frames], clip)


def test_block_is_a_causal_convolution_of_time_and_space():
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        block = CausalBlock(6, reach=3)
        torch.nn.init.normal_(block.second.weight)
    x = randn(2, 5, 4, 7, 6)  # b g y x c
    made = block(x, None).features

    volume = F.silu(x).permute(0, 4, 1, 2, 3)
    before = volume[:, :, :1].expand(-1, -1, 2, -1, -1)
    # (out, reach, in, 3, 3): the oldest group's channels come first.
    weight = block.causal.weight.unflatten(1, (3, 6)).permute(0, 2, 1, 3, 4)
    first = F.conv3d(torch.cat([before, volume], 2), weight, block.causal.bias, padding=(0, 1, 1))
    second = F.conv3d(F.silu(first), block.second.weight[:, :, None], block.second.bias,
                      padding=(0, 1, 1))  # fmt: skip
    # The same products, added up in another order.
    torch.testing.assert_close(made, x + second.permute(0, 2, 3, 4, 1), rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("factor", FACTORS)
def test_no_code_sees_later_frames(factor):
    model, clip = model_of(factor), randn(1, 4, 16, 6, 6)
    codes = model.encode(clip)
    for changed in (1, 5, 7, 15):
        other = clip.clone()
        other[:, :, changed:] += 1
        found = model.encode(other)
        first = num_groups(changed + 1, factor) - 1
        assert torch.equal(found[:, :, :first], codes[:, :, :first]), "codes before see nothing"
        assert (found[:, :, first] - codes[:, :, first]).abs().max() > 1e-3


@pytest.mark.parametrize("factor", FACTORS)
def test_no_frame_sees_later_codes(factor):
    model, codes = model_of(factor), randn(1, 4, 4, 6, 6)
    frames = model.decode(codes)
    for changed in (1, 2, 3):
        other = codes.clone()
        other[:, :, changed:] += 1
        found = model.decode(other)
        first = num_grouped(changed, factor)
        assert torch.equal(found[:, :, :first], frames[:, :, :first])
        changes = (found - frames)[:, :, first : first + factor].abs().amax((0, 1, 3, 4))
        assert changes.min() > 1e-3, "every frame of its group does"


def test_codes_see_frames_before_their_group():
    model, clip = model_of(4), randn(1, 4, 9, 6, 6)
    other = clip.clone()
    other[:, :, 1] += 1
    assert (model.encode(other) - model.encode(clip))[:, :, 2].abs().max() > 1e-4


@pytest.mark.parametrize("size", [(16, 16), (8, 8), (2, 6), (12, 10), (1, 3)])
@pytest.mark.parametrize("frames", [1, 2, 3, 16])
def test_lengths_and_sizes_come_back(frames, size):
    clip = randn(2, 4, frames, *size)
    made = model_of(4)(clip)
    assert made.latents.shape == clip.shape
    assert made.codes.shape == (2, 4, num_groups(frames, 4), *size)
    assert torch.equal(made.latents[:, :, 0], clip[:, :, 0])


def test_pictures_are_their_own_code():
    picture = randn(2, 4, 1, 8, 8)
    model = model_of(4)
    assert torch.equal(model.encode(picture), picture)
    assert torch.equal(model.decode(picture), picture)


def test_untrained_model_keeps_frames_and_mixes_between():
    clip = randn(2, 4, 16, 4, 4)
    made, codes = CausalAutoencoder(SIZES)(clip), kept(clip, 4)
    latents = mixed(codes, 4, 16)
    assert torch.equal(made.codes, codes)
    assert torch.equal(made.latents, latents)
    torch.testing.assert_close(codes, clip[:, :, [0, 4, 8, 12, 15]], rtol=0, atol=0)
    half = (clip[:, :, 4] + clip[:, :, 8]) / 2
    torch.testing.assert_close(latents[:, :, 6], half)


def test_a_still_is_coded_alike_in_all_frames():
    still = randn(1, 4, 1, 6, 6).expand(-1, -1, 13, -1, -1)
    codes = model_of(4).encode(still)[:, :, 1:]
    torch.testing.assert_close(codes, codes[:, :, :1].expand_as(codes), rtol=1e-5, atol=1e-5)


def test_noise_reaches_all_frames_but_the_first():
    clip, model = randn(1, 4, 9, 4, 4), model_of(4)
    noisy = model(clip, randn(1, 4, 3, 4, 4, seed=1)).latents
    changes = (noisy - model(clip).latents).abs().amax((0, 1, 3, 4))
    assert changes[0] == 0
    assert changes[1:].min() > 1e-3


@pytest.mark.parametrize(("num_frames", "right"), [(13, True), (10, True), (9, False), (14, False)])
def test_decoded_length_must_be_of_the_codes(num_frames, right):
    model, codes = model_of(4), randn(1, 4, 4, 4, 4)
    if right:
        assert model.decode(codes, num_frames).shape[2] == num_frames
    else:
        with pytest.raises(InputError, match=f"clips of 10 to 13 frames, not {num_frames}"):
            model.decode(codes, num_frames)


def test_other_channels_and_no_frames_are_refused():
    with pytest.raises(InputError, match="latents of 4 channels, not 3"):
        model_of(4).encode(randn(1, 3, 5, 4, 4))
    with pytest.raises(InputError, match="without frames"):
        model_of(4).encode(randn(1, 4, 0, 4, 4))
