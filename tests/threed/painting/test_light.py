"""The prior's light: the kit's own, put on and taken off again."""

import torch
from einops import rearrange

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.embedded.studio_light import STUDIO_LIGHTING, STUDIO_SATURATION
from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.lighting import KIT_LIGHTING, SATURATION
from common.kit.textured import textured_mesh
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from tests.threed.kit_views import AROUND_4, kit_views
from threed.painting.light import irradiance, lit, unlit, unlit_pictures


def test_light_is_that_of_the_pictures_that_the_prior_learned_from():
    assert STUDIO_LIGHTING == KIT_LIGHTING
    assert STUDIO_SATURATION == SATURATION


def test_light_is_put_on_and_taken_off():
    generator = torch.Generator().manual_seed(0)
    normals = torch.nn.functional.normalize(torch.randn(500, 3, generator=generator), dim=1)
    albedo = 0.3 + 0.2 * torch.rand(500, 3, generator=generator)
    light = irradiance(normals)
    assert torch.allclose(unlit(lit(albedo, light), light), albedo, atol=1e-4)


def test_albedo_of_kit_pictures_is_nearer_to_the_truth():
    """A kit car as the prior learned it, against its own colours without light, all four sides."""
    mesh = textured_mesh(instance(category_named("car"), 3).parts)
    cameras = cameras_on_orbit([View(*one) for one in AROUND_4], 96)
    true = render_mesh(mesh, cameras, supersample=4, lighting=FLAT_LIGHTING)
    shown = kit_views("car", AROUND_4, 96).rgba
    inside = rearrange(true.rgba[..., 3] == 1, "v h w -> v h w 1").expand_as(true.rgba)
    before = (shown - true.rgba)[inside].square().mean()
    after = (unlit_pictures(shown, true.normal) - true.rgba)[inside].square().mean()
    assert float(after) < 0.5 * float(before)
