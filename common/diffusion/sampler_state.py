"""The state of a sampling run between two steps, complete enough to continue to the same bits.

What changes in a scheduler of diffusers is found by comparing it with a fresh one: no list of
attributes can go stale. A changed attribute of a kind that cannot be stored is an error. The state
is flat, with dotted keys, and holds only tensors and JSON scalars.
"""

import copy
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from common.diffusion.samplers import Scheduler
from common.errors import InputError

StateValue = Tensor | bool | int | float | str | None
State = dict[str, StateValue]


@dataclass(frozen=True)
class Position:
    """Where a sampling run is."""

    diffusers: Any
    """The run's own scheduler object."""
    index: int
    """The evaluation that comes next."""
    latents: Tensor
    """In the scheduler's own space."""
    momentum: Tensor | None
    """Of guidance."""


def sampler_state(
    scheduler: Scheduler, position: Position, generators: Sequence[torch.Generator]
) -> State:
    """Everything that changes while sampling: latents, scheduler, guidance, random generators.

    Generators only where the sampler draws from them: each weighs 5 kB.
    """
    state: State = {
        "scheduler": type(position.diffusers).__name__,
        "timesteps": scheduler.timesteps.clone(),
        "index": position.index,
        "latents": position.latents.clone(),
        "momentum": None if position.momentum is None else position.momentum.clone(),
    }
    if scheduler.draws_noise:
        for number, generator in enumerate(generators):
            state[f"generators.{number}"] = generator.get_state()
    fresh, current = vars(scheduler.diffusers), vars(position.diffusers)
    if missing := fresh.keys() - current.keys():
        raise TypeError(f"sampling removed {sorted(missing)} from {state['scheduler']}")
    for name, value in current.items():
        if name not in fresh or not _same(fresh[name], value):
            state |= _stored(f"diffusers.{name}", value)
    return state


def restore(
    scheduler: Scheduler,
    state: State,
    generators: Sequence[torch.Generator],
    device: torch.device,
) -> Position:
    """Continue on ``device`` where ``state`` was taken; the generators are set in place.

    Raises:
        InputError: when the state belongs to other settings or another number of samples.
    """
    timesteps = state["timesteps"]
    same_grid = isinstance(timesteps, Tensor) and torch.equal(timesteps, scheduler.timesteps)
    if state["scheduler"] != type(scheduler.diffusers).__name__ or not same_grid:
        raise InputError(
            f"the saved state is of a {state['scheduler']} with other timesteps than sampler "
            f"{scheduler.config.name} with num_steps {scheduler.config.num_steps}: "
            "resume with the settings the run started with"
        )
    latents, momentum, index = state["latents"], state["momentum"], state["index"]
    assert isinstance(latents, Tensor)
    assert isinstance(index, int)
    assert momentum is None or isinstance(momentum, Tensor)
    if len(latents) != len(generators):
        raise InputError(f"the saved state is of {len(latents)} samples, not of {len(generators)}")
    if scheduler.draws_noise:
        _restore_generators(state, generators)
    diffusers = copy.deepcopy(scheduler.diffusers)
    for name in {key.split(".")[1] for key in state if key.startswith("diffusers.")}:
        setattr(diffusers, name, _loaded(f"diffusers.{name}", state, device))
    moved = None if momentum is None else momentum.to(device)
    return Position(diffusers, index, latents.to(device, copy=True), moved)


def _restore_generators(state: State, generators: Sequence[torch.Generator]) -> None:
    for number, generator in enumerate(generators):
        saved = state[f"generators.{number}"]
        assert isinstance(saved, Tensor)
        generator.set_state(saved)


def _same(fresh: Any, current: Any) -> bool:
    if isinstance(fresh, Tensor) and isinstance(current, Tensor):
        return fresh.dtype == current.dtype and torch.equal(fresh, current)
    if isinstance(fresh, list) and isinstance(current, list):
        return len(fresh) == len(current) and all(map(_same, fresh, current))
    if isinstance(fresh, Tensor | list) or isinstance(current, Tensor | list):
        return False
    return type(fresh) is type(current) and bool(fresh == current)


def _stored(key: str, value: Any) -> State:
    match value:
        case Tensor():
            # A tensor of its own: attributes that share memory cannot be written as safetensors.
            return {key: value.detach().clone(memory_format=torch.contiguous_format)}
        case bool() | int() | float() | str() | None:
            return {key: value}
        case list():
            state: State = {f"{key}.length": len(value)}
            for number, item in enumerate(value):
                state |= _stored(f"{key}.{number}", item)
            return state
        case _:
            raise TypeError(
                f"cannot store {key}, a {type(value).__name__}: sampling could not be resumed"
            )


def _loaded(key: str, state: State, device: torch.device) -> Any:
    if key in state:
        value = state[key]
        if not isinstance(value, Tensor):
            return value
        # Schedulers keep their numbers on the CPU; only what has the latents' shape moves.
        return value.to(device if value.ndim else "cpu", copy=True)
    length = state[f"{key}.length"]
    assert isinstance(length, int)
    return [_loaded(f"{key}.{number}", state, device) for number in range(length)]
