"""ControlNets: against diffusers' pipelines, and what is refused."""

import shutil

import diffusers
import numpy as np
import pytest
import torch
from einops import rearrange

from common.diffusion.guidance_config import CFG
from common.diffusion.sample import initial_latents, sample
from common.diffusion.samplers import build_scheduler
from common.errors import InputError
from common.media.images import read_picture, write_picture
from common.pretrained.build import build_pretrained_prior
from common.pretrained.check import check_pretrained
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.control_config import ControlConfig
from common.pretrained.memory import pretrained_need
from common.seeding import generators_for, randn
from tests.common.pretrained.damage import change_json
from tests.common.pretrained.test_parity import NEGATIVES, PROMPTS, SAMPLERS, assert_same
from tests.common.pretrained.tiny_pipelines import SIZE, shaken

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
PIPELINES = {
    "sd15": diffusers.StableDiffusionControlNetPipeline,
    "sdxl": diffusers.StableDiffusionXLControlNetPipeline,
}


@pytest.fixture(scope="module")
def nets(pipelines, tmp_path_factory):
    """Two ControlNets of each family with the folders they are stored in; no zero is left."""
    found = {}
    for family in PIPELINES:
        for seed in (0, 1):
            with torch.random.fork_rng():
                torch.random.manual_seed(seed)
                net = diffusers.ControlNetModel.from_unet(
                    pipelines[family].unet, conditioning_embedding_out_channels=(4, 8, 8, 8)
                )
            folder = tmp_path_factory.mktemp("controlnet")
            shaken(net, 10 + seed).save_pretrained(folder, safe_serialization=True)
            found[family, seed] = (net, folder)
    return found


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Two pictures to follow, of the size that is drawn."""
    folder, rng = tmp_path_factory.mktemp("pictures"), np.random.default_rng(0)
    paths = []
    for number in range(2):
        paths.append(folder / f"{number}.png")
        write_picture(paths[-1], rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8))
    return paths


def prior_of(folder, *controls):
    return build_pretrained_prior(PretrainedPriorConfig(path=str(folder), controls=controls), SIZE)


def drawn(prior, noise):
    config = SAMPLERS["dpm"][0]
    scheduler = build_scheduler(config, prior.spec.schedule, prior.spec.prediction)
    *_, last = sample(
        prior, scheduler, prior.embed(PROMPTS), prior.embed(NEGATIVES), CFG(guidance_scale=5),
        initial_latents(scheduler, noise), generators_for(0, range(2), "sampler"),
    )  # fmt: skip
    return last.latents


@pytest.mark.parametrize("family", PIPELINES)
@pytest.mark.parametrize("count", [1, 2])
def test_samples_are_those_of_diffusers(pipelines, checkpoints, nets, pictures, family, count):
    weights = [0.8, 0.5][:count]
    used = [nets[family, seed] for seed in range(count)]
    controls = [
        ControlConfig(path=folder, image=picture, weight=weight)
        for (_, folder), picture, weight in zip(used, pictures, weights, strict=False)
    ]
    prior = prior_of(checkpoints[family], *controls)
    noise = randn(prior.spec.latent_shape, generators_for(7, range(2), "latents"))
    pipeline = PIPELINES[family].from_pipe(
        pipelines[family], controlnet=[net for net, _ in used],
        **({"safety_checker": None} if family == "sd15" else {}),
    )  # fmt: skip
    pipeline.set_progress_bar_config(disable=True)
    _, scheduler, changes = SAMPLERS["dpm"]
    pipeline.scheduler = scheduler.from_config(pipelines[family].scheduler.config, **changes)
    images = [
        rearrange(torch.from_numpy(read_picture(path).copy()) / 255, "h w c -> 1 c h w")
        for path in pictures[:count]
    ]
    theirs = pipeline(
        PROMPTS, image=[one.expand(2, -1, -1, -1) for one in images], negative_prompt=NEGATIVES,
        num_inference_steps=5, guidance_scale=5.0, latents=noise.clone(), height=SIZE[0],
        width=SIZE[1], output_type="latent", controlnet_conditioning_scale=weights,
    ).images  # fmt: skip
    ours = drawn(prior, noise)
    assert_same(ours, theirs)
    plain = drawn(prior_of(checkpoints[family]), noise)
    assert float((ours - plain).abs().max()) > 0.05, "the control must count"


def test_weight_0_is_the_checkpoint_and_intervals_end_the_control(checkpoints, nets, pictures):
    _, folder = nets["sd15", 0]
    noise = randn((4, SIZE[0] // 8, SIZE[1] // 8), generators_for(7, range(2), "latents"))
    cond = prior_of(checkpoints["sd15"]).embed(PROMPTS)

    def predicted(timestep, **settings):
        config = ControlConfig(path=folder, image=pictures[0], **settings)
        prior = prior_of(checkpoints["sd15"], config)
        with torch.no_grad():
            return prior.predict(noise, torch.full((2,), timestep), cond)

    with torch.no_grad():
        plain = prior_of(checkpoints["sd15"]).predict(noise, torch.full((2,), 200.0), cond)
    assert torch.equal(predicted(200.0, weight=0.0), plain)
    assert torch.equal(predicted(200.0, interval=(0.5, 1.0)), plain)
    assert not torch.equal(predicted(200.0, interval=(0.0, 0.5)), plain)
    assert not torch.equal(predicted(700.0, interval=(0.5, 1.0)), predicted(700.0, weight=0.0))


def test_frames_of_a_clip_follow_their_own_pictures_and_weights(
    checkpoints, nets, pictures, tmp_path
):
    _, folder = nets["sd15", 0]
    (tmp_path / "frames").mkdir()
    for number, path in enumerate(pictures):
        shutil.copy(path, tmp_path / "frames" / f"{number}.png")
    each = ControlConfig(path=folder, image=tmp_path / "frames", weight=(0.8, 0.5))
    config = PretrainedPriorConfig(path=str(checkpoints["sd15"]), controls=(each,))
    prior = build_pretrained_prior(config, SIZE, num_frames=2)
    alone = [
        prior_of(checkpoints["sd15"], ControlConfig(path=folder, image=picture, weight=weight))
        for picture, weight in zip(pictures, (0.8, 0.5), strict=True)
    ]
    noise = randn((4, SIZE[0] // 8, SIZE[1] // 8), generators_for(7, range(4), "latents"))
    times, cond = torch.full((4,), 400.0), prior.embed([*PROMPTS, *PROMPTS])
    with torch.no_grad():
        made = prior.predict(noise, times, cond)
        expected = [one.predict(noise, times, cond) for one in alone]
    # Rows are the frames of two clips, one after the other.
    for row in range(4):
        torch.testing.assert_close(made[row], expected[row % 2][row], rtol=1e-4, atol=1e-5)
    with pytest.raises(InputError, match="has 2 frames, and 3 are drawn"):
        check_pretrained(config, SIZE, num_frames=3)


def test_samples_at_times_outside_the_interval_are_left_alone(checkpoints, nets, pictures):
    _, folder = nets["sd15", 0]
    config = ControlConfig(path=folder, image=pictures[0], interval=(0.0, 0.5))
    prior, plain = prior_of(checkpoints["sd15"], config), prior_of(checkpoints["sd15"])
    noise = randn(prior.spec.latent_shape, generators_for(7, range(2), "latents"))
    times, cond = torch.tensor([100.0, 900.0]), plain.embed(PROMPTS)
    with torch.no_grad():
        made, without = (one.predict(noise, times, cond) for one in (prior, plain))
    assert torch.equal(made[1], without[1])
    assert float((made[0] - without[0]).abs().max()) > 0.05


def test_memory_counts_the_controls(checkpoints, nets, pictures):
    net, folder = nets["sd15", 0]
    control = ControlConfig(path=folder, image=pictures[0])
    config = PretrainedPriorConfig(path=str(checkpoints["sd15"]))
    plain = pretrained_need(config, SIZE, 32)
    with_it = pretrained_need(config.model_copy(update={"controls": (control,)}), SIZE, 32)
    own = sum(weight.numel() * 4 for weight in net.state_dict().values())
    assert with_it.weights_bytes - plain.weights_bytes == own
    assert with_it.activation_bytes > plain.activation_bytes


@pytest.mark.parametrize(("change", "message"), [
    ({"global_pool_conditions": True}, "a shuffle ControlNet"),
    ({"conditioning_channels": 1}, "is 4 x 3 x 3 x 3, and by"),
    ({"cross_attention_dim": 48}, "cross_attention_dim|by .*config.json it is"),
    ({"_class_name": "UNet2DConditionModel"}, "where a ControlNetModel belongs"),
])  # fmt: skip
def test_wrong_files_are_refused(nets, checkpoints, pictures, tmp_path, change, message):
    folder = tmp_path / "net"
    shutil.copytree(nets["sd15", 0][1], folder)
    change_json(folder / "config.json", **change)
    control = ControlConfig(path=folder, image=pictures[0])
    config = PretrainedPriorConfig(path=str(checkpoints["sd15"]), controls=(control,))
    with pytest.raises(InputError, match=message):
        check_pretrained(config, SIZE)


def test_a_control_net_of_another_family_is_refused(nets, checkpoints, pictures):
    control = ControlConfig(path=nets["sdxl", 0][1], image=pictures[0])
    config = PretrainedPriorConfig(path=str(checkpoints["sd15"]), controls=(control,))
    with pytest.raises(InputError, match="this ControlNet is for another one"):
        check_pretrained(config, SIZE)
    missing = ControlConfig(path=pictures[0], image=pictures[0])
    with pytest.raises(InputError, match="is no folder"):
        check_pretrained(config.model_copy(update={"controls": (missing,)}), SIZE)
