"""Latents made colours: exact where the decoder is linear."""

from dataclasses import replace

import pytest
import torch

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from tests.threed.optimise.ball_prior import BallPrior, ball
from tests.threed.optimise.linear_coder import CELL, SIDE, LinearCoder, latents_of
from threed.decoded_colours import colours_of_latents, decoded_colours
from threed.distillation.picture_views import PictureViews
from threed.rendering.volume import render
from threed.scenes.voxel_field import colour_of, node_positions, raw_of_colour

CAMERAS = cameras_on_orbit([View(45.0, 0.0), View(170.0, 20.0), View(290.0, 10.0)], CELL * SIDE)


def many_coloured():
    """The ball, each side of another colour."""
    field = ball((0.5, 0.5, 0.5))
    return replace(field, colour=raw_of_colour(0.5 + 0.6 * node_positions(field)))


def test_linear_decoder_gives_the_fields_true_colours_back():
    true = many_coloured()
    field = replace(true, colour=latents_of(colour_of(true.colour)), latent=True)
    found, pictures = decoded_colours(field, CAMERAS, PictureViews(LinearCoder(torch.float32), 3))

    assert not found.latent
    # the ridge of a millionth, seen through the smallest singular value of the mean latents
    torch.testing.assert_close(colour_of(found.colour), colour_of(true.colour), atol=2e-3, rtol=0)
    opacity = pictures.rgba[..., 3]
    assert torch.equal(opacity, render(true, CAMERAS).opacity)
    assert bool((pictures.rgba[..., :3] <= opacity[..., None]).all()), "premultiplied"
    # a cell has one colour, the ball has 0.6 of a channel a metre
    off = (pictures.rgba - render(true, CAMERAS).rgba)[opacity > 0.999].abs()
    assert float(off.quantile(0.5)) < 0.02


def test_pictures_of_a_prior_with_alpha_are_those_of_the_field():
    true = many_coloured()
    whole = torch.cat([2 * colour_of(true.colour) - 1, torch.ones_like(true.colour[..., :1])], -1)
    cameras = cameras_on_orbit([View(45.0, 0.0), View(200.0, 20.0)], 32)
    found, pictures = decoded_colours(
        replace(true, colour=whole, latent=True), cameras, BallPrior(true)
    )
    # 0.01 of opacity is the least whose colour is told apart
    torch.testing.assert_close(pictures.rgba, render(true, cameras).rgba, atol=0.011, rtol=0)
    torch.testing.assert_close(colour_of(found.colour), colour_of(true.colour), atol=5e-3, rtol=0)


@pytest.mark.parametrize("weight", [0.0, 1.0])
def test_map_is_finite_whatever_is_seen_and_exact_where_all_is(weight):
    generator = torch.Generator().manual_seed(0)
    seen = torch.randn(2, 4, 4, 4, generator=generator)
    linear = torch.tensor([[0.1, 0.0, 0.05], [0.0, 0.1, 0.0], [0.05, 0.0, -0.1], [0.02, 0.03, 0.0]])
    small = (seen @ linear + 0.5).clamp(0.05, 0.95)
    pictures = small.repeat_interleave(8, 1).repeat_interleave(8, 2)
    found = colours_of_latents(seen, seen, pictures, torch.full((2, 4, 4), weight))
    assert bool(torch.isfinite(found).all())
    if weight:
        inside = ((small > 0.06) & (small < 0.94)).all(-1)
        assert bool(inside.float().mean() > 0.9)
        torch.testing.assert_close(found[inside], small[inside], atol=1e-3, rtol=0)
