"""Files to write: the right suffix, whole or not at all, and one clear message when it fails."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from common.atomic import atomic_path
from common.errors import InputError


@contextmanager
def written_whole(path: Path, *suffixes: str) -> Iterator[Path]:
    """Yield a temporary path to write to; it becomes ``path`` when the block ends without error.

    Args:
        path: the file, or with no ``suffixes`` the folder, to write.
        suffixes: the suffixes that the format may have, in lower case.

    Raises:
        InputError: another suffix, or the place cannot be written to. Errors of the block itself
            pass unchanged, because the block may be the caller's.
    """
    if suffixes and path.suffix.lower() not in suffixes:
        raise InputError(f"{path}: the name must end in {' or '.join(suffixes)}")
    block_failed = False
    try:
        with atomic_path(path.absolute()) as partial:
            try:
                yield partial
            except BaseException:
                block_failed = True
                raise
    except OSError as error:
        if block_failed:
            raise
        raise _unwritable(path, error) from error


@contextmanager
def explained_write_errors(path: Path) -> Iterator[None]:
    """Turn the system's errors of a block that writes ``path`` (disk full, ...) into InputError."""
    try:
        yield
    except OSError as error:  # FFmpeg's errors of the file system are OSErrors too
        raise _unwritable(path, error) from error


def _unwritable(path: Path, error: OSError) -> InputError:
    return InputError(f"{path}: cannot be written: {error.strerror or error}")
