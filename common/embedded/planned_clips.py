"""What a prior of clips has that may begin with its first frame, moved as the prompt tells."""

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import torch
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.diffusion.frame_windows import FrameWindows
from common.diffusion.prior import PriorSpec
from common.embedded.clip_plan import ClipPart, ClipPlan
from common.shapes import Clips, Images


@runtime_checkable
class PlannedClips(Protocol):
    """A prior of clips with a plan of them."""

    plan: ClipPlan
    windows: FrameWindows | None

    @property
    def spec(self) -> PriorSpec:
        """Shapes, schedule and prediction type."""
        ...

    @property
    def num_frames(self) -> int:
        """Frames of a clip."""
        ...

    def noise(self, generators: Sequence[torch.Generator]) -> Clips:
        """What clips begin with, one a generator."""
        ...

    def of_part(self, part: ClipPart) -> Any:
        """The prior of clips that go on with a longer one, as its prompt tells."""
        ...

    def of_first_frames(self) -> Any:
        """The prior of clips of one frame."""
        ...

    def told_by(self, prompts: Sequence[str]) -> Float[Tensor, "b d"]:
        """What the plan is told from: pooled text, and features of a view."""
        ...

    def encode(self, pictures: Clips) -> Float[Tensor, "b z f y x"]:
        """Premultiplied RGBA frames in [-1, 1] to latents."""
        ...

    def decode(self, latents: Float[Tensor, "b z f y x"]) -> Clips:
        """Latents to premultiplied RGBA frames, not clamped."""
        ...


def decoded_frame(prior: PlannedClips, latents: Float[Tensor, "b z y x"]) -> Images:
    """The picture of one frame of each clip, in [-1, 1]."""
    return prior.decode(rearrange(latents, "b z y x -> b z 1 y x"))[:, :, 0].clamp(-1, 1)


def encoded_frame(prior: PlannedClips, pictures: Images) -> Float[Tensor, "b z y x"]:
    """The inverse of `decoded_frame`, as far as there is one."""
    return prior.encode(rearrange(pictures, "b c h w -> b c 1 h w"))[:, :, 0]
