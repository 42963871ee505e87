import pytest
import torch

from common.training.path_shelf import PathShelf, bent, places


def test_jumps_begin_where_a_path_is_known():
    assert places(1, 8) == [0]
    assert places(4, 8) == [0, 2, 4, 6]
    assert places(4, 8, 5) == [6]
    assert places(8, 8, 6) == [6, 7]
    assert places(2, 8, 6) == []


def test_newest_chunks_stay_and_each_is_drawn_once():
    drawn = []
    shelf = PathShelf(lambda number: drawn.append(number) or f"chunk {number}", 3, 2)
    assert shelf.numbers(0) == range(0, 1)
    assert [shelf.chunk(0), shelf.chunk(0)] == ["chunk 0"] * 2
    assert shelf.numbers(5) == range(0, 2)
    shelf.chunk(1)
    assert shelf.numbers(6) == range(1, 3)
    assert drawn == [0, 1]
    assert sorted(shelf.chunks) == [1]


def test_bent_loss_is_quadratic_near_zero_and_linear_far_away():
    bend = 0.1
    near, far = torch.tensor([1e-6]), torch.tensor([100.0])
    # sqrt(x^2 + b^2) - b = x^2 / 2b - x^4 / 8b^3 ...
    assert float(bent(near, bend)) == pytest.approx(1e-6 / (2 * bend), rel=1e-2)
    assert float(bent(far, bend)) == pytest.approx(10.0 - bend, rel=1e-3)
