"""The averaged weights: their recursion in closed form, and what they leave alone."""

import pytest
import torch
from torch import nn

from common.training.ema import Ema


def line(value):
    model = nn.Linear(1, 1)
    nn.init.constant_(model.weight, value)
    nn.init.constant_(model.bias, -value)
    return model


@pytest.mark.parametrize("decay", [0.0, 0.5, 0.999])
def test_average_is_its_recursion_from_the_first_weights_on(decay):
    model = line(2.0)
    ema, expected = Ema(model, decay), 2.0
    for step in range(1, 30):
        nn.init.constant_(model.weight, float(step))
        nn.init.constant_(model.bias, -float(step))
        ema.update(model, step)
        own = min(decay, (1 + step) / (10 + step))
        expected = own * expected + (1 - own) * step
    assert float(ema.model.weight.detach()) == pytest.approx(expected, rel=1e-5)
    assert float(ema.model.bias.detach()) == pytest.approx(-expected, rel=1e-5)
    assert float(model.weight.detach()) == 29, "what is averaged is not changed"


def test_weights_that_stay_are_their_own_average():
    ema, model = Ema(line(3.0), 0.9), line(3.0)
    for step in range(1, 100):
        ema.update(model, step)
    assert float(ema.model.weight.detach()) == pytest.approx(3.0, rel=1e-6)


def test_buffers_are_copied_and_the_average_takes_no_gradient():
    model = nn.BatchNorm1d(2)
    ema = Ema(model, 0.9)
    model.running_mean += 5
    ema.update(model, 1)
    assert torch.equal(ema.model.running_mean, model.running_mean)
    assert not any(weight.requires_grad for weight in ema.model.parameters())
    assert not ema.model.training
