"""U-Nets of nine channels: against diffusers' inpainting pipelines, and refused without a mask."""

import warnings

import diffusers
import numpy as np
import pytest
import torch

from common.cli.main import main
from common.diffusion.given import Given, beginning
from common.diffusion.guidance_config import CFG
from common.diffusion.masked_picture import masked_picture
from common.diffusion.sample import sample
from common.diffusion.samplers import build_scheduler
from common.errors import InputError
from common.generation.inpainting import told_of_mask
from common.media.images import read_picture, write_picture
from common.pretrained.build import build_pretrained_prior
from common.pretrained.check import check_pretrained
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.memory import pretrained_need
from common.seeding import generators_for
from run import APPS
from tests.common.pretrained import single_files
from tests.common.pretrained import tiny_pipelines as tiny
from tests.common.pretrained.test_parity import (
    NEGATIVES,
    PROMPTS,
    SAMPLERS,
    SIZE,
    assert_same,
    noise_of,
)

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")


@pytest.fixture(scope="module")
def pipeline():
    """As Stable Diffusion's inpainting checkpoint."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        scheduler = diffusers.PNDMScheduler(**tiny.SD_BETAS, skip_prk_steps=True, steps_offset=1)
        plain = tiny.sd_pipeline(tiny.tokenizer(), scheduler, in_channels=9)
        made = diffusers.StableDiffusionInpaintPipeline(
            **plain.components, requires_safety_checker=False
        )
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="module")
def folder(pipeline, tmp_path_factory):
    return tiny.store(pipeline, tmp_path_factory.mktemp("inpainting") / "sd")


def given_things():
    generator = torch.Generator().manual_seed(4)
    picture = torch.rand(3, *SIZE, generator=generator) * 2 - 1
    mask = torch.zeros(SIZE)
    mask[21:50, 13:59] = 1  # not on the borders of cells
    return picture, mask


def drawn_from(prior, sampler, noise, strength):
    picture, mask = given_things()
    latents = prior.encode(picture[None])[0]
    told, given = told_of_mask(prior, picture, mask, Given(latents, strength, mask[None, ::8, ::8]))
    assert given.drawn is None, "all latents are drawn: the U-Net sees what stays"
    scheduler = build_scheduler(sampler, prior.spec.schedule, prior.spec.prediction)
    begin = beginning(given, scheduler, noise)
    *_, last = sample(
        told, scheduler, told.embed(PROMPTS), told.embed(NEGATIVES), CFG(guidance_scale=5),
        begin.latents, generators_for(0, range(2), "sampler"), begin=begin.evaluation,
        kept=begin.kept,
    )  # fmt: skip
    return last.latents


@pytest.mark.parametrize("strength", [1.0, 0.6])
@pytest.mark.parametrize("sampler", SAMPLERS)
def test_latents_are_those_of_diffusers(pipeline, folder, monkeypatch, sampler, strength):
    config, scheduler, changes = SAMPLERS[sampler]
    prior = build_pretrained_prior(PretrainedPriorConfig(path=str(folder)), SIZE)
    noise = noise_of(prior)
    ours = drawn_from(prior, config, noise, strength)
    picture, mask = given_things()
    used = scheduler.from_config(pipeline.scheduler.config, **changes)
    monkeypatch.setattr(pipeline, "scheduler", used)
    with torch.no_grad():
        kept = prior.encode((picture * (mask < 0.5))[None])
        latents = prior.encode(picture[None])
    theirs = pipeline(
        prompt=PROMPTS, negative_prompt=NEGATIVES, num_inference_steps=5, guidance_scale=5.0,
        image=latents.expand(2, -1, -1, -1).clone(), strength=strength,
        mask_image=mask.expand(2, 1, -1, -1), masked_image_latents=kept, output_type="latent",
        height=SIZE[0], width=SIZE[1], generator=generators_for(7, range(2), "latents"),
    ).images  # fmt: skip
    assert_same(ours, theirs)


def test_mask_and_picture_count(folder):
    prior = build_pretrained_prior(PretrainedPriorConfig(path=str(folder)), SIZE)
    picture, mask = given_things()
    noise, cond = noise_of(prior), prior.embed(PROMPTS)
    shown = [masked_picture(prior, picture, mask), masked_picture(prior, picture, 1 - mask),
             masked_picture(prior, -picture, mask)]  # fmt: skip
    made = [prior.inpainting(one).predict(noise, torch.full((2,), 500.0), cond) for one in shown]
    assert float((made[0] - made[1]).abs().max()) > 1e-3
    assert float((made[0] - made[2]).abs().max()) > 1e-3
    assert shown[0].mask.shape == (1, 1, 8, 10)
    assert torch.equal(shown[0].mask[0, 0], mask[::8, ::8]), "the nearest pixel of each cell"
    with pytest.raises(InputError, match=r"is for inpainting and needs a mask: use it with image/"):
        prior.predict(noise, torch.full((2,), 500.0), cond)


def test_other_priors_keep_what_stays_themselves(checkpoints):
    prior = build_pretrained_prior(PretrainedPriorConfig(path=str(checkpoints["sd15"])), SIZE)
    picture, mask = given_things()
    given = Given(prior.encode(picture[None])[0], 1.0, mask[None, ::8, ::8])
    assert told_of_mask(prior, picture, mask, given) == (prior, given)


def test_they_are_refused_where_there_is_no_mask(folder):
    config = PretrainedPriorConfig(path=str(folder))
    message = r"unet/config\.json: in_channels is 9: .* use it with image/inpaint"
    with pytest.raises(InputError, match=message):
        check_pretrained(config, SIZE)
    check_pretrained(config, SIZE, inpaints=True)
    assert pretrained_need(config, SIZE, 1).activation_bytes > 0


def test_single_file_says_that_it_is_for_inpainting(folder, checkpoints, pipeline, tmp_path):
    """Also with the folder of the checkpoint that draws from prompts alone."""
    path = single_files.stored(single_files.of_sd(pipeline), tmp_path / "inpainting.safetensors")
    config = PretrainedPriorConfig(path=str(path), components=checkpoints["sd15"])
    single = build_pretrained_prior(config, SIZE)
    whole = build_pretrained_prior(PretrainedPriorConfig(path=str(folder)), SIZE)
    sampler, noise = SAMPLERS["ddim"][0], noise_of(whole)
    assert torch.equal(
        drawn_from(single, sampler, noise, 1.0), drawn_from(whole, sampler, noise, 1.0)
    )


def test_run_leaves_pixels_outside_the_mask(folder, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    picture = np.random.default_rng(3).integers(1, 256, (*SIZE, 3)).astype(np.uint8)
    mask = np.zeros((*SIZE, 3), np.uint8)
    mask[20:50, 30:60] = 255
    write_picture(tmp_path / "input.png", picture)
    write_picture(tmp_path / "mask.png", mask)
    settings = [
        f"prior={{name: pretrained, path: {folder}}}", "sampler={name: ddim, num_steps: 2}",
        f"method.height={SIZE[0]}", f"method.width={SIZE[1]}", "num_samples=1",
    ]  # fmt: skip
    code = main(["image/inpaint", *settings], APPS)
    said = capsys.readouterr()
    assert code == 0, said.err
    made = read_picture(tmp_path / said.out.splitlines()[0])[..., :3]
    inside = mask[..., 0] > 0
    assert np.array_equal(made[~inside], picture[~inside])
    assert (made[inside] != picture[inside]).any()
    assert main(["image/text_to_image", *settings], APPS) == 2
    assert "this U-Net is for inpainting" in capsys.readouterr().err
