import base64
import hashlib
import re
import shutil
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from common.errors import InputError
from common.report import html
from common.report.content import (
    Asset,
    AssetView,
    Axis,
    Fact,
    Gallery,
    MediaItem,
    Note,
    Plot,
    Report,
    Section,
    series,
)
from common.report.html import content_policy, render_html, viewer_library, write_html
from common.report.plain_text import plain
from common.report.sections import YAML_LINE
from tests.common.report.page_parser import PageParser
from tests.common.report.samples import HOSTILE, full_report, write_asset, write_clip, write_picture

VENDOR = Path(html.__file__).parent / "vendor"
STYLE = (Path(html.__file__).parent / "page" / "style.css").read_text()


@pytest.fixture(scope="module")
def page(report_folder: Path) -> str:
    return (report_folder / "report.html").read_text()


@pytest.fixture(scope="module")
def parsed(page: str) -> PageParser:
    return PageParser(page)


def report_of(*sections: Section) -> Report:
    return Report("name", "prompt", "done", (), sections)


def without_library(page: str) -> str:
    licences = (VENDOR / "model-viewer.LICENSES.txt").read_text()
    return page.replace(viewer_library(), "").replace(str(html.Markup.escape(licences)), "")


def test_page_is_well_formed_and_complete(parsed):
    ids = parsed.values("id")
    assert len(set(ids)) == len(ids)
    assert [f"section-{number}" for number in range(1, 14)] == [
        found["id"] for found in parsed.attributes("section")
    ]
    anchors = [found["href"] for found in parsed.attributes("a") if found["href"][0] == "#"]
    assert {anchor[1:] for anchor in anchors} <= set(ids)
    assert len(anchors) == 13
    for attributes in parsed.attributes("video") + parsed.attributes("model-viewer"):
        assert attributes["data-media"] in ids
    assert all(found["alt"] for found in parsed.attributes("img"))
    assert all(found["aria-label"] for found in parsed.attributes("video"))


def test_hostile_text_is_shown_literally_and_nowhere_becomes_markup(page, parsed):
    kinds = [found["type"] for found in parsed.attributes("script")]
    assert sorted(set(kinds)) == ["application/octet-stream", "module"]
    assert kinds.count("module") == 2
    assert "<script>" not in without_library(page)
    assert not [name for _, found in parsed.elements for name in found if name.startswith("on")]
    assert plain(HOSTILE) in parsed.text()
    assert "{{ 7 * 7 }}" in parsed.text()
    assert "\x1b" not in page
    title = next(text for tag, text in parsed.texts if tag == "title")
    assert title == plain(HOSTILE)


@settings(max_examples=50)
@given(st.text(alphabet=st.characters(codec=None), min_size=1, max_size=40))
def test_any_text_comes_back_from_the_page(text):
    report = Report(text, text, "done", (Fact(text, text),), (Note(text, title="n"),))
    page = render_html(report, Path())
    page.encode("utf-8")
    # HTML drops one newline at the start of nothing that is used here, and reads no entities.
    assert PageParser(page).text().count(plain(text)) >= 4


def test_same_content_gives_the_same_bytes(page, report_folder, tmp_path):
    shutil.copytree(report_folder, tmp_path / "copy")
    again = write_html(full_report(), tmp_path / "copy")
    assert again.read_text() == page


def test_policy_forbids_the_network_and_admits_only_the_pages_scripts(page, parsed):
    head = next(
        found["content"]
        for found in parsed.attributes("meta")
        if found.get("http-equiv") == "Content-Security-Policy"
    )
    rules = dict(rule.split(" ", 1) for rule in head.split("; "))
    assert rules["default-src"] == "'none'"
    assert rules["connect-src"] == "data: blob:"
    assert rules["img-src"] == rules["media-src"] == "data: blob:"
    scripts = re.findall(r'<script type="module">(.*?)</script>', page, flags=re.DOTALL)
    hashes = {
        f"'sha256-{base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()}'"
        for text in scripts
    }
    assert set(rules["script-src"].split()) == hashes | {"'wasm-unsafe-eval'"}
    # The policy only holds for what comes after it.
    assert page.index("Content-Security-Policy") < page.index("<style>") < page.index("<script")


def test_page_names_no_address_of_the_network(page, parsed):
    addresses = re.findall(r"(?:https?:)?//[a-z][\w.-]+\.[a-z]+", without_library(page))
    assert {address.removeprefix("http:") for address in addresses} <= {"//www.w3.org"}
    for name in ("src", "poster", "data-link"):
        assert all(value.startswith("data:") for value in parsed.values(name))


def test_viewer_is_embedded_only_where_an_asset_is_shown(tmp_path, page):
    assert 'customElements.define("model-viewer"' in page
    write_asset(tmp_path / "a.glb")
    view = AssetView("asset", (Asset(Path("a.glb")),))
    bare = render_html(report_of(Note("x")), tmp_path)
    assert "customElements" not in bare
    assert "wasm-unsafe-eval" not in bare
    assert len(bare) < 60_000
    # An asset over the budget is linked; then the viewer has nothing to show.
    linked = render_html(report_of(view), tmp_path, media_budget_mb=0)
    assert "customElements" not in linked
    assert "larger than the page may embed" in linked
    assert 'href="a.glb"' in linked


def test_vendored_viewer_is_the_released_one_and_its_licences_are_in_the_page(page):
    licences = (VENDOR / "model-viewer.LICENSES.txt").read_text()
    digest = hashlib.sha256((VENDOR / "model-viewer.min.js").read_bytes()).hexdigest()
    assert f"(sha256 {digest})" in licences
    assert str(html.Markup.escape(licences)) in page
    assert "sourceMappingURL" not in page


def test_media_over_the_budget_are_linked_and_the_page_says_so(tmp_path):
    write_clip(tmp_path / "a clip.mp4")
    write_picture(tmp_path / "a.png")
    gallery = Gallery("g", (MediaItem(Path("a clip.mp4")), MediaItem(Path("a.png"))))
    page = render_html(report_of(gallery), tmp_path, media_budget_mb=0)
    parsed = PageParser(page)
    assert [found["data-link"] for found in parsed.attributes("video")] == ["a%20clip.mp4"]
    assert [found["src"] for found in parsed.attributes("img")] == ["a.png"]
    assert "0 of 2 media files are embedded" in parsed.text()
    assert "a clip.mp4, a.png" in parsed.text()
    assert "media-src data: blob: 'self' file:" in page.replace("&#39;", "'")
    whole = render_html(report_of(gallery), tmp_path)
    assert "All 2 media files are embedded; this page needs no network" in whole


def test_repeated_clip_is_embedded_once(tmp_path):
    write_clip(tmp_path / "a.mp4")
    items = (MediaItem(Path("a.mp4")), MediaItem(tmp_path / "a.mp4"))
    page = render_html(report_of(Gallery("g", items), Gallery("h", items)), tmp_path)
    assert page.count(base64.b64encode((tmp_path / "a.mp4").read_bytes()).decode()) == 1
    assert page.count("<video") == 4


def test_missing_file_is_refused_before_anything_is_written(tmp_path):
    (tmp_path / "report.html").write_text("before")
    report = report_of(Gallery("g", (MediaItem(Path("gone.mp4")),)))
    with pytest.raises(InputError, match=r"gone\.mp4: there is no such file"):
        write_html(report, tmp_path)
    assert (tmp_path / "report.html").read_text() == "before"
    assert [path.name for path in tmp_path.iterdir()] == ["report.html"]


def test_empty_report_is_a_page(tmp_path):
    parsed = PageParser(render_html(Report("a", "", "failed", (), ()), tmp_path))
    assert "failed" in parsed.text()
    assert parsed.attributes("nav") == []
    assert parsed.attributes("section") == []


def test_neighbouring_plots_share_a_row(tmp_path):
    plot = Plot("p", Axis("x", ""), Axis("y", ""), (series("a", [1, 2], [1, 2]),))
    page = render_html(report_of(plot, plot, plot, Note("n"), plot), tmp_path)
    assert page.count('class="pair"') == 1
    assert page.count('class="card plot"') == 4
    ids = PageParser(page).values("id")
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("line", "parts"),
    [
        ("prompt: a fox: red", ("", "prompt:", " a fox: red")),
        ("  num_steps: 20", ("  ", "num_steps:", " 20")),
        ("- name: ddim", ("- ", "name:", " ddim")),
        ("sampler:", ("", "sampler:", "")),
    ],
)
def test_yaml_is_cut_into_key_and_value(line, parts):
    found = YAML_LINE.match(line)
    assert found is not None
    assert found.group("indent", "key", "value") == parts


@pytest.mark.parametrize("line", ["# a: comment", "- plain", "'quoted: text'", ""])
def test_yaml_without_a_key_stays_whole(line):
    assert YAML_LINE.match(line) is None


def test_policy_without_scripts_of_the_viewer_compiles_nothing():
    assert "wasm" not in content_policy(["let a"], [])


def luminance(color: str) -> float:
    """Relative luminance of a ``#rrggbb`` color (WCAG 2.2)."""
    parts = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [v / 12.92 if v <= 0.04045 else ((v + 0.055) / 1.055) ** 2.4 for v in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


@pytest.mark.parametrize("block", [0, 1], ids=["light", "dark"])
def test_colors_have_the_contrast_that_reading_needs(block):
    variables = re.findall(r":root \{(.*?)\}", STYLE, flags=re.DOTALL)[block]
    colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6});", variables))
    pairs = [("ink", "card"), ("ink", "page"), ("ink", "raised"), ("ink", "changed")]
    pairs += [("muted", "card"), ("muted", "page"), ("muted", "raised"), ("accent", "card")]
    pairs += [(kind, f"{kind}-wash") for kind in ("done", "warning", "error")]
    pairs += [("error", "card"), ("accent", "raised")]
    for text, background in pairs:
        one, two = sorted((luminance(colors[text]), luminance(colors[background])))
        # WCAG 2.2, 1.4.3: 4.5 for text.
        assert (two + 0.05) / (one + 0.05) >= 4.5, (text, background)
    for number in range(8):
        one, two = sorted((luminance(colors[f"series-{number}"]), luminance(colors["card"])))
        # WCAG 2.2, 1.4.11: 3 for drawings; 2.9 for the yellow, which would turn brown.
        assert (two + 0.05) / (one + 0.05) >= 2.9, number
