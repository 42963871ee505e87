"""Union ControlNets at work: the pictures that the embedded image U-Net follows."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from jaxtyping import Float
from torch import Tensor

from common.control.features import NO_FEATURES, Features, with_more
from common.control.followed import Followed
from common.control.kinds import ControlKind
from common.diffusion.frame_curves import FrameNumbers
from common.embedded.control_net import UnionControlNet
from common.shapes import Images, Timesteps


@dataclass(frozen=True, eq=False)
class EmbeddedControl:
    """A ControlNet and what it follows."""

    net: UnionControlNet
    kind: ControlKind
    followed: Followed

    def first(self) -> "EmbeddedControl":
        """The same for first frames alone."""
        return replace(self, followed=self.followed.first())

    def of_frames(self, frames: FrameNumbers) -> "EmbeddedControl":
        """The same for some frames."""
        return replace(self, followed=self.followed.of_frames(frames))

    def weighted(self, weights: Float[Tensor, " f"]) -> "EmbeddedControl":
        """The same with a weight for each frame."""
        return replace(self, followed=self.followed.weighted(weights))


def control_features(
    controls: Sequence[EmbeddedControl],
    latents: Images,
    timesteps: Timesteps,
    times: Float[Tensor, " b"],
    vector: Float[Tensor, "b k"],
) -> Features:
    """The sum of what the controls add, for each row those that act at its time.

    Args:
        controls: May be empty.
        latents: Noised; the frames of a sample one after the other.
        timesteps: Of the rows.
        times: The same as diffusion times in [0, 1].
        vector: Pooled text and view of the rows.
    """
    total = NO_FEATURES
    for control in controls:
        shares = control.followed.shares(times)
        if not bool(shares.any()):
            continue
        which = control.net.sizes.kinds.index(control.kind)
        kinds = torch.full((len(latents),), which, device=latents.device)
        pictures = control.followed.rows(len(latents))
        made = control.net(latents, timesteps, vector, pictures, kinds)
        total = with_more(total, made, shares)
    return total
