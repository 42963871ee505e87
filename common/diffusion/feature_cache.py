"""Features of a U-Net that are used again: only the blocks of full size are computed every time.

Noise levels next to each other have nearly the same features deep in the U-Net, where most of the
arithmetic is (DeepCache: Ma et al. 2023, arXiv 2312.00858). Of every ``every`` evaluations of one
conditioning, the first computes the whole U-Net (`reuse`). The others compute the time embedding,
the first ``levels`` blocks on the way down with their skip connections, and the last ``levels``
blocks on the way up; every block between them gives what it gave in the last whole evaluation. So
what the way up goes on with is the output of up block ``-levels - 1`` as it was, and what it is
joined with is new. Only that output is kept: what the blocks before it give is joined with nothing.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor, nn

from common.diffusion.reuse import Reuse
from common.errors import InputError


def reusing_features(unet: Any, every: int, levels: int = 1) -> Reuse:
    """Let a U-Net use deep features again; the ``forward`` of its blocks is replaced.

    Args:
        unet: a ``UNet2DConditionModel`` of diffusers.
        every: of so many evaluations one is whole.
        levels: outer blocks that every evaluation computes.

    Returns:
        What evaluations are counted by; calls outside of its ``evaluating`` are whole.

    Raises:
        InputError: more levels than leave something to reuse.
    """
    check_levels(len(unet.down_blocks), levels)
    reuse = Reuse(every)
    inner = [
        *unet.down_blocks[levels:],
        *([] if unet.mid_block is None else [unet.mid_block]),
        *unet.up_blocks[: len(unet.up_blocks) - levels],
    ]
    for number, block in enumerate(inner):
        block.forward = _reusing(reuse, number, block, is_last=block is inner[-1])
    return reuse


def _reusing(reuse: Reuse, number: int, block: nn.Module, is_last: bool) -> Callable[..., Any]:
    whole = block.forward

    def forward(*given: Any, **named: Any) -> Any:
        kept = reuse.kept(number)
        if kept is not None:
            return kept
        made = whole(*given, **named)
        if reuse.keeps:
            reuse.keep(number, made if is_last else _emptied(made))
        return made

    return forward


def _emptied(made: Any) -> Any:
    """Zeros of the same shapes, in the memory of one number each."""
    if isinstance(made, Tensor):
        return made.new_zeros(()).expand(made.shape)
    if isinstance(made, tuple | list):
        return type(made)(map(_emptied, made))
    return made


def check_levels(num_levels: int, levels: int) -> None:
    """Refuse more levels than leave something to reuse.

    Raises:
        InputError: with how many there are.
    """
    if not 1 <= levels < num_levels:
        raise InputError(
            f"feature_cache.levels is {levels}; this U-Net has {num_levels} levels, so 1 to "
            f"{num_levels - 1} can be computed every time"
        )
