"""A residual block over time and space that looks back, never ahead."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from einops import rearrange
from torch import nn

from video.causal_autoencoder.groups import Before, Groups, MadeGroups


class Seen(NamedTuple):
    """What a block made, and what it must remember of it."""

    features: Groups
    past: Before
    """The last ``reach - 1`` groups that went into its causal convolution."""


class CausalBlock(nn.Module):
    """``x + conv(silu(causal(silu(x))))``; the identity until it is trained.

    ``causal`` is a 3-D convolution of ``reach x 3 x 3`` with all padding in time before the first
    group, which is repeated there, so that a clip is what it would be after a still. The second one
    is of ``1 x 3 x 3``. Features are channels last, and groups that are convolved together are laid
    side by side in the channels, which makes both 2-D convolutions: CPUs are fastest at these.
    """

    def __init__(self, channels: int, reach: int):
        super().__init__()
        self.reach = reach
        self.causal = nn.Conv2d(reach * channels, channels, 3, padding=1)
        self.second = zero_conv(channels, channels, kernel=3)

    def forward(self, features: Groups, past: Before | None) -> Seen:
        """The features of groups that follow ``past``; None: they are the first."""
        active = F.silu(features)
        if past is None:
            past = active[:, :1].expand(-1, self.reach - 1, -1, -1, -1)
        whole, count = torch.cat([past, active], 1), active.shape[1]
        near = torch.cat([whole[:, at : at + count] for at in range(self.reach)], -1)
        made = convolved(F.silu(convolved(near, self.causal)), self.second)
        return Seen(features + made, whole[:, count:])


def convolved(features: Groups, conv: nn.Conv2d) -> MadeGroups:
    """Every group by itself through a 2-D convolution."""
    flat = rearrange(features, "b g y x c -> (b g) c y x")
    return rearrange(conv(flat), "(b g) c y x -> b g y x c", b=len(features))


def zero_conv(inputs: int, outputs: int, kernel: int) -> nn.Conv2d:
    """A convolution whose weights and biases are zero."""
    conv = nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2)
    nn.init.zeros_(conv.weight)
    assert conv.bias is not None
    nn.init.zeros_(conv.bias)
    return conv
