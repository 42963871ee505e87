"""How an artefact was made: the record that is written into it and read back from it.

The record is JSON in ASCII (other characters escaped), so that any text survives any
container: emoji, control characters, NUL. Where each format keeps it: ``provenance_tags``.
Files come from anywhere, so reading bounds the size and checks every value.
"""

import json
import math
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from common.errors import InputError
from common.media.sources import file_kind
from common.seeding import MAX_SEED

FORMAT = "extrude-provenance"
SCHEMA_VERSION = 1
MAX_BYTES = 1 << 20
"""Largest record. A 10,000-character prompt of emoji takes 120 kB, and the config repeats it."""
_MAX_DEPTH = 64


@dataclass(frozen=True)
class Provenance:
    """What is needed to make an artefact again.

    Raises:
        InputError: a value has the wrong type or range, or the config is no plain data.
    """

    app: str
    """The app that made it, such as ``video``."""
    prompt: str
    seed: int
    sample: int
    """Which of the run's samples it is, from 0."""
    config: dict[str, Any]
    """The resolved config as plain data: what YAML can hold."""
    versions: dict[str, str]
    """Versions of Extrude and of the packages that shape the result."""
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        _check_values(vars(self))

    def to_json(self) -> str:
        """One line of ASCII JSON.

        Raises:
            InputError: the record is larger than 1 MiB.
        """
        record = {"format": FORMAT, **asdict(self)}
        text = json.dumps(record, ensure_ascii=True, allow_nan=False, separators=(",", ":"))
        _check(len(text) <= MAX_BYTES, f"it takes {len(text)} bytes, at most {MAX_BYTES} fit")
        return text


def from_json(text: str) -> Provenance | None:
    """Read a record; None when the text is something else (another program's comment).

    Raises:
        InputError: it is a record but damaged, too large, or of a newer program.
    """
    if FORMAT not in text:
        return None
    _check(len(text) <= MAX_BYTES, f"it takes {len(text)} bytes, at most {MAX_BYTES} are read")
    try:
        record = json.loads(text)
    except (ValueError, RecursionError) as error:
        raise _damaged(f"it is not JSON ({_short(error)})") from error
    if not isinstance(record, dict) or record.pop("format", None) != FORMAT:
        return None
    _check_values(record)
    return Provenance(**record)


def read_provenance(path: Path) -> Provenance | None:
    """The record in an artefact; None when it carries none.

    Reads MP4, WebM, animated and still WebP, GIF, PNG, JPEG, GLB and glTF. Of a folder of frames,
    name one of its pictures.

    Raises:
        InputError: no such file, an empty or damaged file, an unknown format, a damaged record.
    """
    from common.media.provenance_tags import find_record

    kind = file_kind(path)
    text = find_record(path, kind)
    try:
        return None if text is None else from_json(text)
    except InputError as error:
        raise InputError(f"{path}: {error}") from error


def _check_values(values: dict[str, Any]) -> None:
    """Check a record's keys, types and ranges, whether it was made here or read from a file."""
    # The version first: a newer program's records may have other keys.
    version = values.get("schema_version")
    known = version == SCHEMA_VERSION and type(version) is int
    _check(known, f"its version is {_short(version)}, this program reads {SCHEMA_VERSION}")
    fields = set(Provenance.__dataclass_fields__)
    _check(set(values) == fields, f"it must have exactly the keys {', '.join(sorted(fields))}")
    for name, kind in (("app", str), ("prompt", str), ("config", dict), ("versions", dict)):
        _check(isinstance(values[name], kind), f"{name} is not a {kind.__name__}")
    for name in ("seed", "sample"):
        value = values[name]
        _check(type(value) is int and 0 <= value <= MAX_SEED, f"{name} is {_short(value)}")
    strings = [text for pair in values["versions"].items() for text in pair]
    _check(all(isinstance(text, str) for text in strings), "versions are not all text")
    _check_plain(values["config"], "config", _MAX_DEPTH)


def _check_plain(value: Any, where: str, depth: int) -> None:
    """Refuse what JSON and YAML would change or cannot hold."""
    _check(depth > 0, f"{where[:80]}... is nested deeper than {_MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, item in value.items():
            _check(isinstance(key, str), f"the key {_short(key)} of {where} is not text")
            _check_plain(item, f"{where}.{key}", depth - 1)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            _check_plain(item, f"{where}[{index}]", depth - 1)
    elif isinstance(value, float):
        _check(math.isfinite(value), f"{where} is {value}")
    else:
        plain = value is None or isinstance(value, bool | int | str)
        _check(plain, f"{where} is a {type(value).__name__}, not plain data")


def _check(holds: bool, problem: str) -> None:
    if not holds:
        raise _damaged(problem)


def _damaged(problem: str) -> InputError:
    return InputError(f"the record of how it was made is not usable: {problem}")


def _short(value: object) -> str:
    text = str(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
