"""Each kind of section as HTML: its template, and what the template needs, computed."""

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import assert_never

from jinja2 import Environment
from markupsafe import Markup

from common.report.content import (
    AssetView,
    ConfigDiff,
    ConfigListing,
    Failures,
    Gallery,
    MediaItem,
    Note,
    Plot,
    Section,
    SyncedClips,
    Table,
    Timing,
)
from common.report.digits import format_fixed, magnitude
from common.report.media_files import MediaFile, MediaPlan
from common.report.plot_data import number_table, remarks
from common.report.plots import plot_svg, series_style
from common.report.tables import format_table

YAML_LINE = re.compile(r"(?P<indent>\s*(?:- )*)(?P<key>[^\s#'\"][^:#]*:)(?P<value>\s.*|)$")


@dataclass(frozen=True)
class YamlLine:
    """A line of YAML cut into what is coloured differently, with its origin."""

    indent: str
    key: str
    value: str
    origin: str


@dataclass(frozen=True)
class ClipGroup:
    """What the player of synced clips must know: the longest clip and its frame rate."""

    fps: float
    duration_s: float
    num_frames: int


def section_media(section: Section) -> Iterator[Path]:
    """The files that a section shows."""
    match section:
        case Gallery():
            yield from (item.path for item in section.items)
        case AssetView():
            yield from (asset.path for asset in section.assets)
        case SyncedClips():
            clips = (clip for row in section.rows for clip in row.clips)
            yield from (clip.path for clip in clips if isinstance(clip, MediaItem))
        case _:
            return


def section_html(section: Section, key: str, environment: Environment, media: MediaPlan) -> Markup:
    """Render one section.

    Args:
        section: its content.
        key: a name that is unique in the page, for ids.
        environment: the templates, with autoescaping on.
        media: the files of the whole report.
    """
    match section:
        case Plot():
            name, values = "plot", _plot_values(section, key)
        case Gallery():
            name, values = "gallery", {}
        case AssetView():
            name, values = "assets", {}
        case SyncedClips():
            files = [media[path] for path in section_media(section)]
            values = {"group": clip_group(files), "unsynced": any(f.num_frames > 1 for f in files)}
            name = "clips"
        case Table():
            name, values = "table", {"rows": format_table(section)}
        case ConfigListing():
            lines = [_yaml_line(line.text, line.origin) for line in section.lines]
            name, values = "config", {"lines": lines}
        case ConfigDiff():
            name, values = "config_diff", {}
        case Timing():
            name, values = "timing", _timing_values(section)
        case Failures():
            name, values = "failures", {}
        case Note():
            name, values = "note", {}
        case _:
            assert_never(section)
    template = environment.get_template(f"{name}.html")
    return Markup(template.render(section=section, key=key, media=media, **values))


def _plot_values(plot: Plot, key: str) -> dict[str, object]:
    numbers = number_table(plot)
    return {
        "svg": Markup(plot_svg(plot, key)),
        "styles": [series_style(index) for index in range(len(plot.series))],
        "remarks": remarks(plot),
        "numbers": numbers,
        "number_rows": format_table(numbers),
    }


def _timing_values(timing: Timing) -> dict[str, object]:
    seconds = [stage.seconds for stage in timing.stages]
    total = math.fsum(seconds)
    shares = [100 * value / total if total else 0.0 for value in seconds]
    decimals = max(0, 3 - magnitude(total))
    texts = [format_fixed(value, decimals) for value in seconds]
    return {"total": total, "seconds": texts, "shares": shares}


def clip_group(files: Sequence[MediaFile]) -> ClipGroup | None:
    """The common timeline of clips: the longest duration, the highest frame rate; None if still."""
    videos = [file for file in files if file.kind == "video"]
    if not videos:
        return None
    fps = max(video.fps for video in videos)
    duration = max(video.duration_s for video in videos)
    return ClipGroup(fps, duration, max(1, round(duration * fps)))


def _yaml_line(text: str, origin: str) -> YamlLine:
    found = YAML_LINE.match(text)
    if found is None:
        return YamlLine("", "", text, origin)
    return YamlLine(found["indent"], found["key"], found["value"], origin)
