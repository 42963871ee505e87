"""A spacetime DiT that draws codes of several frames."""

import json

import numpy as np
import pytest
import torch

from common.cli.main import main
from common.diffusion.prior import Prior
from common.embedded.spacetime_dit_config import SpacetimeDiTPriorConfig
from common.errors import InputError
from common.media.clips import write_clip
from common.media.images import read_picture, write_picture
from common.media.pixels import to_picture
from run import APPS
from tests.common.zoo.small_zoo import store_prior
from tests.video.causal_autoencoder.small_causal import SIZES as CAUSAL
from tests.video.causal_autoencoder.small_causal import store_causal
from tests.video.spacetime_dit.small_dit import SIZES, randn, store_dit
from tests.video.training.small_spacetime import LOOP, NUM_FRAMES, Steps, small
from tests.video.training.test_spacetime_dit_trainer import seen_by
from video.spacetime_dit.load import (
    check_spacetime_dit,
    load_spacetime_dit,
    spacetime_dit_need,
    spacetime_dit_sizes,
)
from video.training.spacetime_dit_trainer import TrainSpacetimeDiT

CODED = SIZES.model_copy(update={"coding": "causal"})
SIZE = (6, 64, 72)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """All models, the causal autoencoder and a transformer on it among them."""
    path = tmp_path_factory.mktemp("models")
    store_prior(path)
    store_causal(path)
    store_dit(path, path, CODED)
    return path


@pytest.fixture(scope="module")
def config(folder):
    return SpacetimeDiTPriorConfig(models_dir=folder, bases_dir=folder)


@pytest.fixture(scope="module")
def prior(config):
    return load_spacetime_dit(config, SIZE, "cpu")


def test_it_is_a_prior_of_fewer_frames(prior):
    assert isinstance(prior, Prior)
    assert prior.spec.latent_shape == (4, 3, 8, 9)
    assert prior.num_frames == 6
    clip = randn(1, 4, 6, 64, 72).clamp(-1, 1)
    latents = prior.encode(clip)
    assert latents.shape == (1, 4, 3, 8, 9)
    first = prior.autoencoder.encode(clip[:, :, 0])
    torch.testing.assert_close(latents[:, :, 0], first, rtol=1e-5, atol=1e-5)
    assert prior.decode(latents).shape == clip.shape
    made = prior.predict(latents, torch.tensor([300.0]), prior.embed(["mug"]))
    assert made.shape == latents.shape


def test_what_is_known_keeps_the_coding(prior):
    known = prior.knowing(randn(4, 3, 8, 9), torch.ones(1, 3, 8, 9))
    assert known.coding is prior.coding
    assert known.spec.latent_shape == prior.spec.latent_shape


def test_sizes_are_those_of_codes(config):
    assert spacetime_dit_need(config, SIZE, 1).latent_shape == (4, 3, 8, 9)
    said = spacetime_dit_sizes(config, SIZE, "a mug", 1)
    assert said["tokens"] == "3 x 4 x 5"


def test_model_of_another_causal_autoencoder_is_refused(folder, tmp_path):
    store_prior(tmp_path)
    config = SpacetimeDiTPriorConfig(models_dir=folder, bases_dir=tmp_path)
    with pytest.raises(InputError, match=r"has no causal_autoencoder\.json"):
        check_spacetime_dit(config, SIZE)
    store_causal(tmp_path, CAUSAL.model_copy(update={"frames_per_code": 2}))
    with pytest.raises(InputError, match="was trained on the causal_autoencoder"):
        check_spacetime_dit(config, SIZE)


@pytest.fixture
def draw(tmp_path, monkeypatch, capsys, folder):
    """Run ``video/spacetime_dit``: exit code, frames of the clip, messages."""
    monkeypatch.chdir(tmp_path)
    picture = np.full((64, 72, 4), (200, 60, 40, 255), np.uint8)
    write_picture(tmp_path / "first.png", picture)
    write_clip(tmp_path / "clip.mp4", np.stack([picture[..., :3]] * 12), 8.0)
    mask = np.zeros((64, 72, 3), np.uint8)
    mask[:, 40:] = 255
    write_picture(tmp_path / "mask.png", mask)

    def draw(method, *changes):
        prior = {"name": "spacetime_dit", "models_dir": str(folder), "bases_dir": str(folder)}
        sizes = {"num_frames": 6, "height": 64, "width": 72}
        code = main(
            ["video/spacetime_dit", f"prior={json.dumps(prior)}", "prompt=a red car",
             f"method={json.dumps(sizes | method)}", "sampler.num_steps=2",
             "export.formats=[png]", "export.upscale=1", *changes],
            APPS,
        )  # fmt: skip
        said = capsys.readouterr()
        paths = [tmp_path / line for line in said.out.splitlines() if line.endswith("png")]
        shown = [path for path in paths if path.parent.name.endswith("_frames")]
        found = sorted(shown[0].parent.glob("*.png")) if shown else []
        return code, [read_picture(path).astype(int) for path in found], said.err

    return draw


def test_clips_have_all_their_frames(draw):
    code, frames, said = draw({"name": "text_to_video"})
    assert code == 0, said
    assert len(frames) == 6
    assert frames[0].shape[:2] == (64, 72)


def test_given_first_frame_is_the_first_frame(draw, prior, tmp_path):
    code, frames, said = draw({"name": "image_to_video", "input": "first.png"})
    assert code == 0, said
    first = (
        torch.tensor(read_picture(tmp_path / "first.png")).permute(2, 0, 1)[None, :, None] / 127.5
        - 1
    )
    shown = to_picture(prior.decode(prior.encode(first))[0, :, 0].clamp(-1, 1))
    # As the untrained autoencoder lets it through; both are rounded to 255 steps twice.
    assert np.abs(_over_white(frames[0]) - _over_white(shown)).max() <= 2


def _over_white(picture):
    alpha = picture[..., 3:].astype(float) / 255
    return picture[..., :3] * alpha + 255 * (1 - alpha)


def test_masks_keep_what_is_outside(draw):
    code, frames, said = draw(
        {"name": "video_inpaint", "input": "clip.mp4", "mask": "mask.png", "feather_px": 0}
    )
    assert code == 0, said
    assert len(frames) == 6


@pytest.mark.parametrize(("method", "message"), [
    ({"name": "image_to_video", "input": "first.png",
      "key_frames": [{"frame": 5, "input": "first.png"}]}, "key_frames gives single frames"),
    ({"name": "long_video", "segment_frames": 6, "num_frames": 12}, "continues from a last frame"),
    ({"name": "text_to_video", "timeline": {"guidance_scale": {"keys": {0: 1.0, 5: 3.0}}}},
     "timeline changes single frames"),
])  # fmt: skip
def test_what_is_said_of_single_frames_is_refused(draw, method, message):
    code, _, said = draw(method)
    assert code == 2
    assert message in said
    assert "coding=frames" in said


def test_training_shows_codes_and_as_many_pictures():
    shapes = {
        tuple(seen_by(small(architecture=CODED, frames_at_once=16, picture_share=0.5)[1], draw)
              [0][0].shape)
        for draw in range(12)
    }  # fmt: skip
    count = LOOP.batch_size
    # 4 frames are 2 codes; pictures are as many as the codes of 16 frames.
    assert shapes == {(count, 4, 2, 8, 8), (5 * count, 4, 1, 8, 8)}
    assert Steps().held_out().latents.shape[2] == NUM_FRAMES == 4


def test_training_measures_and_shows_codes(monkeypatch):
    from common.diffusion.guidance_config import CFG
    from common.diffusion.sampler_config import FlowEuler
    from common.embedded.drawn_clip import Drawing

    quick = Drawing(FlowEuler(num_steps=1), CFG(guidance_scale=1.0), 0)
    monkeypatch.setattr("video.training.clip_sheet._DRAWING", quick)
    _, training = small(architecture=CODED, frames_at_once=16)
    figures = training.evaluate(training.model)
    assert figures["velocity_error/clips"] > 0
    assert training.preview(training.model.eval()).ndim == 3
    assert set(training.package(training.model).requires) == {
        "autoencoder", "text_encoder", "causal_autoencoder"
    }  # fmt: skip


def test_frames_apart_are_not_coded():
    with pytest.raises(ValueError, match="frames_at_once 8 takes frames that are apart"):
        TrainSpacetimeDiT(architecture=CODED, frames_at_once=8)
    TrainSpacetimeDiT(architecture=CODED, frames_at_once=1)
