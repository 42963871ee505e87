"""When a running app saves its state, and what it continues from."""

import time

from common.runs import state as states
from common.runs.config import CheckpointConfig
from common.runs.folder import RunFolder
from common.runs.interrupts import Interrupted, StopRequest
from common.runs.state import Checkpoint, State


class Checkpoints:
    """Saves the states an app offers when one is due, and stops the run when asked to.

    State: the checkpoint the run continues from, and when the last one was saved.
    """

    def __init__(self, folder: RunFolder, config: CheckpointConfig, stop: StopRequest):
        self._folder = folder.checkpoints
        self._config = config
        self._stop = stop
        self._saved_at = time.monotonic()
        self.restored: Checkpoint | None = states.load_newest(self._folder)

    @property
    def restored_state(self) -> State:
        """The state to continue from, or None for a fresh start."""
        return self.restored.state if self.restored else None

    def inside(self, folder: RunFolder) -> "Checkpoints":
        """Checkpoints of a part of the run, which has a folder of its own."""
        return Checkpoints(folder, self._config, self._stop)

    def offer(self, step: int, state: State) -> None:
        """Save ``state`` after ``step`` if one is due; call it after every step.

        Raises:
            Interrupted: after saving, when the run was asked to stop.
        """
        due = time.monotonic() - self._saved_at >= self._config.every_s
        if not (due or self._stop.requested):
            return
        self.save(step, state)
        if self._stop.requested:
            raise Interrupted

    def save(self, step: int, state: State) -> None:
        """Save now, due or not: before work that could fail, such as decoding."""
        states.save(self._folder, Checkpoint(step, state), self._config.keep)
        self._saved_at = time.monotonic()
