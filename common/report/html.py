"""``report.html``: one self-contained page, readable offline for as long as browsers read HTML.

The page forbids itself the network by a content security policy; its scripts are admitted by their
hashes, so that no text of the report can become one. Clips and assets are stored once as base64
and become blob URLs when they come near the screen.
"""

import base64
import hashlib
from collections.abc import Sequence
from functools import cache
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined
from markupsafe import Markup

from common.atomic import write_text
from common.report.content import Number, Plot, Report, Section
from common.report.digits import format_number
from common.report.media_files import MediaFile, plan_media
from common.report.plain_text import plain
from common.report.sections import section_html, section_media

MEDIA_BUDGET_MB = 48.0
"""Media beyond this many MB (10^6 bytes) are linked: larger pages open slowly on phones."""
FILE_NAME = "report.html"
HERE = Path(__file__).parent
SCRIPTS = ("blobs.js", "players.js", "synced_clips.js", "viewer.js", "page.js")


def write_html(report: Report, folder: Path, *, media_budget_mb: Number = MEDIA_BUDGET_MB) -> Path:
    """Write ``report.html`` into a folder, atomically, and return its path."""
    path = folder / FILE_NAME
    write_text(path, render_html(report, folder, media_budget_mb=media_budget_mb))
    return path


def render_html(report: Report, folder: Path, *, media_budget_mb: Number = MEDIA_BUDGET_MB) -> str:
    """The page of a report.

    Args:
        report: its content.
        folder: where the page will stand; paths in the content are relative to it.
        media_budget_mb: embed media up to this sum of file sizes and link the rest, which the
            page then says.

    Raises:
        InputError: a file of the report is missing, empty, corrupted or of an unknown kind.
    """
    paths = [path for section in report.sections for path in section_media(section)]
    media = plan_media(paths, folder, int(media_budget_mb * 1e6))
    files = list({file.key: file for file in media.values()}.values())
    environment = page_environment()
    sections = [
        section_html(section, f"section-{number}", environment, media)
        for number, section in enumerate(report.sections, start=1)
    ]
    with_viewer = any(file.kind == "asset" and file.embedded for file in files)
    scripts = [page_script(), *([viewer_library()] if with_viewer else [])]
    return environment.get_template("page.html").render(
        report=report,
        policy=content_policy(scripts, files),
        style=Markup(read_page_file("page/style.css")),
        scripts=[Markup(script) for script in scripts],
        rows=_rows(report.sections, sections),
        contents=_contents(report.sections),
        files=files,
        embedded=[file for file in files if file.embedded],
        linked=[file for file in files if not file.embedded],
        viewer_licences=read_page_file("vendor/model-viewer.LICENSES.txt") if with_viewer else "",
    )


def content_policy(scripts: Sequence[str], files: Sequence[MediaFile]) -> str:
    """The page's content security policy: no network, our scripts only, files only if linked.

    The 3-D viewer compiles the mesh decoder that it contains, which is WebAssembly.
    """
    hashes = " ".join(f"'sha256-{_digest(script)}'" for script in scripts)
    wasm = (
        " 'wasm-unsafe-eval'"
        if any(file.kind == "asset" and file.embedded for file in files)
        else ""
    )
    local = "" if all(file.embedded for file in files) else " 'self' file:"
    return "; ".join(
        [
            "default-src 'none'",
            f"script-src {hashes}{wasm}",
            "style-src 'unsafe-inline'",
            f"img-src data: blob:{local}",
            f"media-src data: blob:{local}",
            "connect-src data: blob:",
            "base-uri 'none'",
            "form-action 'none'",
        ]
    )


def _digest(script: str) -> str:
    return base64.b64encode(hashlib.sha256(script.encode()).digest()).decode("ascii")


def page_script() -> str:
    """The scripts of the report's page as one module."""
    return page_script_of(*SCRIPTS)


def page_script_of(*names: str) -> str:
    """Scripts of the folder ``page`` as one module."""
    return _inline("\n".join(read_page_file(f"page/{name}") for name in names))


def viewer_library() -> str:
    """The 3-D viewer, without the pointer to a source map that is not there."""
    return _inline(
        read_page_file("vendor/model-viewer.min.js").partition("//# sourceMappingURL=")[0]
    )


def _inline(script: str) -> str:
    """A script, checked to be what it is when it stands between script tags.

    Beside its end tag, an opening one after ``<!--`` would change how HTML reads it; carriage
    returns would change its hash.
    """
    lower = script.lower()
    if "</script" in lower or ("<!--" in lower and "<script" in lower) or "\r" in lower:
        raise ValueError("a script that is embedded in pages would end its own script element")
    return script


@cache
def read_page_file(name: str) -> str:
    """The text of a file of this package."""
    return (HERE / name).read_text(encoding="utf-8")


def page_environment() -> Environment:
    """The templates, which show all text literally."""
    environment = Environment(
        loader=FileSystemLoader(HERE / "templates"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=_drawable,
    )
    environment.filters["number"] = format_number
    environment.filters["base64"] = _base64
    return environment


def _drawable(value: Any) -> Any:
    """Every text that reaches the page passes here; markup was made by this package."""
    return plain(value) if isinstance(value, str) and not isinstance(value, Markup) else value


def _base64(path: Path) -> Markup:
    return Markup(base64.b64encode(path.read_bytes()).decode("ascii"))


def _rows(sections: Sequence[Section], rendered: Sequence[Markup]) -> list[list[Markup]]:
    """Rows of the page: neighbouring plots share one in pairs, all else has one of its own."""
    rows: list[list[Markup]] = []
    open_row = False
    for section, html in zip(sections, rendered, strict=True):
        if open_row and isinstance(section, Plot):
            rows[-1].append(html)
            open_row = False
        else:
            rows.append([html])
            open_row = isinstance(section, Plot)
    return rows


def _contents(sections: Sequence[Section]) -> list[tuple[str, str]]:
    """Ids and titles for the table of contents; none for short pages."""
    entries = [(f"section-{number}", section.title) for number, section in enumerate(sections, 1)]
    entries = [(key, title) for key, title in entries if title]
    return entries if len(entries) > 3 else []
