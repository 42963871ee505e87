"""An optimizer's moments as a plain list, in the order of its parameters.

torch's own ``state_dict`` has numbers as keys and repeats the settings, which a run takes from its
config.
"""

import torch
from torch import Tensor


def optimizer_state(optimizer: torch.optim.Optimizer) -> list[dict[str, Tensor]]:
    """The state of each parameter; empty for one that has not been stepped."""
    return [dict(optimizer.state.get(weight, {})) for weight in _parameters(optimizer)]


def load_optimizer_state(optimizer: torch.optim.Optimizer, state: list[dict[str, Tensor]]) -> None:
    """Put a saved state back, with the device and the memory layout of each parameter.

    Fused optimizers walk through parameter and moments by address: a moment of another layout
    (channels last or not) would silently belong to other weights.
    """
    parameters = _parameters(optimizer)
    if len(parameters) != len(state):
        raise ValueError(f"{len(state)} saved parameters for an optimizer of {len(parameters)}")
    for weight, saved in zip(parameters, state, strict=True):
        if saved:
            optimizer.state[weight] = {
                name: _laid_out_like(weight, value) for name, value in saved.items()
            }


def _laid_out_like(weight: Tensor, value: Tensor) -> Tensor:
    if value.shape == weight.shape:
        return torch.empty_like(weight, dtype=value.dtype).copy_(value)
    return value.to(weight.device, copy=True)


def _parameters(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [weight for group in optimizer.param_groups for weight in group["params"]]
