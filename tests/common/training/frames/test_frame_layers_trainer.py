from dataclasses import dataclass
from itertools import islice

import numpy as np
import pytest
import torch

from common.diffusion.guidance_config import CFG
from common.diffusion.inflation import check_identity
from common.diffusion.sampler_config import DPMSolverPP2M
from common.embedded.autoencoder import Autoencoder
from common.embedded.drawn_clip import Drawing
from common.embedded.image_unet import View, build_image_unet
from common.embedded.text_encoder import TextEncoder
from common.runs.state import Checkpoint, load_newest, save
from common.training.frames.frame_batch import FrameBatch
from common.training.frames.frame_layers_trainer import (
    FrameLayersTraining,
    TrainMotionLayers,
    TrainViewLayers,
)
from common.training.loop import train
from common.training.loop_config import LearningRate, LoopConfig
from common.zoo.models import Loaded
from tests.common.training.small_training import ARCHITECTURE, same_bits
from tests.common.zoo.small_zoo import FRAMES, TEXT, UNET, VIEWS

NUM_FRAMES = 3


@dataclass(frozen=True)
class Steps:
    """Clips whose frames are constants that climb by the same step from any start."""

    views: tuple[View, ...] | None = None

    def draw(self, count: int, rng: np.random.Generator) -> FrameBatch:
        return self._batch(rng.normal(size=count))

    def held_out(self) -> FrameBatch:
        return self._batch(np.linspace(-1, 1, 8))

    def _batch(self, starts: np.ndarray) -> FrameBatch:
        times = np.tile(np.arange(NUM_FRAMES, dtype=np.float32), (len(starts), 1))
        levels = (starts[:, None] + 1.5 * (times - 1))[:, None, :, None, None]
        latents = np.broadcast_to(levels, (len(starts), 4, NUM_FRAMES, 8, 8)).astype(np.float32)
        prompts = ("grows",) * len(starts)
        return FrameBatch(latents.copy(), prompts, (self.views,) * len(starts), times)


def small(kind: str = "motion_layers", source: Steps | None = None, **changes: object):
    """The layers' training on climbing constants, with untrained frozen models."""
    loop = LoopConfig(
        num_steps=6, batch_size=8, ema_decay=0.9, precision="float32",
        learning_rate=LearningRate(peak=5e-3, warmup_steps=2),
    )  # fmt: skip
    of, sizes = (TrainMotionLayers, FRAMES) if kind == "motion_layers" else (TrainViewLayers, VIEWS)
    config = of(**({"architecture": sizes, "loop": loop} | changes))
    with torch.random.fork_rng():
        torch.random.manual_seed(0)
        models = {
            "autoencoder": Autoencoder(ARCHITECTURE),
            "text_encoder": TextEncoder(TEXT),
            "image_unet": build_image_unet(UNET),
        }
    frozen = {
        kind: Loaded(model.eval().requires_grad_(False), kind[0] * 64)
        for kind, model in models.items()
    }
    return config, FrameLayersTraining(config, source or Steps(), frozen, 0, "cpu")


THREE_D = FRAMES.model_copy(update={"convolution_frames": 3, "spans": ("nothing", "everywhere")})


def test_a_3d_unet_begins_as_the_unet_and_learns_how_frames_follow():
    loop = LoopConfig(
        num_steps=60, batch_size=8, ema_decay=0.9, precision="float32",
        learning_rate=LearningRate(peak=5e-3, warmup_steps=2),
    )  # fmt: skip
    config, training = small(architecture=THREE_D, start="identity", loop=loop)
    before = training.evaluate(training.model)
    assert before["v_error/frames"] == before["v_error/alone"]
    list(train(config.loop, training, "cpu"))
    after = training.evaluate(training.model)
    assert after["v_error/frames"] < 0.9 * before["v_error/frames"]
    assert after["v_error/alone"] == before["v_error/alone"], "the U-Net is left alone"


def test_a_3d_unet_does_not_begin_with_view_layers():
    with pytest.raises(ValueError, match="use start: identity"):
        TrainMotionLayers(architecture=THREE_D)


def test_killed_and_resumed_training_ends_in_the_same_bits(tmp_path):
    config, whole = small()
    *_, expected = train(config.loop, whole, "cpu")
    _, first = small()
    for step in islice(train(config.loop, first, "cpu"), 3):
        save(tmp_path, Checkpoint(step.step, step.state), keep=1)
    _, second = small()
    *_, resumed = train(config.loop, second, "cpu", load_newest(tmp_path).state)
    assert same_bits(resumed.state["model"], expected.state["model"])
    assert same_bits(resumed.state["averaged"], expected.state["averaged"])


def test_training_learns_how_frames_follow_and_leaves_the_unet_alone():
    config, training = small(first_share=0.2, alone_share=0.0)
    unet = training._unet
    before = {name: weight.clone() for name, weight in unet.state_dict().items()}
    untrained = training.evaluate(training.model)
    # Untrained layers are an identity: all three errors are the U-Net's own.
    assert untrained["v_error/frames"] == pytest.approx(untrained["v_error/alone"], rel=1e-4)

    loop = config.loop.model_copy(update={"num_steps": 200})
    *_, last = train(loop, training, "cpu")

    found = training.evaluate(last.averaged.eval())
    assert found["v_error/frames"] < 0.8 * found["v_error/alone"]
    # Layers that are blind to order find both alike; these have had 200 steps.
    assert found["v_error/frames"] < 0.95 * found["v_error/shuffled"]
    assert found["v_error/first_given"] < found["v_error/frames"]
    assert same_bits(unet.state_dict(), before)
    check_identity(training.prior(last.averaged, Steps().held_out()).lifted)


def test_given_first_frames_are_clean_and_not_counted():
    _, always = small(first_share=0.999, alone_share=0.0)
    batch, noise_seen = Steps().held_out(), []
    lifted_call = "common.training.frames.frame_layers_trainer.predict_v_of_frames"

    def spy(lifted, latents, times, told, when, scale):
        noise_seen.append((latents.clone(), times.clone()))
        return torch.zeros_like(latents)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lifted_call, spy)
        losses = always.losses(always.model, 0)

    latents, times = noise_seen[0]
    assert not times[:, 0].any()
    assert bool((times[:, 1:] > 0).any())
    flat = latents[:, :, 0].flatten(2)
    torch.testing.assert_close(flat, flat[..., :1].expand_as(flat), rtol=0, atol=1e-6)
    assert float(losses["plain"]) > 0
    assert batch.latents.shape == tuple(latents.shape)


def test_first_frames_are_learnt_by_themselves_too():
    _, training = small(alone_share=0.999)
    shapes = []

    def spy(lifted, latents, times, told, when, scale):
        shapes.append(latents.shape[2])
        return torch.zeros_like(latents)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("common.training.frames.frame_layers_trainer.predict_v_of_frames", spy)
        assert float(training.losses(training.model, 0)["plain"]) > 0
    assert shapes == [1]


def test_views_are_told_and_have_no_order():
    around = tuple(View(120.0 * step, 12.0) for step in range(NUM_FRAMES))
    config, training = small("view_layers", Steps(around), num_views=3)
    *_, last = train(config.loop, training, "cpu")

    found = training.evaluate(last.averaged.eval())

    assert set(found) == {
        "v_error/frames", "v_error/first_given", "v_error/alone", "v_error/shuffled"
    }  # fmt: skip
    package = training.package(last.averaged)
    assert package.kind == "view_layers"
    assert package.requires == {
        "autoencoder": "a" * 64, "text_encoder": "t" * 64, "image_unet": "i" * 64
    }  # fmt: skip


@pytest.mark.parametrize("kind", ["motion_layers", "view_layers"])
def test_previews_are_a_row_for_each_prompt(kind, monkeypatch):
    quick = Drawing(DPMSolverPP2M(num_steps=2), CFG(guidance_scale=4.0), 0)
    monkeypatch.setattr("common.training.frames.frame_preview._DRAWING", quick)
    _, training = small(kind)

    sheet = training.preview(training.model.eval())

    assert sheet.ndim == 3
    assert sheet.shape[0] > sheet.shape[1], "six rows of three frames"


def test_compiling_is_refused():
    with pytest.raises(ValueError, match="hooked into the U-Net"):
        TrainMotionLayers(loop=LoopConfig(compile=True))


@pytest.mark.parametrize("of", [TrainMotionLayers, TrainViewLayers])
def test_default_layers_fit_the_zoo_budget(of):
    from common.diffusion.lifted_unet import FrameLayers
    from common.embedded.image_unet import ImageUNetArchitecture

    layers = FrameLayers(of().architecture, build_image_unet(ImageUNetArchitecture()))

    # int8 with a float32 scale a row; vectors stay in float32.
    weights = layers.state_dict().values()
    stored = sum(w.numel() + 4 * len(w) if w.ndim > 1 else 4 * w.numel() for w in weights)
    assert stored < 4.0e6
