from dataclasses import replace

import pytest
import torch

from common.cameras import orbit_cameras
from common.errors import InputError
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from tests.threed.texturing.test_bake import paint, sphere
from threed.measures.consistency import view_psnr
from threed.texturing.refine import RefineOptions, refined_texture, solid_pixels
from threed.texturing.texels import texels_of, texture_from
from threed.texturing.unwrap import UnwrapOptions, unwrapped

CAMERAS = orbit_cameras([0.0, 90.0, 180.0, 270.0], 15.0, 3.6, 25.0, 64, 64)


@pytest.fixture(scope="module")
def ball():
    """A striped ball, pictures of it, and the same ball in grey."""
    page = unwrapped(sphere(), UnwrapOptions(128, 4, deadline_s=0.0)).mesh
    texels = texels_of(page, 128, 2)
    stripes = 0.2 * torch.sin(25 * texels.positions[:, 1:2])
    true = replace(
        page, texture=texture_from(texels, paint(texels.positions) * 0.6 + 0.2 + stripes)
    )
    pictures = render_mesh(true, CAMERAS, lighting=FLAT_LIGHTING).rgba
    return true, pictures, replace(page, texture=torch.full((128, 128, 3), 0.5))


def psnr(mesh, pictures):
    return float(
        view_psnr(render_mesh(mesh, CAMERAS, lighting=FLAT_LIGHTING).rgba, pictures).mean()
    )


def test_refinement_brings_back_what_pictures_show(ball):
    _, pictures, grey = ball
    options = RefineOptions(num_steps=40, rate=0.03, lambda_start=0.0)
    steps = list(refined_texture(grey, pictures, CAMERAS, options))
    assert [one.step for one in steps] == list(range(1, 41))
    assert steps[-1].loss < 0.02 * steps[0].loss
    assert psnr(steps[-1].mesh, pictures) > psnr(grey, pictures) + 8
    # first and last state are textures of their own
    assert not torch.equal(steps[0].mesh.texture, steps[-1].mesh.texture)


def test_a_true_texture_is_already_right(ball):
    true, pictures, _ = ball
    first = next(refined_texture(true, pictures, CAMERAS))
    # the same lookups as the renderer's, in pixels that the ball fills: a tenth of a step of 8 bits
    assert first.loss < (0.1 / 255) ** 2


def test_texels_that_no_picture_sees_stay(ball):
    _, pictures, grey = ball
    *_, last = refined_texture(grey, pictures[:1], CAMERAS[0], RefineOptions(num_steps=5))
    texels = texels_of(grey, 128)
    change = (last.mesh.texture - grey.texture)[texels.owned].abs().amax(-1)
    behind = texels.positions[:, 2] < -0.15
    # but for the few that share a coarse mip level's texel with what is seen
    assert float((change[behind] == 0).double().mean()) > 0.95
    assert float(change[texels.positions[:, 2] > 0.3].min()) > 0


def test_refinement_repeats_to_the_bit_for_any_number_of_threads(ball):
    _, pictures, grey = ball
    found = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        *_, last = refined_texture(grey, pictures, CAMERAS, RefineOptions(num_steps=3))
        found.append(last.mesh.texture)
    assert torch.equal(*found)


def test_masks_are_eroded_by_whole_pixels():
    alpha = torch.zeros(1, 9, 9)
    alpha[:, 1:, 1:8] = 1.0
    for erode, count in ((0, 8 * 7), (1, 6 * 5), (2, 4 * 3)):
        assert int(solid_pixels(alpha, 0.99, erode).sum()) == count


def test_pictures_of_nothing_are_refused(ball):
    grey = ball[2]
    with pytest.raises(InputError, match="show nothing of the mesh"):
        next(refined_texture(grey, torch.zeros(4, 64, 64, 4), CAMERAS))
    with pytest.raises(InputError, match="square texture"):
        next(refined_texture(replace(grey, texture=None), torch.ones(4, 64, 64, 4), CAMERAS))
