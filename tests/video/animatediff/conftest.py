"""A small Stable Diffusion checkpoint of four levels, and motion modules for it."""

import warnings

import pytest
import safetensors.torch
from diffusers import DDIMScheduler, StableDiffusionPipeline

from tests.common.pretrained import tiny_pipelines as tiny
from tests.video.animatediff.small_adapter import adapter, unet
from tests.video.animatediff.test_motion_file import original_of


@pytest.fixture(scope="session")
def pipeline():
    """As Stable Diffusion 1.5; what its scheduler says is not what motion modules were taught."""
    words = tiny.tokenizer()
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = StableDiffusionPipeline(
            vae=tiny.shaken(tiny.autoencoder(), 1), unet=tiny.shaken(unet(), 2),
            text_encoder=tiny.shaken(tiny.text_encoder(words, width=16), 3), tokenizer=words,
            scheduler=DDIMScheduler(**tiny.SD_BETAS, clip_sample=False, steps_offset=1),
            safety_checker=None, feature_extractor=None, image_encoder=None,
            requires_safety_checker=False,
        )  # fmt: skip
    made.set_progress_bar_config(disable=True)
    return made


@pytest.fixture(scope="session")
def checkpoint(pipeline, tmp_path_factory):
    """Its folder."""
    return tiny.store(pipeline, tmp_path_factory.mktemp("checkpoint") / "sd")


@pytest.fixture(scope="session")
def modules(tmp_path_factory):
    """Motion modules by their family: diffusers' adapter and the file in the original's layout."""
    folder, found = tmp_path_factory.mktemp("motion"), {}
    for name, middle, length in (("v1", False, 24), ("v2", True, 32), ("v3", False, 32)):
        made = adapter(middle, length=length)
        path = folder / f"{name}.safetensors"
        safetensors.torch.save_file(original_of(made, length), path)
        found[name] = (made, path)
    return found
