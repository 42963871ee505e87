"""What is between charts, and what mip maps make of it."""

import numpy as np
import pytest
import torch
from scipy import ndimage

from common.errors import InputError
from common.raster.texture import texture_pyramid
from tests.threed.real_meshes import real_mesh
from threed.meshing.cleaning import cleaned
from threed.texturing.gutters import filled
from threed.texturing.texels import texel_means, texels_of, texture_from
from threed.texturing.unwrap import UnwrapOptions, unwrapped

MAGENTA = torch.tensor([1.0, 0.0, 1.0])


def blobs(size=96, seed=0):
    """Some islands, whose owned texels are known."""
    noise = np.random.default_rng(seed).normal(size=(size, size))
    return torch.from_numpy(ndimage.gaussian_filter(noise, 4) > 0.03)


def test_owned_texels_stay_and_every_other_is_a_mean_of_them():
    owned = blobs()
    texture = torch.rand(96, 96, 3, generator=torch.Generator().manual_seed(0)) * 0.5
    whole = filled(torch.where(owned[..., None], texture, MAGENTA), owned)
    assert torch.equal(whole[owned], texture[owned])
    # magenta is outside the hull of what is owned: none of it may be left
    assert float(whole.max()) <= float(texture[owned].max()) + 1e-6
    assert float(whole.min()) >= float(texture[owned].min()) - 1e-6


@pytest.mark.parametrize("shape", [(64, 64), (50, 37), (1, 9)])
def test_one_texel_fills_any_page(shape):
    owned = torch.zeros(shape, dtype=torch.bool)
    owned[shape[0] // 2, shape[1] // 3] = True
    colour = torch.tensor([0.2, 0.4, 0.6])
    whole = filled(torch.where(owned[..., None], colour, MAGENTA), owned)
    torch.testing.assert_close(whole, colour.expand(*shape, 3), rtol=0, atol=1e-6)  # float32 means
    with pytest.raises(InputError, match="without a texel"):
        filled(torch.zeros(*shape, 3), torch.zeros(shape, dtype=torch.bool))


def test_filling_passes_gradients_to_the_owned_texels_alone():
    owned = blobs(16)
    owned[3, 4] = True
    texture = torch.rand(16, 16, 2, dtype=torch.float64, requires_grad=True)
    assert torch.autograd.gradcheck(lambda values: filled(values, owned), texture)
    filled(texture, owned).sum().backward()
    assert float(texture.grad[~owned].abs().max()) == 0
    # every texel of the page is a mean of owned ones
    assert float(texture.grad.sum()) == pytest.approx(16 * 16 * 2)


@pytest.mark.parametrize(("name", "deadline_s"), [("suzanne", 300), ("spot", 300), ("spot", 0)])
def test_no_chart_colours_another_up_to_mip_level_4(name, deadline_s):
    """Charts 19 texels apart in colours of their own, all the rest magenta."""
    mesh = cleaned(real_mesh(name, uvs=False)).mesh
    options = UnwrapOptions(512, 19, float(deadline_s), keep_existing=False)
    page = unwrapped(mesh, options)
    assert page.padding_texels == 19
    owned = texels_of(page.mesh, 512, 2).owned
    charts, count = ndimage.label(owned.numpy(), np.ones((3, 3)))
    assert count > 1
    charts = torch.from_numpy(charts).long()
    # one channel a chart would be large: the number in three digits, far from magenta
    palette = torch.rand(count + 1, 3, generator=torch.Generator().manual_seed(1)) * 0.5
    palette[0] = MAGENTA
    whole = filled(palette[charts], owned)
    assert float((whole - MAGENTA).abs().amax(-1).min()) > 0.4
    pyramid = texture_pyramid(whole)
    for level in range(5):
        seen = pyramid.level(level).repeat_interleave(2**level, 0).repeat_interleave(2**level, 1)
        wrong = (seen - palette[charts])[owned].abs().max()
        assert float(wrong) < 1e-5, f"level {level}"  # float32 means of equal numbers


def test_supersampled_texels_are_means_and_reach_small_triangles():
    spot = real_mesh("spot")
    coarse, fine = texels_of(spot, 64), texels_of(spot, 64, 4)
    assert bool((fine.owned | ~coarse.owned).all())  # nothing is lost
    assert int(fine.owned.sum()) > int(coarse.owned.sum())
    assert len(fine.first) == int(fine.owned.sum())
    sums = texel_means(fine, torch.ones(len(fine.positions), 1))
    assert torch.equal(sums, torch.ones_like(sums))
    # the mean of positions over a texel is near the one at its centre
    both = fine.owned & coarse.owned
    at_centre = torch.zeros(64, 64, 3)
    at_centre[coarse.owned] = coarse.positions
    mean = torch.zeros(64, 64, 3)
    mean[fine.owned] = texel_means(fine, fine.positions)
    assert float((at_centre - mean)[both].norm(dim=-1).median()) < 0.005  # a texel is 3 cm wide


@pytest.mark.parametrize("name", ["spot", "suzanne"])
def test_background_never_bleeds_in(name):
    """Every texel of charts is filled, whatever the supersampling; nothing is magenta."""
    mesh = cleaned(real_mesh(name, uvs=False)).mesh
    page = unwrapped(mesh, UnwrapOptions(256, 5, 300.0, keep_existing=False)).mesh
    for supersample in (1, 3):
        texels = texels_of(page, 256, supersample)
        green = torch.tensor([0.1, 0.8, 0.2]).expand(len(texels.positions), 3).contiguous()
        texture = texture_from(texels, green)
        torch.testing.assert_close(texture, green[0].expand(256, 256, 3), rtol=0, atol=1e-6)
