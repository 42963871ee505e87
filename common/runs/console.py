"""What the console says: progress and messages on stderr, with a copy in ``run.log``."""

import logging
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, TextIO

from tqdm import tqdm

LOGGER = logging.getLogger("extrude")
"""Messages of a run; libraries' warnings come through it too."""

_PLAIN_INTERVAL_S = 5.0


class _BarSafeHandler(logging.Handler):
    """Writes messages above a progress bar instead of through it."""

    def emit(self, record: logging.LogRecord) -> None:
        tqdm.write(self.format(record), file=sys.stderr)


@contextmanager
def console(log_file: Path) -> Iterator[logging.Logger]:
    """Send messages and warnings to stderr and to ``log_file`` while the block runs."""
    handlers: list[logging.Handler] = [_BarSafeHandler(), logging.FileHandler(log_file, delay=True)]
    handlers[1].setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s"))
    LOGGER.setLevel(logging.INFO)
    LOGGER.propagate = False
    for handler in handlers:
        LOGGER.addHandler(handler)
    previous = warnings.showwarning
    warnings.showwarning = _warning_to_log
    try:
        yield LOGGER
    finally:
        warnings.showwarning = previous
        for handler in handlers:
            LOGGER.removeHandler(handler)
            handler.close()


def _warning_to_log(
    message: Warning | str,
    category: type[Warning],
    filename: str,
    lineno: int,
    file: TextIO | None = None,
    line: str | None = None,
) -> None:
    LOGGER.warning("%s: %s (%s:%d)", category.__name__, message, Path(filename).name, lineno)


class _Lines:
    """Stderr for a bar that is not on a terminal: whole lines instead of carriage returns."""

    def write(self, text: str) -> int:
        """Write what the bar would have drawn as a line of its own."""
        line = text.replace("\r", "").strip()
        if line:
            sys.stderr.write(f"{line}\n")
        return len(text)

    def flush(self) -> None:
        """Pass it on."""
        sys.stderr.flush()


def progress_bar(total: int, initial: int, label: str, unit: str = "step") -> "tqdm[Any]":
    """A bar on stderr; where stderr is no terminal, a plain line every few seconds."""
    terminal = sys.stderr.isatty()
    return tqdm(
        total=total,
        initial=initial,
        desc=label,
        unit=unit,
        file=sys.stderr if terminal else _Lines(),
        dynamic_ncols=terminal,
        ascii=not terminal,
        mininterval=0.1 if terminal else _PLAIN_INTERVAL_S,
        maxinterval=1.0 if terminal else 2 * _PLAIN_INTERVAL_S,
    )
