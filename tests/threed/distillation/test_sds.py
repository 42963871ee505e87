import pytest
import torch
from torch import Tensor

from common.diffusion.guidance_config import CFG
from common.diffusion.noise_schedule import per_sample
from common.diffusion.prediction_type import PredictionType
from tests.threed.distillation.normal_prior import Normal
from tests.threed.distillation.normal_prior import drawn as drawn_double
from threed.distillation.scores import weights
from threed.distillation.sds import sds_gradient
from threed.distillation.weight import Weight

TIMES = torch.tensor([120.0, 480.0, 810.0])


def drawn(seed: int = 0, count: int = 3) -> Tensor:
    return drawn_double(seed, count).float()


@pytest.mark.parametrize("flow", [False, True])
@pytest.mark.parametrize("prediction", ["eps", "v"])
@pytest.mark.parametrize("weight", ["sigma_squared", "uniform", "reconstruction"])
def test_mean_gradient_is_the_pull_towards_the_mean(
    weight: Weight, prediction: PredictionType, flow: bool
) -> None:
    prior = Normal(0.3, prediction, flow)
    latents, noise = drawn(), drawn(1)
    cond, uncond = prior.embed(["2"] * 3), prior.embed([""] * 3)
    call = (latents, TIMES, cond, uncond, CFG(guidance_scale=1.0), weight)

    # Antithetic noise: what is odd in it cancels, and the closed form is linear.
    both = [
        sds_gradient(prior, call[0], call[1], sign * noise, *call[2:]).gradient for sign in (1, -1)
    ]

    alpha, sigma = prior.spec.schedule.alpha_sigma(TIMES)
    pull = weights(weight, TIMES, prior.spec.schedule) * alpha * sigma
    pull = pull / (alpha**2 * 0.3 + sigma**2)
    expected = per_sample(pull, latents) * (latents - 2.0)
    # float32, with sigma / alpha up to 3 at the noisiest.
    torch.testing.assert_close((both[0] + both[1]) / 2, expected, rtol=1e-4, atol=1e-5)


def test_reconstruction_weight_pulls_to_what_the_prior_sees() -> None:
    prior = Normal(0.3, "v")
    cond = prior.embed(["2"] * 3)

    found = sds_gradient(
        prior, drawn(), TIMES, drawn(1), cond, cond, CFG(guidance_scale=1.0), "reconstruction"
    )

    torch.testing.assert_close(found.gradient, drawn() - found.denoised, rtol=1e-4, atol=1e-4)


def test_guidance_is_uncond_plus_scale_times_difference() -> None:
    prior = Normal(0.3, "v")
    cond, uncond = prior.embed(["2"] * 3), prior.embed([""] * 3)

    def gradient(scale: float) -> Tensor:
        guidance = CFG(guidance_scale=scale)
        return sds_gradient(prior, drawn(), TIMES, drawn(1), cond, uncond, guidance).gradient

    neutral = sds_gradient(
        prior, drawn(), TIMES, drawn(1), uncond, uncond, CFG(guidance_scale=1.0)
    ).gradient
    torch.testing.assert_close(
        gradient(7.5), neutral + 7.5 * (gradient(1.0) - neutral), rtol=1e-4, atol=1e-5
    )


def test_descent_ends_at_the_mean() -> None:
    prior = Normal(0.3, "v")
    latents, cond = drawn(), prior.embed(["2"] * 3)
    generator = torch.Generator().manual_seed(7)
    for _ in range(300):
        times = 20 + 900 * torch.rand(3, generator=generator)
        noise = torch.randn(latents.shape, generator=generator)
        found = sds_gradient(
            prior, latents, times, noise, cond, cond, CFG(guidance_scale=1.0), "sigma_squared"
        )
        latents = latents - 0.1 * found.gradient

    # The mode of a normal is its mean; the noise of single steps leaves a spread of about 0.1.
    assert float((latents.mean() - 2.0).abs()) < 0.05
    assert float((latents - 2.0).abs().max()) < 0.6
    assert not found.gradient.requires_grad
