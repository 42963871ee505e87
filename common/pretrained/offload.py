"""Models that wait in the memory of the machine and come to the GPU when they are used.

``model``: one model after the other comes whole, and the one before it goes; ControlNets stay once
they came. ``sequential``: each layer comes for its own turn only, which takes the least memory and
many times as long. The moving is accelerate's, as in diffusers' pipelines.
"""

import importlib.util
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, assert_never

import torch
from torch import nn

from common.errors import InputError, missing_extra
from common.pretrained.config import Offload


def check_offload(offload: Offload, device: str) -> None:
    """Refuse to offload where there is nothing to offload from.

    Raises:
        InputError: the device is the CPU, or accelerate is not installed.
    """
    if offload == "none":
        return
    if not device.startswith("cuda"):
        raise InputError(
            f"prior.compute.offload={offload} moves models between a GPU and the machine's memory, "
            f"and the device is {device}: leave it out (prior.compute.dtype=bfloat16 halves memory)"
        )
    if importlib.util.find_spec("accelerate") is None:
        raise missing_extra("accelerate", "cuda", f"prior.compute.offload={offload}")


def offload_models(
    models: Sequence[nn.Module], staying: Sequence[nn.Module], offload: Offload, device: str
) -> None:
    """Make filled models on the CPU come to a device when they are used; it changes them.

    Args:
        models: in the order in which they are used, round and round.
        staying: that are used together with one of them, and stay once they came.
        offload: how.
        device: that computes.
    """
    if offload == "none":
        return
    from accelerate import cpu_offload, cpu_offload_with_hook

    if offload == "sequential":
        for model in (*models, *staying):
            cpu_offload(model, torch.device(device))
        return
    hooks: list[Any] = [cpu_offload_with_hook(model, torch.device(device))[1] for model in models]
    for before, hook in pairwise([hooks[-1], *hooks]):
        hook.hook.prev_module_hook = before
    for model in staying:
        cpu_offload_with_hook(model, torch.device(device))


def running_device(model: nn.Module) -> torch.device:
    """Where a model computes, which for one that is offloaded is not where its weights are."""
    for module in model.modules():
        device = getattr(getattr(module, "_hf_hook", None), "execution_device", None)
        if device is not None:
            return torch.device(device)
    return next(model.parameters()).device


@dataclass(frozen=True)
class Work:
    """Models that compute together, and what they have in memory beside their weights."""

    models: tuple[nn.Module, ...]
    activation_bytes: int = 0


def device_bytes(work: Iterable[Work], staying: Iterable[nn.Module], offload: Offload) -> int:
    """The most that is on the device at once.

    Args:
        work: all that is done, each by itself.
        staying: models that stay once they came.
        offload: how models come and go.
    """
    work, staying = tuple(work), tuple(staying)
    match offload:
        case "none":
            everything = {id(m): m for one in work for m in (*one.models, *staying)}
            return sum(map(num_bytes, everything.values())) + max(
                one.activation_bytes for one in work
            )
        case "model":
            return sum(map(num_bytes, staying)) + max(
                sum(map(num_bytes, one.models)) + one.activation_bytes for one in work
            )
        case "sequential":
            return max(
                max(map(_largest_layer, (*one.models, *staying))) + one.activation_bytes
                for one in work
            )
        case _:
            assert_never(offload)


def num_bytes(model: nn.Module) -> int:
    """Of a model's weights."""
    return sum(t.numel() * t.element_size() for t in model.state_dict().values())


def _largest_layer(model: nn.Module) -> int:
    """Bytes of the weights that one layer has itself."""
    return max(
        sum(t.numel() * t.element_size() for t in layer.parameters(recurse=False))
        for layer in model.modules()
    )
