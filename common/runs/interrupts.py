"""Ctrl-C and SIGTERM: finish the step, save, write the report, leave."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class Interrupted(Exception):
    """The run was asked to stop and has saved its state; leaves a run with its folder's path."""


class StopRequest:
    """Whether someone asked the run to stop."""

    def __init__(self) -> None:
        self.requested = False

    def handle(self, signum: int, frame: FrameType | None) -> None:
        """Note the first request; a second one stops at once."""
        if self.requested:
            raise KeyboardInterrupt
        self.requested = True


@contextmanager
def stop_requests() -> Iterator[StopRequest]:
    """Turn SIGINT and SIGTERM into a request that the run reads between steps."""
    stop = StopRequest()
    signals = (signal.SIGINT, signal.SIGTERM)
    try:
        previous = {number: signal.signal(number, stop.handle) for number in signals}
    except ValueError:  # not in the main thread: signals are someone else's
        yield stop
        return
    try:
        yield stop
    finally:
        for number, handler in previous.items():
            signal.signal(number, handler)
