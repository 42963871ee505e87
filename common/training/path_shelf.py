"""Paths of a teacher at hand while a student learns jumps along them."""

from collections.abc import Callable
from typing import Generic, TypeVar

from jaxtyping import Float
from torch import Tensor

Chunk = TypeVar("Chunk")


class PathShelf(Generic[Chunk]):
    """The newest chunks of paths, each drawn when it is first asked for.

    A chunk is a pure function of its number, so that a training that was stopped has the same ones
    again. State: the chunks at hand.

    Args:
        drawn: draws the chunk of a number.
        draws_per_chunk: batches after which the next chunk is drawn.
        chunks_kept: of the newest.
    """

    def __init__(self, drawn: Callable[[int], Chunk], draws_per_chunk: int, chunks_kept: int):
        self._drawn, self._every, self._kept = drawn, draws_per_chunk, chunks_kept
        self.chunks: dict[int, Chunk] = {}

    def numbers(self, draw: int) -> range:
        """Those that batch number ``draw`` is taken from; older ones are put away."""
        newest = draw // self._every
        found = range(max(newest - self._kept + 1, 0), newest + 1)
        for number in [one for one in self.chunks if one not in found]:
            del self.chunks[number]
        return found

    def chunk(self, number: int) -> Chunk:
        """The paths of a number."""
        if number not in self.chunks:
            self.chunks[number] = self._drawn(number)
        return self.chunks[number]


def places(num_steps: int, num_states: int, first: int = 0) -> list[int]:
    """Where on a path of ``num_states`` pieces, known from ``first`` on, a jump can begin."""
    return [at for at in range(0, num_states, num_states // num_steps) if at >= first]


def bent(squares: Float[Tensor, " b"], bend: float) -> Float[Tensor, ""]:
    """Pseudo-Huber loss: of mean squares below ``bend ** 2`` quadratic, above linear."""
    return ((squares + bend**2).sqrt() - bend).mean()
