"""Filling a model with its stored weights."""

from collections import defaultdict
from typing import BinaryIO

import torch
from torch import Tensor, nn

from common.errors import InputError
from common.pretrained.component import Component
from common.pretrained.skeleton import stored_tensors
from common.pretrained.weight_files import StoredTensor

DTYPES = {
    "F64": torch.float64,
    "F32": torch.float32,
    "F16": torch.float16,
    "BF16": torch.bfloat16,
}
"""Types of stored weights."""
_POSITIONS = "position_ids"


def fill(skeleton: nn.Module, component: Component, dtype: torch.dtype, device: str) -> nn.Module:
    """Put the stored weights into a model of ``build_skeleton``; it is changed and returned.

    Tensors are read one by one into memory of their own. Mapped ones would lie at odd addresses,
    where matrix products round otherwise, and would follow the file when it changes.

    Raises:
        InputError: a file cannot be read any more.
    """
    by_file = defaultdict(list)
    for key, tensor in stored_tensors(component, skeleton).items():
        by_file[tensor.file].append((key, tensor))
    state: dict[str, Tensor] = {}
    for path, tensors in by_file.items():
        try:
            with path.open("rb") as file:
                for key, tensor in tensors:
                    state[key] = _read(file, tensor).to(device=device, dtype=dtype)
        except OSError as broken:
            raise InputError(f"{path} cannot be read: {broken}") from None
    skeleton.load_state_dict(state, strict=True, assign=True)
    _fill_positions(skeleton, device)
    return skeleton.requires_grad_(False)


def _read(file: BinaryIO, stored: StoredTensor) -> Tensor:
    made = torch.empty(stored.shape, dtype=DTYPES[stored.dtype])
    file.seek(stored.start)
    count = file.readinto(made.reshape(-1).view(torch.uint8).numpy())  # type: ignore[attr-defined]
    if count != stored.num_bytes:
        raise InputError(f"{stored.file} ends within '{stored.name}': it has changed")
    return made


def _fill_positions(model: nn.Module, device: str) -> None:
    """The one kind of buffer that is not stored: the numbers of the token places."""
    for name, buffer in list(model.named_buffers()):
        if buffer.is_meta:
            place, _, own = name.rpartition(".")
            assert own == _POSITIONS, f"nothing fills {name}"
            numbers = torch.arange(buffer.shape[-1], device=device).expand(buffer.shape)
            setattr(model.get_submodule(place), own, numbers)
