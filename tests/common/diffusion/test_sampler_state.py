import copy
import json

import pytest
import torch
from safetensors.torch import load, save

from common.diffusion.guidance_config import APG, CFG
from common.diffusion.sample import sample
from common.diffusion.sampler_config import DDIM, DPMSolverPP2M, UniPC
from common.diffusion.sampler_state import Position, sampler_state
from common.diffusion.samplers import build_scheduler
from common.errors import InputError
from common.seeding import generators_for
from tests.common.diffusion.sampling import EVERY_SAMPLER, NAMES, TABLE, noise_of, small_prior, walk

SAMPLES = [0, 1]


def through_files(state):
    """As a checkpoint keeps it: tensors in safetensors, the rest in JSON."""
    tensors = {key: value for key, value in state.items() if isinstance(value, torch.Tensor)}
    scalars = {key: value for key, value in state.items() if key not in tensors}
    return load(save({key: value.cpu() for key, value in tensors.items()})) | json.loads(
        json.dumps(scalars, allow_nan=False)
    )


def assert_same(one, other):
    assert one.keys() == other.keys()
    for key, value in one.items():
        if isinstance(value, torch.Tensor):
            assert torch.equal(value, other[key]), key
            assert value.dtype == other[key].dtype, key
        else:
            assert value == other[key], key


@pytest.mark.parametrize(("config", "schedule"), EVERY_SAMPLER, ids=NAMES)
def test_resumed_after_any_step_continues_to_the_same_bits(config, schedule):
    prior, guidance = small_prior(schedule), APG(guidance_scale=3, momentum=-0.5)
    whole = walk(prior, config, SAMPLES, guidance)
    for step in whole[:-1]:
        rest = walk(prior, config, SAMPLES, guidance, start=through_files(step.state))
        assert [one.index for one in rest] == list(range(step.index + 1, len(whole)))
        for one, other in zip(rest, whole[step.index + 1 :], strict=True):
            assert torch.equal(one.latents, other.latents)
            assert torch.equal(one.denoised, other.denoised)
            assert_same(one.state, other.state)


def test_resuming_after_the_last_step_does_nothing():
    prior = small_prior(TABLE)
    last = walk(prior, DDIM(num_steps=5), SAMPLES)[-1]
    assert walk(prior, DDIM(num_steps=5), SAMPLES, start=last.state) == []
    assert torch.equal(last.state["latents"], last.latents)


def test_state_holds_the_history_of_multistep_solvers():
    prior = small_prior(TABLE)
    state = walk(prior, UniPC(num_steps=5, order=3), SAMPLES)[1].state
    assert state["diffusers.lower_order_nums"] == 2
    assert state["diffusers.model_outputs.length"] == 3
    assert state["diffusers.model_outputs.0"] is None
    assert isinstance(state["diffusers.model_outputs.2"], torch.Tensor)
    assert isinstance(state["diffusers.last_sample"], torch.Tensor)
    assert "diffusers.alphas_cumprod" not in state  # what never changes is not stored


def test_unknown_kind_of_state_is_an_error_not_dropped():
    scheduler = build_scheduler(DDIM(), small_prior(TABLE).spec.schedule, "v")
    changed = copy.deepcopy(scheduler.diffusers)
    changed.history = {"a": 1}
    position = Position(changed, 1, torch.zeros(1, 2, 4, 4), None)
    with pytest.raises(TypeError, match=r"cannot store diffusers.history, a dict"):
        sampler_state(scheduler, position, [])
    changed.history = [0.5, None, torch.ones(2)]
    changed.betas = changed.betas * 2
    changed.num_inference_steps = 7
    state = sampler_state(scheduler, position, [])
    assert {key for key in state if key.startswith("diffusers.")} == {
        "diffusers.betas",
        "diffusers.num_inference_steps",
        *(f"diffusers.history.{part}" for part in ("0", "1", "2", "length")),
    }
    del changed.history, changed.timesteps
    with pytest.raises(TypeError, match=r"sampling removed \['timesteps'\]"):
        sampler_state(scheduler, position, [])


def test_state_of_other_settings_is_refused():
    prior = small_prior(TABLE)
    state = walk(prior, DDIM(num_steps=5), SAMPLES)[1].state
    with pytest.raises(InputError, match=r"of a DDIMScheduler with other timesteps than sampler d"):
        walk(prior, DDIM(num_steps=10), SAMPLES, start=state)
    with pytest.raises(InputError, match=r"of a DDIMScheduler with other timesteps than sampler d"):
        walk(prior, DPMSolverPP2M(num_steps=5), SAMPLES, start=state)
    with pytest.raises(InputError, match=r"the saved state is of 2 samples, not of 3"):
        walk(prior, DDIM(num_steps=5), [0, 1, 2], start=state)


def test_state_is_a_copy_that_later_steps_do_not_change():
    prior = small_prior(TABLE)
    scheduler = build_scheduler(DPMSolverPP2M(num_steps=5, sde=True), prior.spec.schedule, "v")
    cond = prior.embed(["", ""])
    generators = generators_for(0, SAMPLES, "sampler")
    noise = torch.ones(2, 2, 4, 4)
    steps = sample(prior, scheduler, cond, cond, CFG(guidance_scale=1), noise, generators)
    first = next(steps)
    before = copy.deepcopy(first.state)
    list(steps)
    assert_same(before, first.state)


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs CUDA")
@pytest.mark.parametrize(("config", "schedule"), EVERY_SAMPLER, ids=NAMES)
def test_cuda_draws_the_same_samples_and_resumes_from_files(config, schedule):
    prior, on_gpu = small_prior(schedule), small_prior(schedule, device="cuda")
    expected = walk(prior, config, SAMPLES)
    noise = noise_of(prior, SAMPLES).cuda()
    got = walk(on_gpu, config, SAMPLES, noise=noise)
    # Generators live on the CPU, so the noise is the same; sums differ in the last digits.
    torch.testing.assert_close(got[-1].latents.cpu(), expected[-1].latents, atol=1e-4, rtol=0)
    half = len(got) // 2
    rest = walk(on_gpu, config, SAMPLES, start=through_files(got[half].state), noise=noise)
    torch.testing.assert_close(rest[-1].latents, got[-1].latents, atol=1e-6, rtol=0)
