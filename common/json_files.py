"""JSON files of strangers, read with bounded effort."""

import json
from pathlib import Path
from typing import Any

from common.errors import InputError

MAX_CONFIG_BYTES = 1_000_000
MAX_INDEX_BYTES = 20_000_000


def read_json(path: Path, max_bytes: int, meant: str, missing: str) -> Any:
    """What a JSON file holds.

    Args:
        path: of the file.
        max_bytes: more is not read.
        meant: what the file should be, for the error where it is larger.
        missing: what is said, and to be done, where there is none.

    Raises:
        InputError: it is missing, unreadable, larger than ``max_bytes`` or no JSON.
    """
    try:
        with path.open("rb") as file:
            data = file.read(max_bytes + 1)
        if len(data) > max_bytes:
            raise InputError(f"{path} is larger than {max_bytes:,} bytes: it is no such {meant}")
        return json.loads(data.decode("utf-8-sig"))
    except FileNotFoundError:
        raise InputError(f"{path} {missing}") from None
    except (OSError, ValueError, RecursionError) as broken:
        if isinstance(broken, InputError):
            raise
        raise InputError(f"{path} cannot be read as JSON: {_first_line(broken)}") from None


def read_object(path: Path, max_bytes: int = MAX_CONFIG_BYTES) -> dict[str, Any]:
    """The JSON object in a file of a checkpoint.

    Raises:
        InputError: it is missing, unreadable, larger than ``max_bytes`` or no JSON object.
    """
    missing = "is missing: the checkpoint is incomplete, get it again"
    content = read_json(path, max_bytes, "config", missing)
    if not isinstance(content, dict):
        raise InputError(f"{path} holds a JSON {type(content).__name__}, not an object")
    return content


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]
