"""Low-rank changes of a network's layers, as weights that can be learnt.

Hu et al. 2021 (arXiv 2106.09685): a layer with weight ``W`` gives ``W h + (alpha / rank) B A h``.
A convolution's ``A`` has the layer's kernel and ``rank`` outputs, ``B`` a kernel of one pixel, as
in kohya's and PEFT's layouts. The network is not changed and not held: for the length of a context,
hooks add the second term. ``B`` starts at 0, so the first call gives what the network alone gives.
"""

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Literal, assert_never

import torch
import torch.nn.functional as F
from jaxtyping import Float
from pydantic import Field
from torch import Tensor, nn

from common.config import Config
from common.errors import InputError

Target = Literal["attention", "feed_forward", "convolutions", "embeddings"]
"""Kinds of layers of a U-Net of diffusers that may be changed."""

_ENDS: Mapping[Target, tuple[str, ...]] = {
    "attention": ("to_q", "to_k", "to_v", "to_out.0"),
    "feed_forward": ("ff.net.0.proj", "ff.net.2", "proj_in", "proj_out"),
    "convolutions": (
        "conv1", "conv2", "conv_shortcut", "conv_in", "conv_out", "samplers.0.conv",
    ),
    "embeddings": ("embedding.linear_1", "embedding.linear_2", "time_emb_proj"),
}  # fmt: skip


class LowRankConfig(Config):
    """Low-rank changes of the U-Net (LoRA)."""

    name: Literal["low_rank"] = "low_rank"
    rank: int = Field(8, ge=1, le=1024)
    """Rows of A and columns of B: how much can be learnt, and the size of the file."""
    alpha: float | None = Field(None, gt=0, le=10_000)
    """The change is (alpha / rank) B A; null is the rank, so that the factor is 1."""
    targets: tuple[Target, ...] = Field(("attention",), min_length=1)
    """Which layers: attention's projections, the perceptrons and projections beside it,
    convolutions, or what noise level and pooled text go through (embeddings)."""
    blocks: tuple[str, ...] = ()
    """Parts of the U-Net that may be changed, by the beginnings of their names, such as
    ``up_blocks.2``; empty for all. Colours are drawn by the outer blocks, and what things are by
    the inner ones, which a style can leave alone."""

    @property
    def scale(self) -> float:
        """``alpha / rank``."""
        return (self.rank if self.alpha is None else self.alpha) / self.rank


class LowRank(nn.Module):
    """The matrices of every changed layer.

    Args:
        network: that is to be changed; only its layers' names and shapes are looked at.
        sizes: rank, alpha and targets.
        generator: draws ``A``, normal.
        spread: deviation of ``A``: one over the root of the layer's inputs, so that ``A h`` is as
            large as ``h`` in every layer, or ``1 / rank``.

    Raises:
        InputError: the network has no such layers.
    """

    def __init__(
        self,
        network: nn.Module,
        sizes: LowRankConfig,
        generator: torch.Generator,
        spread: Literal["inputs", "rank"] = "inputs",
    ):
        super().__init__()
        found = target_layers(network, sizes.targets, sizes.blocks)
        self.sizes = sizes
        self.layers = tuple(found)
        downs, ups = [], []
        for layer in found.values():
            weight, rank = layer.weight, sizes.rank
            down = torch.randn(rank, *weight.shape[1:], generator=generator)
            down = down / (rank if spread == "rank" else math.sqrt(down[0].numel()))
            up = torch.zeros(weight.shape[0], rank, *[1] * (weight.ndim - 2))
            place = "cpu" if weight.device.type == "meta" else weight.device
            downs.append(nn.Parameter(down.to(place)))
            ups.append(nn.Parameter(up.to(place)))
        self.downs, self.ups = nn.ParameterList(downs), nn.ParameterList(ups)

    @property
    def matrices(self) -> dict[str, tuple[Float[Tensor, "r ..."], Float[Tensor, "o ..."]]]:
        """``A`` and ``B`` of each layer by its name, alive."""
        return dict(zip(self.layers, zip(self.downs, self.ups, strict=True), strict=True))

    @contextmanager
    def applied(self, network: nn.Module) -> Iterator[None]:
        """A network of the same layers with its change, for as long as the context lasts.

        Not for two threads at once, as hooks are the network's.
        """
        hooks = []
        for name, (down, up) in self.matrices.items():
            layer = network.get_submodule(name)

            def after(
                module: Any, given: Any, made: Tensor, down: Tensor = down, up: Tensor = up
            ) -> Tensor:
                return made + (self.sizes.scale * _through(module, given[0], down, up)).to(made)

            hooks.append(layer.register_forward_hook(after))
        try:
            yield
        finally:
            for hook in hooks:
                hook.remove()


def target_layers(
    network: nn.Module, targets: Sequence[Target], blocks: Sequence[str] = ()
) -> dict[str, Any]:
    """The layers of some kinds in some blocks by their names, in the network's order.

    Raises:
        InputError: there are none of a kind, or none of these in a block.
    """
    for target in targets:
        if not _layers(network, _ENDS[target]):
            raise InputError(_nothing(target))
    found = _layers(network, tuple(end for target in targets for end in _ENDS[target]))
    for block in blocks:
        if not any(_is_in(name, block) for name in found):
            raise InputError(
                f"the network has no {', '.join(targets)} in {block!r}; blocks are "
                f"{', '.join(_blocks_of(found))}"
            )
    if not blocks:
        return found
    return {name: one for name, one in found.items() if any(_is_in(name, b) for b in blocks)}


def _is_in(name: str, block: str) -> bool:
    return name == block or name.startswith(f"{block}.")


def _blocks_of(names: Iterable[str]) -> list[str]:
    """The outermost names that layers have, with the number where they are in lists."""
    parts = (name.split(".") for name in names)
    return list(
        dict.fromkeys(".".join(p[:2]) if p[1:2] and p[1].isdigit() else p[0] for p in parts)
    )


def _nothing(target: Target) -> str:
    match target:
        case "attention":
            what = "attention projections"
        case "feed_forward":
            what = "perceptrons or projections beside attention"
        case "convolutions":
            what = "convolutions"
        case "embeddings":
            what = "layers of the time embedding"
        case _:
            assert_never(target)
    return f"the network has no {what} that a LoRA could change"


def _layers(network: nn.Module, ends: tuple[str, ...]) -> dict[str, Any]:
    return {
        name: layer
        for name, layer in network.named_modules()
        if isinstance(layer, nn.Linear | nn.Conv2d) and name.endswith(ends)
    }


def _through(layer: Any, given: Tensor, down: Tensor, up: Tensor) -> Tensor:
    """``B A h`` of a linear layer, or of a convolution with its stride and padding."""
    given = given.to(down)
    if isinstance(layer, nn.Conv2d):
        inner = F.conv2d(given, down, None, layer.stride, layer.padding, layer.dilation)
        return F.conv2d(inner, up)
    return (given @ down.T) @ up.T
