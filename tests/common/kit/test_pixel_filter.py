import torch
from torch.testing import assert_close

from common.kit.pixel_filter import TAPS, pixel_filtered


def test_pixel_filter_keeps_the_sum_of_a_picture_away_from_its_border():
    picture = torch.zeros(2, 9, 9, 4)
    picture[:, 2:7, 2:7] = torch.rand(2, 5, 5, 4, generator=torch.Generator().manual_seed(0))
    # Sums of 25 numbers in float32.
    assert_close(pixel_filtered(picture).sum((1, 2)), picture.sum((1, 2)), atol=1e-5, rtol=0)


def test_pixel_filter_has_half_a_pixel_of_deviation():
    point = torch.zeros(1, 5, 5, 1)
    point[0, 2, 2] = 1.0
    made = pixel_filtered(point)[0, :, :, 0]
    place = torch.arange(5.0) - 2
    assert_close((made.sum(0) * place**2).sum(), torch.tensor(0.25))
    assert_close(made, made.T)
    assert sum(TAPS) == 1.0


def test_pixel_filter_keeps_colours_below_alpha():
    generator = torch.Generator().manual_seed(1)
    alpha = torch.rand(1, 8, 8, 1, generator=generator)
    colour = alpha * torch.rand(1, 8, 8, 3, generator=generator)
    made = pixel_filtered(torch.cat([colour, alpha], -1))
    assert bool((made[..., :3] <= made[..., 3:] + 1e-6).all())
