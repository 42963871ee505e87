"""Filling a model with its stored weights."""

from collections import defaultdict
from typing import Any, BinaryIO, assert_never

import torch
from einops import rearrange
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
_POSITIONS, _SINES = "position_ids", "pos_embed"


def fill(skeleton: nn.Module, component: Component, dtype: torch.dtype, device: str) -> nn.Module:
    """Put the stored weights into a model of ``build_skeleton``; it is changed and returned.

    Tensors are read one by one into memory of their own. Mapped ones would lie at odd addresses,
    where matrix products round otherwise, and would follow the file when it changes. Those to be
    converted share one piece of memory, as many of all sizes would leave it in fragments.

    Raises:
        InputError: a file cannot be read any more, or holds numbers that are not finite.
    """
    by_file, scratch_bytes = defaultdict(list), 0
    for key, tensor in stored_tensors(component, skeleton).items():
        by_file[tensor.file].append((key, tensor))
        if not _stays(tensor, dtype, device):
            scratch_bytes = max(scratch_bytes, tensor.num_bytes)
    scratch = torch.empty(scratch_bytes, dtype=torch.uint8)
    state: dict[str, Tensor] = {}
    for path, tensors in by_file.items():
        try:
            with path.open("rb") as file:
                for key, tensor in tensors:
                    stays = _stays(tensor, dtype, device)
                    read = _read(file, tensor, None if stays else scratch)
                    _check_finite(read, tensor)
                    laid = _laid_out(read, tensor)
                    state[key] = laid if stays else laid.to(device=device, dtype=dtype)
        except OSError as broken:
            raise InputError(f"{path} cannot be read: {broken}") from None
    skeleton.load_state_dict(state, strict=True, assign=True)
    if component.model_class == "T5EncoderModel":
        # One table under two names.
        skeleton.get_submodule("encoder").embed_tokens = skeleton.get_submodule("shared")
    _fill_places(skeleton, device)
    return skeleton.requires_grad_(False)


def _stays(stored: StoredTensor, dtype: torch.dtype, device: str) -> bool:
    """Whether a tensor is used as it is stored."""
    return DTYPES[stored.dtype] == dtype and device == "cpu"


def _read(file: BinaryIO, stored: StoredTensor, scratch: Tensor | None) -> Tensor:
    """A stored tensor, in memory of its own or in the one given."""
    if scratch is None:
        scratch = torch.empty(stored.num_bytes, dtype=torch.uint8)
    data = scratch[: stored.num_bytes]
    file.seek(stored.start)
    if file.readinto(data.numpy()) != stored.num_bytes:  # type: ignore[attr-defined]
        raise InputError(f"{stored.file} ends within '{stored.name}': it has changed")
    return data.view(DTYPES[stored.dtype])


def _laid_out(read: Tensor, stored: StoredTensor) -> Tensor:
    """What was read, with each number where the model has it."""
    match stored.layout:
        case "stored":
            return read.reshape(stored.shape)
        case "transposed":
            return rearrange(read, "(i o) -> o i", o=stored.shape[0]).contiguous()
        case "halves_swapped":
            return torch.cat(read.chunk(2)[::-1]).reshape(stored.shape)
        case "identity":
            return torch.eye(stored.shape[0], dtype=DTYPES[stored.dtype])
        case _:
            assert_never(stored.layout)


def _check_finite(read: Tensor, stored: StoredTensor) -> None:
    """Refuse what would spoil everything that is made with it, or silently a part of it."""
    if read.numel() and not all(bool(end.isfinite()) for end in read.aminmax()):
        raise InputError(
            f"{stored.file}: '{stored.name}' has values that are not finite; the file is damaged "
            "or was converted wrongly: get it again"
        )


def _fill_places(model: nn.Module, device: str) -> None:
    """Buffers that are not stored: numbers of token places, and sines of picture places."""
    for name, buffer in list(model.named_buffers()):
        if buffer.is_meta:
            place, _, own = name.rpartition(".")
            owner = model.get_submodule(place)
            assert own in (_POSITIONS, _SINES), f"nothing fills {name}"
            if own == _POSITIONS:
                made = torch.arange(buffer.shape[-1]).expand(buffer.shape)
            else:
                made = _sines(owner, buffer.shape[-1])
            setattr(owner, own, made.to(device))


def _sines(patches: Any, features: int) -> Tensor:
    """What diffusers' ``PatchEmbed`` adds to the patches of a picture of the trained size."""
    from diffusers.models.embeddings import get_2d_sincos_pos_embed

    made: Tensor = get_2d_sincos_pos_embed(
        features,
        (patches.height, patches.width),
        base_size=patches.base_size,
        interpolation_scale=patches.interpolation_scale,
        output_type="pt",
    )
    return made.float()[None]
