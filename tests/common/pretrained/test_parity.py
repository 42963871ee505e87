"""Against diffusers' own pipelines, at equal weights, noise and settings."""

import diffusers
import pytest
import torch

from common.diffusion.given import Given, beginning, cells_drawn
from common.diffusion.guidance_config import CFG
from common.diffusion.sample import initial_latents, sample
from common.diffusion.sampler_config import DDIM, DPMSolverPP2M, Euler
from common.diffusion.samplers import build_scheduler
from common.pretrained.build import build_pretrained_prior
from common.pretrained.config import (
    ComputeConfig,
    PretrainedPriorConfig,
    SizeConditionConfig,
)
from common.seeding import generators_for, randn
from tests.common.pretrained.damage import change_json, copied
from tests.common.pretrained.tiny_pipelines import SIZE

# NumPy 2 on diffusers' schedulers.
pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")

FAMILIES = ("sd15", "sd21", "sdxl")
PROMPTS = ["a red cat in the house", "a dog"]
NEGATIVES = ["blurry", "red, 3 legs"]
LEADING = {"timestep_spacing": "leading", "steps_offset": 1}
SAMPLERS = {
    "ddim": (DDIM(num_steps=5, **LEADING), diffusers.DDIMScheduler,
             {"clip_sample": False, "set_alpha_to_one": True, **LEADING}),
    "dpm": (DPMSolverPP2M(num_steps=5), diffusers.DPMSolverMultistepScheduler,
            {"timestep_spacing": "trailing"}),
    "euler": (Euler(num_steps=5, **LEADING), diffusers.EulerDiscreteScheduler, LEADING),
}  # fmt: skip
PER_UNIT = 1e-5
"""Largest difference, in deviations of the latents. Random networks that predict noise leave those
at 6 to 17, as ``x0 = (z - sigma eps) / alpha`` starts with alpha = 0.07; float32 rounding of the
U-Net in batches of 4 there, of 2 and 2 here, is what differs."""


def prior_of(folder, **settings):
    return build_pretrained_prior(PretrainedPriorConfig(path=str(folder), **settings), SIZE)


def drawn(prior, config, noise, prompts=PROMPTS, negatives=NEGATIVES):
    """The final latents of our own loop."""
    scheduler = build_scheduler(config, prior.spec.schedule, prior.spec.prediction)
    start = initial_latents(scheduler, noise)
    steps = sample(
        prior, scheduler, prior.embed(prompts), prior.embed(negatives), CFG(guidance_scale=5),
        start, generators_for(0, range(len(noise)), "sampler"),
    )  # fmt: skip
    return list(steps)[-1].latents


def of_pipeline(pipeline, noise, monkeypatch, scheduler, negatives=NEGATIVES, **settings):
    """The final latents of diffusers' pipeline."""
    monkeypatch.setattr(pipeline, "scheduler", scheduler)
    return pipeline(
        PROMPTS, negative_prompt=negatives, num_inference_steps=5, guidance_scale=5.0,
        latents=noise.clone(), height=SIZE[0], width=SIZE[1], output_type="latent", **settings,
    ).images  # fmt: skip


def noise_of(prior):
    return randn(prior.spec.latent_shape, generators_for(7, range(2), "latents"))


def assert_same(ours, theirs):
    torch.testing.assert_close(ours, theirs, atol=PER_UNIT * max(1, float(theirs.std())), rtol=0)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("family", FAMILIES)
def test_samples_are_those_of_diffusers(pipelines, checkpoints, monkeypatch, family, sampler):
    config, scheduler, changes = SAMPLERS[sampler]
    prior, pipeline = prior_of(checkpoints[family]), pipelines[family]
    noise = noise_of(prior)
    theirs = of_pipeline(
        pipeline, noise, monkeypatch, scheduler.from_config(pipeline.scheduler.config, **changes)
    )
    ours = drawn(prior, config, noise)
    assert_same(ours, theirs)
    other = drawn(prior, config, noise, negatives=["", ""])
    assert float((other - ours).abs().max()) > 100 * PER_UNIT, "prompts must count"


@pytest.mark.parametrize("stored", ["zero terminal SNR", "flow"])
def test_other_schedules_are_those_of_diffusers(
    pipelines, checkpoints, monkeypatch, tmp_path, stored
):
    """A checkpoint's schedule is read from its scheduler, whichever class that is."""
    folder, config = copied(checkpoints["sd21"], tmp_path), DPMSolverPP2M(num_steps=5)
    if stored == "flow":
        keys = {"use_flow_sigmas": True, "prediction_type": "flow_prediction", "flow_shift": 3.0}
        theirs = diffusers.UniPCMultistepScheduler(**keys)
    else:
        theirs = diffusers.EulerDiscreteScheduler(
            beta_schedule="linear", prediction_type="v_prediction", rescale_betas_zero_snr=True
        )
    theirs.save_pretrained(folder / "scheduler")
    prior = prior_of(folder)
    assert prior.spec.prediction == ("velocity" if stored == "flow" else "v")
    noise = noise_of(prior)
    used = diffusers.DPMSolverMultistepScheduler.from_config(
        theirs.config, timestep_spacing="linspace" if stored == "flow" else "trailing"
    )
    assert_same(
        drawn(prior, config, noise), of_pipeline(pipelines["sd21"], noise, monkeypatch, used)
    )


SD_PICTURES = (diffusers.StableDiffusionImg2ImgPipeline, diffusers.StableDiffusionInpaintPipeline)
SDXL_PICTURES = (
    diffusers.StableDiffusionXLImg2ImgPipeline,
    diffusers.StableDiffusionXLInpaintPipeline,
)


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("task", ["image to image", "inpaint"])
def test_pictures_from_pictures_are_those_of_diffusers(
    pipelines, checkpoints, monkeypatch, family, sampler, task
):
    config, scheduler, changes = SAMPLERS[sampler]
    prior = prior_of(checkpoints[family])
    noise = noise_of(prior)
    latents = 0.5 * torch.randn(prior.spec.latent_shape, generator=torch.Generator().manual_seed(1))
    classes = SDXL_PICTURES if family == "sdxl" else SD_PICTURES
    pipeline = classes[task == "inpaint"].from_pipe(pipelines[family])
    pipeline.set_progress_bar_config(disable=True)
    used = scheduler.from_config(pipelines[family].scheduler.config, **changes)
    monkeypatch.setattr(pipeline, "scheduler", used)
    settings = {
        "prompt": PROMPTS, "negative_prompt": NEGATIVES, "num_inference_steps": 5,
        "guidance_scale": 5.0, "image": latents.expand(2, -1, -1, -1).clone(), "strength": 0.6,
        "output_type": "latent", "generator": generators_for(7, range(2), "latents"),
    }  # fmt: skip
    drawn_cells = None
    if task == "inpaint":
        mask = torch.zeros(1, 1, *SIZE)
        mask[..., 24:, 16:56] = 1
        drawn_cells = cells_drawn(mask[0, 0], prior.spec.latent_shape[1:])
        settings |= {
            "mask_image": mask.expand(2, -1, -1, -1), "height": SIZE[0], "width": SIZE[1],
            "masked_image_latents": torch.zeros(2, *prior.spec.latent_shape),
        }  # fmt: skip
    theirs = pipeline(**settings).images
    built = build_scheduler(config, prior.spec.schedule, prior.spec.prediction)
    begin = beginning(Given(latents, 0.6, drawn_cells), built, noise)
    *_, last = sample(
        prior, built, prior.embed(PROMPTS), prior.embed(NEGATIVES), CFG(guidance_scale=5),
        begin.latents, generators_for(0, range(2), "sampler"), begin=begin.evaluation,
        kept=begin.kept,
    )  # fmt: skip
    where = torch.ones_like(theirs, dtype=torch.bool)
    if drawn_cells is not None:
        where = (drawn_cells > 0).expand_as(theirs)
        assert torch.equal(last.latents[~where], latents.expand_as(theirs)[~where])
    assert_same(last.latents[where], theirs[where])
    assert float((last.latents - latents).abs().max()) > 0.1


def test_sdxl_is_told_sizes_as_diffusers_tells_them(pipelines, checkpoints, monkeypatch):
    config, scheduler, changes = SAMPLERS["euler"]
    told = SizeConditionConfig(
        original_size_px=(512, 640), crop_top_left_px=(3, 9), target_size_px=(96, 128)
    )
    prior, pipeline = prior_of(checkpoints["sdxl"], size_condition=told), pipelines["sdxl"]
    noise = noise_of(prior)
    theirs = of_pipeline(
        pipeline, noise, monkeypatch, scheduler.from_config(pipeline.scheduler.config, **changes),
        original_size=(512, 640), crops_coords_top_left=(3, 9), target_size=(96, 128),
    )  # fmt: skip
    ours = drawn(prior, config, noise)
    assert_same(ours, theirs)
    plain = drawn(prior_of(checkpoints["sdxl"]), config, noise)
    assert float((ours - plain).abs().max()) > 100 * PER_UNIT


def test_no_negative_prompt_is_what_it_is_in_diffusers(pipelines, checkpoints, monkeypatch):
    """For SDXL that is zeros, if the checkpoint's index says so."""
    config, scheduler, changes = SAMPLERS["euler"]
    for family in ("sd15", "sdxl"):
        prior, pipeline = prior_of(checkpoints[family]), pipelines[family]
        noise = noise_of(prior)
        theirs = of_pipeline(
            pipeline, noise, monkeypatch, negatives=None,
            scheduler=scheduler.from_config(pipeline.scheduler.config, **changes),
        )  # fmt: skip
        assert_same(drawn(prior, config, noise, negatives=["", ""]), theirs)


@pytest.mark.parametrize("family", FAMILIES)
@pytest.mark.parametrize("prompt", ["", "a red cat in the house", "Ünïcode 红猫 12,345!? <cat>"])
def test_plain_prompts_are_encoded_as_by_diffusers_to_the_bit(
    pipelines, checkpoints, family, prompt
):
    cond = prior_of(checkpoints[family]).embed([prompt])
    pipeline = pipelines[family]
    settings = {"device": "cpu", "num_images_per_prompt": 1, "do_classifier_free_guidance": False}
    with torch.no_grad():  # which sums in another order than with gradients
        states, _, *pooled = pipeline.encode_prompt(prompt, **settings)
    if family == "sdxl":
        if not prompt:  # the unconditional prompt, which diffusers has as the negative one
            states, pooled = torch.zeros_like(states), [torch.zeros_like(pooled[0])]
        assert torch.equal(cond.pooled, pooled[0])
    assert torch.equal(cond.states, states)
    assert cond.mask is None


@pytest.mark.parametrize("family", FAMILIES)
def test_encoding_and_decoding_are_those_of_diffusers(pipelines, checkpoints, family):
    prior, vae = (
        prior_of(checkpoints[family], compute=ComputeConfig(decode_batch=3)),
        pipelines[family].vae,
    )
    pictures = torch.rand(3, 3, *SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    with torch.no_grad():
        theirs = vae.encode(pictures).latent_dist.mode() * vae.config.scaling_factor
        latents = prior.encode(pictures)
        torch.testing.assert_close(latents, theirs, atol=1e-6, rtol=0)
        decoded = vae.decode(latents / vae.config.scaling_factor).sample
        # Latents of 0.1 divided by a scale of 0.13 to 0.18, then 20 layers.
        torch.testing.assert_close(prior.decode(latents), decoded, atol=1e-5, rtol=0)
    assert prior.spec.image_channels == 3
    assert latents.shape[1:] == prior.spec.latent_shape


def test_means_and_deviations_of_latents_are_undone_as_by_diffusers(
    pipelines, checkpoints, tmp_path
):
    folder = copied(checkpoints["sdxl"], tmp_path)
    mean, std = [0.1, -0.2, 0.3, 0.0], [1.5, 0.5, 2.0, 1.0]
    change_json(folder / "vae/config.json", latents_mean=mean, latents_std=std)
    prior, vae = prior_of(folder), pipelines["sdxl"].vae
    latents, factor = noise_of(prior), vae.config.scaling_factor
    means, deviations = (torch.tensor(values).view(1, 4, 1, 1) for values in (mean, std))
    with torch.no_grad():
        wanted = vae.decode(latents * deviations / factor + means).sample
        made = prior.decode(latents)
        # Latents of up to 3 become inputs of up to 50.
        torch.testing.assert_close(made, wanted, atol=5e-5, rtol=0)
        encoded = vae.encode(made).latent_dist.mode()
        torch.testing.assert_close(
            prior.encode(made), (encoded - means) * factor / deviations, atol=1e-5, rtol=0
        )
