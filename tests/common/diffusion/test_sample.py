import diffusers
import pytest
import torch

from common.diffusion.guidance_config import APG, CFG, PerpNeg
from common.diffusion.guided_prediction import Negative
from common.diffusion.sample import initial_latents, sample
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
from common.diffusion.schedule_config import CosineSchedule
from common.errors import InputError
from common.seeding import generators_for
from tests.common.diffusion.sampling import (
    EVERY_SAMPLER,
    FLOW,
    NAMES,
    PLAIN,
    TABLE,
    noise_of,
    small_prior,
    walk,
)

SD = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "scaled_linear"}
V = {"prediction_type": "v_prediction"}
TRAILING = {"timestep_spacing": "trailing"}
# What a user of diffusers would write, and our settings for the same.
PIPELINES = {
    "ddim": (DDIM(num_steps=8), lambda: diffusers.DDIMScheduler(
        **SD, **V, **TRAILING, clip_sample=False)),
    "ddim of SD 1.5": (DDIM(num_steps=7, timestep_spacing="leading", steps_offset=1),
        lambda: diffusers.DDIMScheduler(**SD, **V, clip_sample=False, steps_offset=1)),
    "ddpm": (DDPM(num_steps=8), lambda: diffusers.DDPMScheduler(
        **SD, **V, **TRAILING, clip_sample=False)),
    "dpm": (DPMSolverPP2M(num_steps=8, timestep_spacing="linspace"),
        lambda: diffusers.DPMSolverMultistepScheduler(**SD, **V)),
    "dpm karras": (DPMSolverPP2M(num_steps=8, karras=True),
        lambda: diffusers.DPMSolverMultistepScheduler(**SD, **V, use_karras_sigmas=True)),
    "dpm sde": (DPMSolverPP2M(num_steps=8, sde=True),
        lambda: diffusers.DPMSolverMultistepScheduler(
            **SD, **V, **TRAILING, algorithm_type="sde-dpmsolver++")),
    "euler": (Euler(num_steps=8, timestep_spacing="linspace"),
        lambda: diffusers.EulerDiscreteScheduler(**SD, **V)),
    "euler of SD 1.5": (Euler(num_steps=8, timestep_spacing="leading", steps_offset=1),
        lambda: diffusers.EulerDiscreteScheduler(
            **SD, **V, timestep_spacing="leading", steps_offset=1)),
    "euler karras": (Euler(num_steps=8, karras=True),
        lambda: diffusers.EulerDiscreteScheduler(**SD, **V, use_karras_sigmas=True)),
    "euler_a": (EulerA(num_steps=8), lambda: diffusers.EulerAncestralDiscreteScheduler(
        **SD, **V, **TRAILING)),
    "heun": (Heun(num_steps=8), lambda: diffusers.HeunDiscreteScheduler(**SD, **V, **TRAILING)),
    "unipc": (UniPC(num_steps=8, timestep_spacing="linspace"),
        lambda: diffusers.UniPCMultistepScheduler(**SD, **V)),
    "lcm": (LCM(), lambda: diffusers.LCMScheduler(**V)),
    "flow": (FlowEuler(num_steps=8, timestep_spacing="linspace"),
        lambda: diffusers.FlowMatchEulerDiscreteScheduler(shift=3.0)),
}  # fmt: skip


@pytest.mark.filterwarnings("ignore:__array__ implementation")
@pytest.mark.parametrize("name", PIPELINES)
def test_equals_the_loop_of_a_diffusers_pipeline(name):
    config, build = PIPELINES[name]
    flow = isinstance(config, FlowEuler)
    prior = small_prior(FLOW if flow else TABLE, "velocity" if flow else "v")
    noise, cond = noise_of(prior, [0, 1]), prior.embed(["mode0", "mode1"])
    theirs = build()
    theirs.set_timesteps(config.num_steps)
    latents = noise * getattr(theirs, "init_noise_sigma", 1.0)
    extra = {"generator": generators_for(0, [0, 1], "sampler")}
    if isinstance(theirs, diffusers.HeunDiscreteScheduler | diffusers.UniPCMultistepScheduler):
        extra = {}
    for timestep in theirs.timesteps:
        scaled = latents if flow else theirs.scale_model_input(latents, timestep)
        predicted = prior.predict(scaled, timestep.expand(2).float(), cond)
        latents = theirs.step(predicted, timestep, latents, **extra).prev_sample
    scheduler = build_scheduler(config, prior.spec.schedule, prior.spec.prediction)
    start = noise if flow else initial_latents(scheduler, noise)
    ours = walk(prior, config, [0, 1], prompts=["mode0", "mode1"], noise=start)[-1].latents
    # The same calls; only the start is scaled and unscaled, 2e-7 of at most 5.
    torch.testing.assert_close(ours, latents, atol=3e-6, rtol=0)


@pytest.mark.parametrize(("config", "schedule"), EVERY_SAMPLER, ids=NAMES)
def test_sample_does_not_depend_on_the_batch_it_is_in(config, schedule):
    prior, guidance = small_prior(schedule), CFG(guidance_scale=2)
    together = walk(prior, config, [4, 5, 6], guidance)
    for row, number in enumerate([4, 5, 6]):
        alone = walk(prior, config, [number], guidance)
        for one, other in zip(alone, together, strict=True):
            # Noise is the same to the bit; products of other shapes round otherwise.
            torch.testing.assert_close(one.latents[0], other.latents[row], atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    "config",
    [DPMSolverPP2M(num_steps=5, sde=True), DDIM(num_steps=5, eta=1.0), DDPM(num_steps=5),
     EulerA(num_steps=5), LCM(num_steps=5)],
    ids=lambda config: config.name,
)  # fmt: skip
def test_stochastic_samplers_draw_from_each_samples_generator(config):
    prior = small_prior(TABLE)
    noise = noise_of(prior, [0]).expand(2, -1, -1, -1)
    final = walk(prior, config, [0, 1], noise=noise)[-1].latents
    assert float((final[0] - final[1]).abs().max()) > 0.1
    again = walk(prior, config, [0, 1], noise=noise)[-1].latents
    assert torch.equal(final, again)


@pytest.mark.parametrize(
    "config",
    # Not with rounded Karras timesteps, whose noise level is not the solver's: what a prediction
    # of either implies of the other differs by the mismatch.
    [
        config
        for config, schedule in EVERY_SAMPLER
        if schedule is TABLE and not (isinstance(config, DPMSolverPP2M) and config.karras)
    ],
    ids=str,
)
def test_kind_of_prediction_does_not_change_the_trajectory(config):
    runs = [
        walk(small_prior(TABLE, kind), config, [0, 1], CFG(guidance_scale=2))
        for kind in ("v", "eps", "x0", "velocity")
    ]
    for other in runs[1:]:
        for one, two in zip(runs[0], other, strict=True):
            # At the first step eps is divided by alpha = 0.068: 15 float32 roundings.
            torch.testing.assert_close(one.latents, two.latents, atol=1e-5, rtol=0)
            torch.testing.assert_close(one.denoised, two.denoised, atol=1e-5, rtol=0)


def test_ancestral_samplers_are_one_algorithm():
    """DDPM, DDIM with eta 1 and Euler a are written differently: one exactness test serves."""
    prior = small_prior(TABLE)
    configs = (DDPM(num_steps=50), DDIM(num_steps=50, eta=1.0), EulerA(num_steps=50))
    first, *others = [walk(prior, config, [0, 1])[-1].latents for config in configs]
    for other in others:
        # 50 float32 steps, in sigma space for the last one.
        torch.testing.assert_close(other, first, atol=1e-4, rtol=0)


def test_steps_tell_where_they_are():
    steps = walk(small_prior(TABLE), Heun(num_steps=3), [0])
    assert [step.index for step in steps] == [0, 1, 2, 3, 4]
    assert {step.num_steps for step in steps} == {5}
    assert [step.timestep for step in steps] == [999, 666, 666, 332, 332]
    # Ends on the last denoised latents: sigma is 0 there.
    torch.testing.assert_close(steps[-1].latents, steps[-1].denoised, atol=1e-5, rtol=0)


def test_latents_are_in_the_priors_own_space_for_every_sampler():
    prior = small_prior(CosineSchedule())
    for config in (Euler(num_steps=20), DPMSolverPP2M(num_steps=20), Heun(num_steps=20)):
        for step in walk(prior, config, range(8)):
            assert 0.4 < float(step.latents.std()) < 4  # sigma-space latents reach 20,000


def test_consumer_keeps_its_gradients_between_steps():
    prior = small_prior(TABLE)
    scheduler = build_scheduler(DDIM(num_steps=5), prior.spec.schedule, "v")
    cond = prior.embed([""])
    generators = generators_for(0, [0], "sampler")
    noise = noise_of(prior, [0]).requires_grad_()
    for step in sample(prior, scheduler, cond, cond, PLAIN, noise, generators):
        assert torch.is_grad_enabled()
        assert not step.latents.requires_grad
        assert not step.denoised.requires_grad


@pytest.mark.parametrize(
    "config", [DDIM(num_steps=10), DPMSolverPP2M(num_steps=10), Heun(num_steps=10)], ids=str
)
def test_beginning_late_reconstructs_the_picture(config):
    prior = small_prior(TABLE)
    cond = prior.embed(["mode1"])
    picture = prior.draw(cond, generators_for(0, [0], "picture"))
    scheduler = build_scheduler(config, prior.spec.schedule, "v")
    begin = len(scheduler.timesteps) - 3
    timestep = scheduler.timesteps[begin : begin + 1].float()
    noised = prior.spec.schedule.add_noise(picture, noise_of(prior, [0]), timestep)
    generators = generators_for(0, [0], "sampler")
    steps = list(sample(prior, scheduler, cond, cond, PLAIN, noised, generators, begin=begin))
    assert [step.index for step in steps] == [begin, begin + 1, begin + 2]
    # sigma is 0.26 to 0.4 there: the picture comes back to about that, from 1.1 of another one.
    other = prior.draw(cond, generators_for(0, [1], "picture"))
    error = float((steps[-1].latents - picture).pow(2).mean().sqrt())
    assert error < 0.45 < float((other - picture).pow(2).mean().sqrt())


def test_wrong_calls_are_refused():
    prior, generators = small_prior(TABLE), generators_for(0, [0], "sampler")
    scheduler = build_scheduler(Heun(num_steps=3), prior.spec.schedule, "v")
    cond, noise = prior.embed([""]), noise_of(prior, [0])

    def run(prior=prior, guidance=PLAIN, noise=noise, **settings):
        return next(sample(prior, scheduler, cond, cond, guidance, noise, generators, **settings))

    with pytest.raises(InputError, match=r"the sampler was built for name='scaled_linear'.*cosine"):
        run(prior=small_prior(CosineSchedule()))
    with pytest.raises(InputError, match=r"one generator per sample: 2 samples, 1 generators"):
        run(noise=noise.expand(2, -1, -1, -1))
    with pytest.raises(InputError, match=r"begin must be 0 to 4, got 5"):
        run(begin=5)
    with pytest.raises(InputError, match=r"heun cannot begin at 3, inside a step: use 2"):
        run(begin=3)
    with pytest.raises(InputError, match=r"perp_neg needs a negative_prompt"):
        run(guidance=PerpNeg())
    negative = Negative(cond, torch.ones(1))
    with pytest.raises(InputError, match=r"guidance apg takes its negative prompt in place"):
        run(guidance=APG(), negatives=[negative])
