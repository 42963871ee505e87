"""Runs that are interrupted at a chosen step."""

from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from common.runs.checkpoints import Checkpoints
from common.runs.interrupts import Interrupted


@contextmanager
def stopped_at(first: int) -> Iterator[None]:
    """Save and interrupt at the first checkpoint that is offered at this step or later."""
    offer = Checkpoints.offer

    def stopping(self, step, state):
        if step >= first:
            self.save(step, state)
            raise Interrupted
        offer(self, step, state)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Checkpoints, "offer", stopping)
        yield
