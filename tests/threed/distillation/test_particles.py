"""Variational distillation from a network: its LoRA learns renders, the network stays as it is."""

import copy

import pytest
import torch
from torch import nn

from common.adapters.trainable_lora import TrainableLora
from common.diffusion.guidance_config import CFG
from common.errors import InputError
from tests.threed.distillation.tiny_unet import TinyPrior
from threed.distillation.loss_config import SDS, VSD
from threed.distillation.loss_gradient import Draw, loss_gradient
from threed.distillation.particles import LearntParticles
from threed.distillation.past import past_of, past_state


@pytest.fixture(scope="module")
def prior():
    return TinyPrior()


def draw_of(prior, seed=0, count=2):
    generator = torch.Generator().manual_seed(seed)
    shape = (count, *prior.spec.latent_shape)
    latents, noise = (torch.randn(shape, generator=generator) for _ in range(2))
    times = torch.tensor([300.0, 700.0])[:count]
    return Draw(latents, times, noise, [generator] * count, latents)


def gradient(prior, loss, past, seed=0):
    return loss_gradient(
        loss, prior, "a fox", lambda words: prior.embed([words] * 2), draw_of(prior, seed), past
    )


def test_lora_starts_as_nothing_and_is_gone_after_the_context(prior):
    lora = TrainableLora(prior.network, 2, torch.Generator().manual_seed(0))
    draw = draw_of(prior)
    cond = prior.embed(["a fox"] * 2)

    def seen():
        with torch.no_grad():
            return prior.predict(draw.latents, draw.timesteps, cond)

    alone = seen()
    with lora.applied():
        assert torch.equal(seen(), alone)
        with torch.no_grad():
            for weight in lora.weights:
                weight += 0.3
        assert not torch.allclose(seen(), alone)
    assert torch.equal(seen(), alone)


def test_lora_is_b_times_a_beside_the_layer():
    class One(nn.Module):
        def __init__(self):
            super().__init__()
            self.to_q = nn.Linear(3, 2)

        def forward(self, x):
            return self.to_q(x)

    network = One()
    lora = TrainableLora(network, 1, torch.Generator().manual_seed(0))
    down, up = lora.weights
    with torch.no_grad():
        up.copy_(torch.tensor([[1.0], [-2.0]]))
    x = torch.tensor([[0.5, -1.0, 2.0]])
    with lora.applied():
        changed = network(x)
    torch.testing.assert_close(changed - network(x), x @ (up @ down).T)


def test_network_without_attention_is_refused():
    with pytest.raises(InputError, match="no attention projections"):
        TrainableLora(nn.Linear(3, 3), 2, torch.Generator().manual_seed(0))


def test_first_gradient_is_prompt_against_itself_without_noise(prior):
    """Before the LoRA has learnt, VSD at scale 1 says nothing: both scores are the prior's."""
    loss = VSD(guidance=CFG(guidance_scale=1.0))
    found, _ = gradient(prior, loss, past_of(loss, prior, 0))
    assert float(found.gradient.abs().max()) == 0
    sds, _ = gradient(prior, SDS(guidance=CFG(guidance_scale=1.0)), None)
    assert float(sds.gradient.abs().max()) > 0


def test_lora_learns_the_renders_and_leaves_the_network(prior):
    before = copy.deepcopy(prior.network.state_dict())
    particles = LearntParticles(prior, 4, 1e-2, seed=0)
    draw, cond = draw_of(prior), prior.embed(["a fox"] * 2)
    errors = [particles.learn(draw.latents, draw.timesteps, draw.noise, cond) for _ in range(60)]
    assert errors[-1] < 0.9 * errors[0]
    assert all(torch.equal(before[name], value)
               for name, value in prior.network.state_dict().items())  # fmt: skip
    assert all(weight.grad is None for weight in prior.network.parameters())


def test_continued_lora_gives_the_same_bits(prior):
    loss = VSD(rank=2, rate=1e-2)
    whole = past_of(loss, prior, 0)
    kept = None
    for seed in range(4):
        last, whole = gradient(prior, loss, whole, seed)
        if seed == 1:
            kept = copy.deepcopy(past_state(whole))
    again = past_of(loss, prior, 0, kept)
    for seed in (2, 3):
        found, again = gradient(prior, loss, again, seed)
    assert torch.equal(found.gradient, last.gradient)
