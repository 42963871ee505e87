import numpy as np
import pytest
import torch

from common.diffusion.gaussian_build import mixture_of_fields, mixture_of_means
from common.diffusion.gaussian_mixture import Level
from common.diffusion.gaussian_spectrum import power_law_bands
from tests.common.diffusion.small_priors import means_of
from tests.reference.dense_mixture import DenseMixture

SHAPE = (2, 3, 4)
WEIGHTS = [0.5, 0.2, 0.3]


def two_family_mixture(axes=SHAPE[1:], dtype=torch.float64):
    """Three modes, the middle one with twice the deviation of the others."""
    band_of, variances = power_law_bands(axes, 0.7, 2.0)
    means = means_of(3, (2, *axes), dtype=dtype)
    families = torch.stack([variances, 4 * variances])
    return mixture_of_means(means, band_of, families, torch.tensor([0, 1, 0]), WEIGHTS)


def dense_twin(mixture):
    spread = mixture.variances[mixture.family_of][:, mixture.band_of]
    variances = spread.reshape(-1, *mixture.axes).numpy()
    return DenseMixture(WEIGHTS, mixture.means().numpy(), variances)


def levels(alpha, sigma, count):
    full = torch.ones(count, dtype=torch.float64)
    return Level(alpha * full, sigma * full)


@pytest.mark.parametrize(("alpha", "sigma"), [(1.0, 0.0), (0.9, 0.436), (0.3, 0.7), (0.0, 1.0)])
def test_density_and_predictions_equal_dense_algebra(alpha, sigma):
    mixture = two_family_mixture()
    twin = dense_twin(mixture)
    latents = means_of(4, SHAPE, seed=9)
    level = levels(alpha, sigma, 4)
    log_prob = mixture.log_prob(latents, level)
    modes = mixture.mode_log_probs(latents, level)
    zero, one = torch.zeros_like(level.alpha), torch.ones_like(level.alpha)
    clean = mixture.mixed_prediction(latents, level, (one, zero))
    noise = mixture.mixed_prediction(latents, level, (zero, one))
    for row, z in enumerate(latents.numpy()):
        expected_clean, expected_noise = twin.clean_and_noise(z, alpha, sigma)
        # Double precision through a 24 x 24 inverse, scipy's by eigenvalues: 1e-11 of about 50.
        assert float(log_prob[row]) == pytest.approx(twin.log_prob(z, alpha, sigma), abs=1e-9)
        np.testing.assert_allclose(modes[row], twin.mode_log_probs(z, alpha, sigma), atol=1e-9)
        np.testing.assert_allclose(clean[row], expected_clean, atol=1e-11)
        np.testing.assert_allclose(noise[row], expected_noise, atol=1e-11)


@pytest.mark.parametrize("axes", [(3, 4), (2, 3, 4)], ids=["picture", "clip"])
def test_score_is_the_gradient_of_the_log_density(axes):
    mixture = two_family_mixture(axes)
    latents = means_of(5, (2, *axes), seed=4).requires_grad_()
    alpha = torch.tensor([0.999, 0.9, 0.7, 0.4, 0.07], dtype=torch.float64)
    level = Level(alpha, (1 - alpha**2).sqrt())
    (score,) = torch.autograd.grad(mixture.log_prob(latents, level).sum(), latents)
    zero, one = torch.zeros_like(alpha), torch.ones_like(alpha)
    eps = mixture.mixed_prediction(latents, level, (zero, one))
    torch.testing.assert_close(
        score, -eps / level.sigma.reshape(-1, *[1] * len(axes), 1), atol=1e-10, rtol=1e-10
    )


def test_each_sample_may_have_its_own_level_and_weights():
    mixture = two_family_mixture()
    latents = means_of(2, SHAPE, seed=2)
    alpha = torch.tensor([0.9, 0.2], dtype=torch.float64)
    level = Level(alpha, (1 - alpha**2).sqrt())
    weights = torch.tensor([[1.0, 0, 0], [0, 0.5, 0.5]], dtype=torch.float64).log()
    mix = (alpha, level.sigma)
    together = mixture.mixed_prediction(latents, level, mix, weights)
    for row in range(2):
        one = slice(row, row + 1)
        alone = mixture.mixed_prediction(
            latents[one],
            Level(alpha[one], level.sigma[one]),
            (alpha[one], level.sigma[one]),
            weights[one],
        )
        torch.testing.assert_close(together[one], alone, atol=1e-13, rtol=0)


def test_restricted_mixture_is_the_conditional_one():
    mixture = two_family_mixture()
    keep = torch.tensor([True, False, True])
    small = mixture.restricted(keep)
    assert small.num_modes == 2
    assert len(small.fields) == 4  # the dropped mode's two channels are gone
    latents = means_of(3, SHAPE, seed=5)
    level = levels(0.6, 0.8, 3)
    masked = torch.tensor([0.625, 0, 0.375], dtype=torch.float64).log().expand(3, 3)
    torch.testing.assert_close(
        small.log_prob(latents, level), mixture.log_prob(latents, level, masked)
    )


def test_shared_fields_make_the_same_mixture_as_whole_means():
    band_of, variances = power_law_bands((4, 5), 0.3, 3.0)
    fields = means_of(3, (4, 5))
    coefficients = means_of(6, (2, 3), seed=1)
    coefficients[:3, :, 2] = 0  # two groups of modes over different fields
    shared = mixture_of_fields(fields, coefficients, band_of, variances[None])
    means = torch.einsum("kcj,jhw->kchw", coefficients, fields)
    whole = mixture_of_means(means, band_of, variances[None])
    torch.testing.assert_close(shared.means(), means)
    torch.testing.assert_close(shared.energies, whole.energies)
    latents, level = means_of(3, (2, 4, 5), seed=2), levels(0.8, 0.6, 3)
    torch.testing.assert_close(
        shared.mode_log_probs(latents, level), whole.mode_log_probs(latents, level)
    )


def test_drawn_samples_have_the_modes_covariance():
    mixture = two_family_mixture()
    count = 4000
    noise = torch.randn(count, *SHAPE, generator=torch.Generator().manual_seed(0)).double()
    drawn = mixture.draw(torch.full((count,), 1), noise)
    distance = mixture.mahalanobis(drawn, levels(1.0, 0.0, count))[:, 1]
    # Mahalanobis^2 is chi^2 with 24 degrees: mean 24, its error sqrt(48 / 4000) = 0.11.
    assert float(distance.mean()) == pytest.approx(24, abs=0.44)
    rest = (drawn - mixture.means()[1]).flatten(1)
    expected = dense_twin(mixture).covariances[1]
    # Largest of 300 entries whose error is at most sqrt(2 / 4000) = 2.2 % of the largest variance.
    assert np.abs(np.cov(rest.numpy().T) - expected).max() < 0.1 * expected.max()


@pytest.mark.parametrize("sigma", [0.02, 0.3, 0.9, 0.999])
def test_float32_predictions_are_exact_to_float32(sigma):
    """At 16,384 elements, with products in float32 and their sums and weights in float64."""
    generator = torch.Generator().manual_seed(0)
    band_of, variances = power_law_bands((64, 64), 0.05, 3.0)
    means = 0.5 * torch.randn(6, 4, 64, 64, generator=generator, dtype=torch.float64) - 0.5
    exact = mixture_of_means(means, band_of, variances[None])
    single = mixture_of_means(means.float(), band_of, variances[None])
    level = levels((1 - sigma**2) ** 0.5, sigma, 2)
    noise = torch.randn(2, 4, 64, 64, generator=generator, dtype=torch.float64)
    latents = level.alpha[0] * means[:2] + sigma * noise
    mix = (-level.sigma, level.alpha)
    expected = exact.mixed_prediction(latents, level, mix)
    got = single.mixed_prediction(latents.float(), level, mix)
    # Cosine transforms err by 1e-6; the noise is the rest of z over sigma.
    torch.testing.assert_close(got.double(), expected, atol=3e-6 + 1e-6 / sigma, rtol=0)
    # Latents in float64 are also taken; only the means are then of float32.
    mixed = single.mixed_prediction(latents, level, mix)
    assert mixed.dtype == torch.float64
    torch.testing.assert_close(mixed, expected, atol=3e-6 + 1e-6 / sigma, rtol=0)
