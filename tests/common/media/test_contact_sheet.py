import numpy as np
import pytest

from common.errors import InputError
from common.kit.catalogue import CATEGORIES
from common.kit.palette import PALETTE
from common.media import captions
from common.media.captions import fit_caption
from common.media.contact_sheet import clip_sheet, picture_sheet
from common.training.emoji.emoji_concepts import load_concepts
from tests.common.media.sample_media import moving_clip, noise_clip

PAGE = [250, 250, 250]


def plain(color, height: int = 40, width: int = 40) -> np.ndarray:
    return np.full((height, width, 3), color, np.uint8)


def test_grid_holds_every_picture_in_reading_order():
    colors = [(200, 0, 0), (0, 200, 0), (0, 0, 200), (90, 90, 0), (0, 90, 90)]
    sheet = picture_sheet([plain(color) for color in colors], num_columns=3, cell_px=40)
    assert sheet.shape == (8 + 2 * 48, 8 + 3 * 48, 3)
    for index, color in enumerate(colors):
        row, column = divmod(index, 3)
        assert sheet[8 + 48 * row + 20, 8 + 48 * column + 20].tolist() == list(color)
    assert sheet[8 + 48 + 20, 8 + 96 + 20].tolist() == PAGE


@pytest.mark.parametrize(("count", "columns"), [(1, 1), (2, 2), (4, 2), (5, 3), (9, 3), (10, 4)])
def test_grid_is_as_square_as_it_can_be(count, columns):
    sheet = picture_sheet([plain(0)] * count, cell_px=40)
    assert sheet.shape[1] == 8 + 48 * columns


def test_small_pictures_grow_by_whole_factors_and_large_ones_shrink():
    tiny = noise_clip(1, 1, 3)[0]
    sheet = picture_sheet([tiny], cell_px=100)
    enlarged = sheet[8:-8, 8:-8]
    assert np.array_equal(enlarged, np.kron(tiny, np.ones((33, 33, 1), np.uint8)))
    assert picture_sheet([plain(0, 300, 600)], cell_px=100).shape == (66, 116, 3)
    assert picture_sheet([plain(0, 60, 70)], cell_px=100)[8:-8, 8:-8].shape == (60, 70, 3)


def test_shrunk_flat_pictures_keep_their_colour():
    sheet = picture_sheet([plain((10, 200, 30), 999, 501)], cell_px=64)
    assert (sheet[8:-8, 8:-8] == (10, 200, 30)).all()


def test_transparent_pictures_lie_on_the_background():
    clear = np.zeros((40, 40, 4), np.uint8)
    clear[:20] = (10, 20, 30, 255)
    sheet = picture_sheet([clear], cell_px=40, background="#ff8000")[8:-8, 8:-8]
    assert (sheet[:20] == (10, 20, 30)).all()
    assert (sheet[20:] == (255, 128, 0)).all()
    checker = picture_sheet([clear], cell_px=40)[8:-8, 8:-8]
    assert {tuple(color) for color in checker[20:].reshape(-1, 3)} == {(255,) * 3, (214,) * 3}
    assert (checker[24, 0] != checker[24, 8]).all()


def test_captions_leave_room_and_ink():
    bare = picture_sheet([plain(0, 100, 100)] * 2, cell_px=100)
    captioned = picture_sheet(
        [plain(0, 100, 100)] * 2, captions=["a red cube", "seed 7"], cell_px=100
    )
    assert captioned.shape[0] == bare.shape[0] + 17
    below = captioned[110:]
    assert below.min() < 100
    # The empty caption of a picture draws nothing.
    half = picture_sheet([plain(0, 100, 100)] * 2, captions=["", "seed 7"], cell_px=100)
    assert (half[110:-9, 8:108] == PAGE).all()


def test_strip_shows_first_and_last_moment():
    clip = np.stack([plain(20 * index, 32, 32) for index in range(11)])
    sheet = clip_sheet([clip, clip[:2], clip[:1]], num_moments=3, cell_px=32)
    assert sheet.shape == (3 * 40 + 8, 8 + 3 * 32 + 2 * 4 + 8, 3)
    row = sheet[24]
    assert [row[8 + 36 * index + 16, 0] for index in range(3)] == [0, 100, 200]
    second = sheet[24 + 40]
    assert [second[8 + 36 * index + 16, 0] for index in range(3)] == [0, 20, 250]


def test_many_pictures_shrink_to_fit_and_too_many_are_refused():
    sheet = picture_sheet([plain(0, 8, 8)] * 1000, captions=["x"] * 1000)
    assert max(sheet.shape) <= 8192 + 8
    with pytest.raises(InputError, match="do not fit"):
        clip_sheet([plain(0, 8, 8)[None]] * 600)


def test_wrong_arguments_are_refused():
    with pytest.raises(InputError, match="at least one picture"):
        picture_sheet([])
    with pytest.raises(InputError, match="1 captions for 2 pictures"):
        picture_sheet([plain(0)] * 2, captions=["x"])
    with pytest.raises(InputError, match="#rrggbb"):
        picture_sheet([np.zeros((4, 4, 4), np.uint8)], background="white")
    with pytest.raises(InputError, match="clip of 0 frames"):
        clip_sheet([moving_clip()[:0]])
    with pytest.raises(InputError, match="-1 columns of 40 pixels"):
        picture_sheet([plain(0)], num_columns=-1, cell_px=40)
    with pytest.raises(InputError, match="1 columns of 0 pixels"):
        picture_sheet([plain(0)], cell_px=0)


def test_sheet_is_the_same_every_time():
    pictures, texts = list(noise_clip(3, 20, 20)), ["one", "двa", "τρία"]
    first = picture_sheet(pictures, captions=texts)
    assert np.array_equal(first, picture_sheet(pictures, captions=texts))


@pytest.mark.parametrize(
    "text",
    ["short", "a longer prompt of several words that needs more than one line to be shown",
     "x" * 10_000, "一只红色的猫在雪地里奔跑" * 20, "tab\tnew\nline\0nul", " ", "🎈" * 50],
)  # fmt: skip
@pytest.mark.parametrize("width", [40, 120, 300])
def test_captions_fit_their_width_and_lines(text, width):
    caption = fit_caption(text, width, 13)
    assert len(caption.lines) <= 2
    for line in caption.lines:
        # A single character may be wider than a very narrow cell.
        assert caption.font.getlength(line) <= width or len(line) <= 2
        assert line.isprintable()


def test_wrapping_keeps_the_words():
    caption = fit_caption("alpha beta gamma delta", 90, 13)
    assert " ".join(caption.lines) == "alpha beta gamma delta"
    assert len(caption.lines) == 2
    cut = fit_caption("alpha beta gamma delta epsilon zeta eta theta", 90, 13)
    assert cut.lines[0] == caption.lines[0]
    assert cut.lines[1].endswith("…")


def test_no_character_is_drawn_as_a_box():
    """Whatever fonts this machine has, every drawn character has a shape in the chosen one."""
    for text in ("plain", "Ελληνικά", "кириллица", "一只猫", "🎈 red", "\U00013000 hieroglyph"):
        caption = fit_caption(text, 2000, 13)
        known = captions._characters_of(caption.font.path)
        assert set("".join(caption.lines)) <= known


@pytest.fixture
def fonts_of_the_machine(monkeypatch):
    """Sets which fonts the machine has; the choice of fonts is forgotten before and after."""

    def set_to(*paths):
        monkeypatch.setattr(captions, "_system_fonts", lambda: paths)
        captions._font_for.cache_clear()

    yield set_to
    captions._font_for.cache_clear()


def test_characters_in_no_font_are_counted(fonts_of_the_machine):
    fonts_of_the_machine()
    caption = fit_caption("cat ねこね runs 🎈", 2000, 13)
    assert caption.lines == ("cat [3 characters without a font] runs [1 character without a font]",)


def test_chinese_is_drawn_on_a_machine_without_fonts(fonts_of_the_machine):
    fonts_of_the_machine()
    caption = fit_caption("一只红色的猫, a red cat；饺子、机器人", 2000, 13)
    assert caption.lines == ("一只红色的猫, a red cat；饺子、机器人",)


def test_chinese_font_has_every_character_that_prompts_are_trained_on():
    known = captions._characters_of(str(captions._CHINESE_FONT))
    texts = [text for concept in load_concepts().values() for text in concept.zh.names]
    for category in CATEGORIES:
        texts += [category.noun.chinese]
    texts += [swatch.chinese for swatch in PALETTE.values()]
    missing = {char for text in texts for char in text if "一" <= char <= "鿿"} - known
    assert not missing


def test_font_of_the_machine_is_taken_when_the_default_lacks_characters(fonts_of_the_machine):
    # A font that comes with matplotlib stands for a machine's font of another script.
    default = captions._default_font()
    other = default.replace("DejaVuSans.ttf", "STIXGeneral.ttf")
    only_there = sorted(captions._characters_of(other) - captions._characters_of(default))[0]
    fonts_of_the_machine("/nowhere/missing.ttf", other)
    caption = fit_caption(f"x{only_there}", 2000, 13)
    assert caption.font.path == other
    assert caption.lines == (f"x{only_there}",)


def test_captions_stay_within_the_sheet():
    sheet = picture_sheet(
        list(noise_clip(4, 90, 90)), captions=["W" * 200] * 4, cell_px=90, num_columns=4
    )
    assert (sheet[:, -8:] == PAGE).all()
    assert (sheet[-8:] == PAGE).all()
