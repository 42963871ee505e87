"""Switches of ``prior.compute`` on clips: the embedded prior, AnimateDiff and the spacetime DiT."""

import functools
import json

import numpy as np
import pytest
import torch

from common.cli.main import main
from common.diffusion.compute_config import FeatureCacheConfig
from common.diffusion.feature_cache import reusing_features
from common.diffusion.frame_windows import FrameWindows, Fusion
from common.embedded.prior_config import EmbeddedComputeConfig
from common.pretrained.config import ComputeConfig, PretrainedPriorConfig, TokenMergingConfig
from common.seeding import generators_for, randn
from common.zoo.models import load_frame_prior
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.pretrained.tiny_pipelines import SIZE
from tests.stopped_runs import stopped_at
from tests.video.animatediff.conftest import checkpoint, modules, pipeline  # noqa: F401
from tests.video.test_windows import frames
from video.animatediff.build import build_animatediff_prior
from video.motion_config import MotionModuleConfig

CACHE = ("prior.compute.feature_cache.every=2", "sampler.num_steps=5")
EVERY_2ND = FeatureCacheConfig(every=2)
WINDOWS = FrameWindows(9, 4, 2, seed=5)
STEPS = (900.0, 700.0, 500.0)


@pytest.fixture
def draw(tmp_path, monkeypatch, capsys, lifting_models):  # noqa: F811
    """Run a clip of 7 frames in windows of 4: exit code, paths and messages."""
    monkeypatch.chdir(tmp_path)

    def draw(*changes, preset="video/text_to_video", **method):
        keys = {"name": "text_to_video", "num_frames": 7, "height": 64, "width": 64,
                "windows": {"frames": 4, "overlap": 2}} | method  # fmt: skip
        arguments = [
            preset, f"prior={{name: embedded, models_dir: {lifting_models}}}",
            "prompt=a red car slides to the left", "export.formats=[mp4,png]",
            f"method={json.dumps(keys)}", "sampler.num_steps=5", *changes,
        ]  # fmt: skip
        code = main(arguments, APPS)
        said = capsys.readouterr()
        return code, [tmp_path / line for line in said.out.splitlines()], said.err

    return draw


def resumed(tmp_path, capsys):
    assert main(["resume", "stopped"], APPS) == 0
    return frames([tmp_path / line for line in capsys.readouterr().out.splitlines()])


def test_reused_features_change_clips_and_end_in_the_same_bytes_if_stopped(draw, tmp_path, capsys):
    plain = frames(draw("name=plain")[1])
    code, paths, said = draw(*CACHE, "name=cached")
    assert code == 0, said
    expected = frames(paths)
    assert np.abs(expected - plain).max() > 0
    with stopped_at(1):  # within windows, where the next evaluation is a whole one
        assert draw(*CACHE, "name=stopped")[0] == 130
    assert np.array_equal(resumed(tmp_path, capsys), expected)


def test_segments_of_a_long_clip_that_is_stopped_end_in_the_same_bytes(draw, tmp_path, capsys):
    segments = {"name": "long_video", "segment_frames": 4, "windows": None}
    expected = frames(draw(*CACHE, "name=whole", **segments)[1])
    with stopped_at(7):  # in the second segment
        assert draw(*CACHE, "name=stopped", **segments)[0] == 130
    assert np.array_equal(resumed(tmp_path, capsys), expected)


@pytest.mark.parametrize(("changes", "message"), [
    ((*CACHE, "sampler.name=heun"), "heun evaluates each twice"),
    (("prior.compute.feature_cache.levels=2",), "1 to 1 can be computed every time"),
    (("prior.few_steps=4",), "set sampler.name=ddim sampler.num_steps=4 guidance.name=cfg"),
    (("prior.compute.compile=true", "prior.compute.feature_cache.every=2"), "leave one out"),
])  # fmt: skip
def test_switches_that_do_not_go_together_end_with_code_2(draw, changes, message):
    code, paths, said = draw(*changes)
    assert (code, paths) == (2, [])
    assert message in said
    assert "Traceback" not in said


def twin(unet, inner, in_windows, windows, latents, every=2):
    """A slow twin: what inner blocks gave is put in by hand, window by window.

    Args:
        unet: that computes everything.
        inner: its blocks that are not always computed.
        in_windows: one window's prediction, of latents, a timestep and the window's frames.
    """
    kept, made = {}, []
    for index, (timestep, own) in enumerate(zip(STEPS, latents, strict=True)):
        fusion = Fusion(windows, own)
        for number, window in enumerate(windows.at(STEPS[index // every * every])):
            hooks = []
            for block in inner:
                if index % every == 0:
                    put = functools.partial(kept.__setitem__, (number, block))
                    hook = block.register_forward_hook(lambda _b, _i, out, put=put: put(out))
                else:
                    again = kept[number, block]
                    hook = block.register_forward_hook(lambda *_, again=again: again)
                hooks.append(hook)
            fusion.add(window, in_windows(own[:, :, window], timestep, window))
            for hook in hooks:
                hook.remove()
        made.append(fusion.mean())
    return made


def inner_blocks(unet):
    return (*unet.down_blocks[1:], unet.mid_block, *unet.up_blocks[:-1])


def noises(prior):
    return [randn(prior.spec.latent_shape, generators_for(k, range(1), "x")) for k in range(3)]


def predicted(prior, cond, latents):
    steps = zip(latents, STEPS, strict=False)
    return [prior.predict(one, torch.tensor([t]), cond) for one, t in steps]


@torch.no_grad()
def test_windows_of_the_embedded_prior_are_those_of_a_slow_twin(lifting_models):  # noqa: F811
    compute = EmbeddedComputeConfig(feature_cache=EVERY_2ND)
    reusing, plain = (
        load_frame_prior("motion_layers", 4, (64, 64), lifting_models, compute=one)
        .in_windows(WINDOWS)
        for one in (compute, EmbeddedComputeConfig())
    )  # fmt: skip
    latents, cond = noises(plain), plain.embed(["a red car"])

    def one_window(own, timestep, window):
        return plain._seen_together(own, torch.tensor([timestep]), cond, window)

    unet = plain.pictures.unet
    expected = twin(unet, inner_blocks(unet), one_window, WINDOWS, latents)
    found = predicted(reusing, reusing.embed(["a red car"]), latents)
    assert all(map(torch.equal, found, expected))
    whole = predicted(plain, cond, latents)
    assert [torch.equal(*pair) for pair in zip(found, whole, strict=True)] == [True, False, True]


@torch.no_grad()
def test_windows_of_animatediff_are_those_of_a_slow_twin(checkpoint, modules):  # noqa: F811
    def built(**compute):
        config = PretrainedPriorConfig(path=str(checkpoint), compute=ComputeConfig(**compute))
        motion = MotionModuleConfig(path=modules["v2"][1])
        return build_animatediff_prior(config, motion, (9, *SIZE), windows=WINDOWS)

    reusing, plain = built(feature_cache=EVERY_2ND), built()
    latents, cond = noises(plain), plain.embed(["a red cat"])

    def one_window(own, timestep, window):
        return plain._seen_together(own, torch.tensor([timestep]), cond, window)

    unet = plain.pictures.unet
    expected = twin(unet, inner_blocks(unet), one_window, WINDOWS, latents)
    found = predicted(reusing, reusing.embed(["a red cat"]), latents)
    assert all(map(torch.equal, found, expected))
    merged = built(token_merging=TokenMergingConfig(ratio=0.5))
    other = predicted(merged, merged.embed(["a red cat"]), latents[:1])[0]
    assert not torch.equal(other, expected[0]), "merged tokens act in clips too"


@torch.no_grad()
def test_with_every_evaluation_whole_clips_are_the_plain_ones_to_the_bit(lifting_models):  # noqa: F811
    plain, whole = (
        load_frame_prior("motion_layers", 4, (64, 64), lifting_models).in_windows(WINDOWS)
        for _ in range(2)
    )
    reuse = reusing_features(whole.pictures.unet, every=1)
    assert reuse.every == 1
    latents = noises(plain)
    pairs = zip(
        predicted(plain, plain.embed(["a car"]), latents),
        predicted(whole, whole.embed(["a car"]), latents), strict=True,
    )  # fmt: skip
    assert all(torch.equal(*pair) for pair in pairs)


@torch.no_grad()
def test_bfloat16_is_near(lifting_models):  # noqa: F811
    half, whole = (
        load_frame_prior("motion_layers", 4, (64, 64), lifting_models, compute=one)
        for one in (EmbeddedComputeConfig(dtype="bfloat16"), EmbeddedComputeConfig())
    )
    latents = noises(whole)[:1]
    one, two = (predicted(prior, prior.embed(["mug"]), latents)[0] for prior in (half, whole))
    assert one.dtype == torch.float32
    # Rounding of every feature by 2^-8, relative to the features' size.
    assert 0 < float((one - two).abs().mean() / two.std()) < 0.03
