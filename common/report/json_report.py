"""``report.json``: what a run measured, for programs. The comparison core reads it.

Schema, version 1 (every key is always present)::

    schema_version         1
    name, app              the run and the app that made it
    status                 "done", "interrupted" or "failed"
    error                  why it is not done; "" when it is
    metrics                {name: number or null} over the whole run
    reasons                {name: text}, one for each null in metrics
    samples                [{prompt, sample, seed, metrics, reasons}], unique by the first three
    timings_s              {stage: seconds}, in the order of the stages
    peak_memory_mb         MB (10^6 bytes) or null where it was not measured
    peak_device_memory_mb  the same on the accelerator
    artefacts              [{path, size_bytes, sha256}], paths relative to the file, with "/"
    environment            versions, device, threads: what ``environment.json`` holds

JSON has no NaN: a metric without a finite value is null and says why. A change of meaning raises
``SCHEMA_VERSION``; readers refuse what they do not know.
"""

import hashlib
import math
from collections import Counter
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path, PurePosixPath
from typing import Annotated, Any, ClassVar

from pydantic import ConfigDict, Field, TypeAdapter, ValidationError

from common.atomic import write_json
from common.errors import InputError
from common.report.content import Number, Status

SCHEMA_VERSION = 1
FILE_NAME = "report.json"
STRICT = ConfigDict(extra="forbid", strict=True, allow_inf_nan=False)


@dataclass(frozen=True)
class Artefact:
    """A file that the run made; ``path`` is relative to the run folder, with forward slashes."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    path: str
    size_bytes: Annotated[int, Field(ge=0)]
    sha256: Annotated[str, Field(pattern="^[0-9a-f]{64}$")]

    def __post_init__(self) -> None:
        """Refuse paths that leave the run folder."""
        path = PurePosixPath(self.path)
        if path.is_absolute() or ".." in path.parts or not path.parts or "\\" in self.path:
            raise ValueError(f"artefact path '{self.path}' is not inside the run folder")


@dataclass(frozen=True)
class SampleMetrics:
    """The metrics of one sample: ``sample`` counts over the run, ``seed`` is the run's seed."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    prompt: str
    sample: Annotated[int, Field(ge=0)]
    seed: int
    metrics: Mapping[str, Number | None]
    reasons: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Refuse values that are not finite, and nulls without a reason."""
        _check_reasons(self.metrics, self.reasons)


@dataclass(frozen=True)
class RunRecord:
    """What a run measured. See the module for the meaning of each field."""

    __pydantic_config__: ClassVar[ConfigDict] = STRICT

    name: str
    app: str
    status: Status
    metrics: Mapping[str, Number | None]
    samples: tuple[SampleMetrics, ...]
    timings_s: Mapping[str, Annotated[Number, Field(ge=0)]]
    peak_memory_mb: Annotated[Number, Field(ge=0)] | None
    peak_device_memory_mb: Annotated[Number, Field(ge=0)] | None
    artefacts: tuple[Artefact, ...]
    environment: Mapping[str, Any]
    reasons: Mapping[str, str] = field(default_factory=dict)
    error: str = ""
    schema_version: int = SCHEMA_VERSION

    def __post_init__(self) -> None:
        """Refuse nulls without a reason, samples that occur twice, and contradictions."""
        _check_reasons(self.metrics, self.reasons)
        keys = Counter((sample.prompt, sample.sample, sample.seed) for sample in self.samples)
        twice = [key for key, count in keys.items() if count > 1]
        if twice:
            raise ValueError(f"samples occur more than once: {twice}")
        if (self.status == "done") != (self.error == ""):
            raise ValueError(f"status '{self.status}' contradicts error '{self.error}'")


def _check_reasons(metrics: Mapping[str, Number | None], reasons: Mapping[str, str]) -> None:
    for name, value in metrics.items():
        if value is not None and not math.isfinite(value):
            raise ValueError(f"metric '{name}' is {value}; write null and a reason")
    missing = {name for name, value in metrics.items() if value is None}
    if missing != set(reasons):
        raise ValueError(
            f"metrics that are null ({sorted(missing)}) and reasons ({sorted(reasons)}) differ"
        )


def split_undefined(
    values: Mapping[str, Number | None],
) -> tuple[dict[str, Number | None], dict[str, str]]:
    """Measured values as ``metrics`` and ``reasons``: what is not finite becomes null."""
    reasons = {name: reason for name, value in values.items() if (reason := _reason(value))}
    metrics = {
        name: None if value is None or name in reasons else value for name, value in values.items()
    }
    return metrics, reasons


def _reason(value: Number | None) -> str:
    """Why a value cannot stand in JSON; "" if it can."""
    if value is None:
        return "not measured"
    if math.isnan(value):
        return "not a number"
    return "" if math.isfinite(value) else "infinite" if value > 0 else "minus infinite"


def sample_metrics(
    prompt: str, sample: int, seed: int, values: Mapping[str, Number | None]
) -> SampleMetrics:
    """The metrics of one sample from measured values: NaN, infinite, or None for not measured."""
    metrics, reasons = split_undefined(values)
    return SampleMetrics(prompt, sample, seed, metrics, reasons)


def artefact(folder: Path, path: Path) -> Artefact:
    """Describe a file of a run folder; ``path`` is absolute or relative to the folder."""
    full = folder / path
    try:
        with full.open("rb") as file:
            digest = hashlib.file_digest(file, "sha256").hexdigest()
        size_bytes = full.stat().st_size
    except OSError as error:
        raise InputError(f"{full}: the artefact cannot be read: {error.strerror}") from error
    try:
        relative = full.resolve().relative_to(folder.resolve())
    except ValueError as error:
        raise InputError(f"{full}: artefacts must be inside the run folder {folder}") from error
    return Artefact(relative.as_posix(), size_bytes, digest)


def write_record(record: RunRecord, folder: Path) -> Path:
    """Write ``report.json`` into a folder, atomically, and return its path."""
    path = folder / FILE_NAME
    write_json(path, asdict(record))
    return path


def read_record(path: Path) -> RunRecord:
    """Read a ``report.json``, or that of a run folder.

    Raises:
        InputError: it is missing, no JSON, of another schema version, or says what cannot be;
            all problems are named at once.
    """
    file = path / FILE_NAME if path.is_dir() else path
    try:
        text = file.read_bytes()
    except OSError as error:
        raise InputError(f"{file}: the report cannot be read: {error.strerror}") from error
    try:
        version = _VERSION.validate_json(text)
        if version.schema_version != SCHEMA_VERSION:
            raise InputError(
                f"{file}: schema version {version.schema_version}, but this program reads version "
                f"{SCHEMA_VERSION}; run it again with this version of Extrude"
            )
        return _RECORD.validate_json(text)
    except ValidationError as error:
        problems = [_problem(details) for details in error.errors()]
        raise InputError("\n  ".join([f"{file}: not a readable report:", *problems])) from error


def _problem(details: Mapping[str, Any]) -> str:
    place = ".".join(str(part) for part in details["loc"]) or "file"
    return f"{place}: {details['msg']}"


@dataclass(frozen=True)
class _Version:
    """The only field that every version has."""

    schema_version: int


_VERSION = TypeAdapter(_Version)
_RECORD = TypeAdapter(RunRecord)
