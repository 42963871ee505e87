"""Latents as patches of space and time, and back."""

from typing import NamedTuple

import torch.nn.functional as F
from einops import rearrange
from jaxtyping import Float
from torch import Tensor

from common.shapes import Clips
from video.spacetime_dit.architecture import Patch


class Grid(NamedTuple):
    """How many tokens there are along each axis."""

    frames: int
    height: int
    width: int

    @property
    def per_frame(self) -> int:
        """Tokens at one time."""
        return self.height * self.width


def grid_of(frames: int, height: int, width: int, patch: Patch) -> Grid:
    """The tokens of a latent; sizes that no patch divides are rounded up."""
    return Grid(-(-frames // patch.frames), -(-height // patch.height), -(-width // patch.width))


def patches_of(latents: Clips, patch: Patch) -> Float[Tensor, "b n d"]:
    """One row a patch, time first, then rows, then columns.

    What is missing at the end of an axis to a whole patch repeats the last frame, row or column.
    """
    sizes = zip(latents.shape[2:], (patch.frames, patch.height, patch.width), strict=True)
    missing = [-count % size for count, size in sizes]
    if any(missing):
        more_frames, more_rows, more_columns = missing
        latents = F.pad(latents, (0, more_columns, 0, more_rows, 0, more_frames), "replicate")
    return rearrange(
        latents, "b c (f pf) (h ph) (w pw) -> b (f h w) (c pf ph pw)",
        pf=patch.frames, ph=patch.height, pw=patch.width,
    )  # fmt: skip


def latents_of(
    patches: Float[Tensor, "b n d"], size: tuple[int, int, int], patch: Patch
) -> Float[Tensor, "b c f h w"]:
    """Latents of ``size`` (frames, rows, columns) from their patches; padding is cut off."""
    grid = grid_of(*size, patch)
    latents = rearrange(
        patches, "b (f h w) (c pf ph pw) -> b c (f pf) (h ph) (w pw)",
        f=grid.frames, h=grid.height, w=grid.width, pf=patch.frames, ph=patch.height,
        pw=patch.width,
    )  # fmt: skip
    frames, height, width = size
    return latents[:, :, :frames, :height, :width]
