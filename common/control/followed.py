"""Pictures that a U-Net follows while it draws: how strongly each frame does, and when."""

from dataclasses import dataclass, replace

import torch
from einops import repeat
from jaxtyping import Bool, Float
from torch import Tensor

from common.diffusion.frame_curves import FrameNumbers

_DARK = 0.1
"""Up to this brightness there is nothing to follow."""


@dataclass(frozen=True, eq=False)
class Followed:
    """One picture for all frames or views, or one for each."""

    pictures: Float[Tensor, "f 3 h w"]
    """In [0, 1], at the size that is drawn."""
    weights: Float[Tensor, " f"]
    """Of each picture."""
    interval: tuple[float, float]
    """Diffusion times at which they act, 0 clean to 1 noise."""

    def lit(self) -> Bool[Tensor, "f h w"]:
        """Where each picture has anything to follow."""
        return self.pictures.amax(1) > _DARK

    def shares(self, times: Float[Tensor, " b"]) -> Float[Tensor, " b"]:
        """How much of the features each row of a batch gets at its diffusion time.

        Rows are the frames of a sample one after the other.
        """
        low, high = self.interval
        acting = (times >= low) & (times <= high)
        return acting * self._rows(self.weights.to(times), len(times))

    def rows(self, count: int) -> Float[Tensor, "b 3 h w"]:
        """The picture of each of ``count`` rows."""
        return self._rows(self.pictures, count)

    def on(self, device: torch.device | str, dtype: torch.dtype = torch.float32) -> "Followed":
        """The pictures where and as the models compute; the weights stay float32."""
        weights = self.weights.to(device)
        return replace(self, pictures=self.pictures.to(device, dtype), weights=weights)

    def first(self) -> "Followed":
        """The same for first frames alone."""
        return replace(self, pictures=self.pictures[:1], weights=self.weights[:1])

    def of_frames(self, frames: FrameNumbers) -> "Followed":
        """The same for some frames; one picture for all of them stays one."""
        if len(self.pictures) == 1:
            return self
        own = frames.to(self.pictures.device)
        return replace(self, pictures=self.pictures[own], weights=self.weights[own])

    def weighted(self, weights: Float[Tensor, " f"]) -> "Followed":
        """The same with a weight for each frame."""
        pictures = self.pictures.expand(len(weights), -1, -1, -1)
        return replace(self, pictures=pictures, weights=weights.to(self.weights))

    def _rows(self, each: Tensor, count: int) -> Tensor:
        if count % len(each):
            raise ValueError(f"{count} rows are no whole samples of {len(each)} frames")
        return repeat(each, "f ... -> (b f) ...", b=count // len(each))
