import pytest
import torch
import torch.nn.functional as F
from torch import nn

from common.diffusion.gated_unit import gated


def layer(bias=True):
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        return nn.Linear(12, 40, bias=bias)


TOKENS = torch.randn(3, 7, 12, generator=torch.Generator().manual_seed(1))


@pytest.mark.parametrize("bias", [True, False])
def test_values_times_the_gelu_of_their_gates(bias):
    proj, tokens = layer(bias).bfloat16(), TOKENS.bfloat16()
    with torch.no_grad():
        whole = F.linear(tokens.double(), *(None if w is None else w.double()
                                            for w in (proj.weight, proj.bias)))  # fmt: skip
        expected = whole[..., :20] * F.gelu(whole[..., 20:])
        # bfloat16 keeps 8 bits, of the two products, of the gelu and of the result.
        found = gated(proj, tokens).double()
        torch.testing.assert_close(found, expected, atol=2**-7, rtol=2**-6)


def test_in_32_bits_it_is_the_map_called_whole():
    proj = layer()
    with torch.no_grad():
        value, gate = proj(TOKENS).chunk(2, -1)
        assert torch.equal(gated(proj, TOKENS), value * F.gelu(gate))


def test_hooks_of_the_map_are_heard():
    proj = layer()
    proj.register_forward_hook(lambda module, given, made: made * 0)
    with torch.no_grad():
        assert not gated(proj, TOKENS).any()


def test_gradients_are_those_of_the_map_called_whole():
    proj, tokens = layer(), TOKENS.clone().requires_grad_()
    gated(proj, tokens).square().sum().backward()
    assert tokens.grad is not None
    own = tokens.grad.clone()
    tokens.grad = None
    value, gate = proj(tokens).chunk(2, -1)
    (value * F.gelu(gate)).square().sum().backward()
    assert torch.equal(own, tokens.grad)
