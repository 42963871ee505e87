"""Few-step views and clips: a small change of the frame layers over the student of pictures.

The image U-Net is the student of pictures (`few_step`), which was taught views as well. What lifts
it is changed here: low-rank, merged into the frame layers' weights, with one direction for each
number of steps beside what these layers are told, and one in place of the picture student's.
"""

from collections.abc import Mapping

import torch
from jaxtyping import Float, Int64
from pydantic import Field
from torch import Tensor, nn

from common.adapters.stacked_changes import StackedChanges
from common.embedded.few_step import FewStepArchitecture
from common.embedded.lifted_call import ToldSteps


class FewStepFramesArchitecture(FewStepArchitecture):
    """Sizes of the change, and what is folded in."""

    rank: int = Field(3, ge=1, le=256)
    """Of the change of each linear layer."""
    given_scale: float = Field(4.0, gt=1, le=100)
    """Of the guidance that is folded in where the first frame is given."""


class FewStepFrames(nn.Module):
    """Low-rank changes of frame layers, and two directions for each number of steps."""

    def __init__(
        self,
        sizes: FewStepFramesArchitecture,
        layers: nn.Module,
        told: Float[Tensor, "n k"] | None = None,
        width: int = 0,
    ):
        """Begin with the directions of the picture student, or with ``width`` zeros each."""
        super().__init__()
        self.sizes = sizes
        self.changes = StackedChanges(layers, sizes.rank)
        begun = torch.zeros(len(sizes.num_steps), width) if told is None else told.detach().clone()
        self.told_unet = nn.Parameter(begun)
        self.told_layers = nn.Parameter(torch.zeros_like(begun))

    def forward(self, weights: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """The frame layers' weights to those of the student."""
        return self.changes(weights)

    def told(self, which: Int64[Tensor, " b"]) -> ToldSteps:
        """What is added to conditions; ``which`` counts in ``sizes.num_steps``."""
        return ToldSteps(self.told_unet[which], self.told_layers[which])

    def steps(self, num_steps: int) -> ToldSteps:
        """The same for one number of steps."""
        place = [self.sizes.num_steps.index(num_steps)]
        return ToldSteps(self.told_unet[place].detach(), self.told_layers[place].detach())
