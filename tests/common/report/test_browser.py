"""The page in a real browser, opened as a file, with the network off."""

import io
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from common.report.content import Asset, AssetView, ClipRow, Gallery, MediaItem, Report, SyncedClips
from common.report.html import write_html
from tests.common.report.chromium_driver import Chromium, Page
from tests.common.report.samples import full_report, write_asset, write_clip, write_media

pytestmark = [pytest.mark.chromium, pytest.mark.slow]

PHONE, DESK = (390, 844), (1280, 900)
SYNCED = "document.querySelector('[data-synced]')"
SYNCED_VIDEOS = "[...document.querySelectorAll('[data-synced] video')]"


def opened(browser: Chromium, folder: Path, size: tuple[int, int] = DESK, **options: bool) -> Page:
    page = browser.open(folder / "report.html", *size, **options)
    page.wait_for("document.documentElement.dataset.page === 'ready'")
    return page


def scroll_to(page: Page, selector: str) -> None:
    page.evaluate(f"document.querySelector('{selector}').scrollIntoView({{block: 'center'}})")


def scroll_through(page: Page) -> None:
    """Bring every part of the page into view, so that everything loads."""
    height = page.evaluate("document.documentElement.scrollHeight")
    for top in range(0, height, 400):
        page.evaluate(f"scrollTo(0, {top})")
        time.sleep(0.05)


def picture_of(page: Page, selector: str) -> np.ndarray:
    """The pixels of an element as they stand on the screen."""
    box = page.evaluate(
        f"(b => [b.x + scrollX, b.y + scrollY, b.width, b.height])"
        f"(document.querySelector('{selector}').getBoundingClientRect())"
    )
    png = page.screenshot(clip=dict(zip(("x", "y", "width", "height"), box, strict=True)))
    return np.asarray(Image.open(io.BytesIO(png)).convert("RGB"), int)


# What reaches over its card's edge without being cut off or scrolled by its own box.
OUTSIDE = """[...document.querySelectorAll('.card')].flatMap(card => {
  const right = card.getBoundingClientRect().right;
  return [...card.querySelectorAll('*')]
    .filter(e => !e.closest('.scroll table') && !e.closest('svg') && !e.closest('.bars th'))
    .filter(e => e.getBoundingClientRect().right > right + 1)
    .map(e => e.tagName + '.' + e.className);
})"""


@pytest.mark.parametrize(
    ("size", "dark"), [(PHONE, False), (DESK, True)], ids=["390-light", "1280-dark"]
)
def test_everything_loads_without_errors_requests_or_overflow(browser, report_folder, size, dark):
    page = opened(browser, report_folder, size, dark=dark)
    scroll_through(page)
    page.wait_for("document.querySelector('[data-viewer]').dataset.viewer === 'loaded'", 120)
    page.wait_for("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    page.wait_for("[...document.querySelectorAll('video')].every(v => v.videoWidth > 0)")
    page.evaluate("document.querySelectorAll('details').forEach(d => d.open = true)")
    assert page.evaluate("document.scrollingElement.scrollWidth") <= size[0]
    assert page.evaluate(OUTSIDE) == []
    assert page.problems() == []
    assert page.requested_urls() == [(report_folder / "report.html").as_uri()]
    # Text never became a script: the page still has the title that it was given.
    assert page.evaluate("document.title").startswith("<script>")
    background = page.evaluate("getComputedStyle(document.body).backgroundColor")
    assert background == ("rgb(14, 19, 24)" if dark else "rgb(244, 246, 248)")
    page.close()


def test_policy_stops_a_request_that_a_script_would_make(browser, report_folder):
    page = opened(browser, report_folder)
    refused = page.evaluate(
        "fetch('https://example.org/x').then(() => 'sent', error => String(error))"
    )
    assert refused.startswith("TypeError")
    assert any("Content Security Policy" in problem for problem in page.problems())
    assert page.requested_urls() == [(report_folder / "report.html").as_uri()]
    page.close()


def test_policy_stops_a_script_that_was_smuggled_in(browser, report_folder, tmp_path):
    text = (report_folder / "report.html").read_text()
    smuggled = text.replace("</main>", "<script>document.title = 'taken'</script></main>")
    assert smuggled != text
    (tmp_path / "report.html").write_text(smuggled)
    page = opened(browser, tmp_path)
    assert page.evaluate("document.title") != "taken"
    page.close()


def test_clip_plays_while_seen_and_rests_when_not(browser, report_folder):
    page = opened(browser, report_folder)
    first = "document.querySelector('[data-player]')"
    scroll_to(page, "[data-player]")
    page.wait_for(f"{first}.currentTime > 0.2")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    page.wait_for(f"{first}.paused")
    at = page.evaluate(f"{first}.currentTime")
    time.sleep(0.4)
    assert page.evaluate(f"{first}.currentTime") == at
    scroll_to(page, "[data-player]")
    page.wait_for(f"!{first}.paused")
    assert page.evaluate(f"[{first}.muted, {first}.loop, {first}.controls]") == [True] * 3
    page.close()


def test_clip_that_the_reader_paused_stays_paused(browser, report_folder):
    page = opened(browser, report_folder)
    first = "document.querySelector('[data-player]')"
    scroll_to(page, "[data-player]")
    page.wait_for(f"{first}.currentTime > 0.1")
    page.evaluate(f"{first}.pause()")
    page.evaluate("scrollTo(0, document.documentElement.scrollHeight)")
    time.sleep(0.3)
    scroll_to(page, "[data-player]")
    time.sleep(0.5)
    assert page.evaluate(f"{first}.paused")
    page.close()


def test_nothing_moves_for_readers_who_want_no_motion(browser, report_folder):
    page = opened(browser, report_folder, calm=True)
    for selector in ("[data-player]", "[data-synced]"):
        scroll_to(page, selector)
        page.wait_for(
            f"document.querySelector('{selector}').closest('section')"
            ".querySelector('video').readyState >= 2"
        )
        time.sleep(0.3)
    assert page.evaluate("[...document.querySelectorAll('video')].every(v => v.paused)")
    assert page.evaluate(f"{SYNCED}.dataset.state") == "paused"
    assert not page.evaluate("document.querySelector('model-viewer').hasAttribute('auto-rotate')")
    page.close()


def test_synced_clips_stay_within_one_frame(browser, tmp_path):
    fps = 24
    rows = []
    for row in range(2):
        clips = [write_clip(tmp_path / f"{row}{c}.mp4", num_frames=48, fps=fps) for c in range(3)]
        rows.append(ClipRow(str(row), tuple(MediaItem(clip) for clip in clips)))
    write_html(
        Report("r", "", "done", (), (SyncedClips("s", tuple("abc"), tuple(rows)),)), tmp_path
    )
    page = opened(browser, tmp_path)
    page.wait_for(f"{SYNCED_VIDEOS}.every(v => v.readyState >= 3 && !v.paused)")
    seen = []
    while len(seen) < 60:
        # Over more than two loops; at the turn of the loop, clips seek for a moment.
        times, busy = page.evaluate(
            f"[{SYNCED_VIDEOS}.map(v => v.currentTime), {SYNCED_VIDEOS}.some(v => v.seeking)]"
        )
        if not busy:
            seen.append(times)
        time.sleep(0.08)
    spread_frames = [(max(times) - min(times)) * fps for times in seen]
    assert max(spread_frames) <= 1
    assert np.median(spread_frames) < 0.3
    assert max(map(max, seen)) - min(map(min, seen)) > 1.2, "the clips moved"
    assert page.problems() == []
    page.close()


def test_paused_clips_show_the_same_frame_and_step_together(browser, report_folder):
    page = opened(browser, report_folder)
    scroll_to(page, "[data-synced]")
    page.wait_for(f"{SYNCED_VIDEOS}.every(v => v.readyState >= 3)")
    page.evaluate(f"{SYNCED}.querySelector('[data-play]').click()")
    assert page.evaluate(f"{SYNCED}.dataset.state") == "paused"
    page.evaluate(
        f"(s => {{ s.value = 20; s.dispatchEvent(new Event('input')) }})"
        f"({SYNCED}.querySelector('input[type=range]'))"
    )
    page.evaluate(f"{SYNCED}.querySelector('[data-step=\"1\"]').click()")
    page.wait_for(f"{SYNCED_VIDEOS}.every(v => !v.seeking)")
    # 16 frames/s: the middle of frame 21 is at 21.5 / 16 s, to the 10 us of a media clock.
    times = page.evaluate(f"{SYNCED_VIDEOS}.map(v => v.currentTime)")
    assert times == pytest.approx([21.5 / 16] * 3, abs=1e-5)
    assert page.evaluate(f"{SYNCED}.querySelector('output').textContent") == "22 / 32 · 1.31 s"
    page.evaluate(
        f"for (let i = 0; i < 11; i++) {SYNCED}.querySelector('[data-step=\"1\"]').click()"
    )
    assert page.evaluate(f"{SYNCED}.querySelector('input[type=range]').value") == "0"
    page.close()


def test_synced_clips_are_controlled_by_keys(browser, report_folder):
    page = opened(browser, report_folder)
    scroll_to(page, "[data-synced]")
    page.wait_for(f"{SYNCED_VIDEOS}.every(v => v.readyState >= 3 && !v.paused)")
    page.evaluate(f"{SYNCED}.querySelector('[data-play]').focus()")
    page.press(" ", 32)
    page.wait_for(f"{SYNCED}.dataset.state === 'paused'")
    page.evaluate(f"{SYNCED}.querySelector('input[type=range]').focus()")
    before = int(page.evaluate(f"{SYNCED}.querySelector('input[type=range]').value"))
    page.press("ArrowRight", 39)
    page.wait_for(f"{SYNCED}.querySelector('input[type=range]').value == {(before + 1) % 32}")
    page.close()


@pytest.fixture(scope="module")
def asset_page(browser, tmp_path_factory) -> Iterator[Page]:
    """A page with one asset, loaded and not yet turning."""
    folder = tmp_path_factory.mktemp("asset")
    view = AssetView("a", (Asset(write_asset(folder / "cube.glb")),))
    write_html(Report("r", "", "done", (), (view,)), folder)
    page = browser.open(folder / "report.html", *DESK, calm=True)
    page.wait_for("document.querySelector('[data-viewer]').dataset.viewer === 'loaded'", 120)
    page.wait_for("document.querySelector('model-viewer').modelIsVisible")
    yield page
    page.close()


def test_asset_starts_upright_from_its_front_and_turns(asset_page):
    page = asset_page
    time.sleep(0.5)
    front = picture_of(page, "model-viewer")
    height, width, _ = front.shape
    red, green, blue = np.moveaxis(front[:, width // 2], -1, 0)
    # From above the front: the red side of the cube in the middle, its green top above it.
    assert (red - np.maximum(green, blue))[height // 2] > 60
    is_green = np.flatnonzero(green - np.maximum(red, blue) > 60)
    is_red = np.flatnonzero(red - np.maximum(green, blue) > 60)
    assert len(is_red) > height * 0.25
    assert 0 < len(is_green) < len(is_red)
    assert is_green.max() < is_red.min() + 2
    page.evaluate("document.querySelector('[data-turn]').click()")
    page.wait_for("document.querySelector('model-viewer').turntableRotation > 0.3")
    time.sleep(0.3)
    turned = picture_of(page, "model-viewer")
    assert (np.abs(turned - front).max(-1) > 40).mean() > 0.02
    assert page.evaluate("document.querySelector('[data-turn]').ariaPressed") == "true"
    page.evaluate("document.querySelector('[data-turn]').click()")
    page.evaluate("document.querySelector('[data-front]').click()")
    page.wait_for("document.querySelector('model-viewer').turntableRotation === 0")


def test_background_of_the_viewer_can_be_chosen(asset_page):
    page = asset_page
    corners = {}
    for name in ("studio", "checker", "dark"):
        page.evaluate(f"document.querySelector('[data-viewer] input[value={name}]').click()")
        time.sleep(0.3)
        corners[name] = picture_of(page, "model-viewer")[10:58, 10:58]
    assert corners["studio"].mean() > 200
    assert corners["dark"].mean() < 80
    assert np.ptp(corners["checker"].mean(-1)) > 30
    assert page.problems() == []


def test_embedded_file_can_be_saved_from_the_page(browser, report_folder):
    page = opened(browser, report_folder)
    link = "document.querySelector('a[data-download][download=\"cube.glb\"]')"
    # A click must not leave the page here; what it would save is what counts.
    page.evaluate(f"{link}.addEventListener('click', e => e.preventDefault()); {link}.click()")
    head = page.evaluate(f"fetch({link}.href).then(r => r.blob()).then(b => [b.size, b.type])")
    assert head == [(report_folder / "cube.glb").stat().st_size, "model/gltf-binary"]
    page.close()


def test_long_caption_is_cut_and_can_be_opened(browser, report_folder):
    page = opened(browser, report_folder, PHONE)
    cut = page.evaluate(
        """[...document.querySelectorAll('#section-2 .clamped')].map(p => {
          const button = p.nextElementSibling, before = p.clientHeight;
          button.click();
          return [p.scrollHeight, before, p.clientHeight, button.textContent, button.ariaExpanded];
        })"""
    )
    whole, before, after, label, expanded = cut[0]
    assert before < after == whole
    assert (label, expanded) == ("Show less", "true")
    page.close()


def test_page_without_scripts_shows_posters_all_text_and_links(browser, report_folder):
    page = browser.open(report_folder / "report.html", *DESK, scripts=False)
    # Evaluation from outside of the page works without its scripts.
    shown = page.evaluate(
        "[...document.querySelectorAll('video')].every(v => v.poster.startsWith('data:image/webp'))"
    )
    assert shown
    assert page.evaluate("document.querySelector('noscript').innerText").startswith("Clips and")
    assert page.evaluate(
        "[...document.querySelectorAll('.clamped')].every(p => p.scrollHeight < p.clientHeight + 2)"
    )
    page.close()


def test_linked_media_load_from_beside_the_page(browser, tmp_path):
    write_media(tmp_path)
    write_html(full_report(), tmp_path, media_budget_mb=0)
    page = opened(browser, tmp_path)
    scroll_through(page)
    page.wait_for("[...document.images].every(i => i.complete && i.naturalWidth > 0)")
    page.wait_for("[...document.querySelectorAll('video')].every(v => v.videoWidth > 0)")
    assert page.problems() == []
    assert all(url.startswith(tmp_path.as_uri()) for url in page.requested_urls())
    page.close()


def test_page_that_lost_its_linked_files_says_so(browser, tmp_path):
    clip = write_clip(tmp_path / "a.mp4")
    gallery = Gallery("g", (MediaItem(clip),))
    write_html(Report("r", "", "done", (), (gallery,)), tmp_path, media_budget_mb=0)
    clip.unlink()
    page = opened(browser, tmp_path)
    page.wait_for("document.querySelector('.unplayable') !== null")
    text = page.evaluate("document.querySelector('.unplayable').textContent")
    assert text == "The linked file is not there, or this browser cannot play it."
    page.close()
