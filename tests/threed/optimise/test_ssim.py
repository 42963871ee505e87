import numpy as np
import torch
from skimage.metrics import structural_similarity

from threed.optimise.ssim import ssim

F64 = torch.float64


def pair(height=17, width=14, views=2):
    generator = torch.Generator().manual_seed(0)
    first = torch.rand(views, height, width, 3, generator=generator, dtype=F64)
    second = torch.rand(views, height, width, 3, generator=generator, dtype=F64)
    return first, 0.6 * first + 0.4 * second


def test_it_is_one_for_equal_pictures_only():
    first, second = pair()
    torch.testing.assert_close(ssim(first, first), torch.ones_like(first), rtol=0, atol=1e-12)
    assert float(ssim(first, second).max()) < 0.999


def test_it_is_scikit_images_where_the_window_lies_inside():
    first, second = pair(40, 36, 1)
    ours = ssim(first, second)[0]
    _, theirs = structural_similarity(
        first[0].numpy(), second[0].numpy(), channel_axis=2, data_range=1.0, gaussian_weights=True,
        sigma=1.5, truncate=3.5, use_sample_covariance=False, full=True,
    )  # fmt: skip
    inside = (slice(5, -5), slice(5, -5))  # eleven taps
    np.testing.assert_allclose(ours[inside].numpy(), theirs[inside], atol=1e-10)


def test_gradients_pass_gradcheck():
    first, second = pair(7, 13, 2)
    assert torch.autograd.gradcheck(lambda x: ssim(x, second), [first.requires_grad_()])
