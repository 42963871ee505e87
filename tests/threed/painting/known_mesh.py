"""A body with a known texture, and pictures of it, for painting it again."""

from dataclasses import replace
from functools import cache

import torch

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.raster.render import render_mesh
from common.raster.shading import FLAT_LIGHTING
from tests.threed.real_meshes import real_mesh
from threed.painting.placed_mesh import Placement, placed
from threed.texturing.bake import Pictures
from threed.texturing.texels import texels_of, texture_from
from threed.texturing.unwrap import UnwrapOptions, unwrapped

SIZE = 256
RING = tuple(View(90.0 * step, 12.0) for step in range(4))
ALL_ROUND = (*RING, *(View(45.0 + 90 * step, 35.0) for step in range(4)), View(0.0, 80.0),
             View(0.0, -60.0), View(180.0, -60.0))  # fmt: skip


def smooth_colours(positions):
    """Colours all over space that a view of 256 pixels resolves."""
    waves = torch.stack([(7 * positions[:, 0]).sin(), (6 * positions[:, 1] + 1).sin(),
                         (8 * positions[:, 2] + 2).sin()], 1)  # fmt: skip
    return 0.5 + 0.35 * waves


@cache
def known_mesh():
    """Suzanne on charts of her own, with `smooth_colours`."""
    mesh = placed(real_mesh("suzanne"), Placement())
    page = unwrapped(mesh, UnwrapOptions(SIZE, 4, deadline_s=0.0)).mesh
    texels = texels_of(page, SIZE, 2)
    return replace(page, texture=texture_from(texels, smooth_colours(texels.positions)))


def pictures_of(mesh, views, size_px=256):
    """Unshaded renders."""
    cameras = cameras_on_orbit(views, size_px)
    return Pictures(render_mesh(mesh, cameras, supersample=4, lighting=FLAT_LIGHTING).rgba, cameras)
