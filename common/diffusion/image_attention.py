"""Decoupled cross-attention: a U-Net that attends to a picture beside its text.

IP-Adapter (Ye et al. 2023, arXiv 2308.06721, equation 5): every cross-attention gets keys and
values of its own for image tokens, ``Z = softmax(Q K^T) V + s softmax(Q K_i^T) V_i`` with the same
queries. The second term goes through the same output projection, which is linear, so it is added
behind it: the U-Net's own attention stays as it is, whatever kernel it uses, and at scale 0 it is
untouched to the bit. Keys and values that are the text's own are heard as words are: then the two
terms share the attention, ``Z = (1 - p) softmax(Q K^T) V + p softmax(Q K_i^T) V_i``.
"""

from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from typing import Any

import torch
import torch.nn.functional as F
from jaxtyping import Float
from torch import Tensor, nn

from common.errors import InputError

_OF_CROSS_ATTENTION = "attn2.processor"


class ImageKeys(nn.Module):
    """Keys and values of one cross-attention."""

    def __init__(self, token_channels: int, channels: int):
        super().__init__()
        self.to_k = nn.Linear(token_channels, channels, bias=False)
        self.to_v = nn.Linear(token_channels, channels, bias=False)


class ImageAttention(nn.Module):
    """Keys and values for all cross-attentions of a U-Net, in diffusers' order.

    Args:
        unet: A ``UNet2DConditionModel``; only its shape is looked at.
        token_channels: Features of an image token.

    Raises:
        InputError: the U-Net has no cross-attention.
    """

    def __init__(self, unet: Any, token_channels: int):
        super().__init__()
        found = cross_attentions(unet)
        if not found:
            raise InputError("this U-Net has no cross-attention, so nothing can attend to pictures")
        self.layers = nn.ModuleList(
            ImageKeys(token_channels, int(attention.to_q.out_features)) for attention in found
        )

    @property
    def keys(self) -> list[ImageKeys]:
        """Of each cross-attention."""
        return [one for one in self.layers if isinstance(one, ImageKeys)]


@dataclass(frozen=True)
class ImageTokens:
    """What is attended to, and how strongly."""

    attention: ImageAttention
    tokens: Float[Tensor, "b t d"]
    """Of each sample's pictures."""
    scale: float
    """Weight of the second term; 0 leaves the U-Net alone."""
    share: Float[Tensor, " b"] | None = None
    """``p`` of each sample, where the terms share the attention; None adds the second."""


def cross_attentions(unet: Any) -> list[Any]:
    """The cross-attentions of a U-Net, numbered as IP-Adapter's files number them.

    That is diffusers' order of attention processors: down, up, middle.
    """
    names = [name for name in unet.attn_processors if name.endswith(_OF_CROSS_ATTENTION)]
    return [unet.get_submodule(name.removesuffix(".processor")) for name in names]


@contextmanager
def attending(unet: Any, images: Sequence[ImageTokens]) -> Iterator[None]:
    """The U-Net attends to image tokens, for as long as the context lasts.

    Not for two threads at once: the second terms are hooked into the U-Net.
    """
    acting = [one for one in images if one.scale != 0]
    with ExitStack() as stack:
        for index, attention in enumerate(cross_attentions(unet) if acting else []):
            places = [(one.attention.keys[index], one) for one in acting]

            def after(
                module: Any, given: Any, made: Tensor, places: Sequence[Any] = places
            ) -> Tensor:
                for keys, one in places:
                    second = attended(module, keys, given[0], one.tokens)
                    if one.share is None:
                        made = made + one.scale * second
                    else:
                        share = one.share.to(made)[:, None, None]
                        made = made + share * (second + module.to_out[0].bias - made)
                return made

            handle = attention.register_forward_hook(after)
            stack.callback(handle.remove)
        yield


def attended(
    attention: Any, keys: ImageKeys, features: Float[Tensor, "b n c"], tokens: Tensor
) -> Float[Tensor, "b n c"]:
    """``softmax(Q K_i^T) V_i`` behind the output projection, without its bias."""
    if len(tokens) != len(features):
        raise InputError(f"{len(features)} samples attend to image tokens of {len(tokens)}")
    query, key, value = (
        attention.head_to_batch_dim(one)
        for one in (attention.to_q(features), keys.to_k(tokens), keys.to_v(tokens))
    )
    probabilities = attention.get_attention_scores(query, key)
    gathered = attention.batch_to_head_dim(torch.bmm(probabilities, value))
    return F.linear(gathered, attention.to_out[0].weight)
