"""Clips that change along a timeline, end to end on untrained models."""

import json

import numpy as np
import pytest

from common.media.images import write_picture
from common.zoo.models import load_embedded_prior
from tests.common.adapters.lora_files import change_of_models, peft_tensors, write
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.video.test_controls import clip, controlled, controls  # noqa: F401
from tests.video.test_embedded_run import draw, frames  # noqa: F401

WINDOWS = ("method.num_frames=20", "method.windows={overlap: 4}")
SEGMENTS = ("method={name: long_video, num_frames: 6, height: 64, width: 72, segment_frames: 3}",)


@pytest.fixture
def made(draw):  # noqa: F811
    def made(*changes, **others):
        code, paths, said = draw("num_samples=1", *changes, **others)
        assert code == 0, said
        return frames(paths)

    return made


def curve(key, **told):
    return f"method.timeline.{key}={json.dumps(told)}"


@pytest.mark.parametrize("how", [(), WINDOWS, SEGMENTS], ids=["whole", "windows", "segments"])
def test_constant_curves_draw_the_plain_values_to_the_bit(made, how):
    told = made(
        *how, curve("guidance_scale", keys={0: 4.7, 2: 4.7}, interpolation="smooth"),
        curve("prompts", keys={2: "a red car slides to the left"}),
        curve("motion_scale", keys={1: 1.0}),
    )  # fmt: skip
    assert np.array_equal(told, made(*how, "guidance.guidance_scale=4.7"))


@pytest.mark.parametrize("how", [(), WINDOWS, SEGMENTS], ids=["whole", "windows", "segments"])
@pytest.mark.parametrize("told", [
    curve("guidance_scale", keys={0: 3.0, 2: 9.0}),
    curve("prompts", keys={2: "a blue duck grows"}),
    curve("motion_scale", keys={0: 1.0, 2: 0.0}),
], ids=["guidance", "prompts", "motion"])  # fmt: skip
def test_changing_curves_change_later_frames(made, how, told):
    plain, changed = made(*how), made(*how, told)
    # The first frame is drawn by itself, with the curve's first value: the same latents, decoded
    # with others.
    assert np.abs(changed[0] - plain[0])[plain[0][..., 3] > 25].max() <= 2
    assert np.abs(changed[2:] - plain[2:]).max() > 0


@pytest.mark.parametrize("how", [(), WINDOWS, SEGMENTS], ids=["whole", "windows", "segments"])
def test_moves_change_later_frames(made, how):
    still, moved = (made(*how, curve("down", keys=keys)) for keys in ({0: 0.3}, {0: 0.3, 2: -0.1}))
    assert np.abs(moved[0] - still[0])[still[0][..., 3] > 25].max() <= 2
    assert np.abs(moved[2:] - still[2:]).max() > 2


@pytest.mark.parametrize("how", [WINDOWS, SEGMENTS], ids=["windows", "segments"])
def test_controls_of_each_frame_are_followed_in_windows_and_segments(
    made, controlled, tmp_path, how  # noqa: F811
):  # fmt: skip
    picture = np.zeros((64, 72, 3), np.uint8)
    picture[20:44, 10:40] = 255
    write_picture(tmp_path / "one.png", picture)
    for folder in ("same", "moves"):
        (tmp_path / folder).mkdir()
    for frame in range(20):
        moved = np.roll(picture, 24 if frame > 2 else 0, axis=1)
        write_picture(tmp_path / "same" / f"{frame:02d}.png", picture)
        write_picture(tmp_path / "moves" / f"{frame:02d}.png", moved)
    one, same, moves = (
        made(*how, controls(kind="canny", image=str(tmp_path / name), preprocessor="canny"),
             models_dir=controlled)
        for name in ("one.png", "same", "moves")
    )  # fmt: skip
    assert np.array_equal(one, same), "a clip of one picture is that picture"
    assert np.abs(moves[3:] - one[3:]).max() > 0


def test_control_weights_along_the_clip(made, controlled, clip):  # noqa: F811
    followed = controls(kind="canny", image=str(clip), preprocessor="canny")
    weights = "method.timeline.control_weights="

    def drawn(told, *changes):
        return made(followed, f"{weights}{json.dumps([told])}", *changes, models_dir=controlled)

    plain = made(models_dir=controlled)
    assert np.array_equal(drawn({"keys": {0: 0.0}}), plain)
    half = controls(kind="canny", image=str(clip), preprocessor="canny", weight=0.5)
    assert np.array_equal(drawn({"keys": {0: 0.5}}), made(half, models_dir=controlled))
    each = controls(kind="canny", image=str(clip), preprocessor="canny", weight=[0.0, 0.5, 1.0])
    assert np.array_equal(drawn({"keys": {0: 0.0, 2: 1.0}}), made(each, models_dir=controlled))


def test_keys_of_nothing_end_with_code_2(draw):  # noqa: F811
    code, paths, said = draw(curve("down", track="onset", high=-0.3))
    assert (code, paths) == (2, [])
    assert "timeline.down follows the track onset, and this method has no sound" in said


def test_lora_along_the_clip(made, lifting_models, tmp_path):  # noqa: F811
    """Where it is 0 in the first frame, that stays; a constant one is the plain one to the bit."""
    unet = load_embedded_prior((64, 72), lifting_models).unet
    path = tmp_path / "lora.safetensors"
    write(path, peft_tensors(change_of_models({"unet": unet})))

    def drawn(scale, *changes):
        row = json.dumps([{"path": str(path), "scale": scale}])
        return made(f"prior.loras={row}", *changes)

    def told(**keys):
        return f"method.timeline.lora_scales={json.dumps([keys])}"

    assert np.array_equal(drawn(1.0, told(keys={0: 0.4})), drawn(0.4))
    none, later = drawn(0.0), drawn(1.0, told(keys={0: 0.0, 2: 1.0}))
    assert np.abs(later[0] - none[0])[none[0][..., 3] > 25].max() <= 2
    assert np.abs(later[2] - none[2]).max() > 2
