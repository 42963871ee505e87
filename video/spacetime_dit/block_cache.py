"""Middle blocks of a spacetime DiT that are used again: what they added to the tokens.

Tokens change from step to step, but what the middle blocks add to them changes little (Delta-DiT:
Chen et al. 2024, arXiv 2406.01125). Of every ``every`` evaluations of one conditioning the first
computes all blocks and keeps ``delta = out - in`` over the middle ones; the others compute the
first and the last ``levels`` blocks, and add ``delta`` between them.
"""

from collections.abc import Callable
from typing import Any

from torch import Tensor

from common.diffusion.reuse import Reuse
from common.errors import InputError
from video.spacetime_dit.model import SpacetimeDiT

_BEGIN, _DELTA = "begin", "delta"


def reusing_blocks(dit: SpacetimeDiT, every: int, levels: int = 1) -> Reuse:
    """Let a model use its middle blocks again; the ``forward`` of these is replaced.

    Args:
        dit: the model.
        every: of so many evaluations one is whole.
        levels: blocks at the beginning, and at the end, that every evaluation computes.

    Returns:
        What evaluations are counted by; calls outside of its ``evaluating`` are whole.

    Raises:
        InputError: more levels than leave something to reuse.
    """
    check_levels(len(dit.blocks), levels)
    reuse, middle = Reuse(every), list(dit.blocks)[levels : len(dit.blocks) - levels]
    for block in middle:
        block.forward = _reusing(reuse, block.forward, block is middle[0], block is middle[-1])
    return reuse


def _reusing(
    reuse: Reuse, whole: Callable[..., Tensor], is_first: bool, is_last: bool
) -> Callable[..., Tensor]:
    def forward(tokens: Tensor, *given: Any) -> Tensor:
        delta = reuse.kept(_DELTA)
        if delta is not None:
            return tokens + delta if is_first else tokens
        if is_first:
            reuse.keep(_BEGIN, tokens)
        made = whole(tokens, *given)
        if is_last and reuse.keeps:
            reuse.keep(_DELTA, made - reuse.kept(_BEGIN))
            reuse.keep(_BEGIN, None)
        return made

    return forward


def check_levels(num_blocks: int, levels: int) -> None:
    """Refuse more levels than leave something to reuse.

    Raises:
        InputError: with how many there are.
    """
    most = (num_blocks - 1) // 2
    if not 1 <= levels <= most:
        raise InputError(
            f"feature_cache.levels is {levels}; this spacetime DiT has {num_blocks} blocks, so "
            f"1 to {most} at the beginning and at the end can be computed every time"
            if most
            else f"feature_cache has nothing to reuse in a spacetime DiT of {num_blocks} blocks"
        )
