"""The hash grid against a slow twin that follows the paper's text."""

import pytest
import torch

from threed.scenes.blob import ball_density
from threed.scenes.hash_field import (
    as_voxels,
    ball_base,
    encoded,
    level_cells,
    new_hash_field,
)
from threed.scenes.scene_config import HashNerf
from threed.scenes.voxel_field import node_positions

PRIMES = (1, 2654435761, 805459861)


def slow(tables, cells, points):
    """Trilinear features, a point and a corner at a time."""
    rows = []
    for point in points:
        features = []
        for table, side in zip(tables, cells, strict=True):
            place = [float(x) * side for x in point]
            first = [min(int(x), side - 1) for x in place]
            total = torch.zeros(tables.shape[2], dtype=tables.dtype)
            for corner in range(8):
                bits = [(corner >> 2) & 1, (corner >> 1) & 1, corner & 1]
                node = [a + b for a, b in zip(first, bits, strict=True)]
                weight = 1.0
                for x, a, b in zip(place, first, bits, strict=True):
                    weight *= (x - a) if b else 1 - (x - a)
                total = total + weight * table[row(node, side, tables.shape[1])]
            features.append(total)
        rows.append(torch.stack(features))
    return torch.stack(rows)


def row(node, side, entries):
    if (side + 1) ** 3 <= entries:
        return (node[0] * (side + 1) + node[1]) * (side + 1) + node[2]
    mixed = 0
    for number, prime in zip(node, PRIMES, strict=True):
        mixed ^= (number * prime) & 0xFFFFFFFF
    return mixed % entries


@pytest.fixture
def tables():
    return torch.randn(3, 256, 2, generator=torch.Generator().manual_seed(0), dtype=torch.float64)


CELLS = [4, 9, 31]
"""The first has its own entries, the others share 256."""


def points(count=20):
    return torch.rand(count, 3, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def test_features_are_those_of_the_slow_twin(tables):
    found = encoded(tables, CELLS, points())
    torch.testing.assert_close(found, slow(tables, CELLS, points()), rtol=1e-12, atol=1e-12)


def test_corners_of_the_cube_are_inside(tables):
    ends = torch.tensor([[0.0, 0, 0], [1.0, 1, 1]], dtype=torch.float64)
    torch.testing.assert_close(encoded(tables, CELLS, ends), slow(tables, CELLS, ends))


def test_gradients_are_those_of_finite_differences(tables):
    small = tables[:, :, :1].clone().requires_grad_()
    assert torch.autograd.gradcheck(lambda one: encoded(one, CELLS, points(4)), (small,))


def test_gradients_do_not_depend_on_the_number_of_threads(tables):
    found = []
    for count in (1, 2):
        torch.set_num_threads(count)
        leaf = tables.float().requires_grad_()
        encoded(leaf, CELLS, points(500).float()).square().sum().backward()
        found.append(leaf.grad)
    torch.set_num_threads(1)
    assert torch.equal(*found)


def test_resolutions_grow_geometrically_from_the_coarsest_to_the_finest():
    assert level_cells(HashNerf(num_levels=4, coarsest_cells=4, finest_cells=32)) == [4, 8, 16, 32]
    assert level_cells(HashNerf(num_levels=1, coarsest_cells=4, finest_cells=32)) == [4]
    with pytest.raises(ValueError, match="below coarsest_cells"):
        HashNerf(coarsest_cells=64, finest_cells=32)


def test_first_field_is_the_ball():
    options = HashNerf(num_cells=8, num_levels=2, log2_table=8, finest_cells=8)
    start = new_hash_field(options, torch.Generator().manual_seed(0))
    field = as_voxels(start, options, ball_base(options))
    wanted = ball_density(node_positions(field), options.start.radius_m)
    # tables start within 1e-4 of 0, and two layers hardly stretch them
    torch.testing.assert_close(field.density, wanted, rtol=0, atol=1e-3)
