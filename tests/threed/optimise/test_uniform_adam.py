import pytest
import torch

from threed.optimise.uniform_adam import UniformAdam


def test_first_step_is_the_rate_where_the_gradient_is_largest_and_less_elsewhere():
    values = torch.zeros(3, 2, dtype=torch.float64, requires_grad=True)
    pull = torch.tensor([[4.0, 0.0], [1.0, -2.0], [0.0, 0.0]], dtype=torch.float64)
    (values * pull).sum().backward()
    UniformAdam.of(values.detach()).step(values, 0.1)
    torch.testing.assert_close(values.detach(), -0.1 * pull / 4.0)


def test_one_number_goes_as_adam_takes_it():
    ours = torch.tensor([3.0], dtype=torch.float64, requires_grad=True)
    theirs = ours.detach().clone().requires_grad_()
    uniform, adam = (
        UniformAdam.of(ours.detach()),
        torch.optim.Adam([theirs], lr=0.05, betas=(0.9, 0.99), eps=1e-12),
    )
    for _ in range(50):
        for values in (ours, theirs):
            values.grad = None
            (values - 1).square().sum().backward()
        uniform.step(ours, 0.05)
        adam.step()
        assert float(ours.detach()) == pytest.approx(float(theirs.detach()), abs=1e-9)
