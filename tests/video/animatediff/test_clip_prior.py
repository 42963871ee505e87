"""Clips of a checkpoint and a motion module: against diffusers' AnimateDiffPipeline."""

import diffusers
import pytest
import torch
from einops import rearrange

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import initial_latents, sample
from common.diffusion.sampler_config import DDIM, DPMSolverPP2M, Euler
from common.diffusion.samplers import build_scheduler
from common.errors import InputError
from common.pretrained.config import ComputeConfig, PretrainedPriorConfig
from common.seeding import generators_for, randn
from tests.common.pretrained.tiny_pipelines import SIZE
from video.animatediff.build import build_animatediff_prior, check_animatediff
from video.animatediff.frame_norms import frames_normed_together
from video.animatediff.memory import animatediff_need
from video.motion_config import MotionModuleConfig

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
CLIP = (5, *SIZE)
PROMPT, NEGATIVE = "a red cat in the house", "blurry"
LINEAR = {"beta_start": 0.00085, "beta_end": 0.012, "beta_schedule": "linear"}
LEADING = {"timestep_spacing": "leading", "steps_offset": 1}
SAMPLERS = {
    "ddim": (DDIM(num_steps=5, **LEADING), diffusers.DDIMScheduler(
        **LINEAR, **LEADING, clip_sample=False)),
    "euler": (Euler(num_steps=5, **LEADING), diffusers.EulerDiscreteScheduler(
        **LINEAR, **LEADING)),
    "dpm": (DPMSolverPP2M(num_steps=5), diffusers.DPMSolverMultistepScheduler(
        **LINEAR, timestep_spacing="trailing")),
}  # fmt: skip


def prior_of(checkpoint, path, clip=CLIP, **motion):
    config = PretrainedPriorConfig(path=str(checkpoint))
    return build_animatediff_prior(config, MotionModuleConfig(path=path, **motion), clip)


def drawn(prior, config, noise):
    scheduler = build_scheduler(config, prior.spec.schedule, prior.spec.prediction)
    *_, last = sample(
        prior, scheduler, prior.embed([PROMPT]), prior.embed([NEGATIVE]), CFG(guidance_scale=5),
        initial_latents(scheduler, noise), generators_for(0, range(1), "sampler"),
    )  # fmt: skip
    return last.latents


def noise_of(prior, count=1):
    return randn(prior.spec.latent_shape, generators_for(7, range(count), "latents"))


@pytest.mark.parametrize("sampler", SAMPLERS)
@pytest.mark.parametrize("family", ["v2", "v3"])
def test_clips_are_those_of_diffusers(pipeline, checkpoint, modules, family, sampler):
    made, path = modules[family]
    config, scheduler = SAMPLERS[sampler]
    prior = prior_of(checkpoint, path, norms="diffusers")
    noise = noise_of(prior)
    theirs = diffusers.AnimateDiffPipeline(
        vae=pipeline.vae, text_encoder=pipeline.text_encoder, tokenizer=pipeline.tokenizer,
        unet=pipeline.unet, motion_adapter=made, scheduler=scheduler,
    )  # fmt: skip
    theirs.set_progress_bar_config(disable=True)
    expected = theirs(
        PROMPT, negative_prompt=NEGATIVE, num_frames=CLIP[0], height=SIZE[0], width=SIZE[1],
        num_inference_steps=5, guidance_scale=5.0, latents=noise.clone(), output_type="latent",
    ).frames  # fmt: skip
    found = drawn(prior, config, noise)
    # Random networks leave latents with deviations of 1 to 20; float32 through five steps.
    torch.testing.assert_close(found, expected, rtol=0, atol=2e-5 * max(1, float(expected.std())))
    plain = drawn(prior_of(checkpoint, path, norms="diffusers", scale=0), config, noise)
    assert float((plain - found).abs().max()) > 0.05, "the motion module must count"


def test_scale_0_draws_the_frames_as_pictures(checkpoint, modules):
    prior = prior_of(checkpoint, modules["v3"][1], scale=0)
    noise, cond = noise_of(prior), prior.embed([PROMPT])
    with torch.no_grad():
        clip = prior.predict(noise, torch.tensor([400.0]), cond)
        flat = rearrange(noise, "1 c f h w -> f c h w")
        one = prior.pictures.embed([PROMPT] * CLIP[0])
        pictures = prior.pictures.predict(flat, torch.full((CLIP[0],), 400.0), one)
    # One network at one batch shape.
    torch.testing.assert_close(rearrange(clip, "1 c f h w -> f c h w"), pictures, rtol=0, atol=1e-5)


def test_the_original_and_diffusers_norm_differently_and_v1_otherwise(checkpoint, modules):
    made = {}
    for family in ("v1", "v3"):
        for norms in ("original", "diffusers"):
            prior = prior_of(checkpoint, modules[family][1], norms=norms)
            with torch.no_grad():
                made[family, norms] = prior.predict(
                    noise_of(prior), torch.tensor([400.0]), prior.embed([PROMPT])
                )
    assert float((made["v3", "original"] - made["v3", "diffusers"]).abs().max()) > 1e-3
    assert float((made["v1", "original"] - made["v3", "original"]).abs().max()) > 1e-3


def test_norms_over_frames_are_those_of_a_five_dimensional_group_norm(pipeline):
    block = pipeline.unet.down_blocks[0].resnets[0]
    features = torch.randn(6, 32, 4, 4, generator=torch.Generator().manual_seed(0))
    before = block.norm1(features)
    with frames_normed_together(pipeline.unet, 3):
        found = block.norm1(features)
    clips = rearrange(features, "(b f) c h w -> b c f h w", f=3)
    groups = rearrange(clips, "b (g c) f h w -> b g (c f h w)", g=32)
    mean, variance = groups.mean(-1, keepdim=True), groups.var(-1, unbiased=False, keepdim=True)
    normed = ((groups - mean) / (variance + block.norm1.eps).sqrt()).view(2, 32, 3, 4, 4)
    scale, shift = (one.view(1, -1, 1, 1, 1) for one in (block.norm1.weight, block.norm1.bias))
    expected = rearrange(normed * scale + shift, "b c f h w -> (b f) c h w")
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-5)
    assert torch.equal(block.norm1(features), before), "the norms are given back"


def test_frames_beyond_training_and_other_unets_are_refused(checkpoint, modules, tmp_path):
    config = PretrainedPriorConfig(path=str(checkpoint))
    motion = MotionModuleConfig(path=modules["v1"][1])
    with pytest.raises(InputError, match="AnimateDiff v1, trained on clips of up to 24 frames"):
        check_animatediff(config, motion, (25, *SIZE))
    notes = check_animatediff(config, motion, CLIP)
    assert "linear 0.00085 to 0.012" in notes[0]
    assert "checkpoint's scaled_linear" in notes[0]
    with pytest.raises(InputError, match=r"none\.ckpt"):
        check_animatediff(config, MotionModuleConfig(path=tmp_path / "none.ckpt"), CLIP)


def test_decoding_is_that_of_each_frame(checkpoint, modules):
    prior = prior_of(checkpoint, modules["v3"][1])
    latents = noise_of(prior, 2)
    with torch.no_grad():
        made = prior.decode(latents)
        alone = prior.pictures.decode(latents[1, :, 3][None])[0]
        assert made.shape == (2, 3, *CLIP)
        torch.testing.assert_close(made[1, :, 3], alone, atol=1e-6, rtol=0)
        assert prior.encode(made).shape == latents.shape


def test_memory_grows_with_the_clip_and_counts_the_module(checkpoint, modules):
    config = PretrainedPriorConfig(path=str(checkpoint), compute=ComputeConfig())
    made, path = modules["v2"]
    motion = MotionModuleConfig(path=path)
    short, long = (animatediff_need(config, motion, (f, *SIZE), 4) for f in (4, 8))
    assert long.activation_bytes > 1.7 * short.activation_bytes
    learnt = sum(w.numel() for name, w in made.state_dict().items() if "pos_embed" not in name)
    models = sum(
        tensor.numel()
        for model in (prior_of(checkpoint, path).pictures,)
        for part in (model.unet, model.autoencoder, *(e.model for e in model.text.encoders))
        for tensor in part.state_dict().values()
    )
    assert short.weights_bytes == pytest.approx(4 * (learnt + models), rel=0.01)


def test_memory_counts_the_frames_that_are_decoded_together(checkpoint, modules):
    motion = MotionModuleConfig(path=modules["v2"][1])

    def need(batch, frames=8):
        compute = ComputeConfig(decode_batch=batch)
        config = PretrainedPriorConfig(path=str(checkpoint), compute=compute)
        return animatediff_need(config, motion, (frames, 512, 512), 1).activation_bytes

    # Of this small model decoding four frames takes more than drawing.
    assert need(4) > need(1)
    assert need(8) == pytest.approx(2 * need(4), rel=0.02)
    assert need(100) == need(8), "there are no more frames than these"
