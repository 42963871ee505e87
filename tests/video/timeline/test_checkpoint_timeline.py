"""Timelines of clips of a checkpoint: prompts, strengths and controls of each frame."""

import numpy as np
import pytest
import torch
from diffusers import ControlNetModel

from common.diffusion.frame_curves import PromptTravel
from common.diffusion.frame_windows import FrameWindows
from common.media.images import write_picture
from common.pretrained.config import PretrainedPriorConfig
from common.pretrained.control_config import ControlConfig
from common.seeding import generators_for
from tests.common.pretrained.tiny_pipelines import SIZE, shaken
from tests.video.animatediff.conftest import checkpoint, modules, pipeline  # noqa: F401
from video.animatediff.build import build_animatediff_prior
from video.motion_config import MotionModuleConfig

pytestmark = pytest.mark.filterwarnings("ignore:__array__ implementation")
TIMES, CAT, DOG = torch.tensor([500.0]), "a red cat", "a blue dog in the house"
TRAVEL = PromptTravel(
    (CAT, DOG), torch.tensor([[1.0, 0.0], [0.75, 0.25], [0.5, 0.5], [0.0, 1.0], [0.0, 1.0]])
)


@pytest.fixture(scope="module")
def control(pipeline, tmp_path_factory):  # noqa: F811
    """A ControlNet's folder, and one of five pictures."""
    folder = tmp_path_factory.mktemp("control")
    net = ControlNetModel.from_unet(pipeline.unet, load_weights_from_unet=False)
    shaken(net, 9).save_pretrained(folder / "net")
    (folder / "frames").mkdir()
    for number in range(5):
        picture = np.zeros((*SIZE, 3), np.uint8)
        picture[:, 8 * number : 8 * number + 20] = 255
        write_picture(folder / "frames" / f"{number}.png", picture)
    return folder


def build(checkpoint, modules, windows=None, controls=(), scale=1.0):  # noqa: F811
    return build_animatediff_prior(
        PretrainedPriorConfig(path=str(checkpoint), controls=controls),
        MotionModuleConfig(path=modules["v3"][1], scale=scale), (5, *SIZE), "cpu", windows,
    )  # fmt: skip


def noise_of(prior):
    return prior.noise(generators_for(0, range(1), "latents"))


@torch.no_grad()
def test_frames_on_keys_are_told_their_prompt(checkpoint, modules):  # noqa: F811
    """Without motion, frames see nothing of each other."""
    prior = build(checkpoint, modules, scale=0.0)
    noise = noise_of(prior)
    made = prior.predict(noise, TIMES, prior.embed_travel(TRAVEL, 1))
    for prompt, frames in ((CAT, [0]), (DOG, [3, 4])):
        alone = prior.predict(noise, TIMES, prior.embed([prompt]))
        assert torch.equal(made[:, :, frames], alone[:, :, frames])
        assert not torch.equal(made[:, :, 2], alone[:, :, 2])


@torch.no_grad()
def test_one_prompt_travelled_is_the_prompt_to_the_bit(checkpoint, modules):  # noqa: F811
    for windows in (None, FrameWindows(5, 3, 1, "straight")):
        prior = build(checkpoint, modules, windows)
        alone = PromptTravel((CAT, DOG), torch.tensor([[1.0, 0.0]] * 5))
        noise = noise_of(prior)
        plain = prior.predict(noise, TIMES, prior.embed([CAT]))
        # Prompts of other lengths are padded to the longest, which is masked.
        found = prior.predict(noise, TIMES, prior.embed_travel(alone, 1))
        torch.testing.assert_close(found, plain, rtol=0, atol=0)


@torch.no_grad()
def test_strength_of_each_frame(checkpoint, modules):  # noqa: F811
    prior, half = build(checkpoint, modules), build(checkpoint, modules, scale=0.5)
    noise, cond = noise_of(prior), prior.embed([CAT])
    found = prior.changing([0.5] * 5).predict(noise, TIMES, cond)
    assert torch.equal(found, half.predict(noise, TIMES, cond))
    none = build(checkpoint, modules, scale=0.0).predict(noise, TIMES, cond)
    last = prior.changing([0.0, 1.0, 1.0, 1.0, 1.0]).predict(noise, TIMES, cond)
    assert torch.equal(last[:, :, 0], none[:, :, 0])
    assert not torch.equal(last[:, :, 1], none[:, :, 1])


@torch.no_grad()
def test_controls_and_prompts_of_frames_in_windows(checkpoint, modules, control):  # noqa: F811
    """Windows are fused from what each is told of its own frames."""
    one = ControlConfig(path=control / "net", image=control / "frames")
    windows = FrameWindows(5, 3, 1, "looped", "flat")
    cut = build(checkpoint, modules, windows, (one,))
    noise = noise_of(cut)
    weights = torch.tensor([0.0, 0.5, 1.0, 0.2, 0.9])
    told = cut.changing([1.0, 0.5, 0.0, 1.0, 1.0], [weights])
    made = told.predict(noise, TIMES, told.embed_travel(TRAVEL, 1))

    whole = build(checkpoint, modules, None, (one,)).changing([1.0, 0.5, 0.0, 1.0, 1.0], [weights])
    total, counts = torch.zeros_like(noise), torch.zeros(5)
    for window in windows.at(500.0):
        part = whole.of_frames(window)
        cond = part.embed_travel(TRAVEL.of_frames(window), 1)
        total[:, :, window] += part.predict(noise[:, :, window], TIMES, cond)
        counts[window] += 1
    torch.testing.assert_close(made, total / counts[:, None, None], rtol=1e-5, atol=1e-5)
    assert not torch.equal(made, cut.predict(noise, TIMES, cut.embed([CAT])))
