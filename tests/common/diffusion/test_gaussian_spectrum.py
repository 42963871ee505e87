import pytest
import torch

from common.diffusion.gaussian_spectrum import isotropic_band, power_law_bands


@pytest.mark.parametrize("axes", [(16, 16), (4, 12, 20), (1, 8)])
def test_variance_averages_to_the_variation_and_falls_with_frequency(axes):
    band_of, variances = power_law_bands(axes, 0.2, 4.0)
    per_coefficient = variances[band_of].reshape(axes)
    assert float(per_coefficient.mean()) == pytest.approx(0.04, rel=1e-12)
    assert bool((variances > 0).all())
    assert bool((variances.diff() < 0).all())
    along = per_coefficient[(0,) * (len(axes) - 1)]
    assert bool((along.diff() <= 0).all())


def test_zero_smoothness_is_white_noise():
    band_of, variances = power_law_bands((8, 8), 0.3, 0.0)
    assert torch.allclose(variances[band_of], torch.tensor(0.09, dtype=torch.float64))


def test_isotropic_band_is_one_variance():
    band_of, variances = isotropic_band((2, 3, 4), 0.5)
    assert band_of.tolist() == [0] * 24
    assert variances.tolist() == [0.25]
