"""Which evaluations of a denoiser are whole, and what the others use again of the last whole one.

Of every ``every`` evaluations of one conditioning, the first is whole. Conditionings (the prompt's,
the empty one's) are kept apart; each counts its own evaluations, and begins anew when latents of
other sizes or no lower noise come. An evaluation may consist of several calls of the denoiser, its
parts (the windows of a long clip): each has what it gave itself.

What is reused of a U-Net and of a transformer say `feature_cache` and the spacetime DiT.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

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
    whole_at: float = float("inf")
    """Timestep of the last whole evaluation."""
    kept: dict[tuple[int, object], Any] = field(default_factory=dict)
    """By part and by what of the denoiser gave it."""


class Reuse:
    """State: the evaluations of every conditioning, and what is kept of them.

    With ``every`` 1 all evaluations are whole and nothing is kept. Not for two threads at once.
    """

    def __init__(self, every: int = 1):
        self.every = every
        self._streams: list[_Stream] = []
        self._now: _Stream | None = None
        self._part = 0

    @contextmanager
    def evaluating(self, cond: object, latents: Tensor, timesteps: Timesteps) -> Iterator[float]:
        """One evaluation, whole or not; gives the timestep of the last whole one, or its own.

        Args:
            cond: what the denoiser is told; the same object at every step.
            latents: that it is given.
            timesteps: of the samples.
        """
        timestep = float(timesteps.max())
        if self.every == 1:
            yield timestep
            return
        stream = self._stream(cond, latents.shape, timestep)
        if stream.count % self.every == 0:
            stream.kept.clear()
            stream.whole_at = timestep
        self._now, self._part = stream, 0
        try:
            yield stream.whole_at
        finally:
            self._now = None
        stream.count += 1

    @contextmanager
    def part(self, number: int) -> Iterator[None]:
        """One call of the denoiser, of an evaluation that has several."""
        self._part = number
        try:
            yield
        finally:
            self._part = 0

    @property
    def keeps(self) -> bool:
        """Whether what is computed now may be used again."""
        return self._now is not None

    def kept(self, place: object) -> Any:
        """What a place of the denoiser gave in this part's last whole evaluation; None: nothing."""
        return None if self._now is None else self._now.kept.get((self._part, place))

    def keep(self, place: object, made: Any) -> None:
        """Keep it until the next whole evaluation."""
        if self._now is not None:
            self._now.kept[self._part, place] = made

    def _stream(self, cond: object, shape: torch.Size, timestep: float) -> _Stream:
        found = next((one for one in self._streams if one.cond is cond), None)
        if found is None or found.shape != shape or timestep >= found.timestep:
            self._streams = [one for one in self._streams if one.cond is not cond]
            found = _Stream(cond, shape)
            self._streams = [*self._streams, found][-_MAX_STREAMS:]
        found.timestep = timestep
        return found


WHOLE = Reuse()
"""Nothing is used again."""
