"""The embedded text encoder: a small bidirectional transformer over English and Chinese tokens.

Pre-norm blocks (Xiong et al. 2020) over token embeddings that are narrower than the blocks (Lan et
al. 2020, "ALBERT"), because the vocabulary would otherwise take most of the weights. It gives a
state for each token, for cross-attention, and one pooled state for the whole text.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Bool, Float, Int64
from pydantic import Field, model_validator
from torch import Tensor, nn

from common.adapters.learnt_words import NO_WORDS, LearntWords
from common.config import Config
from common.embedded.tokenizer import MAX_TOKENS, Tokenizer


class TextEncoderArchitecture(Config):
    """Sizes of the text encoder."""

    num_tokens: int = Field(ge=259, le=1_000_000)
    """Entries of the vocabulary."""
    embedding_channels: int = Field(96, ge=8, le=1024)
    """Features of a token before the first block."""
    channels: int = Field(256, ge=8, le=2048)
    """Features of a token state and of the pooled state."""
    num_layers: int = Field(3, ge=1, le=24)
    """Transformer blocks."""
    num_heads: int = Field(4, ge=1, le=64)
    """Attention heads."""

    @model_validator(mode="after")
    def _heads_divide(self) -> "TextEncoderArchitecture":
        if self.channels % self.num_heads:
            raise ValueError(
                f"channels {self.channels} do not divide by num_heads {self.num_heads}"
            )
        return self


class EncodedText(NamedTuple):
    """What the encoder makes of a batch of texts."""

    states: Float[Tensor, "b l d"]
    """One state a token; zero where there is none."""
    mask: Bool[Tensor, "b l"]
    """Where there are tokens."""
    pooled: Float[Tensor, "b d"]
    """One state a text."""


class TextEncoder(nn.Module):
    """Token numbers to token states and a pooled state."""

    def __init__(self, architecture: TextEncoderArchitecture):
        super().__init__()
        sizes = architecture
        self.architecture = sizes
        self.embedding = nn.Embedding(sizes.num_tokens, sizes.embedding_channels)
        nn.init.normal_(self.embedding.weight, std=0.5)
        self.widen = nn.Linear(sizes.embedding_channels, sizes.channels, bias=False)
        self.positions = nn.Parameter(0.1 * torch.randn(MAX_TOKENS, sizes.channels))
        self.blocks = nn.ModuleList(
            TextBlock(sizes.channels, sizes.num_heads) for _ in range(sizes.num_layers)
        )
        self.norm = nn.LayerNorm(sizes.channels)
        self.pool = nn.Linear(sizes.channels, sizes.channels)

    def forward(self, tokens: Int64[Tensor, "b l"], mask: Bool[Tensor, "b l"]) -> EncodedText:
        """Encode token numbers; ``mask`` says which are tokens and not padding."""
        features = self.widen(self.embedding(tokens)) + self.positions[: tokens.shape[1]]
        for block in self.blocks:
            features = block(features, mask)
        states = self.norm(features) * mask[..., None]
        mean = states.sum(1) / mask.sum(1, keepdim=True)
        return EncodedText(states, mask, self.pool(mean))


class TextBlock(nn.Module):
    """Self-attention among the tokens of a text, then a perceptron on each."""

    def __init__(self, channels: int, num_heads: int):
        super().__init__()
        self.num_heads = num_heads
        self.attention_norm = nn.LayerNorm(channels)
        self.to_qkv = nn.Linear(channels, 3 * channels)
        self.to_out = nn.Linear(channels, channels)
        self.perceptron_norm = nn.LayerNorm(channels)
        self.perceptron = nn.Sequential(
            nn.Linear(channels, 4 * channels), nn.GELU(), nn.Linear(4 * channels, channels)
        )

    def forward(self, features: Tensor, mask: Tensor) -> Tensor:
        """Features ``(b, l, d)`` to the same shape; padding is not attended to."""
        qkv = self.to_qkv(self.attention_norm(features))
        query, key, value = rearrange(
            qkv, "b l (three heads d) -> three b heads l d", three=3, heads=self.num_heads
        )
        attended = F.scaled_dot_product_attention(
            query, key, value, attn_mask=mask[:, None, None, :]
        )
        features = features + self.to_out(rearrange(attended, "b heads l d -> b l (heads d)"))
        return features + self.perceptron(self.perceptron_norm(features))


def token_batch(
    tokenizer: Tokenizer,
    texts: Sequence[str],
    device: str | torch.device = "cpu",
    words: LearntWords = NO_WORDS,
) -> tuple[Int64[Tensor, "b l"], Bool[Tensor, "b l"]]:
    """Numbers and mask of texts, padded to the longest; what exceeds ``MAX_TOKENS`` is not read.

    ``num_unread`` says beforehand how much that is, so that a caller can tell the user.
    """
    rows = [_encoded(tokenizer, text, words)[:MAX_TOKENS] for text in texts]
    length = max(len(row) for row in rows)
    tokens = torch.zeros(len(rows), length, dtype=torch.int64)
    for index, row in enumerate(rows):
        tokens[index, : len(row)] = torch.tensor(row)
    tokens = tokens.to(device)
    return tokens, tokens != 0


def num_unread(tokenizer: Tokenizer, text: str, words: LearntWords = NO_WORDS) -> int:
    """How many tokens at the end of a text the encoder does not read."""
    return max(len(_encoded(tokenizer, text, words)) - MAX_TOKENS, 0)


def _encoded(tokenizer: Tokenizer, text: str, words: LearntWords) -> list[int]:
    """Start, and the tokens of the text's stretches and learnt words."""
    start, *found = tokenizer.encode("")
    for part in words.parts(text):
        found += tokenizer.encode(part)[1:] if isinstance(part, str) else part
    return [start, *found]
