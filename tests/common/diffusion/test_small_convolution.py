import pytest
import torch
import torch.nn.functional as F
from torch import nn

from common.diffusion.small_convolution import by_products


def layer(channels, stride=1, bias=True):
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        return nn.Conv2d(channels, 24, 3, stride=stride, padding=1, bias=bias)


def features(count, channels, height, width):
    return torch.randn(count, channels, height, width, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("stride", [1, 2])
@pytest.mark.parametrize("size", [(1, 1), (2, 2), (3, 5), (4, 4), (8, 6)])
def test_products_give_what_the_convolution_gives(size, stride, monkeypatch):
    """Against float64; the convolution itself is out of reach, so it is no detour to it."""
    convolution = layer(10, stride).bfloat16()
    weight, bias = convolution.weight.detach().double(), convolution.bias.detach().double()
    by_products(convolution)
    given = features(1 if size == (8, 6) and stride == 2 else 3, 10, *size).bfloat16()
    few = size != (8, 6) or stride == 2
    if few:
        monkeypatch.setattr(nn.Conv2d, "_conv_forward", None)
    with torch.no_grad():
        found = convolution(given)
    expected = F.conv2d(given.double(), weight, bias, stride=stride, padding=1)
    # bfloat16 keeps 8 bits; sums are of float32, and of 1 at most.
    torch.testing.assert_close(found.double(), expected, atol=2**-9, rtol=2**-8)


def test_in_32_bits_it_is_the_convolution():
    convolution, plain, given = layer(10), layer(10), features(2, 10, 4, 4)
    by_products(convolution)
    with torch.no_grad():
        assert torch.equal(convolution(given), plain(given))


def test_where_gradients_are_wanted_it_is_the_convolution():
    convolution, plain = layer(10), layer(10)
    by_products(convolution)
    given = features(2, 10, 4, 4)
    convolution(given).square().sum().backward()
    plain(given).square().sum().backward()
    torch.testing.assert_close(convolution.weight.grad, plain.weight.grad)


@pytest.mark.parametrize("other", [{"groups": 2}, {"dilation": 2, "padding": 2}, {"padding": 0}])
def test_other_convolutions_are_left_alone(other):
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        convolution = nn.Conv2d(8, 8, 3, **({"padding": 1} | other))
    expected = convolution(features(1, 8, 5, 5))
    by_products(convolution)
    assert "forward" not in convolution.__dict__
    torch.testing.assert_close(convolution(features(1, 8, 5, 5)), expected)
