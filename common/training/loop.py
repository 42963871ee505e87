"""The training loop: a generator that yields after every optimizer step and can be continued.

What step ``n`` sees is a pure function of the seed and of ``n`` (objectives draw everything from
``common.seeding`` with the step as the sample), so the state is the weights, their average and the
optimizer, and nothing else. On a CPU a run that was killed and continued ends in the same bits.
"""

import math
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import torch
from torch import Tensor, nn

from common.runs.optimizer_state import load_optimizer_state, optimizer_state
from common.runs.state import State
from common.training.ema import Ema
from common.training.loop_config import LearningRate, LoopConfig


@runtime_checkable
class Objective(Protocol):
    """What is trained, and the loss of a step."""

    @property
    def model(self) -> nn.Module:
        """Everything that is trained, on the device of the run."""
        ...

    def losses(self, forward: Callable[..., Any], draw: int) -> Mapping[str, Tensor]:
        """Scalar losses of batch number ``draw``; the one called ``loss`` is minimised.

        Args:
            forward: the model, perhaps compiled; to be called instead of it.
            draw: counts the batches of the whole run from 0; all randomness derives from it.
        """
        ...


@dataclass(frozen=True)
class TrainStep:
    """Where training is after one optimizer step."""

    step: int
    """Steps done, counted from 1."""
    losses: dict[str, float]
    """Each loss, the gradient's length and the learning rate of this step."""
    averaged: nn.Module
    """The averaged model, alive: it changes with the next step."""
    state: State
    """What ``train`` continues from; its tensors are alive too."""


class Diverged(RuntimeError):
    """The loss is no number any more."""


def train(
    config: LoopConfig, objective: Objective, device: str, state: State = None
) -> Iterator[TrainStep]:
    """Train until ``config.num_steps``, from the start or from a state.

    Raises:
        Diverged: the loss is not finite.
    """
    model = objective.model
    optimizer = build_optimizer(model, config)
    ema = Ema(model, config.ema_decay)
    done = 0
    if state is not None:
        done = state["step"]
        model.load_state_dict(state["model"])
        ema.model.load_state_dict(state["averaged"])
        load_optimizer_state(optimizer, state["optimizer"])
    forward = torch.compile(model) if config.compile else model
    for step in range(done + 1, config.num_steps + 1):
        rate = learning_rate(config.learning_rate, step, config.num_steps)
        for group in optimizer.param_groups:
            group["lr"] = rate
        losses = _accumulate(config, objective, forward, step, device)
        norm = nn.utils.clip_grad_norm_(model.parameters(), config.clip_norm)
        if not math.isfinite(losses["loss"]) or not math.isfinite(float(norm)):
            raise Diverged(
                f"the loss of step {step} is {losses['loss']}, the length of its gradient "
                f"{float(norm)}; lower loop.learning_rate.peak or use loop.precision float32"
            )
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        ema.update(model, step)
        numbers = losses | {"gradient_norm": float(norm), "learning_rate": rate}
        yield TrainStep(step, numbers, ema.model, _state(step, model, ema, optimizer))


def learning_rate(config: LearningRate, step: int, num_steps: int) -> float:
    """The learning rate of step ``step`` (from 1) of ``num_steps``."""
    if step <= config.warmup_steps:
        return config.peak * step / config.warmup_steps
    start = max(config.warmup_steps, config.plateau_fraction * num_steps)
    progress = max(step - start, 0) / max(num_steps - start, 1)
    falling = 0.5 * (1 + math.cos(math.pi * min(progress, 1)))
    return config.peak * (config.final_fraction + (1 - config.final_fraction) * falling)


def build_optimizer(model: nn.Module, config: LoopConfig) -> torch.optim.AdamW:
    """AdamW; biases, gains and other vectors do not decay."""
    parameters = [weight for weight in model.parameters() if weight.requires_grad]
    decaying = [weight for weight in parameters if weight.ndim >= 2]
    others = [weight for weight in parameters if weight.ndim < 2]
    groups = [
        {"params": decaying, "weight_decay": config.weight_decay},
        {"params": others, "weight_decay": 0.0},
    ]
    betas = (0.9, config.beta2)
    return torch.optim.AdamW(
        [group for group in groups if group["params"]],
        lr=config.learning_rate.peak, betas=betas, fused=True,
    )  # fmt: skip


def _accumulate(
    config: LoopConfig,
    objective: Objective,
    forward: Callable[..., Any],
    step: int,
    device: str,
) -> dict[str, float]:
    """Add the mean gradient of the step's batches; the mean of each loss."""
    share = 1 / config.num_accumulated
    sums: dict[str, float] = {}
    for part in range(config.num_accumulated):
        draw = (step - 1) * config.num_accumulated + part
        with torch.autocast(device, torch.bfloat16, enabled=config.precision == "bfloat16"):
            losses = objective.losses(forward, draw)
        (losses["loss"] * share).backward()
        for name, value in losses.items():
            sums[name] = sums.get(name, 0.0) + float(value.detach()) * share
    return sums


def _state(step: int, model: nn.Module, ema: Ema, optimizer: torch.optim.Optimizer) -> State:
    return {
        "step": step,
        "model": dict(model.state_dict()),
        "averaged": dict(ema.model.state_dict()),
        "optimizer": optimizer_state(optimizer),
    }
