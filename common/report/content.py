"""What a report says, without how it looks: frozen values that the renderers turn into files.

A run or a comparison fills a ``Report`` with facts and sections; ``common.report.html`` draws it.
All text is untrusted (prompts, file names, log tails) and is shown literally. Paths are absolute or
relative to the folder that the report is written to. Numbers are plain Python numbers; NaN and
infinities are allowed and shown as what they are.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, SupportsFloat

Number = int | float
Status = Literal["done", "interrupted", "failed"]
Align = Literal["left", "right", "center"]


@dataclass(frozen=True)
class Fact:
    """One labelled value, such as ``Fact("Duration", 2.0, "s")``.

    Identifiers, such as seeds, are text: numbers are rounded and get thousands separators.
    """

    label: str
    value: str | Number
    unit: str = ""


@dataclass(frozen=True)
class Axis:
    """An axis of a plot. The unit has no default so that none is forgotten; "" is dimensionless."""

    label: str
    unit: str
    log: bool = False


@dataclass(frozen=True)
class Band:
    """A lower and an upper value for each point of a series."""

    lo: tuple[Number, ...]
    hi: tuple[Number, ...]


@dataclass(frozen=True)
class Series:
    """One named curve, or a set of points, of a plot. Values that are not finite leave gaps.

    ``y_band`` is a shaded band around a line and vertical error bars at points; ``x_band`` is
    horizontal error bars and belongs to points only.
    """

    label: str
    x: tuple[Number, ...]
    y: tuple[Number, ...]
    drawn: Literal["line", "points"] = "line"
    y_band: Band | None = None
    x_band: Band | None = None

    def __post_init__(self) -> None:
        """Refuse columns of different lengths."""
        bands = [band for band in (self.y_band, self.x_band) if band is not None]
        columns = [self.y, *(side for band in bands for side in (band.lo, band.hi))]
        lengths = [len(self.x), *map(len, columns)]
        if len(set(lengths)) > 1:
            raise ValueError(f"series '{self.label}' has columns of different lengths: {lengths}")
        if self.x_band is not None and self.drawn == "line":
            raise ValueError(f"series '{self.label}': x_band needs drawn='points'")


def series(label: str, x: Iterable[SupportsFloat], y: Iterable[SupportsFloat]) -> Series:
    """A line from any iterables of numbers, such as arrays and tensors."""
    return Series(label, tuple(float(value) for value in x), tuple(float(value) for value in y))


@dataclass(frozen=True)
class Plot:
    """Curves or points over common axes."""

    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...]
    caption: str = ""


@dataclass(frozen=True)
class MediaItem:
    """One picture or clip (mp4, webm, webp, gif, png, jpg) with what is known about it."""

    path: Path
    caption: str = ""
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class Gallery:
    """Pictures and clips side by side; clips play when they are seen."""

    title: str
    items: tuple[MediaItem, ...]
    caption: str = ""


@dataclass(frozen=True)
class Asset:
    """One 3-D asset: a self-contained binary glTF file (.glb), +Y up, front +Z."""

    path: Path
    caption: str = ""
    facts: tuple[Fact, ...] = ()


@dataclass(frozen=True)
class AssetView:
    """Assets, each turning in a viewer that can be dragged."""

    title: str
    assets: tuple[Asset, ...]
    caption: str = ""


@dataclass(frozen=True)
class Missing:
    """A place in a grid of clips that has none, and why."""

    reason: str


@dataclass(frozen=True)
class ClipRow:
    """What all variants made of one prompt and seed."""

    label: str
    clips: tuple[MediaItem | Missing, ...]


@dataclass(frozen=True)
class SyncedClips:
    """Clips (mp4, webm) or pictures in a grid of variants; all clips play in lockstep."""

    title: str
    columns: tuple[str, ...]
    rows: tuple[ClipRow, ...]
    caption: str = ""

    def __post_init__(self) -> None:
        """Refuse rows that do not have one place for each column."""
        for row in self.rows:
            if len(row.clips) != len(self.columns):
                raise ValueError(
                    f"row '{row.label}' of '{self.title}' has {len(row.clips)} clips "
                    f"for {len(self.columns)} columns"
                )


@dataclass(frozen=True)
class Interval:
    """An estimate and its confidence interval, ``lo <= hi``."""

    value: Number
    lo: Number
    hi: Number

    def __post_init__(self) -> None:
        """Refuse bounds in the wrong order."""
        if self.lo > self.hi:
            raise ValueError(f"interval of {self.value} has lo {self.lo} above hi {self.hi}")


Cell = str | int | float | Interval | None
"""A cell of a table; None is "no value"."""


@dataclass(frozen=True)
class Column:
    """A column of a table. ``best`` sets the best value in bold and shows the direction."""

    title: str
    unit: str = ""
    align: Align = "right"
    best: Literal["none", "lowest", "highest"] = "none"


@dataclass(frozen=True)
class Table:
    """Rows of text, numbers and intervals."""

    title: str
    columns: tuple[Column, ...]
    rows: tuple[tuple[Cell, ...], ...]
    footnotes: tuple[str, ...] = ()
    caption: str = ""

    def __post_init__(self) -> None:
        """Refuse rows that do not have one cell for each column."""
        for index, row in enumerate(self.rows):
            if len(row) != len(self.columns):
                raise ValueError(
                    f"row {index} of table '{self.title}' has {len(row)} cells "
                    f"for {len(self.columns)} columns"
                )


@dataclass(frozen=True)
class ConfigLine:
    """One line of a resolved YAML config and where its value came from ("" for none)."""

    text: str
    origin: str = ""


@dataclass(frozen=True)
class ConfigListing:
    """The resolved config of a run."""

    title: str
    lines: tuple[ConfigLine, ...]
    caption: str = ""


@dataclass(frozen=True)
class ConfigChange:
    """A dotted key and its value in each variant; None where the key does not exist."""

    key: str
    values: tuple[str | None, ...]


@dataclass(frozen=True)
class ConfigDiff:
    """The keys in which the configs of variants differ; the first variant is the reference."""

    title: str
    variants: tuple[str, ...]
    changes: tuple[ConfigChange, ...]
    caption: str = ""

    def __post_init__(self) -> None:
        """Refuse keys that do not have one value for each variant."""
        for change in self.changes:
            if len(change.values) != len(self.variants):
                raise ValueError(
                    f"key '{change.key}' has {len(change.values)} values "
                    f"for {len(self.variants)} variants"
                )


@dataclass(frozen=True)
class Stage:
    """A part of a run and its duration."""

    label: str
    seconds: Number

    def __post_init__(self) -> None:
        """Refuse what cannot be a duration."""
        if not 0 <= self.seconds < float("inf"):
            raise ValueError(f"stage '{self.label}' took {self.seconds} s")


@dataclass(frozen=True)
class Timing:
    """Where the time went, and the peak memory in MB (10^6 bytes); None is not measured."""

    title: str
    stages: tuple[Stage, ...]
    peak_memory_mb: Number | None = None
    peak_device_memory_mb: Number | None = None
    caption: str = ""


@dataclass(frozen=True)
class Failure:
    """A part of the work that failed: which, why, and the end of its log."""

    cell: str
    message: str
    log_tail: str = ""


@dataclass(frozen=True)
class Failures:
    """What failed. Without items the section says that nothing did."""

    title: str
    items: tuple[Failure, ...]
    caption: str = ""


@dataclass(frozen=True)
class Note:
    """A remark to the reader."""

    text: str
    title: str = ""
    level: Literal["info", "warning", "error"] = "info"


Section = (
    Plot
    | Gallery
    | AssetView
    | SyncedClips
    | Table
    | ConfigListing
    | ConfigDiff
    | Timing
    | Failures
    | Note
)


@dataclass(frozen=True)
class Report:
    """A whole report. The subtitle is usually the prompt."""

    title: str
    subtitle: str
    status: Status
    facts: tuple[Fact, ...]
    sections: tuple[Section, ...]
