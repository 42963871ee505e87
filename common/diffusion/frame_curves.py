"""What changes along a clip while it is drawn: guidance and prompts of each frame.

Prompts are mixed in the space of their embeddings (prompt travel): a frame between two keys is told
a weighted mean of what their prompts are embedded as, a frame on a key exactly its prompt.
"""

from dataclasses import dataclass

import torch
from einops import einsum
from jaxtyping import Bool, Float, Int64
from torch import Tensor

FrameNumbers = Int64[Tensor, " f"]
"""Which frames of the clip, counted from 0."""


@dataclass(frozen=True, eq=False)
class PromptTravel:
    """Several prompts, and how much each counts in each frame."""

    prompts: tuple[str, ...]
    """The first is what the first frame shows."""
    shares: Float[Tensor, "f k"]
    """Of each frame they sum up to 1."""

    def of_frames(self, frames: FrameNumbers) -> "PromptTravel":
        """The same for some of the frames."""
        return PromptTravel(self.prompts, self.shares[frames])

    @property
    def only(self) -> str | None:
        """The prompt of all frames, where it is one."""
        whole = (self.shares == 1).all(0).nonzero()[:, 0].tolist()
        return self.prompts[whole[0]] if whole else None

    def mixed(self, rows: Float[Tensor, "k ..."]) -> Float[Tensor, "f ..."]:
        """Of each frame, the weighted mean of what belongs to the prompts; exact at keys."""
        shares = self.shares.to(rows.device, torch.float32)
        flat = rows.reshape(len(rows), -1).float()
        made = einsum(shares, flat, "f k, k d -> f d")
        return made.reshape(len(shares), *rows.shape[1:]).to(rows.dtype)

    def of_any(self, rows: Bool[Tensor, "k l"]) -> Bool[Tensor, "f l"]:
        """Of each frame, where any prompt that counts in it has something."""
        counting = (self.shares > 0).to(rows.device)
        return (counting[:, :, None] & rows[None]).any(1)


@dataclass(frozen=True, eq=False)
class FrameCurves:
    """What is told of each frame of a clip; None: the same of all."""

    guidance: Float[Tensor, " f"] | None = None
    """Guidance scales."""
    travel: PromptTravel | None = None
    """Prompts."""

    def of_frames(self, frames: FrameNumbers) -> "FrameCurves":
        """The same for some of the frames, drawn as a clip of their own."""
        guidance = None if self.guidance is None else self.guidance[frames]
        return FrameCurves(guidance, None if self.travel is None else self.travel.of_frames(frames))


CONSTANT = FrameCurves()
"""Nothing changes along the clip."""
