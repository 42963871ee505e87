"""How much memory a spacetime DiT takes, told from its sizes."""

from math import prod

import torch

from video.spacetime_dit.architecture import SpacetimeDiTArchitecture
from video.spacetime_dit.model import SpacetimeDiT
from video.spacetime_dit.patches import Grid, grid_of

_COPIES = 5
"""Float32 copies of the weights in training: trained, averaged, gradient and two moments."""
_KEPT_PER_TOKEN = 29
"""Numbers that a block keeps of a token for the gradient, in multiples of its channels."""


def drawing_bytes(
    sizes: SpacetimeDiTArchitecture, latent_size: tuple[int, int, int], together: int
) -> int:
    """Of weights and features while clips of ``(f, h, w)`` cells are drawn.

    Prompt and empty prompt are evaluated one after the other; one block is at work at a time.
    """
    grid = grid_of(*latent_size, sizes.patch)
    features = prod(grid) * sizes.channels * (8 + sizes.mlp_factor)
    return 4 * (num_weights(sizes) + together * (features + 3 * _scores(sizes, grid)))


def training_bytes(
    sizes: SpacetimeDiTArchitecture, latent_size: tuple[int, int, int], batch_size: int
) -> tuple[int, int]:
    """How many weights there are, and the bytes that training on so many clips at once takes."""
    grid = grid_of(*latent_size, sizes.patch)
    kept = prod(grid) * sizes.channels * _KEPT_PER_TOKEN + _scores(sizes, grid)
    count = num_weights(sizes)
    return count, 4 * (_COPIES * count + batch_size * sizes.num_blocks * kept)


def num_weights(sizes: SpacetimeDiTArchitecture) -> int:
    """Numbers that a model has learnt."""
    with torch.device("meta"):
        model = SpacetimeDiT(sizes)
    return sum(weight.numel() for weight in model.parameters())


def _scores(sizes: SpacetimeDiTArchitecture, grid: Grid) -> int:
    """Products of queries and keys of one clip in one block."""
    tokens = prod(grid)
    seen = tokens if sizes.attention == "joint" else max(grid.per_frame, grid.frames)
    return sizes.num_heads * tokens * seen
