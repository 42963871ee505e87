"""A browser and a folder with a full report, made once for all tests of the page."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from common.report.html import write_html
from tests.common.report.chromium_driver import Chromium
from tests.common.report.samples import full_report, write_media


@pytest.fixture(scope="session")
def report_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with all media of ``full_report`` and its page."""
    folder = tmp_path_factory.mktemp("report")
    write_media(folder)
    write_html(full_report(), folder)
    return folder


@pytest.fixture(scope="module")
def browser(chromium: str) -> Iterator[Chromium]:
    """A headless Chromium without network; where it is absent, skipped, or failed in CI."""
    started = Chromium(chromium)
    yield started
    started.close()
