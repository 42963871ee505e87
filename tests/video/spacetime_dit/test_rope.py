"""Rotary positions: closed forms, and diffusers."""

import pytest
import torch
from diffusers.models.embeddings import apply_rotary_emb
from hypothesis import given
from hypothesis import strategies as st

from tests.video.spacetime_dit.small_dit import randn
from video.spacetime_dit.architecture import Patch
from video.spacetime_dit.rope import angles, axis_pairs, rotated, token_coordinates, turns_of

HEAD = 16
BASE = 100.0


def turned(features, coordinates):
    return rotated(features, turns_of(angles(coordinates, HEAD, BASE)))


@pytest.mark.parametrize("head_channels", [8, 16, 24, 56, 64, 128])
def test_every_pair_of_features_tells_one_axis(head_channels):
    pairs = axis_pairs(head_channels)
    assert sum(pairs) == head_channels // 2
    assert min(pairs) >= 1
    assert pairs[1] == pytest.approx(pairs[2], abs=1)


def test_pairs_turn_like_complex_numbers():
    features, coordinates = randn(1, 1, 3, HEAD, dtype=torch.float64), randn(1, 3, 3).double()
    numbers = torch.complex(features[..., : HEAD // 2], features[..., HEAD // 2 :])
    exponents = [
        (axis, pair / count) for axis, count in enumerate(axis_pairs(HEAD)) for pair in range(count)
    ]
    turns = torch.stack([coordinates[..., axis] * BASE**-power for axis, power in exponents], -1)

    expected = numbers * torch.exp(1j * turns)[:, None]

    made = turned(features, coordinates)
    torch.testing.assert_close(made, torch.cat([expected.real, expected.imag], -1))


def test_rotation_is_that_of_diffusers():
    features, coordinates = randn(2, 3, 5, HEAD), randn(1, 5, 3, seed=1)
    whole = angles(coordinates, HEAD, BASE)[0]
    halves = torch.cat([whole, whole], -1)

    expected = apply_rotary_emb(features, (halves.cos(), halves.sin()), use_real_unbind_dim=-2)

    made = turned(features, coordinates.expand(2, -1, -1))
    torch.testing.assert_close(made, expected, rtol=0, atol=1e-6)


@given(shift=st.tuples(*[st.floats(-40, 40)] * 3), seed=st.integers(0, 99))
def test_products_depend_on_how_far_apart_tokens_are(shift, seed):
    query, key = (randn(1, 2, 6, HEAD, seed=seed + k, dtype=torch.float64) for k in (0, 1))
    here = 10 * randn(1, 6, 3, seed=seed + 2, dtype=torch.float64)
    there = here + torch.tensor(shift, dtype=torch.float64)

    products = [
        turned(query, at) @ turned(key, at).transpose(-1, -2) for at in (here, there)
    ]  # fmt: skip

    torch.testing.assert_close(products[0], products[1], rtol=0, atol=1e-10)
    torch.testing.assert_close(turned(query, there).norm(dim=-1), query.norm(dim=-1))


def test_centre_is_the_origin_and_the_shorter_side_has_16_units():
    found = token_coordinates(torch.zeros(1, 1), (8, 12), Patch())
    assert found[0, :, 1].min() == -found[0, :, 1].max() == -6  # half a token of 4 units inside
    assert found[0, :, 2].min() == -found[0, :, 2].max() == -10
    assert found.shape == (1, 4 * 6, 3)


def test_the_same_place_has_the_same_coordinates_at_any_size():
    small = token_coordinates(torch.zeros(1, 1), (8, 8), Patch(height=1, width=1))
    large = token_coordinates(torch.zeros(1, 1), (16, 16), Patch(height=2, width=2))
    torch.testing.assert_close(small, large)


def test_padding_does_not_move_the_picture():
    whole = token_coordinates(torch.zeros(1, 1), (9, 9), Patch(height=1, width=1))
    padded = token_coordinates(torch.zeros(1, 1), (9, 9), Patch(height=2, width=1))
    rows = whole[0, :, 1].reshape(9, 9)[:, 0]
    # The first patch holds rows 0 and 1; the last begins with row 8.
    of_patches = padded[0, :, 1].reshape(5, 9)[:, 0]
    torch.testing.assert_close(of_patches[0], rows[:2].mean())
    torch.testing.assert_close(of_patches[4] - of_patches[0], 4 * 2 * 16 / torch.tensor(9.0))


def test_times_are_those_of_the_frames():
    times = torch.tensor([[0.0, 3.0, 5.0, 9.0]])
    alone = token_coordinates(times, (2, 2), Patch())
    assert alone[0, :, 0].tolist() == [0, 3, 5, 9]
    pairs = token_coordinates(times, (2, 4), Patch(frames=2))
    assert pairs[0, :, 0].tolist() == [1.5, 1.5, 7, 7]
