import math

import pytest
import torch

from common.training.contrast import contrastive_loss
from common.training.judge.judge_losses import (
    SHARPNESS,
    azimuth_labels,
    azimuth_loss,
    taught_azimuth_loss,
    truth_contrast,
)
from common.training.judge.judge_truth import FALSE, TRUE, UNKNOWN


def slow_contrast(scores: list[list[float]], truth: list[list[int]]) -> float:
    """The formula, pair by pair, both ways."""

    def one_way(rows: list[list[float]], said: list[list[int]]) -> float:
        of_rows = []
        for row, marks in zip(rows, said, strict=True):
            wrong = sum(math.exp(s) for s, m in zip(row, marks, strict=True) if m == FALSE)
            right = [s for s, m in zip(row, marks, strict=True) if m == TRUE]
            if right:
                of_pairs = [-math.log(math.exp(s) / (math.exp(s) + wrong)) for s in right]
                of_rows.append(sum(of_pairs) / len(right))
        return sum(of_rows) / len(of_rows)

    turned = [list(column) for column in zip(*scores, strict=True)]
    turned_truth = [list(column) for column in zip(*truth, strict=True)]
    return (one_way(scores, truth) + one_way(turned, turned_truth)) / 2


def random_case(seed: int) -> tuple[torch.Tensor, torch.Tensor]:
    generator = torch.Generator().manual_seed(seed)
    scores = 3 * torch.randn(5, 8, generator=generator)
    truth = torch.randint(-1, 2, (5, 8), generator=generator)
    truth[torch.arange(5), torch.arange(5)] = TRUE
    truth[:, 7] = FALSE
    return scores, truth.to(torch.int8)


@pytest.mark.parametrize("seed", range(5))
def test_contrast_equals_its_slow_twin(seed):
    scores, truth = random_case(seed)
    expected = slow_contrast(scores.tolist(), truth.tolist())
    assert float(truth_contrast(scores, truth)) == pytest.approx(expected, rel=1e-5)  # float32


def test_contrast_with_one_true_caption_each_is_info_nce():
    generator = torch.Generator().manual_seed(0)
    rows = torch.nn.functional.normalize(torch.randn(2, 6, 4, generator=generator), dim=2)
    truth = torch.eye(6, dtype=torch.int8)
    expected = contrastive_loss(rows[0], rows[1], torch.arange(6), torch.tensor(0.1))
    torch.testing.assert_close(truth_contrast(rows[0] @ rows[1].T / 0.1, truth), expected)


def test_unknown_pairs_take_no_part():
    scores, truth = random_case(0)
    scores.requires_grad_()
    truth_contrast(scores, truth).backward()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()
    assert (scores.grad[truth == UNKNOWN] == 0).all()
    assert (scores.grad[truth == TRUE] <= 0).all()
    assert (scores.grad[truth == FALSE] >= 0).all()


def test_caption_true_of_every_picture_has_finite_gradients():
    scores = torch.zeros(3, 2, requires_grad=True)
    truth = torch.tensor([[1, 0], [1, 0], [1, 1]], dtype=torch.int8)
    truth_contrast(scores, truth).backward()
    assert scores.grad is not None
    assert scores.grad.isfinite().all()


def test_azimuth_labels_are_von_mises():
    labels = azimuth_labels(torch.tensor([0.0, 352.5]), 24)
    torch.testing.assert_close(labels.sum(1), torch.ones(2))
    ratio = math.exp(SHARPNESS * (math.cos(math.radians(15)) - 1))
    assert float(labels[0, 1] / labels[0, 0]) == pytest.approx(ratio, rel=1e-4)
    # Halfway between the last bin and the first, both are as likely.
    assert float(labels[1, 23]) == pytest.approx(float(labels[1, 0]), rel=1e-3)


def test_azimuth_loss_is_least_at_the_labels():
    azimuths = torch.tensor([10.0, 200.0])
    labels = azimuth_labels(azimuths, 24)
    entropy = float(-(labels * labels.clamp(min=1e-30).log()).sum(1).mean())
    assert float(azimuth_loss(labels.clamp(min=1e-30).log(), azimuths)) == pytest.approx(entropy)
    assert float(azimuth_loss(torch.zeros(2, 24), azimuths)) == pytest.approx(math.log(24))


def test_azimuths_that_are_not_given_teach_nothing():
    logits = torch.randn(3, 24, generator=torch.Generator().manual_seed(0)).requires_grad_()
    given = torch.tensor([10.0, float("nan"), 200.0])
    loss = taught_azimuth_loss(logits, given)
    assert torch.equal(loss, azimuth_loss(logits[[0, 2]], given[[0, 2]]))
    loss.backward()
    assert logits.grad is not None
    assert (logits.grad[1] == 0).all()
    assert logits.grad[[0, 2]].any()
    assert not taught_azimuth_loss(logits, torch.full((3,), float("nan"))).any()
