"""GEGLU as two products: ``a * gelu(b)`` with ``a, b = W x`` (Shazeer 2020, arXiv 2002.05202).

One product for both leaves them as strided halves of its result, where a CPU's gelu and product
take longer than the linear map. Two products give the same numbers in memory of their own. That is
for 16 bits: in 32 the last bits stay those of diffusers.
"""

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn


def gated(proj: nn.Linear, tokens: Float[Tensor, "*n c"]) -> Float[Tensor, "*n k"]:
    """Values times the gelu of their gates.

    Args:
        proj: The linear map to values and gates, one after the other. It is called whole where
            gradients are wanted, and where it is not a plain linear map (hooks, LoRAs).
        tokens: What it is given.
    """
    if tokens.itemsize > 2 or torch.is_grad_enabled() or not _is_plain(proj):
        value, gate = proj(tokens).chunk(2, dim=-1)
        return value * F.gelu(gate)
    values, gates = proj.weight.chunk(2)
    shift, gate_shift = (None, None) if proj.bias is None else proj.bias.chunk(2)
    opened = F.gelu(F.linear(tokens, gates, gate_shift))
    return opened.mul_(F.linear(tokens, values, shift))


def _is_plain(proj: nn.Linear) -> bool:
    """Whether calling it is its weight and bias and nothing else."""
    hooks = len(proj._forward_hooks) + len(proj._forward_pre_hooks)
    return type(proj) is nn.Linear and not hooks and "forward" not in proj.__dict__
