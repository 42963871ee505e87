import diffusers
import pytest
import torch

from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.sampler_config import (
    DDIM,
    DDPM,
    LCM,
    DPMSolverPP2M,
    Euler,
    EulerA,
    FlowEuler,
    Heun,
    UniPC,
)
from common.diffusion.samplers import build_scheduler
from common.diffusion.schedule_config import (
    CosineSchedule,
    FlowSchedule,
    LinearSchedule,
    ScaledLinearSchedule,
)
from common.errors import InputError

TABLE_SAMPLERS = [
    DPMSolverPP2M(),
    DPMSolverPP2M(karras=True),
    DPMSolverPP2M(sde=True),
    DDIM(),
    DDIM(eta=1.0, timestep_spacing="leading", steps_offset=1, num_steps=30),
    DDPM(num_steps=100),
    Euler(),
    Euler(timestep_spacing="linspace"),
    Euler(karras=True),
    EulerA(),
    Heun(),
    Heun(karras=True),
    UniPC(),
    UniPC(order=3, karras=True),
    LCM(),
]
FLOW_SAMPLERS = [
    FlowEuler(),
    FlowEuler(timestep_spacing="linspace"),
    DPMSolverPP2M(),
    DPMSolverPP2M(sde=True),
    UniPC(),
]
TABLES = [ScaledLinearSchedule(), LinearSchedule(), CosineSchedule()]


def table_of(config):
    return build_noise_schedule(config)


@pytest.mark.parametrize(
    ("config", "schedule"),
    [
        (config, schedule)
        for config in TABLE_SAMPLERS
        for schedule in TABLES
        # Karras levels on the cosine table are refused, see below.
        if not (getattr(config, "karras", False) and isinstance(schedule, CosineSchedule))
    ],
    ids=str,
)
def test_scheduler_holds_the_schedules_own_table(config, schedule):
    built = build_scheduler(config, table_of(schedule), "v")
    assert torch.equal(built.diffusers.alphas_cumprod.double(), table_of(schedule).alphas_cumprod)
    settings = built.diffusers.config
    assert not settings.get("clip_sample", False)
    assert not settings.get("thresholding", False)
    assert settings.get("final_sigmas_type", "zero") == "zero"


@pytest.mark.parametrize("config", [*TABLE_SAMPLERS, *FLOW_SAMPLERS], ids=str)
def test_grid_starts_noisy_ends_at_zero_and_has_the_promised_length(config):
    flow = isinstance(config, FlowEuler)
    schedule = table_of(FlowSchedule(shift=3.0) if flow else ScaledLinearSchedule())
    built = build_scheduler(config, schedule, "v")
    assert len(built.timesteps) == config.num_evaluations
    leading = getattr(config, "timestep_spacing", "") == "leading"
    start = float(schedule.fraction(built.timesteps[:1].double()))
    assert start == (pytest.approx(0.958, abs=0.001) if leading else pytest.approx(1, abs=2e-3))
    if hasattr(built.diffusers, "sigmas"):
        assert float(built.diffusers.sigmas[-1]) == 0
    assert built.scale(len(built.timesteps)) == 1


@pytest.mark.parametrize("shift", [1.0, 3.0])
def test_flow_euler_steps_uniformly_before_the_shift(shift):
    built = build_scheduler(FlowEuler(num_steps=4), table_of(FlowSchedule(shift=shift)), "velocity")
    even = torch.tensor([1.0, 0.75, 0.5, 0.25, 0.0])
    expected = shift * even / (1 + (shift - 1) * even)
    torch.testing.assert_close(built.diffusers.sigmas, expected)
    torch.testing.assert_close(built.timesteps, 1000 * expected[:-1])


@pytest.mark.parametrize(
    ("prior", "schedule", "config", "fed"),
    [
        ("eps", ScaledLinearSchedule(), DDIM(), "eps"),
        ("x0", ScaledLinearSchedule(), DDIM(), "x0"),
        ("x0", ScaledLinearSchedule(), EulerA(), "v"),
        ("velocity", ScaledLinearSchedule(), Heun(), "v"),
        ("x0", FlowSchedule(), FlowEuler(), "velocity"),
        ("v", FlowSchedule(), UniPC(), "velocity"),
    ],
)
def test_scheduler_is_fed_what_its_class_knows(prior, schedule, config, fed):
    assert build_scheduler(config, table_of(schedule), prior).prediction == fed


@pytest.mark.parametrize(
    ("config", "schedule", "prediction", "told"),
    [
        (FlowEuler(), ScaledLinearSchedule(), "v",
         r"flow_euler needs a prior on a flow schedule, this one is on scaled_linear: use euler"),
        (DDIM(), FlowSchedule(), "v",
         r"ddim is for tables of betas, but the prior is a flow: use flow_euler, dpm_solver_pp_2m"),
        (UniPC(karras=True), FlowSchedule(), "v", r"spaces its steps by the schedule's shift"),
        (UniPC(timestep_spacing="linspace"), FlowSchedule(), "v", r"leave karras and timestep_sp"),
        (Euler(num_steps=500), ScaledLinearSchedule(num_train_timesteps=400), "v",
         r"num_steps 500 exceeds the 400 timesteps of the training table"),
        (Heun(), ScaledLinearSchedule(zero_terminal_snr=True), "v",
         r"heun cannot start from zero terminal SNR.*use dpm_solver_pp_2m or unipc"),
        (DDIM(num_steps=30), ScaledLinearSchedule(), "v",
         r"num_steps that divides the training table's 1000, got 30: use 25 or 40"),
        (LCM(original_num_steps=60), ScaledLinearSchedule(), "v",
         r"original_num_steps that divides the training table's 1000, got 60: use 50 or 100"),
        (EulerA(num_steps=61), ScaledLinearSchedule(), "v",
         r"trailing grid has 62 timesteps for num_steps 61 \(a floating-point range\): use 60 or"),
        (DPMSolverPP2M(num_steps=1000, timestep_spacing="linspace"), ScaledLinearSchedule(), "v",
         r"num_steps 1000 repeats or leaves the 1000 timesteps"),
        (DDIM(), ScaledLinearSchedule(zero_terminal_snr=True), "eps",
         r"an eps prediction cannot start at timestep 999, where the signal level is 0.0e\+00"),
        (DDIM(), CosineSchedule(), "eps", r"signal level is 4.9e-05: use a prior that predicts v"),
        (FlowEuler(), FlowSchedule(), "eps", r"an eps prediction cannot start at timestep 1000"),
        (UniPC(karras=True), CosineSchedule(), "v",
         r"Karras noise levels are up to \d+% off the timesteps of schedule cosine"),
    ],
)  # fmt: skip
def test_wrong_combinations_are_refused_with_the_fix(config, schedule, prediction, told):
    with pytest.raises(InputError, match=told):
        build_scheduler(config, table_of(schedule), prediction)


def test_every_step_count_has_a_right_grid_or_a_named_neighbour():
    schedule = table_of(ScaledLinearSchedule(num_train_timesteps=250))
    refused = 0
    for num_steps in range(1, 251):
        config = EulerA(num_steps=num_steps)
        try:
            built = build_scheduler(config, schedule, "v")
        except InputError as error:
            refused += 1
            build_scheduler(EulerA(num_steps=int(str(error).split()[-1])), schedule, "v")
            continue
        timesteps = built.timesteps
        assert len(timesteps) == num_steps
        assert float(timesteps[0]) == 249
        assert 0 <= float(timesteps[-1]) < 250 / num_steps
        assert bool((timesteps.diff() < 0).all())
    assert 0 < refused < 30


def test_ddim_walks_the_grid_it_evaluates_on():
    # diffusers steps by 1000 // num_steps whatever its timesteps are: right only where they agree.
    for config in (DDIM(num_steps=40), DDIM(num_steps=30, timestep_spacing="leading")):
        built = build_scheduler(config, table_of(ScaledLinearSchedule()), "v")
        assert bool((built.timesteps.diff() == -(1000 // config.num_steps)).all())


def test_keys_without_effect_are_refused():
    with pytest.raises(ValueError, match=r"timestep_spacing leading has no effect with karras"):
        Euler(karras=True, timestep_spacing="leading")
    with pytest.raises(ValueError, match=r"steps_offset 1 has no effect with timestep_spacing tra"):
        DDPM(steps_offset=1)
    with pytest.raises(ValueError, match=r"num_steps 60 exceeds the 50 steps the model was disti"):
        LCM(num_steps=60)


def test_built_schedulers_are_diffusers_own_classes():
    built = [build_scheduler(c, table_of(ScaledLinearSchedule()), "v") for c in TABLE_SAMPLERS]
    assert {type(one.diffusers) for one in built} == {
        diffusers.DPMSolverMultistepScheduler,
        diffusers.DDIMScheduler,
        diffusers.DDPMScheduler,
        diffusers.EulerDiscreteScheduler,
        diffusers.EulerAncestralDiscreteScheduler,
        diffusers.HeunDiscreteScheduler,
        diffusers.UniPCMultistepScheduler,
        diffusers.LCMScheduler,
    }
