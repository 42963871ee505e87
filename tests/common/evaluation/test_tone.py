import pytest
import torch

from common.evaluation.tone import Tone, tone_distances, toned


def pictures(seed=0):
    """Random straight colours under random opacity, premultiplied."""
    generator = torch.Generator().manual_seed(seed)
    parts = torch.rand(3, 4, 8, 8, generator=generator)
    return torch.cat([parts[:, :3] * parts[:, 3:], parts[:, 3:]], 1) * 2 - 1


def test_toned_twice_is_toned_once_and_has_no_distance():
    tone = Tone()
    once = toned(pictures(), tone)
    torch.testing.assert_close(toned(once, tone), once, rtol=0, atol=2e-5)
    assert float(tone_distances(once, tone).max()) < 1e-4
    assert float(tone_distances(pictures(), tone).min()) > 0.1
    torch.testing.assert_close(once[:, 3], pictures()[:, 3], rtol=0, atol=1e-6)


def test_black_and_white_become_the_two_colours():
    tone = Tone(dark="#400000", light="#80ff80")
    flat = torch.stack([torch.full((4, 2, 2), 1.0), torch.full((4, 2, 2), -1.0)])
    flat[1, 3] = 1.0
    white, black = (toned(flat, tone) + 1) / 2 * 255
    assert white[:3, 0, 0].round().tolist() == [128, 255, 128]
    assert black[:3, 0, 0].round().tolist() == [64, 0, 0]


def test_distance_is_between_colours_and_knows_opacity():
    tone = Tone(dark="#000000", light="#ffffff")  # grey
    red = torch.full((1, 4, 2, 2), -1.0)
    red[:, 0] = red[:, 3] = 1.0
    luma = 0.2126
    expected = ((1 - luma) ** 2 + 2 * luma**2) ** 0.5
    assert float(tone_distances(red, tone)) == pytest.approx(expected, abs=1e-5)
    half = red.clone()
    half[..., 1] = -1.0  # half of it is nothing
    assert float(tone_distances(half, tone)) == pytest.approx(expected, abs=1e-5)


def test_light_must_be_lighter():
    with pytest.raises(ValueError, match="must be lighter"):
        Tone(dark="#ffffff", light="#000000")
