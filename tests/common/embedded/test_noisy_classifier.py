import pytest
import torch
from pydantic import ValidationError

from common.embedded.noisy_classifier import NoisyClassifier, NoisyClassifierArchitecture

SIZES = NoisyClassifierArchitecture(
    latent_channels=4, num_whats=5, num_colours=3, widths=(8, 16), num_blocks=(1, 1),
    level_channels=8, hidden_channels=16,
)  # fmt: skip


@pytest.fixture(scope="module")
def network():
    with torch.random.fork_rng():
        torch.manual_seed(0)
        model = NoisyClassifier(SIZES).double()
        for weight in model.parameters():
            torch.nn.init.normal_(weight, std=0.3)
    return model.requires_grad_(False)


def gradient(network, latents, alpha):
    leaf = latents.clone().requires_grad_()
    logits = network(leaf, torch.full((len(leaf),), alpha, dtype=torch.float64))
    (found,) = torch.autograd.grad(logits.what.log_softmax(1)[:, 0].sum(), leaf)
    return found


def latents(side=16):
    generator = torch.Generator().manual_seed(1)
    return torch.randn(2, 4, side, side, generator=generator, dtype=torch.float64)


@pytest.mark.parametrize("side", [8, 9, 16, 32])
def test_latents_of_any_size_have_logits(network, side):
    logits = network(latents(side), torch.tensor([0.3, 0.9], dtype=torch.float64))
    assert logits.what.shape == (2, 5)
    assert logits.colour.shape == (2, 3)


def test_gradient_vanishes_with_the_signal(network):
    """Proportional to alpha where that is small, so that its part of ``v`` stays finite."""
    large, small = (gradient(network, latents(), alpha).norm() / alpha for alpha in (1e-4, 1e-6))
    # Features differ by what a signal of 1e-4 changes.
    torch.testing.assert_close(large, small, rtol=1e-2, atol=0)
    assert float(small) > 0
    assert not gradient(network, latents(), 0.0).any()


def test_noise_level_is_told(network):
    alpha = torch.tensor([0.2, 0.8], dtype=torch.float64)
    # The same features go in, ``alpha z``: what differs is what is said of the level.
    same = latents()[:1] / alpha.reshape(2, 1, 1, 1)
    logits = network(same, alpha).what
    assert float((logits[0] - logits[1]).abs().max()) > 1e-3


def test_levels_are_counted():
    with pytest.raises(ValidationError, match="widths has 2 levels and num_blocks 1"):
        NoisyClassifierArchitecture(widths=(8, 16), num_blocks=(1,))


def test_default_fits_the_zoo_budget():
    weights = NoisyClassifier(NoisyClassifierArchitecture()).state_dict().values()
    # int8 with a float32 scale a row; vectors stay in float32.
    stored = sum(w.numel() + 4 * len(w) if w.ndim > 1 else 4 * w.numel() for w in weights)
    assert stored < 1e6
