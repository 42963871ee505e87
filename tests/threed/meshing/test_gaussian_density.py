import math

import pytest
import torch

from common.errors import InputError
from tests.threed.rendering.test_gaussians import joined, one_gaussian, random_cloud
from threed.meshing.gaussian_density import density_field
from threed.meshing.surface import SurfaceOptions, extract_surface
from threed.scenes.voxel_field import colour_of, node_positions

PLAIN = SurfaceOptions(blur_cells=0.0, smoothing_steps=0)


def test_one_gaussian_is_its_bell_on_the_grid():
    scale, logit = 0.1, 3.0
    field = density_field(one_gaussian((0.1, 0.0, -0.2), scale=scale, logit=logit), 40)
    cell = field.cell_m[0]
    assert max(field.density.shape) == 41
    offset = node_positions(field) - torch.tensor([0.1, 0.0, -0.2], dtype=torch.float64)
    variance = scale**2 + (cell / 2) ** 2
    value = 1 / (1 + math.exp(-logit)) * torch.exp(-0.5 * offset.square().sum(-1) / variance)
    shown = value >= 1 / 255
    torch.testing.assert_close(field.density[shown].exp(), value[shown], rtol=1e-9, atol=0)
    assert bool((field.density[~shown] == -10).all())
    colour = colour_of(field.colour)[shown]
    expected = torch.tensor([0.7, 0.4, 0.2], dtype=torch.float64).expand_as(colour)
    torch.testing.assert_close(colour, expected)


def test_sums_do_not_depend_on_threads():
    cloud = random_cloud(3, n=50)
    fields = []
    for threads in (1, 2):
        torch.set_num_threads(threads)
        fields.append(density_field(cloud, 24))
    assert torch.equal(fields[0].density, fields[1].density)
    assert torch.equal(fields[0].colour, fields[1].colour)


def test_a_shell_of_gaussians_becomes_a_ball():
    generator = torch.Generator().manual_seed(0)
    direction = torch.nn.functional.normalize(
        torch.randn(1500, 3, generator=generator, dtype=torch.float64), dim=1
    )
    shell = joined(*(one_gaussian(tuple(d.tolist()), 0.04, logit=2.0) for d in 0.4 * direction))
    mesh = extract_surface(density_field(shell, 48), 0.0, PLAIN)
    distance = mesh.vertices.norm(dim=1)
    # closed, without its hollow, and about one deviation outside the centres
    assert float(distance.min()) > 0.36
    assert float(distance.max()) < 0.55


def test_clouds_that_cannot_be_meshed_are_refused():
    with pytest.raises(InputError, match="none of 1 Gaussians"):
        density_field(one_gaussian(logit=-9.0))
    with pytest.raises(InputError, match="leave no room"):
        density_field(one_gaussian(), 4)
