"""Clips along a camera's path, from the timeline to frames, on untrained models."""

import json

import numpy as np
import pytest
import torch

from common.embedded.camera_path import ELEVATIONS_DEG, NEIGHBOURS, CameraPath
from common.embedded.image_unet import FRONT, View
from common.errors import InputError
from common.kit.motions import MOTIONS
from common.media.images import read_picture, write_picture
from common.seeding import generators_for
from common.training.kit.orbit_parts import MAX_ELEVATION_DEG, MIN_ELEVATION_DEG
from common.zoo.models import load_autoencoder, load_frame_prior
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.video.test_embedded_run import draw, frames  # noqa: F401
from video.camera_path import MOTION_WORDS, MOTION_WORDS_ZH
from video.config import VideoConfig
from video.text_to_video import TextToVideo
from video.timeline.config import Timeline
from video.timeline.curve import Curve
from video.timeline.resolved import camera_path

ROUND = {0: 0, 2: 90}
SIDES = tuple(View(30.0 * frame, 12.0) for frame in range(3))
STILL = "prompt=a red car"


def told(key, keys):
    return f"method.timeline.{key}={json.dumps({'keys': keys})}"


@pytest.fixture
def made(draw):  # noqa: F811
    def made(*changes):
        code, paths, said = draw("num_samples=1", STILL, *changes)
        assert code == 0, said
        return frames(paths)

    return made


def test_a_path_has_a_view_for_each_frame_and_is_not_wrapped():
    timeline = Timeline(azimuth_deg=Curve(keys={0: 350.0, 4: 370.0}))
    config = VideoConfig(
        name="a", prompt="mug", method=TextToVideo(num_frames=5, timeline=timeline)
    )
    found = camera_path(config, None)
    assert found.views == tuple(View(float(a), FRONT.elevation_deg) for a in range(350, 371, 5))
    rises = Timeline(elevation_deg=Curve(keys={0: 0.0, 1: 30.0}))
    config = VideoConfig(name="a", prompt="mug", method=TextToVideo(num_frames=2, timeline=rises))
    assert camera_path(config, None).views == (View(0.0, 0.0), View(0.0, 30.0))
    nothing = VideoConfig(name="a", prompt="mug", method=TextToVideo(num_frames=2))
    assert camera_path(nothing, None) is None


def test_elevations_are_those_of_the_layers_training():
    assert (MIN_ELEVATION_DEG, MAX_ELEVATION_DEG) == ELEVATIONS_DEG


def test_frames_of_a_path_have_their_noise_in_common(lifting_models):  # noqa: F811
    prior = load_frame_prior("view_layers", 3, (64, 64), lifting_models)
    path = prior.seen_along(CameraPath(SIDES))
    noise = path.noise(generators_for(0, range(64), "latents"))
    assert torch.equal(noise[:, :, 1], noise[:, :, 0])
    assert torch.equal(noise[:, :, 2], noise[:, :, 0])
    # 64 x 4 x 8 x 8 normals: a deviation of their variance of 0.011.
    assert float(noise[:, :, 0].var()) == pytest.approx(1, abs=0.05)
    with pytest.raises(InputError, match="has 3 frames, and 2 views"):
        prior.seen_along(CameraPath(SIDES[:2]))


def test_every_frame_is_seen_from_its_own_view(made):
    here, there = made(told("azimuth_deg", ROUND)), made(told("azimuth_deg", {0: 0, 2: -90}))
    assert here.shape == (3, 64, 72, 4)
    assert np.abs(here[2] - there[2]).max() > np.abs(here[0] - there[0]).max()
    raised = made(told("azimuth_deg", ROUND), told("elevation_deg", {0: 12, 2: 30}))
    assert np.abs(raised[2] - here[2]).max() > 0
    assert np.abs(here - made()).max() > 0


def test_one_window_draws_what_all_frames_together_are(made):
    path = told("azimuth_deg", ROUND)
    whole = made(path)
    # Fusion multiplies by weights and divides by their sum: roundings before bytes.
    assert np.abs(made(path, "method.windows={overlap: 1}") - whole).max() <= 2


@pytest.mark.parametrize("schedule", ["uniform", "looped"])
def test_longer_paths_are_drawn_in_windows(made, schedule):
    keys = {0: 0, 19: 342}
    windows = f"method.windows={{schedule: {schedule}, overlap: 4}}"
    found = made("method.num_frames=20", told("azimuth_deg", keys), windows)
    assert found.shape == (20, 64, 72, 4)
    assert len({frame.tobytes() for frame in found}) == 20, "every frame is another"


@pytest.mark.parametrize("windows", [(), ("method.num_frames=20", "method.windows={overlap: 4}")],
                         ids=["whole", "windows"])  # fmt: skip
def test_a_given_picture_is_the_first_frame(made, lifting_models, tmp_path, windows):  # noqa: F811
    picture = np.zeros((64, 72, 4), np.uint8)
    picture[16:48, 20:50] = (200, 30, 30, 255)
    write_picture(tmp_path / "first.png", picture)
    method = {"name": "image_to_video", "input": str(tmp_path / "first.png"),
              "num_frames": 3, "height": 64, "width": 72}  # fmt: skip
    given = made(f"method={json.dumps(method)}", *windows, told("azimuth_deg", ROUND))
    coder = load_autoencoder(lifting_models).model
    shown = torch.tensor(read_picture(tmp_path / "first.png")).permute(2, 0, 1)[None] / 127.5
    with torch.no_grad():
        coded = coder.decode(coder.encode(shown.float() - 1)).clamp(-1, 1)
    alpha = ((coded[0, 3] + 1) * 127.5).numpy()
    # The untrained coder's picture, within the rounding of files and of the sampler's last step.
    assert np.abs(given[0, ..., 3] - alpha).max() <= 2
    drawn = made(*windows, told("azimuth_deg", ROUND))
    assert np.abs(given[1:] - drawn[1:]).max() > 0, "the others see it"


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ((told("right", {0: 0, 2: 0.2}),), "stands still"),
        ((told("mouth_open", {0: 0, 2: 1}),), "stands still"),
        ((told("motion_scale", {0: 0, 2: 1}),), "motion_scale of method.timeline and"),
        (('method.timeline.prompts={keys: {2: "a blue car"}}',), "prompts of method.timeline and"),
        (("method.trajectory=[{frame: 2, right: 0.1}]",), "method.trajectory and"),
        (("method.view={azimuth_deg: 30}",), "both say where the camera is"),
        ((told("azimuth_deg", {0: 30}),), "set method.view to that"),
        (("method.num_frames=17",), f"up to {NEIGHBOURS} frames are drawn together"),
        (("prior={name: gaussian}",), "the gaussian prior knows no views"),
        (("prior={name: spacetime_dit}",), "the spacetime_dit prior knows no views"),
        (("prior={name: pretrained, path: some}",), "motion LoRAs of camera moves"),
        (("method.timeline.azimuth_deg={track: energy}",), "follows the track energy"),
        (("method={name: long_video, num_frames: 3, height: 64, width: 72}",),
         "set method.windows"),
        (("method={name: video_to_video, num_frames: 3, height: 64, width: 72, input: a.mp4}",),
         "what the given clip shows"),
    ],
)  # fmt: skip
def test_what_does_not_go_with_a_path_is_refused(draw, changes, said):  # noqa: F811
    path = [] if any("azimuth_deg={" in one for one in changes if "view" not in one) else [
        told("azimuth_deg", ROUND)
    ]  # fmt: skip
    methods = [one for one in changes if one.startswith("method={")]
    others = [one for one in changes if not one.startswith("method={")]
    code, paths, error = draw(*methods, *path, *others)
    assert (code, paths) == (2, [])
    assert said in " ".join(error.split())


def test_what_has_no_effect_on_a_path_is_said(draw):  # noqa: F811
    code, _, said = draw(
        "prompt=a red car slides to the left", "prior.trajectory_noise=0.5", "num_samples=1",
        told("azimuth_deg", ROUND), told("elevation_deg", {0: 12, 2: 50}),
    )  # fmt: skip
    assert code == 0, said
    assert "slides in the prompt has no effect" in said
    assert "prior.trajectory_noise has no effect" in said
    assert "50 of the camera's path is outside" in said
    repeated = "method.windows={overlap: 0, noise: repeated}"
    assert "share all their noise" in draw(STILL, told("azimuth_deg", ROUND), repeated)[2]
    quiet = draw(STILL, told("azimuth_deg", ROUND))[2]
    assert "no effect: along" not in quiet


def test_the_motions_of_training_are_known_by_their_words():
    for motion in MOTIONS:
        assert motion.english.split()[0] in MOTION_WORDS
        assert any(word in motion.chinese for word in MOTION_WORDS_ZH)
