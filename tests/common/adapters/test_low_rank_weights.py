import pytest
import torch
from torch import nn
from torch.func import functional_call

from common.adapters.low_rank_weights import LowRankChanges
from tests.common.training.small_training import same_bits


class Small(nn.Module):
    """A convolution with stride, one of 1 x 1, and a linear layer behind a dotted name."""

    def __init__(self):
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, stride=2, padding=1)
        self.inner = nn.Sequential(nn.SiLU(), nn.Conv2d(8, 6, 1))
        self.last = nn.Linear(6, 2)

    def forward(self, pictures):
        return self.last(self.inner(self.first(pictures)).mean((2, 3)))


@pytest.fixture
def network():
    torch.manual_seed(0)
    return Small()


def test_untrained_changes_leave_the_network_as_it_is_to_the_bit(network):
    changes = LowRankChanges(network, 2)
    weights = dict(network.named_parameters())
    assert same_bits(changes(weights), weights)


def test_a_change_is_a_second_path_of_low_rank(network):
    changes = LowRankChanges(network, 2)
    for weight in changes.parameters():
        nn.init.normal_(weight, std=0.3)
    pictures = torch.randn(4, 3, 8, 8)

    def beside(layer, pair, features):
        if isinstance(layer, nn.Linear):
            return features @ pair.down.T @ pair.up.T
        down = nn.functional.conv2d(features, pair.down, stride=layer.stride, padding=layer.padding)
        return nn.functional.conv2d(down, pair.up[..., None, None])

    hooks = []
    for name, pair in changes.pairs().items():
        layer = network.get_submodule(name)
        hooks.append(
            layer.register_forward_hook(
                lambda module, given, made, pair=pair: made + beside(module, pair, given[0])
            )
        )
    expected = network(pictures)
    for hook in hooks:
        hook.remove()

    weights = changes(dict(network.named_parameters()))
    torch.testing.assert_close(functional_call(network, weights, (pictures,)), expected)
    network.load_state_dict(weights)
    torch.testing.assert_close(network(pictures), expected)


def test_layers_of_one_length_lie_in_one_tensor_and_begin_apart(network):
    network.inner.append(nn.Conv2d(6, 8, 1))
    changes = LowRankChanges(network, 2)
    names = {name: tuple(value.shape) for name, value in changes.state_dict().items()}
    assert names == {
        "up": (8 + 6 + 8 + 2, 2), "down.27": (2, 27), "down.8": (2, 8), "down.6": (4, 6),
    }  # fmt: skip
    pairs = changes.pairs()
    assert set(pairs) == {"first", "inner.1", "inner.2", "last"}
    assert not torch.equal(pairs["inner.2"].down.flatten(), pairs["last"].down.flatten())


def test_the_change_learns_and_the_network_does_not(network):
    network.requires_grad_(False)
    changes = LowRankChanges(network, 2)
    made = functional_call(
        network, changes(dict(network.named_parameters())), (torch.randn(4, 3, 8, 8),)
    )
    made.square().sum().backward()
    assert all(float(row.abs().max()) > 0 for row in changes.up.grad.split([8, 6, 2]))
    for down in changes.down.values():
        assert float(down.grad.abs().max()) == 0, "B is 0 at first"
    assert all(weight.grad is None for weight in network.parameters())


def test_weights_stay_float32_under_autocast(network):
    changes = LowRankChanges(network, 2)
    for weight in changes.parameters():
        nn.init.normal_(weight)
    plain = changes(dict(network.named_parameters()))
    with torch.autocast("cpu", torch.bfloat16):
        assert same_bits(changes(dict(network.named_parameters())), plain)
