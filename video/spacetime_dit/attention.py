"""Attention among tokens with rotary positions, and from tokens to a text."""

from typing import Literal, assert_never

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float
from torch import Tensor, nn

from common.diffusion.frame_attention import attend
from video.spacetime_dit.patches import Grid
from video.spacetime_dit.rope import Turns, rotated

Span = Literal["clip", "frame", "place"]
"""What a token attends to: all tokens of the clip, those of its frame, those of its place."""


class SpacetimeAttention(nn.Module):
    """Multi-head self-attention with normed queries and keys and rotary positions.

    Queries and keys have a root mean square of one before a learnt gain (QK-norm, Dehghani et al.
    2023, arXiv 2302.05442, with RMSNorm as in Esser et al. 2024), which keeps their products small.
    """

    def __init__(self, channels: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.to_qkv = nn.Linear(channels, 3 * channels)
        self.query_norm = nn.RMSNorm(channels // num_heads, eps=1e-6)
        self.key_norm = nn.RMSNorm(channels // num_heads, eps=1e-6)
        self.to_out = nn.Linear(channels, channels)

    def forward(self, tokens: Float[Tensor, "b n d"], turns: Turns) -> Float[Tensor, "b n d"]:
        """Every token from all tokens of its row; ``turns``: rotations of the tokens."""
        query, key, value = rearrange(
            self.to_qkv(tokens), "b n (three k d) -> three b k n d", three=3, k=self.num_heads
        )
        query, key = (
            rotated(normed(query, self.query_norm), turns),
            rotated(normed(key, self.key_norm), turns),
        )
        made = attend(query, key, value)
        return self.to_out(rearrange(made, "b k n d -> b n (k d)"))


class TextAttention(nn.Module):
    """Multi-head attention from tokens to a text's states; its output is zero at first."""

    def __init__(self, channels: int, text_channels: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.to_q = nn.Linear(channels, channels)
        self.to_kv = nn.Linear(text_channels, 2 * channels)
        self.query_norm = nn.RMSNorm(channels // num_heads, eps=1e-6)
        self.key_norm = nn.RMSNorm(channels // num_heads, eps=1e-6)
        self.to_out = nn.Linear(channels, channels)
        nn.init.zeros_(self.to_out.weight)
        nn.init.zeros_(self.to_out.bias)

    def forward(
        self,
        tokens: Float[Tensor, "b n d"],
        states: Float[Tensor, "b l t"],
        mask: Bool[Tensor, "b l"],
    ) -> Float[Tensor, "b n d"]:
        """Every token from the states where ``mask`` says that there are any."""
        query = rearrange(self.to_q(tokens), "b n (k d) -> b k n d", k=self.num_heads)
        key, value = rearrange(
            self.to_kv(states), "b l (two k d) -> two b k l d", two=2, k=self.num_heads
        )
        query, key = normed(query, self.query_norm), normed(key, self.key_norm)
        scores = query @ key.transpose(-1, -2) * query.shape[-1] ** -0.5
        scores = scores.masked_fill(~mask[:, None, None], float("-inf"))
        made = scores.softmax(-1).to(value.dtype) @ value
        return self.to_out(rearrange(made, "b k n d -> b n (k d)"))


def within(
    attention: nn.Module,
    tokens: Float[Tensor, "b n d"],
    turns: Turns,
    grid: Grid,
    span: Span,
) -> Float[Tensor, "b n d"]:
    """Attention among the tokens of each clip, of each frame, or of each place."""
    match span:
        case "clip":
            return attention(tokens, turns)
        case "frame":
            rows = rearrange(tokens, "b (f p) d -> (b f) p d", f=grid.frames)
            own = rearrange(turns, "two b (f p) d -> two (b f) p d", f=grid.frames)
            return rearrange(attention(rows, own), "(b f) p d -> b (f p) d", f=grid.frames)
        case "place":
            rows = rearrange(tokens, "b (f p) d -> (b p) f d", f=grid.frames)
            own = rearrange(turns, "two b (f p) d -> two (b p) f d", f=grid.frames)
            return rearrange(attention(rows, own), "(b p) f d -> b (f p) d", p=grid.per_frame)
        case _:
            assert_never(span)


def normed(features: Float[Tensor, "b k n d"], norm: nn.RMSNorm) -> Float[Tensor, "b k n d"]:
    """Queries or keys of unit mean square, times a gain, in their own precision."""
    return F.rms_norm(features, norm.normalized_shape, norm.weight.to(features.dtype), norm.eps)
