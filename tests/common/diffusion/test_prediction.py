import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.prediction import convert_prediction, mix_of
from common.diffusion.schedule_config import (
    CosineSchedule,
    FlowSchedule,
    ScaledLinearSchedule,
)
from common.errors import InputError

KINDS = ["eps", "x0", "v", "velocity"]
SCHEDULES = {
    "scaled_linear": build_noise_schedule(ScaledLinearSchedule()),
    "cosine": build_noise_schedule(CosineSchedule()),
    "zero_snr": build_noise_schedule(ScaledLinearSchedule(zero_terminal_snr=True)),
    "flow": build_noise_schedule(FlowSchedule()),
}


def everything_at(schedule, timesteps, seed=0, dtype=torch.float64):
    """All predictions of known latents and noise, with the noised latents."""
    generator = torch.Generator().manual_seed(seed)
    clean, noise = torch.randn(2, len(timesteps), 2, 3, 3, generator=generator, dtype=torch.float64)
    alpha, sigma = schedule.alpha_sigma(timesteps)
    shaped = (-1, 1, 1, 1)
    noised = alpha.reshape(shaped) * clean + sigma.reshape(shaped) * noise
    found = {}
    for kind in KINDS:
        of_clean, of_noise = mix_of(kind, alpha, sigma)
        found[kind] = of_clean.reshape(shaped) * clean + of_noise.reshape(shaped) * noise
    return noised.to(dtype), {kind: value.to(dtype) for kind, value in found.items()}


@given(
    schedule=st.sampled_from(list(SCHEDULES)),
    source=st.sampled_from(KINDS),
    target=st.sampled_from(KINDS),
    fraction=st.floats(0.001, 0.999),
    seed=st.integers(0, 1000),
)
def test_conversion_gives_the_other_prediction_and_back(schedule, source, target, fraction, seed):
    schedule = SCHEDULES[schedule]
    timesteps = torch.tensor([fraction], dtype=torch.float64) * schedule.max_timestep
    noised, predictions = everything_at(schedule, timesteps, seed)
    there = convert_prediction(predictions[source], source, target, noised, timesteps, schedule)
    back = convert_prediction(there, target, source, noised, timesteps, schedule)
    # eps divides by alpha, x0 by sigma: both at least 1e-4 here, of double's 1e-16.
    torch.testing.assert_close(there, predictions[target], rtol=0, atol=1e-10)
    torch.testing.assert_close(back, predictions[source], rtol=0, atol=1e-9)


def test_v_and_velocity_are_what_their_names_say():
    schedule, timesteps = SCHEDULES["scaled_linear"], torch.tensor([333.0])
    _, found = everything_at(schedule, timesteps)
    alpha, sigma = (float(level) for level in schedule.alpha_sigma(timesteps))
    torch.testing.assert_close(found["v"], alpha * found["eps"] - sigma * found["x0"])
    torch.testing.assert_close(found["velocity"], found["eps"] - found["x0"])


@pytest.mark.parametrize("name", SCHEDULES)
@pytest.mark.parametrize("source", ["v", "velocity"])
def test_float32_is_stable_at_both_ends(name, source):
    schedule = SCHEDULES[name]
    timesteps = torch.tensor([0.0, schedule.max_timestep])
    noised, found = everything_at(schedule, timesteps, dtype=torch.float32)
    for target in KINDS:
        got = convert_prediction(found[source], source, target, noised, timesteps, schedule)
        # No weight exceeds sqrt(2): a few float32 ulps of values up to 4.
        torch.testing.assert_close(got, found[target], rtol=0, atol=2e-6)


@pytest.mark.parametrize(
    ("name", "source", "timestep", "told"),
    [
        ("zero_snr", "eps", 999.0, r"eps prediction cannot be converted to v at alpha = 0"),
        ("flow", "eps", 1000.0, r"eps prediction cannot be converted to v at alpha = 0"),
        ("flow", "x0", 0.0, r"x0 prediction cannot be converted to v at sigma = 0"),
    ],
)
def test_undetermined_conversions_are_refused(name, source, timestep, told):
    latents = torch.ones(2, 1, 2, 2)
    timesteps = torch.tensor([500.0, timestep])
    with pytest.raises(InputError, match=told):
        convert_prediction(latents, source, "v", latents, timesteps, SCHEDULES[name])


def test_own_kind_is_returned_unchanged_even_where_undetermined():
    latents = torch.ones(1, 1, 2, 2)
    at_noise = torch.tensor([1000.0])
    flow = SCHEDULES["flow"]
    assert convert_prediction(latents, "eps", "eps", latents, at_noise, flow) is latents
