"""Few-step pictures: a small change of the image U-Net that leads to the end in 1, 2, 4 or 8 steps.

Distilled from the guided U-Net, so that guidance is folded in and one evaluation a step is enough.
The change is low-rank and merged into the weights; how many steps will be taken is told to the
U-Net as a learnt direction beside the pooled text, as it decides where a prediction has to lead:
to where the exact solution is when the step is over.
"""

from collections.abc import Mapping
from itertools import pairwise

import torch
from jaxtyping import Float, Int64
from pydantic import Field, model_validator
from torch import Tensor, nn

from common.adapters.low_rank_weights import LowRankChanges
from common.config import Config
from common.embedded.image_unet import NUM_VIEW_FEATURES


class FewStepArchitecture(Config):
    """Sizes of the change, and what is folded in."""

    rank: int = Field(12, ge=1, le=256)
    """Of the change of each layer."""
    num_steps: tuple[int, ...] = Field((1, 2, 4, 8), min_length=1, max_length=8)
    """Numbers of steps that it can be told; each divides the next and the training table."""
    guidance_scale: float = Field(4.0, gt=1, le=100)
    """Of classifier-free guidance, which is folded in."""

    @model_validator(mode="after")
    def _steps_divide(self) -> "FewStepArchitecture":
        counts = self.num_steps
        fine = counts[0] >= 1 and all(b > a and b % a == 0 for a, b in pairwise(counts))
        if not fine or 1000 % counts[-1]:
            raise ValueError(
                f"num_steps {counts} must rise, each a divisor of the next and of 1000"
            )
        return self


class FewStep(nn.Module):
    """Low-rank changes, and one direction for each number of steps."""

    def __init__(self, sizes: FewStepArchitecture, unet: nn.Module, text_channels: int):
        super().__init__()
        self.sizes = sizes
        self.changes = LowRankChanges(unet, sizes.rank)
        width = text_channels + NUM_VIEW_FEATURES
        self.told = nn.Parameter(torch.zeros(len(sizes.num_steps), width))

    def forward(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The image U-Net's weights to those of the student."""
        return self.changes(weights)

    def directions(self, which: Int64[Tensor, " b"]) -> Float[Tensor, "b k"]:
        """What is added to the pooled text and view; ``which`` counts in ``sizes.num_steps``."""
        return self.told[which]

    def direction(self, num_steps: int) -> Float[Tensor, "1 k"]:
        """The same for one number of steps."""
        return self.told[[self.sizes.num_steps.index(num_steps)]].detach()
