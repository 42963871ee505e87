"""Attention over the frames of a clip, or over the views of an object: one transformer.

The temporal transformer of AnimateDiff (Guo et al. 2023, arXiv 2307.04725): a group norm, a linear
projection, blocks of two self-attentions and a gated feed-forward, and a projection back whose
zero start makes the whole an identity. Weights have the names of diffusers' ``MotionAdapter``.

Beyond AnimateDiff, and off by default: a condition per frame (a prompt, a noise level, a camera)
that scales and shifts the normed input (FiLM, Perez et al. 2018, arXiv 1709.07871); attention to
every place of every frame instead of one place through time, as views need it (MVDream, Shi et al.
2023, arXiv 2308.16512); and places told apart.
"""

import math
from typing import Literal, assert_never

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.diffusion.gated_unit import gated

Span = Literal["place", "everywhere", "place_and_first"]
"""What a token attends to: its own place in all frames; every place in all frames; or its own place
in all frames, then every place of the first, from where details are fetched that have moved (as in
I2V-Adapter, Guo et al. 2023, arXiv 2312.16693), at a cost that grows with the frames only."""
NormOver = Literal["per_frame", "joint"]
"""Over what the group norm takes its statistics; the original has them per frame."""

_BY_HAND_UP_TO = 1024
"""Tokens up to which a CPU attends with plain matrix products where gradients are wanted: in
bfloat16 training the fused kernel takes longer than the rest of the network together. Without
gradients it takes half to a fifth of the time that they do."""


class FrameTransformerSizes(Config):
    """Sizes of a frame transformer; the defaults are AnimateDiff's."""

    num_heads: int = Field(8, ge=1, le=64)
    """Attention heads."""
    num_blocks: int = Field(1, ge=1, le=8)
    """Transformer blocks."""
    num_attentions: Literal[1, 2] = 2
    """Self-attentions in a block."""
    feedforward_factor: int = Field(4, ge=1, le=8)
    """Hidden features of the feed-forward, times the channels."""
    norm_groups: int = Field(32, ge=1, le=64)
    """Groups of the entry's norm."""
    norm_over: NormOver = "per_frame"
    """Statistics of the entry's norm."""
    ordered: bool = True
    """Whether frames have an order (a sinusoid is added); views have none."""
    told_places: bool = False
    """Whether a token is told where in the picture it is."""
    condition_channels: int = Field(0, ge=0, le=8192)
    """Features of the condition of each frame; 0 for none."""


class FrameTransformer(nn.Module):
    """A residual transformer over frames, an identity until it is trained.

    Args:
        channels: Features of the U-Net where it is put in.
        sizes: Everything else about its size.
        span: What a token attends to.
    """

    def __init__(self, channels: int, sizes: FrameTransformerSizes, span: Span = "place"):
        super().__init__()
        self.sizes, self.span = sizes, span
        self.norm = nn.GroupNorm(sizes.norm_groups, channels, eps=1e-6)
        self.proj_in = nn.Linear(channels, channels)
        self.transformer_blocks = nn.ModuleList(
            FrameBlock(channels, sizes) for _ in range(sizes.num_blocks)
        )
        self.proj_out = nn.Linear(channels, channels)
        nn.init.zeros_(self.proj_out.weight)
        nn.init.zeros_(self.proj_out.bias)
        self.modulation = _modulation(sizes.condition_channels, channels)

    def forward(
        self,
        features: Float[Tensor, "bf c h w"],
        frames: Float[Tensor, "b f"],
        condition: Float[Tensor, "bf k"] | None = None,
        scale: float | Float[Tensor, " bf"] = 1.0,
    ) -> Float[Tensor, "bf c h w"]:
        """``features + scale * transformer(features)``.

        Args:
            features: Of a picture network, the frames of a clip one after the other.
            frames: The time of each frame, counted in frames: 0, 1, 2, ... for a whole clip.
            condition: Of each frame, if ``condition_channels`` says so.
            scale: How strongly frames influence each other, one for all or one for each; 0 is the
                picture network.
        """
        height, width = features.shape[-2:]
        normed = self._modulated(self._normed(features, frames.shape[1]), condition)
        order = _ORDER[self.span]
        tokens = rearrange(normed, f"(b f) c h w -> {order}", f=frames.shape[1])
        tokens = self.proj_in(tokens.contiguous())
        positions = self._positions(frames, height, width, tokens)
        for block in self.transformer_blocks:
            tokens = block(tokens, positions, self.span)
        made = rearrange(self.proj_out(tokens), f"{order} -> (b f) c h w", h=height, w=width)
        if not isinstance(scale, Tensor) and scale == 1:
            return features + made
        if isinstance(scale, Tensor):
            scale = rearrange(scale.to(made), "bf -> bf 1 1 1")
        return features + scale * made

    def _normed(self, features: Tensor, num_frames: int) -> Tensor:
        if not features.requires_grad:
            # With channels last, torch's CPU backward crashes if the input needs no gradient.
            features = features.contiguous()
        if self.sizes.norm_over == "per_frame":
            return self.norm(features)
        clips = rearrange(features, "(b f) c h w -> b c f h w", f=num_frames)
        return rearrange(self.norm(clips), "b c f h w -> (b f) c h w")

    def _modulated(self, normed: Tensor, condition: Tensor | None) -> Tensor:
        if (self.modulation is None) != (condition is None):
            raise ValueError(
                f"condition_channels is {self.sizes.condition_channels}, and the condition is "
                f"{'missing' if condition is None else tuple(condition.shape)}"
            )
        if self.modulation is None:
            return normed
        stretch, shift = self.modulation(condition)[:, :, None, None].chunk(2, dim=1)
        return normed * (1 + stretch) + shift

    def _positions(self, frames: Tensor, height: int, width: int, tokens: Tensor) -> Tensor | None:
        """What is added to the tokens before each attention, in their order, or nothing."""
        channels, found = tokens.shape[-1], None
        if self.sizes.ordered:
            found = sinusoid(frames, channels)[:, :, None, None]
        if self.sizes.told_places:
            down = (torch.arange(height, device=tokens.device) + 0.5) / height
            right = (torch.arange(width, device=tokens.device) + 0.5) / width
            rows = place_features(down, channels // 2)[:, None].expand(-1, width, -1)
            columns = place_features(right, channels - channels // 2)[None].expand(height, -1, -1)
            places = torch.cat([rows, columns], -1)[None, None]
            found = places if found is None else found + places
        if found is None:
            return None
        whole = found.to(tokens.dtype).expand(*frames.shape, height, width, channels)
        return rearrange(whole, f"b f h w c -> {_ORDER[self.span]}")


class FrameBlock(nn.Module):
    """One or two self-attentions and a gated feed-forward, each residual behind a layer norm."""

    def __init__(self, channels: int, sizes: FrameTransformerSizes):
        super().__init__()
        self.norm1 = nn.LayerNorm(channels)
        self.attn1 = SelfAttention(channels, sizes.num_heads)
        self.norm2: nn.Module | None = None
        self.attn2: nn.Module | None = None
        if sizes.num_attentions == 2:
            self.norm2 = nn.LayerNorm(channels)
            self.attn2 = SelfAttention(channels, sizes.num_heads)
        self.norm3 = nn.LayerNorm(channels)
        self.ff = GatedFeedForward(channels, sizes.feedforward_factor)

    def forward(
        self,
        tokens: Float[Tensor, "b n m c"],
        positions: Float[Tensor, "b n m c"] | None,
        span: Span,
    ) -> Float[Tensor, "b n m c"]:
        """The tokens after the block, in the span's order.

        Positions are added to what each attention sees.
        """
        own, last = _SCOPES[span]
        for norm, attention, scope in (
            (self.norm1, self.attn1, own), (self.norm2, self.attn2, last),
        ):  # fmt: skip
            if norm is not None and attention is not None:
                seen = norm(tokens)
                seen = seen if positions is None else seen + positions.to(seen.dtype)
                tokens = tokens + _attended(attention, seen, scope)
        return tokens + self.ff(self.norm3(tokens))


_Scope = Literal["row", "place", "everywhere", "first"]
_SCOPES: dict[Span, tuple[_Scope, _Scope]] = {
    "place": ("row", "row"),
    "everywhere": ("everywhere", "everywhere"),
    "place_and_first": ("place", "first"),
}
"""Of the two attentions of a block."""
_ORDER: dict[Span, str] = {
    "place": "b (h w) f c",
    "everywhere": "b f (h w) c",
    "place_and_first": "b f (h w) c",
}
"""Of tokens: those that see each other follow each other, so that nothing is laid out anew."""


def _attended(
    attention: nn.Module, tokens: Float[Tensor, "b n m c"], scope: _Scope
) -> Float[Tensor, "b n m c"]:
    frames = tokens.shape[1]
    match scope:
        case "row":
            rows = rearrange(tokens, "b l f c -> (b l) f c")
            return rearrange(attention(rows), "(b l) f c -> b l f c", b=len(tokens))
        case "place":
            # Linear maps of rows that do not follow each other are a product for each, and slow.
            rows = rearrange(tokens, "b f l c -> (b l) f c").contiguous()
            return rearrange(attention(rows), "(b l) f c -> b f l c", l=tokens.shape[2])
        case "everywhere":
            rows = rearrange(tokens, "b f l c -> b (f l) c")
            return rearrange(attention(rows), "b (f l) c -> b f l c", f=frames)
        case "first":
            rows = rearrange(tokens, "b f l c -> b (f l) c")
            return rearrange(attention(rows, tokens[:, 0]), "b (f l) c -> b f l c", f=frames)
        case _:
            assert_never(scope)


class SelfAttention(nn.Module):
    """Multi-head self-attention without biases on the way in (Vaswani et al. 2017)."""

    def __init__(self, channels: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.to_q = nn.Linear(channels, channels, bias=False)
        self.to_k = nn.Linear(channels, channels, bias=False)
        self.to_v = nn.Linear(channels, channels, bias=False)
        self.to_out = nn.ModuleList([nn.Linear(channels, channels)])

    def forward(
        self, tokens: Float[Tensor, "n l c"], context: Float[Tensor, "n m c"] | None = None
    ) -> Float[Tensor, "n l c"]:
        """Every token from all tokens of its sequence, or of ``context``."""
        seen = tokens if context is None else context
        made = attend(
            *(
                rearrange(project(rows), "n l (k d) -> n k l d", k=self.num_heads)
                for project, rows in (
                    (self.to_q, tokens), (self.to_k, seen), (self.to_v, seen),
                )
            )
        )  # fmt: skip
        return self.to_out[0](rearrange(made, "n k l d -> n l (k d)"))


class GatedFeedForward(nn.Module):
    """``W2 (a * gelu(b))`` with ``a, b = W1 x`` (GEGLU, Shazeer 2020, arXiv 2002.05202)."""

    def __init__(self, channels: int, factor: int):
        super().__init__()
        hidden = factor * channels
        self.net = nn.ModuleList(
            [_Gate(channels, hidden), nn.Identity(), nn.Linear(hidden, channels)]
        )

    def forward(self, tokens: Float[Tensor, "*n c"]) -> Float[Tensor, "*n c"]:
        """The same shape."""
        return self.net[2](self.net[0](tokens))


class _Gate(nn.Module):
    def __init__(self, channels: int, hidden: int):
        super().__init__()
        self.proj = nn.Linear(channels, 2 * hidden)

    def forward(self, tokens: Tensor) -> Tensor:
        return gated(self.proj, tokens)


def attend(
    queries: Float[Tensor, "n k l d"],
    keys: Float[Tensor, "n k m d"],
    values: Float[Tensor, "n k m d"],
) -> Float[Tensor, "n k l d"]:
    """``softmax(Q K^T / sqrt(d)) V``."""
    on_cpu = queries.device.type == "cpu"
    if on_cpu and queries.requires_grad and keys.shape[2] <= _BY_HAND_UP_TO:
        scores = queries @ keys.transpose(-1, -2) * queries.shape[-1] ** -0.5
        return scores.softmax(-1).to(values.dtype) @ values
    return F.scaled_dot_product_attention(queries, keys, values)


def sinusoid(frames: Float[Tensor, "*n"], channels: int) -> Float[Tensor, "*n c"]:
    """Sines and cosines of each frame's time, interleaved, wavelengths 2 pi to 20,000 pi frames."""
    exponents = torch.arange(0, channels, 2, device=frames.device) / channels
    angles = frames[..., None] * torch.exp(-math.log(10_000.0) * exponents)
    pairs = torch.stack([angles.sin(), angles.cos()], -1)
    return rearrange(pairs, "... c two -> ... (c two)")[..., :channels]


def place_features(places: Float[Tensor, " n"], channels: int) -> Float[Tensor, "n c"]:
    """Sines and cosines of places in [0, 1], with half a wave to 8 waves from end to end."""
    count = (channels + 1) // 2
    waves = torch.logspace(-1, 3, count, base=2.0, device=places.device)
    angles = 2 * math.pi * places[:, None] * waves
    return torch.cat([angles.sin(), angles.cos()], -1)[:, :channels]


def _modulation(condition_channels: int, channels: int) -> nn.Linear | None:
    """The map from a condition to stretch and shift, zero at first."""
    if not condition_channels:
        return None
    found = nn.Linear(condition_channels, 2 * channels)
    nn.init.zeros_(found.weight)
    nn.init.zeros_(found.bias)
    return found
