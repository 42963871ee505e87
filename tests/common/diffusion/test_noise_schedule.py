import diffusers
import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.diffusion.noise_schedule import ZERO_SNR_FLOOR, build_noise_schedule
from common.diffusion.schedule_config import (
    CosineSchedule,
    FlowSchedule,
    LinearSchedule,
    ScaledLinearSchedule,
)
from common.errors import InputError

TABLES = [
    ScaledLinearSchedule(),
    LinearSchedule(),
    LinearSchedule(beta_start=0.00085, beta_end=0.012),
    CosineSchedule(),
    ScaledLinearSchedule(num_train_timesteps=250),
    ScaledLinearSchedule(zero_terminal_snr=True),
    LinearSchedule(zero_terminal_snr=True),
    CosineSchedule(zero_terminal_snr=True),
]


def diffusers_table(config, cls=diffusers.DDIMScheduler):
    if isinstance(config, CosineSchedule):
        betas = {"beta_schedule": "squaredcos_cap_v2"}
    else:
        betas = {
            "beta_schedule": config.name,
            "beta_start": config.beta_start,
            "beta_end": config.beta_end,
        }
    return cls(
        num_train_timesteps=config.num_train_timesteps,
        rescale_betas_zero_snr=config.zero_terminal_snr,
        **betas,
    )


@pytest.mark.parametrize("config", TABLES, ids=str)
def test_table_equals_diffusers(config):
    theirs = diffusers_table(config).alphas_cumprod
    ours = build_noise_schedule(config).alphas_cumprod
    # The same float32 operations in the same order: equal to the bit, not just to 1e-7.
    assert torch.equal(ours, theirs.double())


@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize("num_steps", [7, 23, 100, 999])
@pytest.mark.parametrize("config", TABLES[:5], ids=str)
def test_fractional_timesteps_have_the_sigmas_of_diffusers_euler(config, num_steps):
    euler = diffusers_table(config, diffusers.EulerDiscreteScheduler)
    euler.set_timesteps(num_steps)
    assert bool((euler.timesteps % 1 != 0).any())
    alpha, sigma = build_noise_schedule(config).alpha_sigma(euler.timesteps)
    # Theirs are rounded to float32 on the way: half an ulp twice, 1.2e-7.
    np.testing.assert_allclose(sigma / alpha, euler.sigmas[:-1], rtol=2e-7)


@given(fraction=st.floats(0, 1), which=st.integers(0, len(TABLES) - 1))
def test_variance_is_preserved_between_entries_too(fraction, which):
    schedule = build_noise_schedule(TABLES[which])
    timestep = torch.tensor([fraction], dtype=torch.float64) * schedule.max_timestep
    alpha, sigma = schedule.alpha_sigma(timestep)
    assert float(alpha**2 + sigma**2) == pytest.approx(1, abs=1e-14)
    assert float(schedule.fraction(timestep)) == pytest.approx(fraction, abs=1e-15)


@pytest.mark.parametrize("config", [*TABLES, FlowSchedule()], ids=str)
def test_noise_rises_and_signal_falls_with_time(config):
    schedule = build_noise_schedule(config)
    timesteps = torch.linspace(0, schedule.max_timestep, 4321, dtype=torch.float64)
    alpha, sigma = schedule.alpha_sigma(timesteps)
    # Not strictly: sigma rounds to 1 near the end, and alpha is level in the last cell of a table
    # that falls below the floor before its zero.
    assert bool((alpha.diff() <= 0).all())
    assert bool((sigma.diff() >= 0).all())
    assert len(alpha.unique()) > 4300


def test_zero_terminal_snr_ends_in_pure_noise():
    schedule = build_noise_schedule(ScaledLinearSchedule(zero_terminal_snr=True))
    plain = build_noise_schedule(ScaledLinearSchedule())
    ends = torch.tensor([0.0, 999.0])
    assert schedule.alpha(ends)[1] == 0
    assert schedule.sigma(ends)[1] == 1
    # Rescaling keeps the first entry; through beta = 1 - alpha in float32, to one ulp of 1.
    assert float(schedule.alpha(ends)[0]) == pytest.approx(float(plain.alpha(ends)[0]), abs=6e-8)
    # Between the last two entries sigma / alpha runs to the floor of diffusers' sigma samplers.
    near = torch.tensor([998.999999], dtype=torch.float64)
    assert float(schedule.alpha(near)) == pytest.approx(ZERO_SNR_FLOOR**0.5, rel=1e-5)


def test_flow_is_a_straight_line():
    schedule = build_noise_schedule(FlowSchedule(num_train_timesteps=1000, shift=3.0))
    alpha, sigma = schedule.alpha_sigma(torch.tensor([0.0, 250.0, 1000.0]))
    assert sigma.tolist() == [0, 0.25, 1]
    assert alpha.tolist() == [1, 0.75, 0]
    assert schedule.is_flow
    assert schedule.max_timestep == 1000


def test_noise_is_added_at_each_samples_own_timestep():
    schedule = build_noise_schedule(ScaledLinearSchedule())
    timesteps = torch.tensor([10.0, 500.5])
    latents, noise = torch.full((2, 1, 2, 2), 3.0), torch.full((2, 1, 2, 2), -1.0)
    noised = schedule.add_noise(latents, noise, timesteps)
    alpha, sigma = schedule.alpha_sigma(timesteps)
    expected = (3 * alpha - sigma).float().reshape(2, 1, 1, 1).expand(2, 1, 2, 2)
    torch.testing.assert_close(noised, expected, rtol=0, atol=5e-7)  # two float32 products near 3


@pytest.mark.parametrize("timestep", [-0.5, 999.5])
def test_timesteps_outside_the_table_are_refused(timestep):
    schedule = build_noise_schedule(ScaledLinearSchedule())
    with pytest.raises(InputError, match=r"timesteps run from 0 to 999, got"):
        schedule.alpha(torch.tensor([5.0, timestep]))


def test_falling_betas_are_refused():
    with pytest.raises(ValueError, match=r"beta_start 0.5 must not exceed beta_end 0.012"):
        ScaledLinearSchedule(beta_start=0.5)


def test_schedules_are_equal_when_their_configs_are():
    assert build_noise_schedule(CosineSchedule()) == build_noise_schedule(CosineSchedule())
    assert build_noise_schedule(CosineSchedule()) != build_noise_schedule(LinearSchedule())
