"""Min-SNR weights of every kind of prediction, against the paper's table."""

import pytest
import torch

from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.schedule_config import CosineSchedule, FlowSchedule
from common.training.noise_times import MinSnr, UniformTimes, prediction_weights, v_weights

TIMESTEPS = torch.tensor([5.0, 200.0, 500.0, 800.0, 950.0])


@pytest.mark.parametrize("gamma", [1.0, 5.0])
@pytest.mark.parametrize("prediction", ["eps", "x0", "v"])
def test_min_snr_of_each_prediction_is_its_formula(prediction, gamma):
    schedule = build_noise_schedule(CosineSchedule())
    alpha, sigma = schedule.alpha_sigma(TIMESTEPS)
    snr = alpha**2 / sigma**2
    capped = snr.clamp(max=gamma)
    expected = {"x0": capped, "eps": capped / snr, "v": capped / (snr + 1)}[prediction]
    found = prediction_weights(MinSnr(gamma=gamma), TIMESTEPS, schedule, prediction)
    torch.testing.assert_close(found, expected.float(), rtol=1e-5, atol=1e-7)
    assert float(snr[0]) > gamma > float(snr[-1]), "both sides of the cap are seen"


def test_min_snr_of_a_flow_counts_errors_of_the_clean_sample():
    """``x0 = z - sigma velocity``: an error in it is one in the velocity times sigma."""
    schedule = build_noise_schedule(FlowSchedule())
    alpha, sigma = schedule.alpha_sigma(TIMESTEPS)
    expected = (alpha**2 / sigma**2).clamp(max=5) * sigma**2
    found = prediction_weights(MinSnr(), TIMESTEPS, schedule, "velocity")
    torch.testing.assert_close(found, expected.float(), rtol=1e-5, atol=1e-7)


def test_other_times_count_alike_and_v_is_the_general_rule():
    schedule = build_noise_schedule(CosineSchedule())
    ones = prediction_weights(UniformTimes(), TIMESTEPS, schedule, "eps")
    assert torch.equal(ones, torch.ones(5))
    own = v_weights(MinSnr(), TIMESTEPS, schedule)
    general = prediction_weights(MinSnr(), TIMESTEPS, schedule, "v")
    torch.testing.assert_close(own, general, rtol=1e-6, atol=0)
