"""Image to image, inpainting and outpainting, end to end on untrained models."""

import numpy as np
import pytest

from common.media.images import read_picture, write_picture
from common.report.json_report import read_record
from tests.common.image.test_embedded_run import pixels


@pytest.fixture
def source(tmp_path):
    """A picture and its mask."""
    rng = np.random.default_rng(3)
    picture = rng.integers(1, 256, (64, 72, 4)).astype(np.uint8)
    mask = np.zeros((64, 72, 3), np.uint8)
    mask[20:50, 30:60] = 255
    for name, values in (("in.png", picture), ("mask.png", mask)):
        write_picture(tmp_path / name, values)
    return picture, mask[..., 0] > 0


def test_strength_says_how_far_a_picture_moves(draw, source):
    settings = ("sampler.num_steps=10", "guidance.guidance_scale=1", "num_samples=1")
    moved = []
    for strength in (0.1, 0.5, 1.0):
        code, paths, said = draw(
            *settings, "method={name: image_to_image, input: in.png, height: 64, width: 72, "
            f"strength: {strength}}}",
        )  # fmt: skip
        assert code == 0, said
        assert len(list(read_record(paths[-1].parent).samples)) == 1
        moved.append(pixels(paths)[0])
    plain = pixels(draw(*settings)[1])[0]
    assert np.array_equal(moved[2], plain), "at full strength nothing of the picture is left"
    off = [np.abs(one - plain).mean() for one in moved]
    assert off[0] > off[1] > off[2] == 0


def test_pixels_outside_the_mask_stay_to_the_byte(draw, source):
    picture, mask = source
    code, paths, said = draw(
        "method={name: inpaint, input: in.png, mask: mask.png, height: 64, width: 72}",
        "sampler.num_steps=4",
    )
    assert code == 0, said
    for made in pixels(paths):
        assert np.array_equal(made[~mask], picture[~mask])
        assert (made[mask] != picture[mask]).any()


def test_room_is_filled_and_the_picture_stays(draw, source):
    picture, _ = source
    code, paths, said = draw(
        "method={name: outpaint, input: in.png, bottom: 1, height: 128, width: 72}"
    )
    assert code == 0, said
    made = pixels(paths)
    assert made[0].shape == (128, 72, 4)
    assert np.array_equal(made[0][:64], picture)
    assert (made[0][64:] != made[1][64:]).any()


def test_dry_run_counts_the_steps_that_are_taken(draw, source):
    code, lines, said = draw(
        "method={name: image_to_image, input: in.png, height: 64, width: 72, strength: 0.5}",
        "sampler.num_steps=8", "--dry-run",
    )  # fmt: skip
    assert code == 0, said
    assert any("8" in line.name and "evaluations" in line.name for line in lines), lines


@pytest.mark.parametrize(("change", "message"), [
    ("method={name: image_to_image, input: none.png, height: 64, width: 72}", "none.png"),
    ("method={name: image_to_image, input: in.png, height: 64, width: 72, strength: 0.1}",
     "leaves none to take"),
    ("method={name: inpaint, input: in.png, mask: in.png, height: 64, width: 72, strength: 0}",
     "method.strength"),
    ("method={name: outpaint, input: in.png, height: 64, width: 72}", "needs room"),
])  # fmt: skip
def test_wrong_inputs_end_with_code_2(draw, source, change, message):
    code, paths, said = draw(change)
    assert (code, paths) == (2, [])
    assert message in said
    assert "Traceback" not in said


def test_written_pictures_are_read_again(draw, source):
    """What a run writes can be given to the next."""
    first = draw("num_samples=1")[1][0]
    code, paths, said = draw(
        f"method={{name: image_to_image, input: {first}, height: 64, width: 72}}",
        "num_samples=1", "sampler.num_steps=5", "name=again",
    )  # fmt: skip
    assert code == 0, said
    assert read_picture(paths[0]).shape == (64, 72, 4)
