"""Pictures and masks as methods of the image app read them."""

import numpy as np
import pytest
import torch

from common.errors import InputError
from common.generation.given_pixels import faded
from common.image.given_picture import given_picture
from common.image.image_to_image import ImageToImage
from common.image.inpaint import Inpaint, Outpaint
from common.image.text_to_image import TextToImage
from common.media.images import write_picture
from common.media.pixels import to_picture


@pytest.fixture
def written(tmp_path):
    def written(name, pixels):
        path = tmp_path / name
        write_picture(path, np.ascontiguousarray(pixels, dtype=np.uint8))
        return path

    return written


def random_pixels(height=16, width=24, channels=4):
    return np.random.default_rng(0).integers(1, 256, (height, width, channels))


def test_text_to_image_is_given_nothing():
    assert given_picture(TextToImage(), 4) is None


def test_a_picture_of_the_right_size_comes_back_to_the_byte(written):
    pixels = random_pixels()
    method = ImageToImage(input=written("a.png", pixels), height=16, width=24)
    found = given_picture(method, 4)
    assert found.drawn is None
    assert np.array_equal(to_picture(found.image), pixels)
    rgb = random_pixels(channels=3)
    method = ImageToImage(input=written("b.png", rgb), height=16, width=24)
    assert np.array_equal(to_picture(given_picture(method, 3).image), rgb)


def test_transparency_is_laid_on_the_background_for_priors_without(written):
    pixels = np.full((16, 16, 4), 200)
    pixels[..., 3] = 51  # a fifth
    method = ImageToImage(input=written("a.png", pixels), height=16, width=16, background="#00ff00")
    made = to_picture(given_picture(method, 3).image)
    assert np.abs(made.astype(int) - [40, 244, 40]).max() <= 1
    wide = ImageToImage(input=written("a.png", pixels), height=16, width=32, background="#00ff00")
    assert (to_picture(given_picture(wide, 3).image)[:, 0] == [0, 255, 0]).all()
    assert (to_picture(given_picture(wide, 4).image)[:, 0, 3] == 0).all()


def test_masks_are_brightness_or_opacity(written):
    picture = written("a.png", random_pixels())
    grey = np.zeros((16, 24, 3))
    grey[:, 12:] = 255
    clear = np.zeros((16, 24, 4))
    clear[:, 12:, 3] = 255
    for name, mask in (("grey.png", grey), ("clear.png", clear)):
        method = Inpaint(input=picture, mask=written(name, mask), height=16, width=24)
        drawn = given_picture(method, 4).drawn
        assert (drawn[:, :12] == 0).all()
        assert (drawn[:, 12:] == 1).all()


def test_what_lies_beyond_a_contained_picture_stays_empty(written):
    picture, mask = written("a.png", random_pixels(16, 16)), np.full((16, 16, 3), 255)
    method = Inpaint(input=picture, mask=written("m.png", mask), height=16, width=32)
    found = given_picture(method, 4)
    assert (found.drawn[:, :8] == 0).all()
    assert (found.drawn[:, 8:24] == 1).all()
    assert (to_picture(found.image)[:, :8, 3] == 0).all()


@pytest.mark.parametrize(("mask", "message"), [
    (np.zeros((16, 24, 3)), "nothing is white"), (np.full((8, 8, 3), 255), "8x8 pixels"),
])  # fmt: skip
def test_masks_that_mean_nothing_are_refused(written, mask, message):
    method = Inpaint(
        input=written("a.png", random_pixels()), mask=written("m.png", mask), height=16, width=24
    )
    with pytest.raises(InputError, match=message):
        given_picture(method, 4)


def test_room_is_drawn_around_the_picture(written):
    pixels = random_pixels(16, 16)
    method = Outpaint(input=written("a.png", pixels), bottom=1.0, height=32, width=16)
    found = given_picture(method, 4)
    assert (found.drawn[:16] == 0).all()
    assert (found.drawn[16:] == 1).all()
    assert np.array_equal(to_picture(found.image)[:16], pixels)
    both = Outpaint(input=written("a.png", pixels), left=0.5, right=0.5, height=16, width=32)
    assert (given_picture(both, 4).drawn[:, 8:24] == 0).all()
    with pytest.raises(ValueError, match="needs room"):
        Outpaint(input=written("a.png", pixels))


def test_the_new_picture_fades_in_inside_the_mask():
    drawn = torch.zeros(1, 10)
    drawn[:, 4:] = 1
    share = faded(drawn, 3)
    torch.testing.assert_close(share[0, 3:9], torch.tensor([0, 0.25, 0.5, 0.75, 1, 1]))
    assert torch.equal(faded(drawn, 0), drawn)
    assert torch.equal(faded(torch.ones(2, 2), 3), torch.ones(2, 2))
