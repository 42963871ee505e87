"""Image prompts of the embedded prior: pictures that say what is to be drawn, beside the text.

An IP-Adapter (Ye et al. 2023, arXiv 2308.06721) with a small picture encoder of its own. What that
makes of a picture becomes tokens, to which every cross-attention attends with keys and values of
its own. As the U-Net hears its prompt twice, so it does the picture: a pooled state, of the kind
that the text encoder makes of a prompt, stands in the place of that of the text, or beside it. The
judge, which scores the result, has no part in it.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Any

import torch
import torch.nn.functional as F
from einops import rearrange, repeat
from jaxtyping import Bool, Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.diffusion.image_attention import ImageAttention, ImageTokens
from common.embedded.picture_encoder import PictureEncoder
from common.shapes import Images

_WITH_TEXT = 0.5
"""The picture's share of pooled state and attention where a text says something too."""


class ImagePromptArchitecture(Config):
    """Sizes of what is read off a picture; the others follow from the U-Net."""

    latent_channels: int = Field(8, ge=1, le=64)
    """Channels of the latent."""
    text_channels: int = Field(256, ge=8, le=4096)
    """Features of a token and of the pooled state, as those of the text encoder."""
    num_words: int = Field(4, ge=1, le=64)
    """Tokens that stand for a picture."""
    widths: tuple[int, ...] = Field((64, 96, 160), min_length=1, max_length=4)
    """Channels of the picture encoder's levels, multiples of 8."""
    num_blocks: int = Field(2, ge=1, le=16)
    """Residual blocks of a level."""
    hidden_channels: int = Field(384, ge=8, le=4096)
    """Features from which tokens and pooled state are made."""


@dataclass(frozen=True)
class PictureStates:
    """What is said of pictures."""

    tokens: Float[Tensor, "b t d"]
    """What the token states of words for it would be."""
    pooled: Float[Tensor, "b d"]
    """Of unit mean square, like the pooled text."""


@dataclass(frozen=True)
class Seen:
    """What a U-Net is told of pictures beside its prompt."""

    images: ImageTokens
    vector: Float[Tensor, "b k"]
    """In the place of the pooled text and view features."""


class ImagePrompt(nn.Module):
    """What is read off pictures, and the keys and values by which a U-Net attends to it.

    Args:
        architecture: Sizes.
        unet: The U-Net that it is for; only its shape is looked at.
    """

    word_mean: Tensor
    word_std: Tensor

    def __init__(self, architecture: ImagePromptArchitecture, unet: Any):
        super().__init__()
        sizes = architecture
        self.architecture = sizes
        words = (sizes.num_words, sizes.text_channels)
        self.encoder = PictureEncoder(sizes.latent_channels, sizes.widths, sizes.num_blocks)
        self.to_hidden = nn.Linear(self.encoder.num_features, sizes.hidden_channels)
        self.to_words = nn.Linear(sizes.hidden_channels, words[0] * words[1])
        self.to_pooled = nn.Linear(sizes.hidden_channels, sizes.text_channels)
        self.attention = ImageAttention(unet, sizes.text_channels)
        self.register_buffer("word_mean", torch.zeros(words))
        self.register_buffer("word_std", torch.ones(words))

    def forward(self, latents: Images) -> PictureStates:
        """Tokens and pooled state of pictures, given as latents ``b z 16 16``.

        Raises:
            InputError: latents of another size.
        """
        hidden = F.silu(self.to_hidden(self.encoder(latents)))
        words = self.to_words(hidden).float()
        tokens = rearrange(words, "b (w d) -> b w d", w=self.architecture.num_words)
        pooled = unit_mean_square(self.to_pooled(hidden))
        return PictureStates(tokens * self.word_std + self.word_mean, pooled)


def unit_mean_square(vectors: Float[Tensor, "b d"]) -> Float[Tensor, "b d"]:
    """Vectors whose components are of unit size."""
    return F.normalize(vectors.float(), dim=1) * vectors.shape[1] ** 0.5


@dataclass(frozen=True, eq=False)
class ShownPictures:
    """The pictures of a run, encoded: every sample is told of all of them."""

    prompt: ImagePrompt
    states: PictureStates
    """Of one picture after the other."""
    scale: float

    def seen(self, prompts: Sequence[str], vector: Float[Tensor, "b k"]) -> Seen:
        """What the U-Net is told of each sample, beside its prompt."""
        tokens = rearrange(self.states.tokens, "p t d -> (p t) d")
        pooled = unit_mean_square(self.states.pooled.mean(0, keepdim=True))
        count = len(prompts)
        every = PictureStates(
            repeat(tokens, "t d -> b t d", b=count), repeat(pooled, "1 d -> b d", b=count)
        )
        says = torch.tensor([bool(one.strip()) for one in prompts], device=vector.device)
        return seen(self.prompt, every, self.scale, vector, says)


def seen(
    prompt: ImagePrompt,
    states: PictureStates,
    scale: float,
    vector: Float[Tensor, "b k"],
    says: Bool[Tensor, " b"],
) -> Seen:
    """What a U-Net is told of one picture, or several, of each sample.

    The pooled state turns from the text's to the picture's, wholly at scale 1 where there is no
    text, and half of the way where there is one; attention to the picture takes the place of
    attention to the text by the same share.

    Args:
        prompt: What reads them, and its keys and values.
        states: Of each sample's pictures.
        scale: Strength of the pictures; 0 leaves everything as it is.
        vector: Pooled text and view features.
        says: Whose text says something.
    """
    if scale == 0:
        return Seen(ImageTokens(prompt.attention, states.tokens, 0.0), vector)
    width = states.pooled.shape[1]
    share = min(scale, 1.0) * torch.where(says, _WITH_TEXT, 1.0).to(vector)
    text = vector[:, :width]
    mixed = unit_mean_square(text + share[:, None] * (states.pooled.to(vector) - text))
    told = torch.cat([mixed, vector[:, width:]], 1)
    return Seen(ImageTokens(prompt.attention, states.tokens, scale, share), told)


def seen_by_frames(
    one: Seen | None, num_frames: int, features: Float[Tensor, "bf v"]
) -> Seen | None:
    """The same for each frame of each sample, with view features of its own."""
    if one is None:
        return None
    tokens = repeat(one.images.tokens, "b ... -> (b f) ...", f=num_frames)
    share = one.images.share
    if share is not None:
        share = repeat(share, "b -> (b f)", f=num_frames)
    vector = repeat(one.vector, "b k -> (b f) k", f=num_frames)
    vector = torch.cat([vector[:, : -features.shape[1]], features], 1)
    return Seen(replace(one.images, tokens=tokens, share=share), vector)
