import math

import pytest
import torch

from common.training.contrast import contrastive_loss, top_k_share

ONE = torch.tensor(1.0)


def test_orthogonal_pairs_have_the_loss_of_their_softmax():
    rows = torch.eye(3)
    expected = math.log(math.e + 2) - 1  # cosines 1 on the diagonal, 0 elsewhere
    assert float(contrastive_loss(rows, rows, torch.arange(3), ONE)) == pytest.approx(expected)


def test_length_does_not_matter():
    generator = torch.Generator().manual_seed(0)
    a, b = torch.randn(4, 8, generator=generator), torch.randn(4, 8, generator=generator)
    meanings = torch.arange(4)
    torch.testing.assert_close(
        contrastive_loss(3 * a, 0.1 * b, meanings, ONE), contrastive_loss(a, b, meanings, ONE)
    )


def test_equal_meanings_are_not_pushed_apart():
    rows = torch.eye(3)[[0, 0, 1]]
    same = contrastive_loss(rows, rows, torch.tensor([7, 7, 9]), ONE)
    # Each row sees itself and only the rows of the other meaning.
    two, one = math.log(math.e + 1) - 1, math.log(math.e + 2) - 1
    assert float(same) == pytest.approx((2 * two + one) / 3, rel=1e-5)
    assert float(contrastive_loss(rows, rows, torch.arange(3), ONE)) > float(same)


def test_top_k_counts_any_right_answer():
    candidates = torch.tensor([[1.0, 0.0], [0.9, 0.1], [0.0, 1.0]])
    queries = torch.tensor([[1.0, 0.0], [0.0, 2.0]])
    assert top_k_share(queries, candidates, [{1}, {2}], 1) == 0.5
    assert top_k_share(queries, candidates, [{1}, {2}], 2) == 1.0
    assert top_k_share(queries, candidates, [{1, 0}, set()], 1) == 0.5
