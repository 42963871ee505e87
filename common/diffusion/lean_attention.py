"""Attention of a U-Net with torch's fused kernel, and nothing around it that does nothing.

The same as diffusers' ``AttnProcessor2_0``, but for what costs a CPU time: keys of a text, 77 for
CLIP, leave a rest that the kernel goes through one by one, so they are filled up to a multiple of
16, and nothing attends to what was added; and results are not divided by 1.
"""

from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import Tensor

_LANES = 16
_NOT_SEEN = -1e4
"""Added to a score, it leaves a share of exactly 0, also in 16 bits."""


class LeanAttention:
    """An attention processor of diffusers, without state."""

    def __call__(
        self,
        attn: Any,
        hidden_states: Tensor,
        encoder_hidden_states: Tensor | None = None,
        attention_mask: Tensor | None = None,
        temb: Tensor | None = None,
    ) -> Tensor:
        """What ``AttnProcessor2_0`` gives; layers with more to them are left to it."""
        if hidden_states.ndim != 3 or not _is_plain(attn):
            from diffusers.models.attention_processor import AttnProcessor2_0

            whole = AttnProcessor2_0()
            made: Tensor = whole(attn, hidden_states, encoder_hidden_states, attention_mask, temb)
            return made
        seen = hidden_states if encoder_hidden_states is None else encoder_hidden_states
        query, key, value = (
            rearrange(rows, "b n (k d) -> b k n d", k=attn.heads)
            for rows in (attn.to_q(hidden_states), attn.to_k(seen), attn.to_v(seen))
        )
        if attention_mask is not None:
            mask = attn.prepare_attention_mask(attention_mask, key.shape[2], len(seen))
            attention_mask = rearrange(mask, "(b k) l m -> b k l m", k=attn.heads)
        elif key.shape[2] % _LANES and encoder_hidden_states is not None and key.itemsize == 2:
            key, value, attention_mask = _filled_up(key, value, query)
        made = F.scaled_dot_product_attention(query, key, value, attn_mask=attention_mask)
        return attn.to_out[1](attn.to_out[0](rearrange(made, "b k n d -> b n (k d)")))


def _is_plain(attn: Any) -> bool:
    """Whether there is nothing to a layer but its linear maps."""
    norms = (attn.spatial_norm, attn.group_norm, attn.norm_q, attn.norm_k, attn.norm_cross)
    return not any(norms) and not attn.residual_connection and attn.rescale_output_factor == 1


def _filled_up(key: Tensor, value: Tensor, query: Tensor) -> tuple[Tensor, Tensor, Tensor | None]:
    """Keys and values of a multiple of 16, and what keeps the added ones from being seen."""
    if torch.is_grad_enabled() or key.device.type not in ("cpu", "meta"):
        return key, value, None
    count, added = key.shape[2], -key.shape[2] % _LANES
    mask = query.new_zeros(count + added)
    mask[count:] = _NOT_SEEN
    key, value = (F.pad(rows, (0, 0, 0, added)) for rows in (key, value))
    return key, value, mask.expand(*query.shape[:3], -1)
