"""Plots as SVG: the same bytes for the same numbers, coloured by the page they stand in.

Matplotlib lays out the figure. Its colours are then replaced by CSS variables with the original as
the fallback, so that one drawing follows the page into dark mode and still stands alone. The
figure is small (302 x 198 units with 9-unit text) so that its text can be read on a phone.
"""

import io
import math
import re
import warnings
from typing import TYPE_CHECKING

import numpy as np

from common.report.content import Axis, Band, Number, Plot, Series
from common.report.digits import format_number
from common.report.plain_text import plain
from common.report.plot_data import axis_title, thinned

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.axis import XAxis, YAxis

FIGURE_INCHES = (4.2, 2.75)
FONT_POINTS = 9.0
INK = "#1b2733"
GRID = "#d9dfe6"
SERIES_COLORS = (
    "#2563eb",
    "#c2410c",
    "#0f766e",
    "#a21caf",
    "#ca8a04",
    "#475569",
    "#be123c",
    "#4d7c0f",
)
DASHES = ("solid", "6 3", "2 2", "8 2 2 2")
MARKERS = ("o", "s", "^", "D")


def series_style(index: int) -> tuple[int, str, str]:
    """Color number, dash pattern and marker of the ``index``-th series; 32 are all different."""
    cycle = index // len(SERIES_COLORS) % len(DASHES)
    return index % len(SERIES_COLORS), DASHES[cycle], MARKERS[cycle]


def plot_svg(plot: Plot, key: str) -> str:
    """The drawing of a plot as an ``<svg>`` element.

    Args:
        plot: what to draw.
        key: a name that is unique in the page; it begins every id in the drawing.
    """
    import matplotlib
    from matplotlib.backends.backend_svg import FigureCanvasSVG
    from matplotlib.figure import Figure

    with matplotlib.rc_context(), warnings.catch_warnings():
        matplotlib.rcdefaults()  # a user's matplotlibrc must not change a report
        # The salt makes the ids of clip paths and markers the same in every process.
        matplotlib.rcParams["svg.hashsalt"] = "extrude"
        matplotlib.rcParams["svg.fonttype"] = "none"
        matplotlib.rcParams["font.size"] = FONT_POINTS
        # The browser draws the text, with fonts that know more scripts than matplotlib's.
        warnings.filterwarnings("ignore", message="Glyph .* missing from font")
        # What a logarithmic axis cannot show is said by plot_data.remarks.
        warnings.filterwarnings("ignore", message="Data has no positive values")
        figure = Figure(figsize=FIGURE_INCHES, layout="constrained", facecolor="none")
        FigureCanvasSVG(figure)
        axes = figure.add_subplot(facecolor="none")
        for index, series in enumerate(plot.series):
            _draw(axes, thinned(series), index)
        _dress(axes, plot)
        drawing = io.StringIO()
        metadata = dict.fromkeys(("Date", "Creator", "Format", "Type"))
        figure.savefig(drawing, format="svg", metadata=metadata, transparent=True)
    return _for_page(drawing.getvalue(), key)


def _draw(axes: "Axes", series: Series, index: int) -> None:
    color_number, dash, marker = series_style(index)
    color = SERIES_COLORS[color_number]
    if series.drawn == "points":
        axes.errorbar(
            series.x,
            series.y,
            xerr=_error_bars(series.x, series.x_band),
            yerr=_error_bars(series.y, series.y_band),
            fmt=marker,
            color=color,
            markersize=5,
            elinewidth=1.1,
            capsize=2,
        )
        return
    if series.y_band is not None:
        axes.fill_between(
            series.x, series.y_band.lo, series.y_band.hi, color=color, alpha=0.18, linewidth=0
        )
    pattern = dash if dash == "solid" else (0, tuple(float(part) for part in dash.split()))
    # A single point makes no line; a dot shows it.
    dot = marker if len(series.x) == 1 else None
    axes.plot(series.x, series.y, color=color, linestyle=pattern, linewidth=1.5, marker=dot)


def _error_bars(values: tuple[Number, ...], band: Band | None) -> list[list[float]] | None:
    """Distances below and above each value, as matplotlib wants them; it refuses negative ones."""
    if band is None:
        return None
    below = [max(float(value - lo), 0.0) for value, lo in zip(values, band.lo, strict=True)]
    above = [max(float(hi - value), 0.0) for value, hi in zip(values, band.hi, strict=True)]
    return [below, above]


def _dress(axes: "Axes", plot: Plot) -> None:
    """Scales, labels with units, grid and ticks."""
    axes.set_xlabel(plain(axis_title(plot.x)), color=INK, parse_math=False)
    axes.set_ylabel(plain(axis_title(plot.y)), color=INK, parse_math=False)
    axes.grid(visible=True, color=GRID, linewidth=0.7)
    axes.set_axisbelow(True)
    axes.tick_params(colors=INK, which="both", length=0, pad=4)
    for side, spine in axes.spines.items():
        spine.set_visible(side == "bottom")
        spine.set_color(INK)
        spine.set_linewidth(0.8)
    _scale(axes.xaxis, plot.x)
    _scale(axes.yaxis, plot.y)


def _scale(axis: "XAxis | YAxis", described: Axis) -> None:
    from matplotlib.ticker import FuncFormatter, Locator, LogLocator, MaxNLocator, NullFormatter

    ticks: Locator = MaxNLocator(nbins=6, steps=[1, 2, 2.5, 5, 10])
    if described.log:
        # The margin of an axis that spans the floats overflows; the limits below cut it.
        with np.errstate(over="ignore"):
            axis.axes.set(**{f"{axis.axis_name}scale": "log"})
        axis.set_minor_formatter(NullFormatter())
        lowest, highest = _positive(*axis.get_view_interval())
        axis.axes.set(**{f"{axis.axis_name}lim": (lowest, highest)})
        decades = math.log10(highest) - math.log10(lowest)
        # Less than half a decade may hold no round power at all; even steps serve it better.
        if decades > 0.5:
            steps = (1, 2, 3, 5, 7) if decades < 1 else (1, 2, 5) if decades < 3 else (1,)
            ticks = LogLocator(subs=steps, numticks=6)
    axis.set_major_locator(ticks)
    axis.set_major_formatter(FuncFormatter(lambda value, _: format_number(float(value))))


def _positive(lowest: float, highest: float) -> tuple[float, float]:
    """Limits that a logarithmic axis can have; 1 to 10 where nothing positive is shown."""
    if highest <= 0:
        return 1.0, 10.0
    return max(lowest, highest * 1e-290, 1e-300), min(highest, 1e300)


def _for_page(document: str, key: str) -> str:
    """Cut a matplotlib SVG document down to an element that can stand in a page with others."""
    svg = document[document.index("<svg") :].strip()
    svg = re.sub(r"<(metadata|style)\b.*?</\1>", "", svg, flags=re.DOTALL)
    svg = re.sub(r'(<svg[^>]*?) width="[^"]*"', r"\1", svg, count=1)
    svg = re.sub(r'(<svg[^>]*?) height="[^"]*"', r"\1", svg, count=1)
    referred = set(re.findall(r'(?:url\(|href=")#([\w-]+)', svg))

    def rewrite(tag: re.Match[str]) -> str:
        # Only inside tags: the text between them is the user's.
        text = re.sub(r"font-family: [^;\"]*", "font-family: inherit", tag[0])
        text = re.sub(
            r' id="([^"]*)"', lambda m: f' id="{key}-{m[1]}"' if m[1] in referred else "", text
        )
        text = re.sub(r'(url\(|href=")#', rf"\g<1>#{key}-", text)
        return re.sub(r"#[0-9a-f]{6}\b", lambda m: _page_color(m[0]), text)

    return re.sub(r"<[^>]*>", rewrite, svg)


def _page_color(color: str) -> str:
    """A color of the drawing as the page's variable of that role."""
    roles = {INK: "ink", GRID: "grid"}
    roles |= {color: f"series-{number}" for number, color in enumerate(SERIES_COLORS)}
    return f"var(--{roles[color]}, {color})" if color in roles else color
