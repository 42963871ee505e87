"""How much arithmetic a spacetime DiT does: products and sums, two for each multiplication."""

from math import prod

from video.spacetime_dit.architecture import SpacetimeDiTArchitecture
from video.spacetime_dit.model import TIME_CHANNELS, span_of
from video.spacetime_dit.patches import Grid, grid_of


def evaluation_flops(
    sizes: SpacetimeDiTArchitecture, latent_size: tuple[int, int, int], num_text_tokens: int
) -> int:
    """Operations of all matrix products of one evaluation for one clip.

    Args:
        sizes: of the model.
        latent_size: frames, rows and columns of the latent.
        num_text_tokens: tokens of the prompt, the start included.
    """
    grid = grid_of(*latent_size, sizes.patch)
    tokens, channels, cells = prod(grid), sizes.channels, sizes.patch.size
    ends = tokens * channels * ((3 * sizes.latent_channels + 1) * cells + channels)
    condition = channels * (TIME_CHANNELS + channels + sizes.text_channels + 2 * channels)
    blocks = 0
    for index in range(sizes.num_blocks):
        blocks += 6 * channels**2  # modulation, one a clip
        blocks += (6 + 2 * sizes.mlp_factor) * tokens * channels**2
        blocks += 2 * num_text_tokens * sizes.text_channels * channels
        blocks += 2 * tokens * channels * (_seen(sizes, grid, index) + num_text_tokens)
    return 2 * (ends + condition + blocks)


def _seen(sizes: SpacetimeDiTArchitecture, grid: Grid, index: int) -> int:
    """Tokens that each token attends to in a block."""
    return {"clip": prod(grid), "frame": grid.per_frame, "place": grid.frames}[
        span_of(sizes, index)
    ]
