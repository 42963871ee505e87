"""What ControlNets add to the features of a U-Net, in diffusers' layout (2302.05543)."""

from typing import NamedTuple

from einops import rearrange
from jaxtyping import Float
from torch import Tensor


class Features(NamedTuple):
    """What is added to the U-Net's features."""

    down: tuple[Tensor, ...] | None
    """To the skip connections, the finest first: ``down_block_additional_residuals``."""
    middle: Tensor | None
    """``mid_block_additional_residual``."""


NO_FEATURES = Features(None, None)


def with_more(total: Features, more: Features, shares: Float[Tensor, " b"]) -> Features:
    """The sum so far and another ControlNet's features, each sample's times its share."""
    if more.down is None or more.middle is None:
        return total
    share = rearrange(shares, "b -> b 1 1 1")
    down, middle = tuple(share * one for one in more.down), share * more.middle
    if total.down is not None and total.middle is not None:
        down = tuple(a + b for a, b in zip(total.down, down, strict=True))
        middle = total.middle + middle
    return Features(down, middle)
