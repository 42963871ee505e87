"""Token merging in a U-Net's self-attention.

ToMe for SD (Bolya and Hoffman 2023, arXiv 2303.17604). Before self-attention, the tokens of every 2
x 2 cells are one that stays, the first, and three that may go. Of those, the ones most like a
staying one (by cosine; ``ratio`` of all tokens) are averaged into it; after self-attention each
takes the result of the one it went into. Attention's cost falls with the square of what is left.
Which cell stays is fixed, where the paper draws it at random, so that a picture follows from its
seed alone.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import torch
from jaxtyping import Float, Int64
from torch import Tensor

from common.errors import InputError

_OF_SELF_ATTENTION = "attn1"
_STRIDE = 2
MAX_RATIO = 0.75
"""Three of four tokens may go."""


@dataclass(frozen=True, eq=False)
class Merge:
    """Which tokens go, and into which; the staying ones come first in what is left."""

    order: Int64[Tensor, " n"]
    """Of all tokens: those that may go, then those that stay."""
    gone: Int64[Tensor, "b r"]
    """Among those that may go."""
    left: Int64[Tensor, "b m"]
    """The others of those."""
    into: Int64[Tensor, "b r"]
    """Among those that stay."""

    def merged(self, tokens: Float[Tensor, "b n c"]) -> Float[Tensor, "b k c"]:
        """What is left: tokens that were not merged, then the staying ones with their averages."""
        some, staying = self._apart(tokens)
        gone = some.gather(1, _over(self.gone, some))
        staying = staying.scatter_reduce(
            1, _over(self.into, staying), gone, "mean", include_self=True
        )
        return torch.cat([some.gather(1, _over(self.left, some)), staying], 1)

    def unmerged(self, tokens: Float[Tensor, "b k c"]) -> Float[Tensor, "b n c"]:
        """Every token again, merged ones as what they went into."""
        num_left = self.left.shape[1]
        left, staying = tokens[:, :num_left], tokens[:, num_left:]
        gone = staying.gather(1, _over(self.into, staying))
        count = num_left + self.gone.shape[1]
        some = tokens.new_empty(len(tokens), count, tokens.shape[2])
        some = some.scatter(1, _over(self.left, tokens), left)
        some = some.scatter(1, _over(self.gone, tokens), gone)
        made = tokens.new_empty(len(tokens), count + staying.shape[1], tokens.shape[2])
        made[:, self.order] = torch.cat([some, staying], 1)
        return made

    def _apart(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        count = self.gone.shape[1] + self.left.shape[1]
        ordered = tokens[:, self.order]
        return ordered[:, :count], ordered[:, count:]


def merge_of(tokens: Float[Tensor, "b n c"], size: tuple[int, int], ratio: float) -> Merge:
    """Which of ``h x w`` tokens to merge: the most similar, ``ratio`` of all (rounded down)."""
    height, width = size
    places = torch.arange(height * width, device=tokens.device).view(height, width)
    stays = torch.zeros(height, width, dtype=torch.bool, device=tokens.device)
    stays[::_STRIDE, ::_STRIDE] = True
    order = torch.cat([places[~stays], places[stays]])
    num_some = int((~stays).sum())
    number = min(int(ratio * len(order)), num_some)
    unit = torch.nn.functional.normalize(tokens[:, order].float(), dim=-1)
    likeness, nearest = (unit[:, :num_some] @ unit[:, num_some:].transpose(1, 2)).max(-1)
    ranked = likeness.argsort(dim=-1, descending=True, stable=True)
    gone, left = ranked[:, :number], ranked[:, number:].sort(-1).values
    return Merge(order, gone, left, nearest.gather(1, gone))


def merge_tokens(unet: Any, ratio: float, latent_size: tuple[int, int]) -> None:
    """Let the self-attention of a U-Net's full-size level see merged tokens; it is changed.

    Args:
        unet: a ``UNet2DConditionModel`` of diffusers.
        ratio: of the tokens that go, up to `MAX_RATIO`.
        latent_size: height and width of the latents it will be given; of others, none are merged.

    Raises:
        InputError: it has no self-attention at the latents' own size.
    """
    for layer in merged_layers(unet):
        layer.forward = _on_merged(layer.forward, latent_size, ratio)


def merged_layers(unet: Any) -> list[Any]:
    """The self-attention layers whose tokens are merged.

    Raises:
        InputError: there is none at the latents' own size.
    """
    found = [
        layer for name, layer in unet.named_modules()
        if name.endswith(_OF_SELF_ATTENTION) and _level(unet, name) == 0
    ]  # fmt: skip
    if not found:
        raise InputError(
            "compute.token_merging has nothing to do: this U-Net has no self-attention at its "
            "latents' own size; leave it out"
        )
    return found


def _level(unet: Any, name: str) -> int | None:
    """How often the features at an attention layer were halved; None in the middle."""
    side, *rest = name.split(".")
    if side == "down_blocks":
        return int(rest[0])
    if side == "up_blocks":
        return len(unet.up_blocks) - 1 - int(rest[0])
    return None


def _on_merged(
    whole: Callable[..., Tensor], size: tuple[int, int], ratio: float
) -> Callable[..., Tensor]:
    def forward(hidden_states: Tensor, *given: Any, **named: Any) -> Tensor:
        if hidden_states.shape[1] != size[0] * size[1]:
            return whole(hidden_states, *given, **named)
        merge = merge_of(hidden_states, size, ratio)
        return merge.unmerged(whole(merge.merged(hidden_states), *given, **named))

    return forward


def _over(index: Int64[Tensor, "b n"], like: Tensor) -> Int64[Tensor, "b n c"]:
    return index[..., None].expand(-1, -1, like.shape[2])
