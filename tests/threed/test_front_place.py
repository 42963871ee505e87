"""Given pictures among the prior's cameras, and assets that show them again."""

import pytest
import torch
from einops import rearrange
from hypothesis import given, settings
from hypothesis import strategies as st

from common.cameras import project
from common.embedded.image_unet import FRONT
from common.embedded.orbit import HALF_EXTENT_M, cameras_on_orbit
from common.errors import InputError
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from tests.threed.kit_views import AROUND_4, kit_views
from threed.front_place import front_camera, front_pictures, front_place, on_orbit
from threed.image_to_3d import LiftedPicture
from threed.measures.consistency import view_psnr
from threed.optimise.fit_views import fit_views
from threed.text_to_3d import TextTo3D
from threed.texturing.bake import Pictures
from threed.views_to_asset import meshed_views, weighted_pictures


def rectangle(height, width, top, left, page=(200, 160)):
    picture = torch.zeros(4, *page)
    picture[:, top : top + height, left : left + width] = 1.0
    return picture


def area_m2(view):
    return float(view[3].double().sum()) * (2 * HALF_EXTENT_M / view.shape[-1]) ** 2


@settings(max_examples=20, deadline=None)
@given(st.integers(20, 120), st.integers(20, 120), st.integers(0, 40), st.integers(0, 40),
       st.sampled_from([40, 64, 128, 256]))  # fmt: skip
def test_object_is_at_the_same_place_in_views_of_every_size(height, width, top, left, size_px):
    view = on_orbit(rectangle(height, width, top, left), size_px)
    assert 0 <= float(view.min()) <= float(view.max()) <= 1
    longest = max(height, width)
    # bilinear weights of pixels add up to one everywhere but for the ripple of unequal grids
    assert area_m2(view) == pytest.approx(height * width / longest**2, rel=0.02)
    places = torch.arange(size_px, dtype=torch.float64) + 0.5 - size_px / 2
    for sums in (view[3].double().sum(0), view[3].double().sum(1)):
        middle = float((sums * places).sum() / sums.sum()) * 2 * HALF_EXTENT_M / size_px
        assert middle == pytest.approx(0, abs=1e-3)


def test_camera_of_a_picture_sees_what_the_view_of_the_orbit_sees():
    """A point is at the same share of the object's box in both."""
    place = front_place(rectangle(50, 90, 30, 7))
    camera = front_camera(place, 200, 160)
    points = torch.rand(50, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    own, depth = project(camera, points)
    seen, orbit_depth = project(cameras_on_orbit([FRONT], 128), points)
    metres = (seen - 64) * (2 * HALF_EXTENT_M / 128)
    middle = torch.tensor([7 + 45.0, 30 + 25.0])
    torch.testing.assert_close((own - middle) / 90, metres, atol=1e-5, rtol=0)
    torch.testing.assert_close(depth, orbit_depth)


def test_large_pictures_shrink_with_their_cameras():
    picture = rectangle(80, 100, 30, 7)
    whole, small = front_pictures(picture, 100), front_pictures(picture, 50)
    assert torch.equal(whole.rgba[0], rearrange(picture, "c h w -> h w c"))
    assert small.rgba.shape == (1, 100, 80, 4)
    points = torch.rand(20, 3, generator=torch.Generator().manual_seed(0)) - 0.5
    (ours, _), (theirs, _) = (project(one.cameras, points) for one in (small, whole))
    torch.testing.assert_close(2 * ours, theirs, atol=1e-3, rtol=0)


def test_empty_pictures_have_no_place():
    with pytest.raises(InputError, match="nothing of it is opaque"):
        front_place(torch.zeros(4, 8, 8))


def test_scene_looks_at_a_given_picture_as_often_as_it_weighs():
    views = kit_views("duck", AROUND_4, 64)
    pictures = Pictures(views.rgba, views.cameras)
    seen = weighted_pictures(LiftedPicture(front_weight=3), pictures)
    assert torch.equal(seen.rgba, views.rgba[[0, 0, 0, 1, 2, 3]])
    assert torch.equal(seen.cameras.w2c, views.cameras.w2c[[0, 0, 0, 1, 2, 3]])
    assert torch.equal(weighted_pictures(TextTo3D(), pictures).rgba, views.rgba)


def test_asset_shows_its_picture_again_better_than_its_views():
    """The front of a duck at twice the views' size; the views are true."""
    torch.set_num_threads(1)
    views = kit_views("duck", AROUND_4, 64)
    picture = rearrange(kit_views("duck", ((0.0, 12.0),), 128).rgba[0], "h w c -> c h w")
    method = LiftedPicture(num_cells=48, fit_steps=60, texture_px=512)
    rgba = views.rgba.clone()
    rgba[0] = rearrange(on_orbit(picture, 64), "c h w -> h w c")
    *_, last = fit_views(rgba, views.cameras, method.fit)
    pictures = Pictures(rgba, views.cameras)
    wanted = front_pictures(picture, 128)

    def shown_db(**changes):
        made = meshed_views(method.model_copy(update=changes), last.field, pictures, picture)
        seen = render_mesh(made.mesh, wanted.cameras, supersample=4, lighting=FLAT_LIGHTING).rgba
        return float(view_psnr(seen, wanted.rgba))

    followed = shown_db()
    assert followed > 27  # the bar of pictures shown again
    assert followed > shown_db(outline_steps=0) + 2
    assert followed > shown_db(detail_px=32) + 1
