import pytest
import torch

from common.errors import InputError
from common.judging.alpha_box import MAX_PSNR, alpha_box_psnr, alpha_boxes, worst_mean_psnr


def grey_square(value: float, alpha: float = 1.0) -> torch.Tensor:
    """A 4x6 square inside an empty 16x16 picture, premultiplied, in [-1, 1]."""
    picture = torch.zeros(1, 4, 16, 16)
    picture[:, :3, 2:6, 3:9] = value * alpha
    picture[:, 3, 2:6, 3:9] = alpha
    return picture * 2 - 1


def test_box_is_the_smallest_rectangle_of_visible_pixels():
    alpha = torch.zeros(1, 8, 8)
    alpha[0, 2, 3] = 1.0
    alpha[0, 5, 1] = 1 / 255
    alpha[0, 7, 7] = 0.4 / 255  # rounds to 0: not visible
    expected = torch.zeros(8, 8)
    expected[2:6, 1:4] = 1
    assert torch.equal(alpha_boxes(alpha)[0], expected)


def test_known_error_gives_known_psnr_on_every_background():
    # Opaque, so the background shows nowhere: error 0.1 everywhere in the box, 20 dB.
    psnr = alpha_box_psnr(grey_square(0.6), grey_square(0.5))
    torch.testing.assert_close(psnr, torch.full((1, 3), 20.0), rtol=0, atol=1e-4)


def test_wrong_alpha_shows_where_the_background_differs():
    # Black at alpha 0.5 instead of 1: nothing on black, 0.5 on white, 0.5 in two of three colours
    # on magenta.
    psnr = alpha_box_psnr(grey_square(0.0, 0.5), grey_square(0.0, 1.0))[0]
    expected = [-10 * torch.tensor(0.25).log10(), MAX_PSNR, -10 * torch.tensor(0.5 / 3).log10()]
    assert psnr.tolist() == pytest.approx([float(value) for value in expected], abs=1e-4)
    assert worst_mean_psnr(psnr[None]) == pytest.approx(6.0206, abs=1e-3)


def test_empty_margin_does_not_dilute_the_error():
    small, large = grey_square(0.6), torch.full((1, 4, 64, 64), -1.0)
    target = torch.full((1, 4, 64, 64), -1.0)
    large[..., :16, :16], target[..., :16, :16] = small, grey_square(0.5)
    torch.testing.assert_close(
        alpha_box_psnr(large, target), alpha_box_psnr(small, grey_square(0.5))
    )


def test_overshoot_is_measured_as_it_would_be_written():
    # Colour above alpha and alpha above 1 are what the writer makes white of.
    made = grey_square(1.0) + torch.where(grey_square(1.0) > 0, 0.7, 0.0)
    assert bool((alpha_box_psnr(made, grey_square(1.0)) == MAX_PSNR).all())


def test_invisible_target_is_refused():
    with pytest.raises(InputError, match="no alpha box"):
        alpha_box_psnr(grey_square(0.5), torch.full((1, 4, 16, 16), -1.0))
