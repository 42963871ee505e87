"""Which pixels a step compares."""

import torch

from common.seeding import generator_for
from threed.nerfstudio_plugin.pixels import StepPixelsConfig, pixels_near


def pictures(count=3, side=40):
    """Transparent but for one pixel each, in another place."""
    image = torch.zeros(count, side, side, 4)
    for view in range(count):
        image[view, 10 + view, 20, 3] = 1
    return image


def drawn(image, step=5, mask=None, count=4000, **keys):
    sampler = StepPixelsConfig(**keys).setup(num_rays_per_batch=count)
    sampler.generator = generator_for(0, step, "test")
    batch = {"image": image, "image_idx": torch.arange(len(image)) + 7}
    if mask is not None:
        batch["mask"] = mask
    return sampler.sample(batch)


def test_pixels_near_outlines_are_a_square_about_them():
    """A twentieth of 40 pixels is 2: five rows and columns about the pixel that shows something."""
    near = pixels_near(pictures(), None)
    view, row, column = torch.unravel_index(near, (3, 40, 40))
    assert torch.bincount(view).tolist() == [25, 25, 25]
    assert int((row - 10 - view).abs().max()) == 2
    assert int((column - 20).abs().max()) == 2
    assert pixels_near(pictures()[..., :3], None) is None


def test_most_draws_are_near_outlines_and_the_rest_anywhere():
    image = pictures()
    batch = drawn(image)
    view, row, column = batch["indices"].T
    assert sorted(set(view.tolist())) == [7, 8, 9]  # the dataset's own numbers
    found = image[view - 7, row, column]
    assert torch.equal(found, batch["image"])
    near = ((row - 10 - (view - 7)).abs() <= 2) & ((column - 20).abs() <= 2)
    # nine tenths, and 25 of 1600 of the rest: five deviations of 400 draws at 1.6 %
    assert abs(int(near.sum()) - 3600 - 400 * 25 / 1600) < 5 * (400 * 25 / 1600) ** 0.5
    alone = drawn(image, anywhere=0.0)["indices"]
    assert int((alone[:, 2] - 20).abs().max()) == 2


def test_draws_depend_on_the_step_alone():
    image = pictures()
    first, again, other = (drawn(image, step)["indices"] for step in (5, 5, 6))
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_masked_pixels_are_never_drawn():
    image = pictures()
    mask = torch.zeros(3, 40, 40, 1, dtype=torch.bool)
    mask[:, :12] = True
    for one in (image, image[..., :3]):
        rows = drawn(one, mask=mask)["indices"][:, 1]
        assert int(rows.max()) == 11
    assert int(drawn(image, mask=~mask)["indices"][:, 1].min()) == 12


def test_opaque_and_empty_pictures_are_drawn_from_evenly():
    for image in (torch.ones(3, 40, 40, 3), torch.zeros(3, 40, 40, 4)):
        rows = drawn(image)["indices"][:, 1]
        counts = torch.bincount(rows, minlength=40).double()
        assert float((counts - 100).abs().max()) < 5 * 10  # five deviations
