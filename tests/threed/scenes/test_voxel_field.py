import math

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from common.errors import InputError
from threed.scenes.voxel_field import (
    DENSITY_PER_M,
    VoxelField,
    colour_of,
    density_of,
    node_positions,
    occupied_cells,
    query,
    raw_of_colour,
    raw_of_density,
    refined,
    resampled,
    uniform_field,
)

F64 = torch.float64


def random_field(seed: int, shape=(4, 5, 6), low=(-0.3, -0.2, -0.4), high=(0.3, 0.4, 0.5)):
    generator = torch.Generator().manual_seed(seed)
    density = 2 * torch.randn(*shape, generator=generator, dtype=F64)
    colour = torch.randn(*shape, 3, generator=generator, dtype=F64)
    return VoxelField(density, colour, low, high)


@given(st.floats(1e-6, 1e4))
def test_raw_density_is_undone(density):
    raw = raw_of_density(density)
    # softplus in float64 loses what is below one part in 1e16 of 1 + exp(raw)
    assert float(density_of(torch.tensor(raw, dtype=F64))) == pytest.approx(density, rel=1e-8)


def test_raw_colour_is_undone_within_range():
    colour = torch.linspace(1 / 255, 254 / 255, 9, dtype=F64)
    torch.testing.assert_close(colour_of(raw_of_colour(colour)), colour)
    ends = colour_of(raw_of_colour(torch.tensor([0.0, 1.0])))
    torch.testing.assert_close(ends, torch.tensor([1 / 255, 254 / 255]))


def test_query_at_a_node_is_the_node():
    field = random_field(0)
    points = node_positions(field).reshape(-1, 3)
    density, colour = query(field, points)
    torch.testing.assert_close(density, density_of(field.density).reshape(-1), rtol=1e-9, atol=1e-9)
    torch.testing.assert_close(colour, colour_of(field.colour).reshape(-1, 3), rtol=1e-9, atol=1e-9)


def test_query_is_exact_for_linear_raw_values_and_empty_outside():
    field = random_field(1)
    slope = torch.tensor([1.0, -2.0, 3.0], dtype=F64)
    linear = VoxelField(node_positions(field) @ slope, field.colour, field.low, field.high)
    points = torch.tensor([[0.1, 0.13, -0.2], [-0.29, 0.39, 0.49], [0.1, 0.13, 0.51]], dtype=F64)
    density, _ = query(linear, points)
    torch.testing.assert_close(density[:2], density_of(points[:2] @ slope))
    assert density[2] == 0


def test_resampled_to_a_refined_grid_is_the_same_field():
    field = random_field(2, (5, 5, 7))
    points = torch.rand(50, 3, generator=torch.Generator().manual_seed(3), dtype=F64) * 0.6 - 0.3
    fine = resampled(field, (9, 9, 13))
    torch.testing.assert_close(query(fine, points)[0], query(field, points)[0])
    assert torch.equal(refined(field).density, fine.density)


def test_cells_that_are_left_out_hide_less_than_asked():
    field = random_field(4)
    sparse = VoxelField(field.density - 14, field.colour, field.low, field.high)
    cells = occupied_cells(sparse, 0.001)
    assert 0 < int(cells.sum()) < cells.numel()
    densest = torch.stack([
        density_of(sparse.density)[a : a + 3, b : b + 4, c : c + 5]
        for a in (0, 1) for b in (0, 1) for c in (0, 1)
    ]).amax(0)  # fmt: skip
    hidden = 1 - torch.exp(-densest * max(sparse.cell_m))
    assert torch.equal(hidden >= 0.001, cells)


def test_bad_fields_are_refused_with_the_numbers():
    grid = torch.zeros(3, 3, 3)
    with pytest.raises(InputError, match=r"two nodes an axis; density is \(1, 3, 3\)"):
        VoxelField(grid[:1], torch.zeros(1, 3, 3, 3))
    with pytest.raises(InputError, match="is empty"):
        VoxelField(grid, torch.zeros(3, 3, 3, 3), (0.0, 0.0, 0.0), (1.0, 0.0, 1.0))
    with pytest.raises(InputError, match="above 0"):
        raw_of_density(0.0)


def test_uniform_field_has_one_density():
    field = uniform_field((3, 3, 3), raw_of_density(20.0))
    assert query(field, torch.zeros(1, 3))[0].item() == pytest.approx(20.0, rel=1e-6)
    assert math.isclose(field.cell_m[0], 0.6)
    assert DENSITY_PER_M > 0
