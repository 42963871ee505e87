"""A transformer block whose norms are steered by a condition: adaLN-Zero."""

import torch
from jaxtyping import Bool, Float
from torch import Tensor, nn

from video.spacetime_dit.architecture import SpacetimeDiTArchitecture
from video.spacetime_dit.attention import SpacetimeAttention, Span, TextAttention, within
from video.spacetime_dit.patches import Grid
from video.spacetime_dit.rope import Turns

NORM_EPS = 1e-6


class SpacetimeBlock(nn.Module):
    """Self-attention, attention to the text and a perceptron; an identity until it is trained.

    A condition ``c`` of each sample gives shift, scale and gate of attention and perceptron,
    ``x + gate f((1 + scale) norm(x) + shift)``, by a linear map of ``silu(c)`` that begins with
    zeros (adaLN-Zero, Peebles and Xie 2023, arXiv 2212.09748, section 3.2).
    """

    def __init__(self, sizes: SpacetimeDiTArchitecture, span: Span):
        super().__init__()
        channels = sizes.channels
        self.span = span
        self.modulation = nn.Sequential(nn.SiLU(), zero_linear(channels, 6 * channels))
        self.norm = nn.LayerNorm(channels, eps=NORM_EPS, elementwise_affine=False)
        self.attention = SpacetimeAttention(channels, sizes.num_heads)
        self.text_norm = nn.LayerNorm(channels, eps=NORM_EPS)
        self.text_attention = TextAttention(channels, sizes.text_channels, sizes.num_heads)
        hidden = sizes.mlp_factor * channels
        self.perceptron = nn.Sequential(
            nn.Linear(channels, hidden), nn.GELU("tanh"), nn.Linear(hidden, channels)
        )

    def forward(
        self,
        tokens: Float[Tensor, "b n d"],
        condition: Float[Tensor, "b d"],
        turns: Turns,
        grid: Grid,
        states: Float[Tensor, "b l t"],
        mask: Bool[Tensor, "b l"],
    ) -> Float[Tensor, "b n d"]:
        """Tokens of the same shape.

        Args:
            tokens: of clips, in the order of `patches_of`.
            condition: of each clip.
            turns: rotary angles of the tokens.
            grid: how the tokens lie.
            states: of the text's tokens.
            mask: where there are any.
        """
        shift, scale, gate, shift_mlp, scale_mlp, gate_mlp = self.modulation(condition)[
            :, None
        ].chunk(6, dim=-1)
        seen = modulated(self.norm(tokens), shift, scale)
        made = within(self.attention, seen, turns, grid, self.span)
        tokens = torch.addcmul(tokens, gate, made)
        tokens = tokens + self.text_attention(self.text_norm(tokens), states, mask)
        made = self.perceptron(modulated(self.norm(tokens), shift_mlp, scale_mlp))
        return torch.addcmul(tokens, gate_mlp, made)


def modulated(
    normed: Float[Tensor, "b n d"], shift: Float[Tensor, "b 1 d"], scale: Float[Tensor, "b 1 d"]
) -> Float[Tensor, "b n d"]:
    """``(1 + scale) normed + shift``, a shift and scale for each sample."""
    return torch.addcmul(shift, normed, 1 + scale)


def zero_linear(inputs: int, outputs: int) -> nn.Linear:
    """A linear map whose weights and biases are zero."""
    linear = nn.Linear(inputs, outputs)
    nn.init.zeros_(linear.weight)
    nn.init.zeros_(linear.bias)
    return linear
