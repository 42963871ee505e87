"""Framing things and laying back what is told of them, with estimators in closed form."""

import pytest
import torch
from torch import nn
from torch.nn import functional

from common.control.estimated_maps import SIZE_PX, THING_PX, estimated_maps, framed, visible
from common.control.geometry_maps import FARTHEST
from common.embedded.geometry_estimator import (
    Geometry,
    GeometryArchitecture,
    GeometryEstimator,
)


class ReadsColours(nn.Module):
    """Nearness is what is red; normals lean to the right by what is green."""

    def forward(self, pictures):
        half = functional.avg_pool2d((pictures + 1) / 2, 2)
        shade = half / half[:, 3:].clamp(min=1e-3)
        right = shade[:, 1]
        return Geometry(shade[:, 0], torch.stack([right, 0 * right, 0 * right + 1], 1))


def ramp(height, width, box):
    """A thing that is redder to the right and greener downwards, on nothing."""
    top, left, bottom, right = box
    picture = torch.zeros(4, height, width)
    y, x = torch.meshgrid(
        torch.linspace(0, 1, bottom - top), torch.linspace(0.3, 0.9, right - left), indexing="ij"
    )
    picture[:, top:bottom, left:right] = torch.stack([x, y, 0 * x, 0 * x + 1])
    return picture


@pytest.mark.parametrize(("height", "width", "box"), [
    (128, 128, (6, 6, 122, 122)), (64, 72, (10, 20, 50, 60)), (256, 96, (100, 3, 220, 90)),
    (67, 201, (0, 0, 67, 201)), (256, 256, (128, 130, 168, 150)),
])  # fmt: skip
def test_maps_are_laid_back_where_the_thing_is(height, width, box):
    picture = ramp(height, width, box)

    (made,) = estimated_maps(ReadsColours(), [picture])

    there = visible(picture)
    assert made.depth.shape == (height, width)
    assert made.normals.shape == (3, height, width)
    assert not made.depth[~there].any()
    assert not made.normals[:, ~there].any()
    # Half of the square's sides and its bicubic filter: two of its pixels at the ends of a ramp.
    tolerance = 3 / min(THING_PX, max(box[3] - box[1], 1))
    assert float((made.depth - picture[0]).abs().max()) < max(tolerance, 0.06)
    green = picture[1]
    right = green / (1 + green**2).sqrt()
    off = ((made.normals[0] * 2 - 1) - right)[there].abs()
    assert float(off.max()) < 0.08
    assert float((made.normals[1][there] - 0.5).abs().max()) < 1e-5, "neither up nor down"


def test_things_are_framed_alike_whatever_their_size_and_place():
    small, large = ramp(64, 64, (5, 30, 25, 60)), ramp(300, 200, (40, 20, 160, 200))
    for picture in (small, large):
        made = framed(picture)
        rows, columns = (torch.nonzero(made.picture[3] > 0)[:, axis] for axis in (0, 1))
        assert made.picture.shape == (4, SIZE_PX, SIZE_PX)
        assert int(columns.max() - columns.min()) + 1 == THING_PX
        assert abs(int(rows.max() + rows.min()) - (SIZE_PX - 1)) <= 1, "in the middle"


def test_pictures_of_a_batch_do_not_matter_to_each_other_and_nothing_stays_black():
    net = GeometryEstimator(GeometryArchitecture(widths=(8, 8), num_blocks=(1, 1))).eval()
    pictures = [ramp(64, 72, (10, 20, 50, 60)), torch.zeros(4, 50, 40), ramp(90, 90, (1, 2, 80, 9))]

    together = estimated_maps(net, pictures)

    assert not together[1].depth.any()
    assert not together[1].normals.any()
    for picture, made in zip(pictures, together, strict=True):
        (alone,) = estimated_maps(net, [picture])
        # Products of other batch shapes round otherwise.
        torch.testing.assert_close(alone.normals, made.normals, rtol=0, atol=1e-4)
        torch.testing.assert_close(alone.depth, made.depth, rtol=0, atol=1e-4)


def test_depth_stays_within_what_maps_have():
    picture = ramp(64, 64, (10, 10, 50, 50))
    picture[0, 10:50, 10:30] = 0.0
    (made,) = estimated_maps(ReadsColours(), [picture])
    assert float(made.depth[20, 15]) == FARTHEST
    assert float(made.depth.max()) <= 1


def test_a_thing_of_one_pixel_has_maps():
    picture = torch.zeros(4, 64, 64)
    picture[:, 30, 31] = 1.0
    (made,) = estimated_maps(ReadsColours(), [picture])
    assert int((made.depth > 0).sum()) == 1


def test_an_untrained_estimator_looks_at_the_viewer_and_has_half_of_the_sides():
    net = GeometryEstimator(GeometryArchitecture(widths=(8, 8, 8), num_blocks=(1, 1, 1))).eval()
    with torch.no_grad():
        made = net(torch.rand(2, 4, 48, 64) * 2 - 1)
    assert made.nearness.shape == (2, 24, 32)
    assert made.normals.shape == (2, 3, 24, 32)
    assert float(made.normals[:, 2].mean()) > 0.5


def test_sizes_must_be_of_the_same_levels():
    with pytest.raises(ValueError, match="widths has 2 levels and num_blocks 1"):
        GeometryArchitecture(widths=(8, 8), num_blocks=(1,))
