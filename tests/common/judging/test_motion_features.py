import itertools

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from common.judging.motion_features import feature_names, motion_features
from tests.common.judging.drawn_clips import clip, figure

NAMES = feature_names()


def moving(num_frames=16):
    """A figure that goes to the right and up, and grows."""
    share = [t / (num_frames - 1) for t in range(num_frames)]
    return clip([figure(-12 + 20 * s, -6 + 8 * s, 0.6 + 0.4 * s) for s in share])


def still(seed):
    """A figure of random place and size with random colours, sixteen times."""
    generator = torch.Generator().manual_seed(seed)
    x, y, scale = torch.rand(3, generator=generator).tolist()
    one = figure(16 * x - 8, 16 * y - 8, 0.5 + scale)
    alpha = (one[3:] + 1) / 2
    colours = torch.rand(3, 64, 64, generator=generator) * alpha
    return torch.cat([colours * 2 - 1, one[3:]])[:, None].expand(4, 16, 64, 64)


def feature(values, name):
    return float(values[NAMES.index(name)])


def test_every_number_has_one_name():
    values = motion_features(moving())
    assert len(values) == len(NAMES) == len(set(NAMES))
    assert bool(values.isfinite().all())


@settings(max_examples=10, deadline=None)
@given(st.integers(0, 10_000))
def test_stills_of_all_things_are_the_same(seed):
    difference = motion_features(still(seed)) - motion_features(still(seed + 1))
    assert float(difference.abs().max()) < 1e-3  # sums over pixels in float32


@settings(max_examples=5, deadline=None)
@given(st.permutations(range(3)))
def test_order_of_the_colour_channels_does_not_matter(order):
    plain = moving()
    exchanged = torch.cat([plain[list(order)], plain[3:]])
    torch.testing.assert_close(
        motion_features(exchanged), motion_features(plain), atol=2e-3, rtol=0
    )


@settings(max_examples=5, deadline=None)
@given(st.floats(0.6, 1.0))
def test_brightness_does_not_matter_to_what_the_silhouette_does(gain):
    plain = moving()
    dimmed = torch.cat([(plain[:3] + 1) * gain - 1, plain[3:]])
    bright, dim = motion_features(plain), motion_features(dimmed)
    of_silhouette = [number for number, name in enumerate(NAMES)
                     if name.startswith(("right", "up:", "log", "lowest", "stretch"))]  # fmt: skip
    # Turns are found by colours too; the silhouette's own tracks are the same to the bit.
    assert torch.equal(bright[of_silhouette], dim[of_silhouette])


def test_first_wave_of_a_slide_says_which_way():
    share = torch.linspace(-1, 1, 16).tolist()
    right = motion_features(clip([figure(14 * s) for s in share]))
    left = motion_features(clip([figure(-14 * s) for s in share]))
    assert feature(right, "right: wave 1") < -3.0
    assert feature(left, "right: wave 1") > 3.0  # cos falls: a rising track has a negative wave
    for name in ("up: wave 1", "log size: wave 1"):
        assert abs(feature(right, name)) < 0.3
    assert feature(right, "right: roughness") < 0.05


def test_shuffled_slide_is_rough():
    share = torch.linspace(-1, 1, 16).tolist()
    frames = [figure(14 * s) for s in share]
    order = [7, 2, 12, 0, 9, 15, 4, 10, 1, 13, 6, 3, 14, 8, 11, 5]
    assert feature(motion_features(clip([frames[i] for i in order])), "right: roughness") > 0.6


def test_mirrored_clip_has_the_same_features_but_for_signs():
    plain, mirrored = moving(), moving().flip(3)
    first, second = motion_features(plain), motion_features(mirrored)
    signed = ("right: wave", "turn: wave", "stretch aslant: wave")
    for number, name in enumerate(NAMES):
        expected = -first[number] if name.startswith(signed) else first[number]
        # Mixtures of colours at borders fall on other pixels, so parts differ a little.
        assert abs(float(second[number] - expected)) < 0.05, name


def test_longer_clips_are_thinned_out_to_sixteen_frames():
    every = moving(31)
    torch.testing.assert_close(motion_features(every), motion_features(every[:, ::2]))


@pytest.mark.parametrize("num_frames", [1, 8, 15])
def test_shorter_clips_are_refused(num_frames):
    with pytest.raises(InputError, match=f"16 frames or more, this clip has {num_frames}"):
        motion_features(torch.zeros(4, num_frames, 64, 64))


def test_frames_in_any_order_share_what_does_not_depend_on_time():
    """Sums over all frames, such as where change is, are the same of a shuffled clip."""
    frames = [figure(0.0, 0.0, 0.7 + 0.02 * t) for t in range(16)]
    order = list(itertools.chain(range(0, 16, 2), range(1, 16, 2)))
    first = motion_features(clip(frames))
    second = motion_features(clip([frames[i] for i in order]))
    for name in ("change: peak", "change: height", "change: spread", "part shares: largest"):
        assert feature(first, name) == pytest.approx(feature(second, name), abs=0.02)
