"""Checkpoints whose denoiser is a transformer: against diffusers' own pipelines."""

from pathlib import Path

import diffusers
import numpy as np
import pytest
import torch

from common.cli.main import main
from common.diffusion.guidance_config import CFG
from common.diffusion.sample import initial_latents, sample
from common.diffusion.sampler_config import DDIM, DPMSolverPP2M, Euler, FlowEuler
from common.diffusion.samplers import build_scheduler
from common.errors import InputError
from common.media.images import read_picture
from common.pretrained.build import build_pretrained_prior
from common.pretrained.check import check_pretrained
from common.pretrained.config import ComputeConfig, PretrainedPriorConfig
from common.pretrained.memory import pretrained_need
from common.pretrained.notes import pretrained_notes
from common.seeding import generators_for, randn
from run import APPS
from tests.common.pretrained import tiny_transformers
from tests.common.pretrained.damage import change_json, copied
from tests.common.pretrained.tiny_pipelines import store

# NumPy 2 on diffusers' schedulers, and its own loading code.
pytestmark = pytest.mark.filterwarnings("ignore")

SIZE = (64, 96)
PROMPTS = ["a red cat in the house", "a dog"]
NEGATIVES = ["dog", "the house, 3"]
FAMILIES = {
    "pixart": tiny_transformers.pixart,
    "pixart_alpha": tiny_transformers.pixart_alpha,
    "sd3": tiny_transformers.sd3,
    "sd3_without_t5": lambda: tiny_transformers.sd3(with_t5=False),
    "flux": tiny_transformers.flux,
    "schnell": lambda: tiny_transformers.flux(guidance_embeds=False),
}
PER_UNIT = 1e-5
"""Largest difference, in deviations of the latents: float32 rounding of batches of 4 and of 2."""


@pytest.fixture(scope="module")
def pipelines():
    made = {name: build() for name, build in FAMILIES.items()}
    for pipeline in made.values():
        pipeline.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="module")
def folders(pipelines, tmp_path_factory):
    place = tmp_path_factory.mktemp("transformers")
    return {name: store(pipeline, place / name) for name, pipeline in pipelines.items()}


def config_of(folder, **settings):
    return PretrainedPriorConfig(path=str(folder), **settings)


def prior_of(folder, **settings):
    return build_pretrained_prior(config_of(folder, **settings), SIZE)


def drawn(prior, sampler, noise, scale, prompts=PROMPTS, negatives=NEGATIVES):
    """The final latents of our own loop."""
    scheduler = build_scheduler(sampler, prior.spec.schedule, prior.spec.prediction)
    steps = sample(
        prior, scheduler, prior.embed(prompts), prior.embed(negatives), CFG(guidance_scale=scale),
        initial_latents(scheduler, noise), generators_for(0, range(len(noise)), "sampler"),
    )  # fmt: skip
    return list(steps)[-1].latents


def noise_of(prior):
    return randn(prior.spec.latent_shape, generators_for(7, range(2), "latents"))


def assert_same(ours, theirs):
    torch.testing.assert_close(ours, theirs, atol=PER_UNIT * max(1, float(theirs.std())), rtol=0)


COMMON = {"num_inference_steps": 4, "height": SIZE[0], "width": SIZE[1], "output_type": "latent"}


@pytest.mark.parametrize("family", ["pixart", "pixart_alpha"])
@pytest.mark.parametrize("sampler", ["ddim", "dpm", "euler"])
def test_pixart_draws_what_diffusers_draws(pipelines, folders, monkeypatch, family, sampler):
    config, scheduler, changes = {
        "ddim": (DDIM(num_steps=4, timestep_spacing="leading", steps_offset=1),
                 diffusers.DDIMScheduler,
                 {"clip_sample": False, "set_alpha_to_one": True, "timestep_spacing": "leading",
                  "steps_offset": 1}),
        "dpm": (DPMSolverPP2M(num_steps=4), diffusers.DPMSolverMultistepScheduler,
                {"timestep_spacing": "trailing"}),
        "euler": (Euler(num_steps=4, timestep_spacing="trailing"),
                  diffusers.EulerDiscreteScheduler, {"timestep_spacing": "trailing"}),
    }[sampler]  # fmt: skip
    prior, pipeline = prior_of(folders[family]), pipelines[family]
    noise = noise_of(prior)
    used = scheduler.from_config(pipeline.scheduler.config, **changes)
    monkeypatch.setattr(pipeline, "scheduler", used)
    theirs = pipeline(
        PROMPTS, negative_prompt=NEGATIVES, guidance_scale=4.0, latents=noise.clone(),
        use_resolution_binning=False, clean_caption=False, **COMMON,
    ).images  # fmt: skip
    ours = drawn(prior, config, noise, 4.0)
    assert_same(ours, theirs)
    other = drawn(prior, config, noise, 4.0, negatives=["", ""])
    assert float((other - ours).abs().max()) > 100 * PER_UNIT, "prompts must count"


@pytest.mark.parametrize("family", ["sd3", "sd3_without_t5"])
def test_stable_diffusion_3_draws_what_diffusers_draws(pipelines, folders, family):
    prior, pipeline = prior_of(folders[family]), pipelines[family]
    assert prior.spec.prediction == "velocity"
    assert prior.spec.schedule.config.shift == 3.0
    noise = noise_of(prior)
    theirs = pipeline(
        PROMPTS, negative_prompt=NEGATIVES, guidance_scale=4.0, latents=noise.clone(),
        sigmas=[1.0, 0.75, 0.5, 0.25], **COMMON,
    ).images  # fmt: skip
    assert_same(drawn(prior, FlowEuler(num_steps=4), noise, 4.0), theirs)


@pytest.mark.parametrize("family", ["flux", "schnell"])
@pytest.mark.parametrize("scale", [1.0, 3.0])
def test_flux_draws_what_diffusers_draws(pipelines, folders, family, scale):
    prior, pipeline = prior_of(folders[family], embedded_guidance=2.5), pipelines[family]
    noise = noise_of(prior)
    theirs = pipeline(
        PROMPTS, negative_prompt=NEGATIVES, true_cfg_scale=scale, guidance_scale=2.5,
        latents=pipeline._pack_latents(noise.clone(), 2, *prior.spec.latent_shape),
        max_sequence_length=512 if family == "flux" else 256, **COMMON,
    ).images  # fmt: skip
    height, width = SIZE
    unpacked = pipeline._unpack_latents(theirs, height, width, pipeline.vae_scale_factor)
    ours = drawn(prior, FlowEuler(num_steps=4), noise, scale)
    assert_same(ours, unpacked)
    told = drawn(prior_of(folders[family], embedded_guidance=7.0), FlowEuler(num_steps=4), noise, 1)
    one = drawn(prior, FlowEuler(num_steps=4), noise, 1)
    assert torch.equal(told, one) == (family == "schnell"), "only dev is told of guidance"


@pytest.mark.parametrize("family", FAMILIES)
def test_pictures_become_latents_and_back_as_in_diffusers(pipelines, folders, family):
    prior, vae = prior_of(folders[family]), pipelines[family].vae
    pictures = torch.rand(2, 3, *SIZE, generator=torch.Generator().manual_seed(0)) * 2 - 1
    shift = vae.config.shift_factor or 0.0
    with torch.no_grad():
        theirs = (vae.encode(pictures).latent_dist.mode() - shift) * vae.config.scaling_factor
        latents = prior.encode(pictures)
        torch.testing.assert_close(latents, theirs, atol=1e-5, rtol=1e-5)
        decoded = vae.decode(latents / vae.config.scaling_factor + shift).sample
        # Values of up to 3 after 20 layers.
        torch.testing.assert_close(prior.decode(latents), decoded, atol=3e-5, rtol=0)
    assert latents.shape[1:] == prior.spec.latent_shape


@pytest.mark.parametrize("family", FAMILIES)
def test_a_prompt_does_not_depend_on_those_beside_it(folders, family):
    """Nor on how many chunks CLIP reads those in."""
    prior = prior_of(folders[family])
    long = "a red cat " * (30 if family.startswith("sd3") else 8)
    noise, times = noise_of(prior), torch.tensor([500.0, 500.0])
    with torch.no_grad():
        both = prior.predict(noise, times, prior.embed([long, "a dog"]))
        alone = prior.predict(noise[1:], times[1:], prior.embed(["a dog"]))
    torch.testing.assert_close(both[1:], alone, atol=1e-5, rtol=0)


@pytest.mark.parametrize("family", ["pixart", "sd3", "flux"])
def test_emphasis_moves_a_word_from_the_empty_prompt(folders, family):
    prior = prior_of(folders[family])
    plain, same, more = (
        prior.embed([prompt]).states
        for prompt in ("a red cat", "a (red:1.0) cat", "a (red:1.5) cat")
    )
    assert torch.equal(plain, same)
    changed = (more - plain).abs().amax(2)[0] > 1e-6
    assert 0 < int(changed.sum()) < len(changed)


@pytest.mark.parametrize("family", ["pixart", "sd3", "flux"])
def test_too_long_a_prompt_is_refused(folders, family):
    config = config_of(folders[family])
    with pytest.raises(InputError, match="prompt: the prompt has 600 tokens"):
        pretrained_notes(config, "cat " * 600, "", SIZE)


@pytest.mark.parametrize(
    ("family", "keys", "said"),
    [
        ("flux", {"clip_skip": 1}, "uses no states of CLIP's layers"),
        ("sd3", {"compute": ComputeConfig(attention="plain")}, "has sdpa only"),
        (
            "sd3",
            {"loras": ({"path": Path("a.safetensors")},)},
            "prior.loras: only for U-Nets",
        ),
    ],
)
def test_what_is_only_of_unets_is_refused(folders, family, keys, said):
    config = PretrainedPriorConfig.model_validate({"path": str(folders[family]), **keys})
    with pytest.raises(InputError, match=said):
        check_pretrained(config, SIZE)


@pytest.mark.parametrize(
    ("family", "size", "said"),
    [
        ("flux", (64, 72), "divide by 16, not 64 x 72"),
        ("sd3", (64, 208), "up to 192 px a side"),
    ],
)
def test_sizes_it_cannot_draw_are_refused(folders, family, size, said):
    with pytest.raises(InputError, match=said):
        check_pretrained(config_of(folders[family]), size)


@pytest.mark.parametrize(
    ("family", "change", "said"),
    [
        ("pixart", {"caption_channels": 48}, "caption_proj"),
        ("sd3", {"pooled_projection_dim": 40}, "time_text_embed"),
        ("flux", {"joint_attention_dim": 48}, "context_embedder"),
        ("flux", {"num_layers": 10_000_000}, "asks for 10,000,000 layers"),
    ],
)
def test_configs_of_other_models_are_refused(folders, tmp_path, family, change, said):
    folder = copied(folders[family], tmp_path)
    change_json(folder / "transformer/config.json", **change)
    with pytest.raises(InputError, match=said):
        check_pretrained(config_of(folder), SIZE)


def test_text_encoders_of_another_checkpoint_are_refused(folders, tmp_path):
    folder, other = copied(folders["pixart"], tmp_path), folders["sd3"]
    for name in ("config.json", "model.safetensors"):
        (folder / "text_encoder" / name).write_bytes((other / "text_encoder_3" / name).read_bytes())
    with pytest.raises(InputError, match=r"caption_channels is 32; .* must be 64"):
        check_pretrained(config_of(folder), SIZE)


@pytest.mark.parametrize("family", FAMILIES)
def test_memory_is_known_before_the_weights_are_read(folders, family):
    need = pretrained_need(config_of(folders[family]), SIZE, 2)
    prior = prior_of(folders[family])
    parameters = {
        id(p): p.numel() * 4
        for model in (prior.network, prior.autoencoder)
        for p in model.parameters()
    }
    assert need.weights_bytes > sum(parameters.values())
    assert need.latent_shape == prior.spec.latent_shape
    assert need.activation_bytes > 0


def test_half_precision_keeps_t5_in_full(folders):
    prior = prior_of(folders["pixart"], compute=ComputeConfig(dtype="float16"))
    assert prior.text.t5.model.dtype == torch.float32
    assert next(prior.network.parameters()).dtype == torch.float16
    assert prior.embed(["a cat"]).states.dtype == torch.float16


@pytest.mark.parametrize(
    ("preset", "family", "changes"),
    [
        ("image/flux", "flux", ("prior.embedded_guidance=2.0",)),
        ("image/stable_diffusion_3", "sd3", ("negative_prompt=dog",)),
        ("image/pixart", "pixart", ("sampler.num_steps=3",)),
    ],
)
def test_presets_draw_as_a_user_runs_them(
    folders, tmp_path, monkeypatch, capsys, preset, family, changes
):
    monkeypatch.chdir(tmp_path)
    arguments = [
        preset, f"prior.path={folders[family]}", "prompt=a (red:1.2) cat", "method.height=64",
        "method.width=96", "sampler.num_steps=2", "device=cpu", *changes,
    ]  # fmt: skip
    assert main([*arguments, "--dry-run"], APPS) == 0
    said = capsys.readouterr()
    assert "size: 3 x 64 x 96" in said.out.splitlines()
    assert main(arguments, APPS) == 0
    written = [tmp_path / line for line in capsys.readouterr().out.splitlines()]
    picture = read_picture(written[0])
    assert picture.shape == (64, 96, 3)
    given = [
        "image/image_to_image", f"method.input={written[0]}", "method.strength=0.5",
        f"prior={{name: pretrained, path: {folders[family]}}}", "prompt=a cat", "num_samples=1",
        "method.height=64", "method.width=96", "sampler.num_steps=4", "device=cpu",
    ]  # fmt: skip
    if family != "pixart":
        given.append("sampler={name: flow_euler, num_steps: 4}")
    assert main(given, APPS) == 0, capsys.readouterr().err
    again = [tmp_path / line for line in capsys.readouterr().out.splitlines()]
    assert not np.array_equal(read_picture(again[0]), picture)
