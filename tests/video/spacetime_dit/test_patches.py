"""Patches of space and time."""

import torch
from hypothesis import given
from hypothesis import strategies as st

from tests.video.spacetime_dit.small_dit import randn
from video.spacetime_dit.architecture import Patch
from video.spacetime_dit.patches import grid_of, latents_of, patches_of

small = st.integers(1, 5)


@given(size=st.tuples(small, small, small), patch=st.tuples(*[st.integers(1, 3)] * 3))
def test_latents_of_any_size_come_back(size, patch):
    latents = randn(2, 3, *size)
    cut = Patch(frames=patch[0], height=patch[1], width=patch[2])
    patches = patches_of(latents, cut)
    grid = grid_of(*size, cut)
    assert patches.shape == (2, grid.frames * grid.per_frame, 3 * cut.size)
    assert torch.equal(latents_of(patches, size, cut), latents)


def test_order_is_time_then_rows_then_columns():
    latents = torch.arange(2 * 2 * 4).float().reshape(1, 1, 2, 2, 4)
    patches = patches_of(latents, Patch(frames=1, height=2, width=2))
    assert patches[0].tolist() == [[0, 1, 4, 5], [2, 3, 6, 7], [8, 9, 12, 13], [10, 11, 14, 15]]


def test_what_is_missing_repeats_the_last():
    latents = torch.tensor([1.0, 2.0, 3.0]).reshape(1, 1, 3, 1, 1)
    patches = patches_of(latents, Patch(frames=2, height=1, width=2))
    assert patches[0].tolist() == [[1, 1, 2, 2], [3, 3, 3, 3]]
