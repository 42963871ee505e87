"""Features of a U-Net that are used again: only the blocks of full size are computed every time.

Noise levels next to each other have nearly the same features deep in the U-Net, where most of the
arithmetic is (DeepCache: Ma et al. 2023, arXiv 2312.00858). Of every ``every`` evaluations of one
conditioning, the first computes the whole U-Net. The others compute the time embedding, the first
``levels`` blocks on the way down with their skip connections, and the last ``levels`` blocks on the
way up; every block between them gives what it gave in the last whole evaluation. So what the way up
goes on with is the output of up block ``-levels - 1`` as it was, and what it is joined with is new.

With ``every`` 1 all evaluations are whole. Conditionings (the prompt's, the empty one's) are kept
apart; each counts its own evaluations, and begins anew when latents of other sizes or no lower
noise come.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor, nn

from common.errors import InputError
from common.shapes import Timesteps

_MAX_STREAMS = 8
"""Conditionings that are remembered at once; the oldest is forgotten."""


@dataclass(eq=False)
class _Stream:
    """What is known of one conditioning."""

    cond: object
    shape: torch.Size
    count: int = 0
    timestep: float = float("inf")
    outputs: dict[int, Any] = field(default_factory=dict)


class FeatureCache:
    """State: the blocks of a U-Net that are reused, and what they gave, by conditioning.

    The blocks' ``forward`` is replaced. Not for two threads at once.
    """

    def __init__(self, unet: Any, every: int, levels: int = 1):
        check_levels(len(unet.down_blocks), levels)
        self.every, self.levels = every, levels
        self._streams: list[_Stream] = []
        self._now: _Stream | None = None
        inner = [
            *unet.down_blocks[levels:],
            unet.mid_block,
            *unet.up_blocks[: len(unet.up_blocks) - levels],
        ]
        for number, block in enumerate(inner):
            block.forward = self._reusing(number, block)

    @contextmanager
    def evaluating(self, cond: object, latents: Tensor, timesteps: Timesteps) -> Iterator[None]:
        """One evaluation of the U-Net, whole or not.

        Args:
            cond: what it is told; the same object at every step.
            latents: that it is given.
            timesteps: of the samples.
        """
        stream = self._stream(cond, latents.shape, float(timesteps.max()))
        if stream.count % self.every == 0:
            stream.outputs.clear()
        self._now = stream
        try:
            yield
        finally:
            self._now = None
        stream.count += 1

    def _stream(self, cond: object, shape: torch.Size, timestep: float) -> _Stream:
        found = next((one for one in self._streams if one.cond is cond), None)
        if found is None or found.shape != shape or timestep >= found.timestep:
            self._streams = [one for one in self._streams if one.cond is not cond]
            found = _Stream(cond, shape)
            self._streams = [*self._streams, found][-_MAX_STREAMS:]
        found.timestep = timestep
        return found

    def _reusing(self, number: int, block: nn.Module) -> Callable[..., Any]:
        whole = block.forward

        def forward(*given: Any, **named: Any) -> Any:
            stream = self._now
            if stream is None:
                return whole(*given, **named)
            if number not in stream.outputs:
                stream.outputs[number] = whole(*given, **named)
            return stream.outputs[number]

        return forward


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
