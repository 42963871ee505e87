import math
import os
import re
import subprocess
import sys
import xml.etree.ElementTree as ElementTree

import pytest

from common.report.content import Axis, Band, Plot, Series, series
from common.report.plots import SERIES_COLORS, plot_svg, series_style
from tests.common.report.samples import HOSTILE

NAN = math.nan
LINE = series("a", range(50), [math.exp(-x / 9) for x in range(50)])


def svg_of(*curves: Series, x: Axis | None = None, y: Axis | None = None, key: str = "k") -> str:
    return plot_svg(Plot("p", x or Axis("time", "s"), y or Axis("loss", "nats"), curves), key)


def texts_of(svg: str) -> list[str]:
    root = ElementTree.fromstring(svg)
    return [node.text or "" for node in root.iter("{http://www.w3.org/2000/svg}text")]


def test_axes_have_labels_with_units():
    texts = texts_of(svg_of(LINE))
    assert "time (s)" in texts
    assert "loss (nats)" in texts


def test_ticks_are_written_like_all_numbers_of_a_report():
    texts = texts_of(svg_of(series("a", [0, 150_000], [0.001, 1000]), y=Axis("y", "", log=True)))
    assert {"50,000", "100,000"} <= set(texts)
    assert {"0.001", "0.1", "10", "1,000"} <= set(texts)


def test_narrow_logarithmic_axis_has_ticks():
    texts = texts_of(svg_of(series("a", [1, 2], [2.1, 2.9]), y=Axis("y", "", log=True)))
    assert len([text for text in texts if re.fullmatch(r"2\.\d+", text)]) >= 3


def test_colors_are_those_of_the_page():
    svg = svg_of(LINE, series("b", [1, 2], [3, 4]))
    assert f"var(--series-0, {SERIES_COLORS[0]})" in svg
    assert f"var(--series-1, {SERIES_COLORS[1]})" in svg
    assert "var(--ink, #1b2733)" in svg
    assert "var(--grid, #d9dfe6)" in svg


def test_first_32_series_look_different():
    assert len({series_style(index) for index in range(32)}) == 32


def test_text_of_the_user_is_shown_literally():
    text = f'{HOSTILE} $x^2$ #2563eb id="a" url(#b)'
    svg = svg_of(LINE, x=Axis(text, "s"))
    assert "<script>" not in svg
    assert text.replace("\x1b", "␛") + " (s)" in texts_of(svg)


def test_ids_are_unique_to_the_plot():
    one, two = svg_of(LINE, key="one"), svg_of(LINE, key="two")
    ids = re.findall(r' id="([^"]*)"', one)
    assert ids
    assert all(name.startswith("one-") for name in ids)
    assert len(set(ids)) == len(ids)
    referred = set(re.findall(r'(?:url\(|href=")#([\w-]+)', one))
    assert referred == set(ids)
    assert one.replace("one-", "two-") == two


def test_markers_refer_to_definitions_that_exist():
    points = Series("a", (1, 2), (1, 2), "points", Band((0, 1), (2, 3)), Band((0, 1), (2, 3)))
    svg = svg_of(points)
    ids = set(re.findall(r' id="([^"]*)"', svg))
    assert set(re.findall(r'href="#([\w-]+)"', svg)) <= ids


def test_same_numbers_give_the_same_bytes_in_another_process():
    code = (
        "import sys; from tests.common.report.test_plots import LINE, svg_of; "
        "sys.stdout.write(svg_of(LINE))"
    )
    # Another hash seed and a user's own matplotlib settings must change nothing.
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={**os.environ, "PYTHONHASHSEED": "7"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout == svg_of(LINE)


def test_users_matplotlib_settings_change_nothing():
    import matplotlib

    plain = svg_of(LINE)
    with matplotlib.rc_context({"font.size": 30, "axes.grid": True, "lines.linewidth": 9}):
        assert svg_of(LINE) == plain
        assert matplotlib.rcParams["font.size"] == 30


def test_long_curve_is_drawn_small():
    long = series("a", range(200_000), [math.sin(x / 1000) for x in range(200_000)])
    assert len(svg_of(long)) < 60_000


@pytest.mark.parametrize("log", [False, True])
@pytest.mark.parametrize(
    "curve",
    [
        series("a", [], []),
        series("a", [NAN], [NAN]),
        series("a", [1], [2]),
        series("a", [1, 2], [3, 3]),
        series("a", [1, 2], [0, -1]),
        series("a", [0, 0], [0, 0]),
        series("a", [1, 2], [math.inf, 1e300]),
        series("a", [1, 2], [1e-300, 1e300]),
        series("_hidden?", [1, 2], [1, NAN]),
        Series("a", (1,), (2,), "points", Band((3,), (1,)), Band((NAN,), (NAN,))),
    ],
    ids=range(10),
)
def test_degenerate_numbers_still_give_a_drawing(curve, log):
    svg = svg_of(curve, x=Axis("x", "", log), y=Axis("y", "", log))
    assert {"x", "y"} <= set(texts_of(svg))
