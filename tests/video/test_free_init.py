"""FreeInit: closed forms in Fourier space, and the filter that was released."""

import math

import pytest
import torch
from diffusers.pipelines.free_init_utils import FreeInitMixin

from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.schedule_config import CosineSchedule, LinearSchedule
from common.errors import InputError
from video.free_init import low_pass, mixed_frequencies
from video.refined_clips import check_leak
from video.windows_config import FreeInit

SHAPE = (6, 8, 4)


def noise(seed, shape=SHAPE):
    return torch.randn(2, 3, *shape, generator=torch.Generator().manual_seed(seed))


@pytest.mark.parametrize("kind", ["butterworth", "gaussian", "ideal"])
@pytest.mark.parametrize(("spatial", "temporal"), [(0.25, 0.25), (0.6, 0.3), (0.2, 1.0), (0, 0.5)])
def test_filter_is_that_of_diffusers_where_sizes_are_even(kind, spatial, temporal):
    found = low_pass(FreeInit(filter=kind, spatial_stop=spatial, temporal_stop=temporal), SHAPE)
    theirs = FreeInitMixin()._get_free_init_freq_filter(
        (1, 1, *SHAPE), "cpu", kind, 4, spatial, temporal
    )[0, 0]
    torch.testing.assert_close(torch.fft.fftshift(found), theirs, rtol=0, atol=1e-6)


@pytest.mark.parametrize("shape", [(6, 8, 4), (5, 7, 3)])
def test_filter_treats_both_directions_alike(shape):
    """So that real noise stays real, also with odd numbers (the released one is off centre)."""
    found = low_pass(FreeInit(), shape)
    flipped = torch.roll(found.flip(0, 1, 2), (1, 1, 1), (0, 1, 2))
    torch.testing.assert_close(found, flipped)
    assert float(found[0, 0, 0]) == 1
    parts = torch.fft.fftn(noise(0, shape).double(), dim=(-3, -2, -1)) * found.double()
    # float64 rounding of sums of up to 192 values
    assert float(torch.fft.ifftn(parts, dim=(-3, -2, -1)).imag.abs().max()) < 1e-12


def test_all_frequencies_are_the_old_noise_and_none_the_new():
    old, new = noise(0), noise(1)
    # One transform and back, in float32.
    torch.testing.assert_close(
        mixed_frequencies(old, new, torch.ones(SHAPE)), old, rtol=0, atol=1e-5
    )
    nothing = low_pass(FreeInit(spatial_stop=0), SHAPE)
    torch.testing.assert_close(mixed_frequencies(old, new, nothing), new, rtol=0, atol=1e-5)


def test_low_waves_come_from_the_old_noise_and_high_ones_from_the_new():
    frames = torch.arange(16.0)
    slow = torch.cos(2 * math.pi * frames / 16)[None, None, :, None, None].expand(1, 1, 16, 8, 8)
    fast = torch.cos(math.pi * frames)[None, None, :, None, None].expand(1, 1, 16, 8, 8)
    kept = low_pass(FreeInit(filter="ideal", spatial_stop=0.25, temporal_stop=0.25), (16, 8, 8))
    made = mixed_frequencies(slow + fast, 3 * slow - 2 * fast, kept)
    torch.testing.assert_close(made, slow - 2 * fast, rtol=0, atol=1e-5)


def test_mixed_noise_of_an_ideal_filter_is_as_strong_as_each():
    shape = (16, 16, 16)
    kept = low_pass(FreeInit(filter="ideal", spatial_stop=0.5, temporal_stop=0.5), shape)
    made = mixed_frequencies(noise(0, shape), noise(1, shape), kept)
    # 24,576 values: a deviation of 0.0045.
    assert float(made.std()) == pytest.approx(1, abs=0.02)


def test_a_schedule_that_ends_in_pure_noise_is_refused():
    check_leak(build_noise_schedule(LinearSchedule(beta_start=0.00085, beta_end=0.012)), "it")
    with pytest.raises(InputError, match="no use for the embedded prior: its schedule ends in"):
        check_leak(build_noise_schedule(CosineSchedule()), "the embedded prior")
