"""Diversity has closed forms for directions that are known."""

import math

import pytest
import torch

from threed.measures.diversity import diversity


def test_equal_things_have_none_and_opposite_ones_two():
    one = torch.randn(1, 3, 8, generator=torch.Generator().manual_seed(0))
    assert diversity(one.expand(4, -1, -1)) == pytest.approx(0, abs=1e-12)
    assert diversity(torch.cat([one, -one])) == pytest.approx(2)


def test_an_angle_is_told_and_lengths_do_not_count():
    first = torch.tensor([[1.0, 0.0]])
    second = torch.tensor([[math.cos(1.2), math.sin(1.2)]])
    assert diversity(torch.stack([first, 5 * second])) == pytest.approx(1 - math.cos(1.2), abs=1e-6)


def test_sides_and_pairs_count_alike():
    sides = torch.eye(4)[[0, 1]]
    things = torch.stack([sides, sides, torch.eye(4)[[2, 3]]])
    assert diversity(things) == pytest.approx(2 / 3)


def test_one_thing_alone_is_refused():
    with pytest.raises(ValueError, match="at least 2, not 1"):
        diversity(torch.ones(1, 2, 3))
