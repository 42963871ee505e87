import copy

import pytest
import torch
from diffusers.models.attention_processor import AttnProcessor2_0
from torch import nn

from common.diffusion.lean_attention import LeanAttention
from common.diffusion.lean_unet import make_lean
from tests.common.diffusion.test_feature_cache import noised, unet

TIMES = torch.tensor([700.0, 20.0])


def told(num_tokens):
    return torch.randn(2, num_tokens, 12, generator=torch.Generator().manual_seed(3))


def both(dtype=torch.float32):
    """The U-Net as diffusers has it, and lean."""
    plain, lean = unet().to(dtype), unet().to(dtype)
    plain.set_attn_processor(AttnProcessor2_0())
    lean.set_attn_processor(LeanAttention())
    make_lean(lean)
    return plain, lean


def made_by(network, states, mask=None, dtype=torch.float32):
    latents = noised(0).to(dtype, memory_format=torch.channels_last)
    with torch.no_grad():
        return network(latents, TIMES, states.to(dtype), encoder_attention_mask=mask).sample


@pytest.mark.parametrize("num_tokens", [5, 16, 77])
def test_it_gives_what_diffusers_gives(num_tokens):
    plain, lean = both()
    states = told(num_tokens)
    # Another order of float32's sums; values about 1.
    torch.testing.assert_close(made_by(lean, states), made_by(plain, states), atol=5e-6, rtol=0)


def test_words_that_are_masked_stay_unseen():
    plain, lean = both()
    states, mask = told(9), torch.arange(9).expand(2, -1) < torch.tensor([[4], [9]])
    found = made_by(lean, states, mask)
    torch.testing.assert_close(found, made_by(plain, states, mask), atol=5e-6, rtol=0)
    states[0, 4:] = 50.0
    torch.testing.assert_close(made_by(lean, states, mask), found, atol=1e-6, rtol=0)


def test_in_16_bits_it_rounds_no_worse():
    plain, lean = both(torch.bfloat16)
    states = told(77)
    exact = made_by(both()[0], states)
    off = [
        float((made_by(one, states, dtype=torch.bfloat16).float() - exact).norm() / exact.norm())
        for one in (plain, lean)
    ]
    assert off[1] < 1.2 * off[0]


def test_gradients_are_those_of_diffusers():
    gradients = []
    for network in both():
        latents = noised(0).requires_grad_()
        network(latents, TIMES, told(77)).sample.square().sum().backward()
        gradients.append(latents.grad)
    torch.testing.assert_close(*gradients, atol=1e-5, rtol=1e-5)


def test_a_copy_has_weights_of_its_own():
    _, lean = both()
    before = made_by(lean, told(5))
    twin = copy.deepcopy(lean)
    for weight in twin.parameters():
        nn.init.zeros_(weight)
    assert not made_by(twin, told(5)).any()
    assert torch.equal(made_by(lean, told(5)), before)
