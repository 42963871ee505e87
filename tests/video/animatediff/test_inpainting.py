"""Clips of a U-Net of nine channels: each frame sees its own mask and what stays of it."""

import warnings

import numpy as np
import pytest
import torch
from diffusers import StableDiffusionInpaintPipeline

from common.cli.main import main
from common.diffusion.frame_windows import FrameWindows
from common.diffusion.masked_picture import masked_picture
from common.media.clips import write_clip
from common.media.images import write_picture
from common.media.video_read import read_clip
from common.pretrained.build import build_unet_prior
from common.pretrained.config import PretrainedPriorConfig
from run import APPS
from tests.common.pretrained import tiny_pipelines as tiny
from tests.video.animatediff.small_adapter import unet
from video.animatediff.build import build_animatediff_prior
from video.motion_config import MotionModuleConfig

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
SIZE, FRAMES = tiny.SIZE, 5


@pytest.fixture(scope="module")
def folder(pipeline, tmp_path_factory):
    """The small checkpoint with a U-Net for inpainting."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        made = StableDiffusionInpaintPipeline(
            **pipeline.components | {"unet": tiny.shaken(unet(in_channels=9), 2)},
            requires_safety_checker=False,
        )
    return tiny.store(made, tmp_path_factory.mktemp("inpainting") / "sd")


def clip():
    generator = torch.Generator().manual_seed(5)
    pictures = torch.rand(3, FRAMES, *SIZE, generator=generator) * 2 - 1
    drawn = torch.zeros(FRAMES, *SIZE)
    for frame in range(FRAMES):
        drawn[frame, 8:40, 8 * frame : 8 * frame + 24] = 1
    return pictures, drawn


@pytest.mark.parametrize("in_windows", [False, True])
def test_each_frame_is_told_its_own_mask(folder, modules, in_windows):
    """Without the motion module's strength, frames are what the U-Net makes of each by itself."""
    config = PretrainedPriorConfig(path=str(folder))
    windows = FrameWindows(FRAMES, 3, 1, "uniform") if in_windows else None
    prior = build_animatediff_prior(
        config, MotionModuleConfig(path=modules["v3"][1], scale=0), (FRAMES, *SIZE),
        windows=windows,
    )  # fmt: skip
    pictures, drawn = clip()
    with torch.no_grad():
        told = prior.inpainting(masked_picture(prior, pictures, drawn))
        noise = torch.randn(1, *prior.spec.latent_shape, generator=torch.Generator().manual_seed(1))
        time = torch.tensor([500.0])
        made = told.predict(noise, time, told.embed(["a red cat"]))
        alone = build_unet_prior(config, SIZE)
        for frame in range(FRAMES):
            one = alone.inpainting(masked_picture(alone, pictures[:, frame], drawn[frame]))
            wanted = one.predict(noise[:, :, frame], time, one.embed(["a red cat"]))
            # Sums over batches of another size.
            torch.testing.assert_close(made[:, :, frame], wanted, atol=2e-5, rtol=1e-5)
        other = prior.inpainting(masked_picture(prior, pictures, drawn.flip(0)))
        swapped = other.predict(noise, time, other.embed(["a red cat"]))
    assert float((swapped - made).abs().max()) > 1e-3


def test_run_draws_within_the_mask(folder, modules, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    frames = np.random.default_rng(0).integers(0, 256, (FRAMES, *SIZE, 3)).astype(np.uint8)
    write_clip(tmp_path / "clip.webp", frames, 8.0)
    mask = np.zeros((*SIZE, 3), np.uint8)
    mask[16:48, 16:56] = 255
    write_picture(tmp_path / "mask.png", mask)
    settings = [
        f"prior={{name: pretrained, path: {folder}}}", "sampler={name: ddim, num_steps: 2}",
        f"method.motion={{path: {modules['v3'][1]}}}", f"method.num_frames={FRAMES}",
        f"method.height={SIZE[0]}", f"method.width={SIZE[1]}", "export.formats=[webp]",
        "export.fps=8",
    ]  # fmt: skip
    code = main(["video/video_inpaint", "method.input=clip.webp", *settings], APPS)
    said = capsys.readouterr()
    assert code == 0, said.err
    made = read_clip(tmp_path / said.out.splitlines()[0]).frames[..., :3]
    inside = mask[..., 0] > 0
    assert np.array_equal(made[:, ~inside], frames[:, ~inside])
    assert (made[:, inside] != frames[:, inside]).any()
    assert main(["video/text_to_video", *settings], APPS) == 2
    assert "this U-Net is for inpainting" in capsys.readouterr().err
