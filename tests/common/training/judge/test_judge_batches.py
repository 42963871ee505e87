import numpy as np
import pytest

from common.errors import InputError
from common.training.judge.judge_claims import contrary_claims, truths
from common.training.judge.judge_emoji import draw_emoji, emoji_source, says_colour
from common.training.judge.judge_kit import KitSource, differently_coloured, draw_kit
from tests.common.training.small_judge import COLOURS, KEYS, emoji_squares, kit_source, kit_squares


def test_first_captions_of_kit_batches_are_true_and_the_contrary_ones_false():
    source = kit_source(tuple(range(6)))
    drawn = draw_kit(source, 2, 3, 5, 0.0, 0.3, np.random.default_rng(0))
    codes = np.stack([claim.codes for claim in drawn.claims])
    true = truths(drawn.objects, codes)
    assert drawn.pixels.shape == (6, 64, 64, 4)
    assert true[np.arange(6), np.arange(6)].all()
    # Two or three false captions follow for each, then five bare nouns.
    contrary = true[:, 6:-5]
    assert 2 * 6 <= contrary.shape[1] <= 3 * 6
    assert (~contrary).any(0).all()
    of_picture = [
        number for number, claim in enumerate(drawn.claims[:6])
        for _ in contrary_claims(claim, np.random.default_rng(1))
    ]  # fmt: skip
    assert len(of_picture) == contrary.shape[1]
    assert not contrary[of_picture, range(len(of_picture))].any()
    assert (codes[-5:, 1:] == -1).all()


def test_swapped_captions_are_in_kit_batches():
    source = kit_source((0,))
    drawn = draw_kit(source, 1, 1, 0, 0.0, 0.0, np.random.default_rng(0))
    own, swapped = drawn.claims[0].facts, drawn.claims[1].facts
    assert (swapped.main, swapped.accent) == (own.accent, own.main)


def test_azimuths_and_pixels_are_of_the_drawn_view():
    source = kit_source((0, 1, 2))
    drawn = draw_kit(source, 3, 1, 0, 1.0, 0.0, np.random.default_rng(0))
    place_of = {0.0: 0, 90.0: 1, 270.0: 2}
    for pixels, codes, azimuth in zip(drawn.pixels, drawn.objects, drawn.azimuths_deg, strict=True):
        found = [
            (one, row) for one, known in zip(source.turned, source.codes[True], strict=True)
            for row, code in enumerate(known) if (code == codes).all()
        ]  # fmt: skip
        (one, row), *_ = found
        assert (one.pixels[3 * row + place_of[float(azimuth)]] == pixels).all()


def test_azimuths_are_taught_under_turned_light_only():
    source = kit_source((0, 1, 2), (4, 5, 6))
    rng = np.random.default_rng(0)
    for _ in range(20):
        drawn = draw_kit(source, 3, 2, 0, 0.5, 0.0, rng)
        still, turned = ({tuple(code) for one in codes for code in one} for codes in source.codes)
        for codes, azimuth in zip(drawn.objects, drawn.azimuths_deg, strict=True):
            assert tuple(codes) in (still if np.isnan(azimuth) else turned)
    for share in (0.0, 1.0):
        drawn = draw_kit(source, 3, 2, 0, share, 0.0, rng)
        assert np.isnan(drawn.azimuths_deg).all() == (share == 0)


def test_both_lights_need_the_same_categories():
    with pytest.raises(InputError, match="3 categories under the kit's light and 2 under turned"):
        KitSource(kit_squares((0,)), kit_squares((0,))[:2])


def test_objects_of_a_category_differ_in_colour_as_long_as_they_can():
    codes = np.zeros((8, 6), np.int64)
    codes[:, 1] = [0, 0, 0, 0, 0, 1, 2, 2]
    chosen = differently_coloured(codes, 3, np.random.default_rng(0))
    assert sorted(codes[chosen, 1]) == [0, 1, 2]
    assert len(set(differently_coloured(codes, 8, np.random.default_rng(0)))) == 8


def test_names_of_other_emoji_are_of_no_picture():
    source = emoji_source(emoji_squares(), dict(zip(KEYS, COLOURS, strict=True)))
    drawn = draw_emoji(source, 2, 2, 0.5, 0.0, np.random.default_rng(0))
    assert len(drawn.texts) == len(drawn.text_rows) == 4
    assert sorted(drawn.text_rows) == [0, 1, 2, 3]
    assert drawn.written_for.tolist() == [0, 1, -1, -1]
    assert not drawn.recoloured.any()


def test_recoloured_stills_have_captions_without_colours():
    source = emoji_source(emoji_squares(), dict(zip(KEYS, COLOURS, strict=True)))
    # The names of the apple and, in Chinese, of the frog say a colour.
    assert source.recolourable.tolist() == [False, True, False, True]
    rng = np.random.default_rng(0)
    plain, said = [], []
    for _ in range(60):
        kept, shown = (draw_emoji(source, 4, 0, 0.5, share, rng) for share in (0.0, 1.0))
        said += list(kept.texts)
        plain += [t for t, other in zip(shown.texts, shown.recoloured, strict=True) if other]
    assert any(map(says_colour, said))
    assert not any(map(says_colour, plain))
