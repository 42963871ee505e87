"""What a loss remembers of earlier steps: a learnt baseline, or a LoRA that learnt the renders."""

from typing import Any

from common.runs.state import State
from threed.distillation.control_variate import ControlVariate, no_past
from threed.distillation.loss_config import SDS, VSD, EditLoss
from threed.distillation.particles import LearntParticles, network_of

Past = ControlVariate | LearntParticles | None
"""None for losses that remember nothing."""


def past_of(loss: EditLoss, prior: Any, seed: int, state: State = None) -> Past:
    """What the loss begins with, or continues from.

    Args:
        loss: which.
        prior: what is distilled.
        seed: of what the beginning draws.
        state: from `past_state` of the same loss.
    """
    match loss:
        case SDS(baseline="learnt"):
            return no_past() if state is None else ControlVariate(*state)
        case VSD() if network_of(prior) is not None:
            return LearntParticles(prior, loss.rank, loss.rate, seed, state)
        case _:
            return None


def past_state(past: Past) -> State:
    """The same for a checkpoint; its tensors are alive."""
    match past:
        case ControlVariate():
            return [past.products, past.squares]
        case LearntParticles():
            return past.state()
        case _:
            return None
