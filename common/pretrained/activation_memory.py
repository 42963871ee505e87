"""How much memory a model's activations take, found by running it without numbers.

On torch's ``meta`` device every operation makes tensors that have shapes and no memory. Adding up
what is alive after each operation gives the peak, for any architecture and size, in a second.
"""

import weakref
from collections.abc import Callable
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.weak import WeakIdKeyDictionary


def peak_activation_bytes(model: torch.nn.Module, run: Callable[[], object]) -> int:
    """The most bytes alive at once while ``run`` calls ``model``, its weights not counted.

    Fused attention keeps no scores. A convolution counts the larger of its input and output twice:
    on a CPU they are laid out anew for it.
    """
    counter = _Counter(model)
    with torch.no_grad(), _FusedAttention(), counter:
        run()
    return counter.peak


class _Counter(TorchDispatchMode):
    """Keeps the sum of the sizes of living storages."""

    def __init__(self, model: torch.nn.Module):
        super().__init__()
        self.peak = self._alive = 0
        self._seen = WeakIdKeyDictionary()
        for tensor in (*model.parameters(), *model.buffers()):
            self._seen[tensor.untyped_storage()] = 0

    def __torch_dispatch__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        for tensor in tree_leaves((args, kwargs)):
            if isinstance(tensor, Tensor):  # one from outside; the others are known already
                self._seen.setdefault(tensor.untyped_storage(), 0)
        made = func(*args, **(kwargs or {}))
        for tensor in tree_leaves(made):
            if isinstance(tensor, Tensor):
                self._count(tensor)
        laid_out_anew = 0
        if func is torch.ops.aten.convolution.default:
            laid_out_anew = max(_size(args[0]), _size(made))
        self.peak = max(self.peak, self._alive + laid_out_anew)
        return made

    def _count(self, tensor: Tensor) -> None:
        storage = tensor.untyped_storage()
        if storage not in self._seen:
            self._seen[storage] = storage.nbytes()
            self._alive += storage.nbytes()
            weakref.finalize(storage, self._release, storage.nbytes())

    def _release(self, size: int) -> None:
        self._alive -= size


class _FusedAttention(TorchFunctionMode):
    """Attention as a fused kernel has it: without scores."""

    def __torch_function__(
        self, func: Any, types: Any, args: Any = (), kwargs: Any = None
    ) -> object:
        if func is F.scaled_dot_product_attention:
            query, value = _query_and_value(*args, **(kwargs or {}))
            return query.new_empty(*query.shape[:-1], value.shape[-1])
        return func(*args, **(kwargs or {}))


def _query_and_value(query: Tensor, key: Tensor, value: Tensor, **_: Any) -> tuple[Tensor, Tensor]:
    """Of the arguments of torch's attention, by place or by name."""
    return query, value


def _size(tensor: Tensor) -> int:
    return tensor.numel() * tensor.element_size()
