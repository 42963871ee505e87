"""Views that agree stay as they are; views that do not meet where both see the surface."""

import pytest
import torch
from einops import rearrange

from tests.threed.painting.known_mesh import RING, known_mesh, pictures_of
from threed.painting.sides import sides_of
from threed.painting.surface_blend import Known, SurfaceBlend
from threed.texturing.view_colours import ViewWeights

SIZE_PX = 64
WEIGHTS = ViewWeights(border_px=2.0)


@pytest.fixture(scope="module")
def sides():
    return sides_of(known_mesh(), RING, SIZE_PX)


def planes(pictures):
    return rearrange(pictures.rgba, "v h w c -> v c h w")


def flat(sides, colours):
    """Each view in one colour, premultiplied."""
    alpha = sides.alpha[:, None]
    return torch.cat([torch.tensor(colours)[:, :, None, None] * alpha, alpha], 1)


def test_pictures_of_one_object_stay_as_they_are(sides):
    shown = planes(pictures_of(known_mesh(), RING, SIZE_PX))
    blended = SurfaceBlend(known_mesh(), sides, WEIGHTS).blended(shown)
    assert float((blended - shown).abs().mean()) < 0.01
    assert torch.equal(blended[:, 3], sides.alpha)


def test_one_colour_stays_to_rounding(sides):
    shown = flat(sides, [[0.2, 0.5, 0.7]] * 4)
    blended = SurfaceBlend(known_mesh(), sides, WEIGHTS).blended(shown)
    inside = sides.covered[:, None] & (sides.alpha[:, None] > 0.5)
    assert float((blended - shown)[inside.expand_as(shown)].abs().max()) < 1e-5


def test_views_that_disagree_meet(sides):
    """Front red, the others blue: what front and left both see becomes purple in both."""
    shown = flat(sides, [[1.0, 0, 0], *[[0, 0, 1.0]] * 3])
    blended = SurfaceBlend(known_mesh(), sides, WEIGHTS).blended(shown)
    red, blue = blended[0, 0][sides.covered[0]], blended[0, 2][sides.covered[0]]
    mixed = (red > 0.2) & (blue > 0.2)
    assert 0.02 < float(mixed.float().mean()) < 0.6
    assert float((red > 0.9).float().mean()) > 0.3  # what the front alone sees
    apart = SurfaceBlend(known_mesh(), sides, WEIGHTS).blended(shown, together=False)
    assert float((apart - shown)[:, :3].abs().max()) < 0.05


def test_known_colours_decide_where_they_are_sure(sides):
    points, _ = sides.points()
    sure = (points[:, 1] > 0).float() * 20
    known = Known(torch.tensor([[0.0, 1.0, 0.0]]).expand(len(points), -1), sure)
    shown = flat(sides, [[1.0, 0, 0]] * 4)
    for together in (True, False):
        blended = SurfaceBlend(known_mesh(), sides, WEIGHTS, known).blended(shown, together)
        found = rearrange(blended, "v c h w -> v h w c")[sides.covered]
        whole = found[:, 3] == 1
        assert float(found[(sure > 0) & whole, 1].min()) > 0.9
        assert float(found[(sure == 0) & whole, 1].max()) == 0


def test_ground_of_rgb_pictures_stays(sides):
    shown = torch.full((4, 3, SIZE_PX, SIZE_PX), 0.5)
    blended = SurfaceBlend(known_mesh(), sides, WEIGHTS).blended(shown)
    assert float((blended - shown).abs().max()) < 1e-5
