"""Image prompts of checkpoints: against diffusers' pipelines, and what is refused."""

import shutil

import diffusers
import numpy as np
import pytest
import torch
from PIL import Image
from safetensors.torch import load_file, save_file
from transformers import CLIPImageProcessor, CLIPVisionConfig, CLIPVisionModelWithProjection

from common.adapters.image_prompt_config import IPAdapterConfig
from common.diffusion.guidance_config import CFG
from common.diffusion.image_attention import cross_attentions
from common.diffusion.sample import initial_latents, sample
from common.diffusion.samplers import build_scheduler
from common.errors import InputError
from common.media.images import write_picture
from common.pretrained.build import build_pretrained_prior
from common.pretrained.check import check_pretrained
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.memory import pretrained_need
from common.seeding import generators_for, randn
from tests.common.pretrained.test_parity import NEGATIVES, PROMPTS, SAMPLERS, assert_same
from tests.common.pretrained.tiny_pipelines import SIZE, shaken

pytestmark = pytest.mark.filterwarnings("ignore")
FEATURES = {"sd15": 32, "sdxl": 80}
PIXELS, WIDTH, EMBEDDED = 32, 24, 20


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    """A tiny CLIP picture encoder and its folder."""
    with torch.random.fork_rng():
        torch.random.manual_seed(3)
        model = CLIPVisionModelWithProjection(CLIPVisionConfig(
            hidden_size=WIDTH, intermediate_size=32, num_hidden_layers=3, num_attention_heads=4,
            image_size=PIXELS, patch_size=8, projection_dim=EMBEDDED,
        ))  # fmt: skip
    folder = tmp_path_factory.mktemp("adapter") / "image_encoder"
    shaken(model, 5).save_pretrained(folder, safe_serialization=True)
    return model, folder


@pytest.fixture(scope="module")
def adapters(pipelines, encoder):
    """By family and kind: a file in the usual layout, beside the encoder's folder."""
    found = {}
    for family, features in FEATURES.items():
        for kind in ("plain", "plus"):
            generator = torch.Generator().manual_seed(7)
            tensors = _plain(features) if kind == "plain" else _plus(features)
            for index, one in enumerate(cross_attentions(pipelines[family].unet)):
                for part in "kv":
                    shape = (one.to_q.out_features, features)
                    tensors[f"ip_adapter.{2 * index + 1}.to_{part}_ip.weight"] = shape
            path = encoder[1].parent / f"{family}-{kind}.safetensors"
            save_file(
                {key: 0.3 * torch.randn(shape, generator=generator)
                 for key, shape in tensors.items()}, path,
            )  # fmt: skip
            found[family, kind] = path
    return found


def _plain(features):
    return {
        "image_proj.proj.weight": (4 * features, EMBEDDED), "image_proj.proj.bias": (4 * features,),
        "image_proj.norm.weight": (features,), "image_proj.norm.bias": (features,),
    }  # fmt: skip


def _plus(features, hidden=64, queries=3, depth=4):
    """The resampler of the plus adapters, named as its authors name it."""
    shapes = {
        "latents": (1, queries, hidden), "proj_in.weight": (hidden, WIDTH),
        "proj_in.bias": (hidden,), "proj_out.weight": (features, hidden),
        "proj_out.bias": (features,), "norm_out.weight": (features,),
        "norm_out.bias": (features,),
    }  # fmt: skip
    for layer in range(depth):
        at = f"layers.{layer}"
        for norm in ("norm1", "norm2"):
            shapes |= {f"{at}.0.{norm}.{part}": (hidden,) for part in ("weight", "bias")}
        shapes |= {
            f"{at}.0.to_q.weight": (64, hidden), f"{at}.0.to_kv.weight": (128, hidden),
            f"{at}.0.to_out.weight": (hidden, 64), f"{at}.1.0.weight": (hidden,),
            f"{at}.1.0.bias": (hidden,), f"{at}.1.1.weight": (4 * hidden, hidden),
            f"{at}.1.3.weight": (hidden, 4 * hidden),
        }  # fmt: skip
    return {f"image_proj.{key}": shape for key, shape in shapes.items()}


@pytest.fixture(scope="module")
def picture(tmp_path_factory):
    """A picture that is no square, so that what is cut off counts."""
    path = tmp_path_factory.mktemp("pictures") / "shown.png"
    write_picture(path, np.random.default_rng(0).integers(0, 256, (50, 70, 3)).astype(np.uint8))
    return path


def config_of(checkpoint, adapter, encoder, picture, **changes):
    shown = IPAdapterConfig(
        path=adapter, image_encoder=encoder[1], **({"pictures": (picture,)} | changes)
    )
    return PretrainedPriorConfig(path=str(checkpoint), image_prompt=shown)


def drawn(config, noise):
    prior = build_pretrained_prior(config, SIZE)
    scheduler = build_scheduler(SAMPLERS["dpm"][0], prior.spec.schedule, prior.spec.prediction)
    *_, last = sample(
        prior, scheduler, prior.embed(PROMPTS), prior.embed_negative(NEGATIVES),
        CFG(guidance_scale=5), initial_latents(scheduler, noise),
        generators_for(0, range(2), "sampler"),
    )  # fmt: skip
    return last.latents


@pytest.mark.parametrize(
    ("family", "kind"), [("sd15", "plain"), ("sd15", "plus"), ("sdxl", "plain")]
)
def test_samples_are_those_of_diffusers(
    pipelines, checkpoints, adapters, encoder, picture, family, kind
):
    classes = {
        "sd15": diffusers.StableDiffusionPipeline, "sdxl": diffusers.StableDiffusionXLPipeline
    }  # fmt: skip
    # Loaded again: an adapter changes the U-Net, which other tests use too.
    pipeline = classes[family].from_pretrained(checkpoints[family], image_encoder=encoder[0])
    pipeline.register_modules(
        feature_extractor=CLIPImageProcessor(size={"shortest_edge": PIXELS}, crop_size=PIXELS)
    )
    path = adapters[family, kind]
    pipeline.load_ip_adapter(
        str(path.parent), subfolder="", weight_name=path.name, low_cpu_mem_usage=False
    )
    pipeline.set_ip_adapter_scale(0.7)
    pipeline.set_progress_bar_config(disable=True)
    _, scheduler, changes = SAMPLERS["dpm"]
    pipeline.scheduler = scheduler.from_config(pipelines[family].scheduler.config, **changes)
    noise = randn((4, SIZE[0] // 8, SIZE[1] // 8), generators_for(7, range(2), "latents"))
    theirs = pipeline(
        PROMPTS, negative_prompt=NEGATIVES, ip_adapter_image=Image.open(picture),
        num_inference_steps=5, guidance_scale=5.0, latents=noise.clone(), height=SIZE[0],
        width=SIZE[1], output_type="latent",
    ).images  # fmt: skip
    config = config_of(checkpoints[family], path, encoder, picture, scale=0.7)
    check_pretrained(config, SIZE)
    ours = drawn(config, noise)
    assert_same(ours, theirs)
    plain = drawn(PretrainedPriorConfig(path=str(checkpoints[family])), noise)
    assert float((ours - plain).abs().max()) > 0.05, "the picture must count"


def test_scale_0_is_the_checkpoint_to_the_bit(checkpoints, adapters, encoder, picture):
    noise = randn((4, SIZE[0] // 8, SIZE[1] // 8), generators_for(7, range(2), "latents"))
    config = config_of(checkpoints["sd15"], adapters["sd15", "plain"], encoder, picture, scale=0.0)
    plain = PretrainedPriorConfig(path=str(checkpoints["sd15"]))
    assert torch.equal(drawn(config, noise), drawn(plain, noise))


def test_memory_counts_keys_and_values_and_the_encoder(checkpoints, adapters, encoder, picture):
    config = config_of(checkpoints["sd15"], adapters["sd15", "plain"], encoder, picture)
    plain = pretrained_need(config.model_copy(update={"image_prompt": None}), SIZE, 2)
    with_it = pretrained_need(config, SIZE, 2)
    keys = [value for key, value in load_file(adapters["sd15", "plain"]).items()
            if key.startswith("ip_adapter.")]  # fmt: skip
    own = sum(4 * value.numel() for value in keys)
    assert with_it.weights_bytes - plain.weights_bytes == own
    assert with_it.reading_bytes > sum(4 * w.numel() for w in encoder[0].parameters())


def test_several_pictures_are_attended_to_together(checkpoints, adapters, encoder, picture):
    """The same picture twice has the same keys and values twice: softmax gives the same."""
    noise = randn((4, SIZE[0] // 8, SIZE[1] // 8), generators_for(7, range(2), "latents"))
    one, two = (
        drawn(
            config_of(
                checkpoints["sd15"], adapters["sd15", "plain"], encoder, picture,
                pictures=(picture,) * count,
            ), noise,
        )
        for count in (1, 2)
    )  # fmt: skip
    # Sums of twice as many terms round otherwise; guidance and five steps make it 5e-5.
    torch.testing.assert_close(one, two, rtol=0, atol=5e-4)


@pytest.mark.parametrize(("damage", "message"), [
    (lambda t: t.pop("ip_adapter.3.to_v_ip.weight"), r"has no 'ip_adapter\.3\.to_v_ip\.weight'"),
    (lambda t: t.update({"ip_adapter.99.to_k_ip.weight": torch.ones(2, 2)}),
     r"holds 'ip_adapter\.99\.to_k_ip\.weight'"),
    (lambda t: t.update({"ip_adapter.1.to_k_ip.weight": torch.ones(2, 2)}),
     r"'ip_adapter\.1\.to_k_ip\.weight' is \(2, 2\), and this U-Net takes"),
    (lambda t: t.update({"image_proj.proj.weight": torch.ones(128, 9)}),
     r"'image_proj\.proj\.weight' is \(128, 9\), and the picture encoder .* gives 20 features"),
    (lambda t: t.pop("image_proj.norm.bias"), r"image_proj\..*make no projection"),
    (lambda t: t.pop("image_proj.proj.weight"), r"neither a plain nor a plus adapter"),
    (lambda t: t.update({"ip_adapter.1.to_k_lora.down.weight": torch.ones(2, 2)}), "FaceID"),
    (lambda t: t.update({"conv_in.weight": torch.ones(2)}), "'conv_in.weight' is no part"),
    (lambda t: t["image_proj.norm.bias"].fill_(float("nan")), "'image_proj.norm.bias' holds"),
])  # fmt: skip
def test_wrong_files_are_refused_by_file_and_key(
    checkpoints, adapters, encoder, picture, tmp_path, damage, message
):
    tensors = load_file(adapters["sd15", "plain"])
    damage(tensors)
    save_file(tensors, tmp_path / "wrong.safetensors")
    config = config_of(checkpoints["sd15"], tmp_path / "wrong.safetensors", encoder, picture)
    with pytest.raises(InputError, match=message) as caught:
        check_pretrained(config, SIZE)
    assert "wrong.safetensors" in str(caught.value)


@pytest.mark.parametrize(("name", "message"), [
    ("adapter.bin", "pickled files can run code"), ("adapter.safetensors", "is missing"),
    ("broken.safetensors", "no safetensors file, or damaged"),
])  # fmt: skip
def test_files_that_are_no_adapter_are_refused(
    checkpoints, encoder, picture, tmp_path, name, message
):
    (tmp_path / "broken.safetensors").write_bytes(b"x" * 50)
    config = config_of(checkpoints["sd15"], tmp_path / name, encoder, picture)
    with pytest.raises(InputError, match=message):
        check_pretrained(config, SIZE)


def test_adapters_of_another_family_and_encoders_of_another_kind_are_refused(
    checkpoints, adapters, encoder, picture, tmp_path
):
    config = config_of(checkpoints["sd15"], adapters["sdxl", "plain"], encoder, picture)
    with pytest.raises(InputError, match="for another family"):
        check_pretrained(config, SIZE)
    shutil.copytree(checkpoints["sd15"] / "text_encoder", tmp_path / "text")
    foreign = config_of(
        checkpoints["sd15"], adapters["sd15", "plain"], (None, tmp_path / "text"), picture
    )
    with pytest.raises(InputError, match="where a CLIPVisionModelWithProjection belongs"):
        check_pretrained(foreign, SIZE)
