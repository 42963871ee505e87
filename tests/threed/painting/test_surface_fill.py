"""Colours spread over surfaces: harmonic between what is shown, apart on the sides of a wall."""

import pytest
import torch

from common.errors import InputError
from threed.painting.surface_fill import SurfaceFill


def strip(height=0.0, facing=1.0, count=41):
    """A flat strip of points, 1 m by 0.25 m, that faces up or down."""
    x, z = torch.meshgrid(torch.linspace(0, 1, count), torch.linspace(0, 0.25, 11), indexing="ij")
    places = torch.stack([x.flatten(), torch.full((x.numel(),), height), z.flatten()], 1)
    return places, torch.tensor([[0.0, facing, 0.0]]).expand(len(places), -1)


def test_colours_between_two_edges_fall_evenly():
    """On a strip with its ends held at 0 and 1 the harmonic function is the distance."""
    places, normals = strip()
    ends = (places[:, 0] < 0.01) | (places[:, 0] > 0.99)
    colours = places[:, :1].round().repeat(1, 3)

    found = SurfaceFill(places, normals).filled(colours * ends[:, None], ends.float())

    assert float((found - places[:, :1]).abs().max()) < 0.03


def test_sure_colours_stay_and_faint_ones_give_way():
    places, normals = strip()
    colours = torch.zeros(len(places), 3)
    odd = int(len(places) // 2)
    colours[odd] = 1.0
    kept = SurfaceFill(places, normals).filled(colours, torch.ones(len(places)))
    faint = torch.ones(len(places))
    faint[odd] = 0.03
    smooth = SurfaceFill(places, normals).filled(colours, faint)
    assert float(kept[odd, 0]) > 0.85
    assert float(smooth[odd, 0]) < 0.3


def test_sides_of_a_thin_wall_do_not_mix():
    """A sheet 1 cm thick, shown at its left: each side goes on in its own colour."""
    (above, up), (below, down) = strip(0.01, 1.0), strip(0.0, -1.0)
    places, normals = torch.cat([above, below]), torch.cat([up, down])
    is_above = torch.arange(len(places)) < len(above)
    shown = places[:, 0] < 0.2
    colours = is_above.float()[:, None].repeat(1, 3)

    found = SurfaceFill(places, normals).filled(colours * shown[:, None], shown.float())

    assert float((found - colours).abs().max()) < 0.05


def test_a_piece_that_touches_nothing_takes_the_nearest_colour():
    (near, up), (far, _) = strip(), strip()
    places, normals = torch.cat([near, far + torch.tensor([3.0, 0, 0])]), torch.cat([up, up])
    shown = torch.arange(len(places)) < len(near)
    colours = torch.tensor([[0.2, 0.4, 0.6]]).expand(len(places), -1)

    found = SurfaceFill(places, normals).filled(colours * shown[:, None], shown.float())

    assert float((found - colours).abs().max()) < 1e-3


def test_values_are_carried_to_points_between():
    places, normals = strip()
    fill = SurfaceFill(places, normals)
    there = torch.tensor([[0.333, 0.0, 0.1], [0.81, 0.0, 0.2]])
    found = fill.at(places[:, :1].repeat(1, 3), there, normals[:2])
    assert torch.allclose(found[:, 0], there[:, 0], atol=0.025)


def test_nothing_shown_is_refused():
    places, normals = strip()
    with pytest.raises(InputError, match="no view shows"):
        SurfaceFill(places, normals).filled(torch.zeros(len(places), 3), torch.zeros(len(places)))
