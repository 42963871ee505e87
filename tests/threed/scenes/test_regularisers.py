import math

import pytest
import torch

from tests.threed.scenes.test_voxel_field import random_field
from threed.scenes.regularisers import (
    asymmetry,
    bending,
    binarity,
    cell_opacity,
    depth_variance,
    emptiness,
    normal_smoothness,
    orientation,
    sparsity,
    surface_area,
    total_variation,
)
from threed.scenes.voxel_field import EMPTY_RAW, VoxelField, node_positions, uniform_field

F64 = torch.float64


def test_total_variation_of_a_step_is_its_height_times_its_area():
    values = torch.zeros(8, 6, 5, 1, dtype=F64)
    values[4:] = 3.0
    # one layer of 6 x 5 differences of height 3 among 8 x 6 x 5 nodes
    assert float(total_variation(values, eps=1e-9)) == pytest.approx(3.0 / 8, abs=1e-6)
    assert float(total_variation(torch.full((4, 4, 4, 3), 7.0))) == 0.0


def test_total_variation_prefers_no_edge_to_noise_of_the_same_size():
    noise = torch.randn(9, 9, 9, 1, generator=torch.Generator().manual_seed(0), dtype=F64)
    smooth = torch.linspace(-1, 1, 9, dtype=F64)[:, None, None, None].expand(9, 9, 9, 1)
    assert total_variation(noise) > 5 * total_variation(smooth * noise.abs().mean())


@pytest.mark.parametrize("nodes", [33, 65])
def test_surface_area_of_a_ball_is_that_of_the_sphere_at_any_resolution(nodes):
    field = uniform_field((nodes,) * 3, dtype=F64)
    distance = node_positions(field).norm(dim=-1) - 0.4
    opaque = VoxelField(torch.where(distance < 0, 20.0, EMPTY_RAW).to(F64), field.colour)
    area = 4 * math.pi * 0.4**2 / 1.2**2
    # A jagged ball: forward differences measure between the sphere's area and 3/2 of it.
    assert area < float(surface_area(opaque)) < 1.5 * area


def test_bending_is_nothing_for_ramps_and_counts_only_where_asked():
    points = node_positions(random_field(0))
    ramp = points @ torch.tensor([2.0, -1.0, 0.5], dtype=F64)
    assert float(bending(ramp)) == pytest.approx(0.0, abs=1e-20)
    bumpy = ramp.clone()
    bumpy[1, 1, 1] += 1.0  # Laplacian -6 there, 1 at its neighbours inside
    inner = (4 - 2) * (5 - 2) * (6 - 2)
    assert float(bending(bumpy)) == pytest.approx((36 + 3) / inner)
    where = torch.zeros(4, 5, 6, dtype=torch.bool)
    where[1, 1, 1] = True
    assert float(bending(bumpy, where)) == pytest.approx(36 / inner)


def test_emptiness_is_zero_for_nothing_and_dearer_for_fog_than_for_matter():
    nothing = uniform_field((3, 3, 3), -60.0, dtype=F64)
    assert float(emptiness(nothing)) == pytest.approx(0.0, abs=1e-12)
    fog, body = uniform_field((4, 4, 4), -3.0, dtype=F64), uniform_field((4, 4, 4), dtype=F64)
    share = float(cell_opacity(fog).mean())
    solid = body.density.clone()
    solid.view(-1)[: round(share * solid.numel())] = 40.0  # as much, but in whole cells
    body = VoxelField(solid, body.colour)
    assert float(emptiness(fog)) > 1.2 * float(emptiness(body))


def test_binarity_is_entropy_and_sparsity_grows():
    half = torch.full((3, 3), 0.5, dtype=F64)
    assert float(binarity(half)) == pytest.approx(math.log(2))
    assert float(binarity(torch.tensor([0.0, 1.0], dtype=F64))) < 2e-3
    assert float(sparsity(torch.zeros(4))) == pytest.approx(0.1)
    assert sparsity(half) < sparsity(2 * half)


def test_orientation_counts_what_looks_away():
    facing = torch.tensor([[[1.0, -0.5], [0.0, -1.0]]], dtype=F64)
    assert float(orientation(facing)) == pytest.approx((0.25 + 1.0) / 4)


def test_depth_variance_is_the_mean_over_solid_pixels():
    variance = torch.tensor([[[0.4, 9.0], [0.2, 9.0]]], dtype=F64)
    opacity = torch.tensor([[[0.9, 0.5], [0.6, 0.1]]], dtype=F64)
    assert float(depth_variance(variance, opacity)) == pytest.approx(0.3)
    assert float(depth_variance(variance, 0 * opacity)) == 0.0


def test_normal_smoothness_is_zero_of_a_plane_and_counts_each_step():
    normal = torch.zeros(1, 2, 2, 3, dtype=F64)
    normal[..., 2] = 1.0
    assert float(normal_smoothness(normal)) == 0.0
    normal[0, 0, 0, 2] = 0.0
    # one of two pairs differs by 1 in one of three channels, in either direction
    assert float(normal_smoothness(normal)) == pytest.approx(2 / 6)


def test_asymmetry_is_zero_for_mirror_images_only():
    field = random_field(1)
    both = VoxelField(field.density + field.density.flip(0), field.colour + field.colour.flip(0))
    assert float(asymmetry(both)) == pytest.approx(0.0, abs=1e-20)
    assert float(asymmetry(VoxelField(field.density, both.colour))) > 1e-3
    assert float(asymmetry(VoxelField(both.density + 5, field.colour))) > 1e-3


@pytest.mark.parametrize("loss", [surface_area, emptiness, asymmetry])
def test_gradients_pass_gradcheck(loss):
    field = random_field(2, (3, 4, 3))

    def value(density, colour):
        return loss(VoxelField(density, colour, field.low, field.high))

    inputs = (field.density.requires_grad_(), field.colour.requires_grad_())
    # smallest of opacities is not smooth where they are equal; random fields are not there
    frozen = loss is asymmetry  # the weight of its colours is a constant by definition
    assert torch.autograd.gradcheck(value, (inputs[0], inputs[1]) if not frozen else (
        inputs[0].detach(), inputs[1]))  # fmt: skip
