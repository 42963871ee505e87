import torch
from torch import nn

from common.adapters.stacked_changes import StackedChanges


def network() -> nn.Module:
    torch.manual_seed(0)
    return nn.ModuleDict({
        "one": nn.Linear(5, 7), "two": nn.Sequential(nn.Linear(7, 7), nn.LayerNorm(7)),
        "three": nn.Linear(5, 7, bias=False), "still": nn.Conv1d(7, 7, 1),
    })  # fmt: skip


def test_an_untrained_change_leaves_every_weight():
    base = network()
    weights = dict(base.named_parameters())
    changed = StackedChanges(base, 2)(weights)
    assert all(torch.equal(changed[name], weight) for name, weight in weights.items())


def test_each_layer_has_its_own_rows_of_the_stack():
    base = network()
    change = StackedChanges(base, 2)
    for weight in change.up.values():
        nn.init.normal_(weight)
    weights = dict(base.named_parameters())
    changed = change(weights)
    assert change.down["5_to_7"].shape == (4, 5)
    for row, name in enumerate(("one", "three")):
        at = slice(2 * row, 2 * row + 2)
        expected = weights[f"{name}.weight"] + change.up["5_to_7"][at].T @ change.down["5_to_7"][at]
        torch.testing.assert_close(changed[f"{name}.weight"], expected)
    same = [name for name in weights if torch.equal(changed[name], weights[name])]
    assert same == ["one.bias", "two.0.bias", "two.1.weight", "two.1.bias", "still.weight",
                    "still.bias"]  # fmt: skip


def test_all_of_it_learns():
    base = network()
    change = StackedChanges(base, 1)
    for weight in change.up.values():
        nn.init.normal_(weight)
    made = change(dict(base.named_parameters()))
    sum((weight**2).sum() for weight in made.values()).backward()
    assert all(bool(weight.grad.any()) for weight in change.parameters())
