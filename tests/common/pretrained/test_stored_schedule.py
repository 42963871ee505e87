import json
import re

import diffusers
import numpy as np
import pytest
import torch
from diffusers.pipelines.flux.pipeline_flux import calculate_shift

from common.diffusion.noise_schedule import build_noise_schedule
from common.diffusion.schedule_config import (
    CosineSchedule,
    FlowSchedule,
    LinearSchedule,
    ScaledLinearSchedule,
)
from common.errors import InputError
from common.pretrained.stored_schedule import read_schedule

SD = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}


def read(tmp_path, **content):
    path = tmp_path / "scheduler_config.json"
    path.write_text(json.dumps(content), encoding="utf-8")
    return read_schedule(path)


@pytest.mark.parametrize(("scheduler", "expected", "prediction"), [
    (diffusers.PNDMScheduler(**SD), ScaledLinearSchedule(), "eps"),
    (diffusers.DDIMScheduler(**SD, prediction_type="v_prediction", rescale_betas_zero_snr=True),
     ScaledLinearSchedule(zero_terminal_snr=True), "v"),
    (diffusers.DDPMScheduler(), LinearSchedule(), "eps"),
    (diffusers.EulerDiscreteScheduler(beta_start=0.001, beta_end=0.01, num_train_timesteps=500,
                                      prediction_type="sample"),
     LinearSchedule(beta_start=0.001, beta_end=0.01, num_train_timesteps=500), "x0"),
    (diffusers.UniPCMultistepScheduler(beta_schedule="squaredcos_cap_v2"), CosineSchedule(), "eps"),
    (diffusers.LCMScheduler(), ScaledLinearSchedule(), "eps"),
    (diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0), FlowSchedule(shift=3.0), "velocity"),
    (diffusers.DPMSolverMultistepScheduler(use_flow_sigmas=True, flow_shift=2.0,
                                           prediction_type="flow_prediction"),
     FlowSchedule(shift=2.0), "velocity"),
])  # fmt: skip
def test_saved_schedulers_are_read(tmp_path, scheduler, expected, prediction):
    scheduler.save_config(tmp_path)
    schedule, kind = read_schedule(tmp_path / "scheduler_config.json")
    assert (schedule, kind) == (expected, prediction)
    if not isinstance(expected, FlowSchedule):
        table = build_noise_schedule(schedule).alphas_cumprod
        theirs = scheduler.alphas_cumprod.double()
        # Some of diffusers' classes put their floor there instead of 0.
        assert torch.equal(table[:-1], theirs[:-1])


def test_keys_left_out_are_what_the_class_takes(tmp_path):
    """Those of DDIM are a linear table, as the first checkpoints of ldm were not."""
    schedule, prediction = read(tmp_path, _class_name="DDIMScheduler", beta_schedule="linear")
    assert (schedule, prediction) == (LinearSchedule(), "eps")
    schedule, _ = read(tmp_path, _class_name="LCMScheduler")
    assert schedule == ScaledLinearSchedule()


@pytest.mark.parametrize(("content", "message"), [
    ({}, "_class_name is None, whose noise schedule is not known"),
    ({"_class_name": "EDMEulerScheduler"}, "_class_name is 'EDMEulerScheduler'"),
    ({"_class_name": ["x"]}, "_class_name is ['x']"),
    ({"_class_name": "DDIMScheduler", "beta_schedule": "sigmoid"},
     "beta_schedule 'sigmoid' cannot be represented; known are scaled_linear, linear and"),
    ({"_class_name": "DDIMScheduler", "trained_betas": [0.1, 0.2]}, "trained_betas"),
    ({"_class_name": "DDIMScheduler", "prediction_type": "score"},
     "prediction_type is 'score', which cannot be represented; it can be epsilon or v_prediction"),
    ({"_class_name": "DDIMScheduler", "thresholding": True}, "thresholding is 'True'"),
    ({"_class_name": "DDPMScheduler", "variance_type": "learned_range"},
     "variance_type is 'learned_range'"),
    ({"_class_name": "EulerDiscreteScheduler", "timestep_type": "continuous"},
     "timestep_type is 'continuous'"),
    ({"_class_name": "DDIMScheduler", "beta_start": 0.5, "beta_end": 0.1},
     "beta_start 0.5 must not exceed beta_end 0.1"),
    ({"_class_name": "DDIMScheduler", "beta_start": "0.1"}, "describes no noise schedule"),
    ({"_class_name": "DDIMScheduler", "num_train_timesteps": 10**9}, "num_train_timesteps"),
    ({"_class_name": "FlowMatchEulerDiscreteScheduler", "shift_terminal": 0.1},
     "shift_terminal is '0.1'"),
    ({"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": True,
      "max_shift": "1"}, "max_shift"),
    ({"_class_name": "DPMSolverMultistepScheduler", "use_flow_sigmas": True},
     "prediction_type is 'epsilon', which cannot be represented; it can be flow_prediction"),
])  # fmt: skip
def test_what_cannot_be_represented_is_refused_with_its_value(tmp_path, content, message):
    with pytest.raises(InputError, match=re.escape(message)) as caught:
        read(tmp_path, **content)
    assert "scheduler_config.json" in str(caught.value)


@pytest.mark.parametrize("num_tokens", [24, 256, 1024, 4096])
@pytest.mark.parametrize("kind", ["exponential", "linear"])
def test_shifts_by_size_are_those_of_diffusers(tmp_path, num_tokens, kind):
    scheduler = diffusers.FlowMatchEulerDiscreteScheduler(
        use_dynamic_shifting=True, base_shift=0.5, max_shift=1.15, time_shift_type=kind
    )
    found, prediction = read(tmp_path, **scheduler.config, _class_name=type(scheduler).__name__)
    assert prediction == "velocity"
    mu = calculate_shift(num_tokens, 256, 4096, 0.5, 1.15)
    levels = np.linspace(1.0, 0.25, 4)
    scheduler.set_timesteps(sigmas=levels, mu=mu)
    shift = found.at(num_tokens).shift
    ours = shift * levels / (1 + (shift - 1) * levels)
    np.testing.assert_allclose(ours, scheduler.sigmas[:-1].numpy(), atol=1e-6)


def test_shifts_by_size_that_are_none_are_refused(tmp_path):
    settings = {"_class_name": "FlowMatchEulerDiscreteScheduler", "use_dynamic_shifting": True}
    backwards, _ = read(tmp_path, **settings, base_image_seq_len=4096, max_image_seq_len=256)
    with pytest.raises(InputError, match=r"base_image_seq_len 4096 .* must be less than"):
        backwards.at(1024)
    falling, _ = read(tmp_path, **settings, time_shift_type="linear", base_shift=-3.0)
    with pytest.raises(InputError, match=r"for 24 tokens .* gives a shift of -3"):
        falling.at(24)
