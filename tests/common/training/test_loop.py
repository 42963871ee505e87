from itertools import islice

import pytest
import torch
from torch import nn

from common.runs.state import Checkpoint, load_newest, save
from common.training.loop import Diverged, build_optimizer, learning_rate, train
from common.training.loop_config import LearningRate, LoopConfig
from tests.common.training.small_training import same_bits, small_autoencoder


class Line:
    """Fits ``y = w x + b`` to a known line."""

    def __init__(self, batch_size: int):
        self.model = nn.Linear(1, 1)
        nn.init.zeros_(self.model.weight)
        nn.init.zeros_(self.model.bias)
        self.batch_size = batch_size

    def losses(self, forward, draw):
        x = torch.linspace(-1, 1, 8)[draw * self.batch_size % 8 :][: self.batch_size, None]
        return {"loss": (forward(x) - (3 * x - 1)).square().mean()}


def run_to_end(config, objective, state=None):
    for step in train(config, objective, "cpu", state):
        last = step
    return last


@pytest.mark.parametrize("precision", ["float32", "bfloat16"])
def test_killed_and_resumed_training_ends_in_the_same_bits(tmp_path, precision):
    method, whole = small_autoencoder(precision=precision, num_accumulated=2)
    expected = run_to_end(method.loop, whole)

    _, first = small_autoencoder(precision=precision, num_accumulated=2)
    for step in islice(train(method.loop, first, "cpu"), 3):
        save(tmp_path, Checkpoint(step.step, {"training": step.state}), keep=1)
    del first
    _, second = small_autoencoder(precision=precision, num_accumulated=2)
    resumed = run_to_end(method.loop, second, load_newest(tmp_path).state["training"])

    assert resumed.step == expected.step == 8
    assert resumed.losses == expected.losses
    assert same_bits(resumed.state["model"], expected.state["model"])
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])
    # A run that did not learn would pass the above.
    assert not same_bits(expected.state["model"], small_autoencoder()[1].model.state_dict())


def test_training_lowers_the_loss_and_raises_held_out_psnr():
    method, training = small_autoencoder(
        num_steps=40, precision="float32", learning_rate=LearningRate(peak=4e-3, warmup_steps=5)
    )
    before = training.evaluate(training.model)["psnr/disks"]
    steps = list(train(method.loop, training, "cpu"))
    assert steps[-1].losses["loss"] < 0.8 * steps[0].losses["loss"]
    assert training.evaluate(steps[-1].averaged)["psnr/disks"] > before + 0.5


def test_known_line_is_found():
    config = LoopConfig(
        num_steps=400, batch_size=8, precision="float32", weight_decay=0.0, ema_decay=0.0,
        learning_rate=LearningRate(peak=0.05, warmup_steps=0, final_fraction=0.0),
    )  # fmt: skip
    last = run_to_end(config, Line(8))
    # Adam with a rate that falls to zero converges to the exact minimum.
    assert float(last.state["model"]["weight"]) == pytest.approx(3, abs=1e-3)
    assert float(last.state["model"]["bias"]) == pytest.approx(-1, abs=1e-3)


def test_accumulated_halves_equal_the_whole_batch():
    settings = {
        "num_steps": 5, "precision": "float32", "learning_rate": LearningRate(warmup_steps=0)
    }  # fmt: skip
    whole = run_to_end(LoopConfig(batch_size=8, **settings), Line(8))
    halves = run_to_end(LoopConfig(batch_size=4, num_accumulated=2, **settings), Line(4))
    # Means of means in another order: float32 rounding only.
    torch.testing.assert_close(
        halves.state["model"]["weight"], whole.state["model"]["weight"], rtol=1e-5, atol=1e-6
    )
    assert halves.losses["loss"] == pytest.approx(whole.losses["loss"], rel=1e-5)


def test_learning_rate_rises_linearly_stays_and_falls_to_its_end():
    config = LearningRate(peak=0.4, warmup_steps=10, plateau_fraction=0.5, final_fraction=0.1)
    assert learning_rate(config, 5, 100) == pytest.approx(0.2)
    assert learning_rate(config, 10, 100) == pytest.approx(0.4)
    assert learning_rate(config, 50, 100) == pytest.approx(0.4)
    # Half of the cosine: the mean of peak and end.
    assert learning_rate(config, 75, 100) == pytest.approx(0.22)
    assert learning_rate(config, 100, 100) == pytest.approx(0.04)


def test_only_weights_with_axes_decay():
    optimizer = build_optimizer(nn.Linear(3, 2), LoopConfig(weight_decay=0.5))
    groups = optimizer.param_groups
    assert [group["weight_decay"] for group in groups] == [0.5, 0.0]
    assert [[tuple(w.shape) for w in group["params"]] for group in groups] == [[(2, 3)], [(2,)]]


def test_diverged_loss_is_refused_with_its_step():
    class Broken(Line):
        def losses(self, forward, draw):
            scale = float("inf") if draw == 2 else 1.0
            return {"loss": super().losses(forward, draw)["loss"] * scale}

    config = LoopConfig(num_steps=9, learning_rate=LearningRate(warmup_steps=0))
    with pytest.raises(Diverged, match="step 3"):
        run_to_end(config, Broken(8))
