"""The plain network against its equation, a place at a time."""

import math

import torch

from threed.scenes.hash_field import ball_base
from threed.scenes.mlp_field import mlp_as_voxels, new_mlp_parts, waves
from threed.scenes.scene_config import MlpNerf
from threed.scenes.voxel_field import node_positions

OPTIONS = MlpNerf(num_cells=8, num_frequencies=3, num_layers=2, num_hidden=8)


def test_waves_are_a_place_and_its_octaves():
    (found,) = waves(torch.tensor([[0.25, -0.5, 1.0]]), 2)
    angles = [math.pi * octave * x for octave in (1, 2) for x in (0.25, -0.5, 1.0)]
    expected = [0.25, -0.5, 1.0, *map(math.sin, angles[:3]), *map(math.cos, angles[:3]),
                *map(math.sin, angles[3:]), *map(math.cos, angles[3:])]  # fmt: skip
    torch.testing.assert_close(found, torch.tensor(expected), rtol=0, atol=1e-6)


def test_field_is_the_network_at_every_node_added_to_the_ball():
    parts = new_mlp_parts(OPTIONS, torch.Generator().manual_seed(0))
    base = ball_base(OPTIONS)
    field = mlp_as_voxels(parts, OPTIONS, base)
    for i, j, k in ((0, 0, 0), (4, 4, 4), (1, 7, 3)):
        place = node_positions(base)[i, j, k] / 0.6
        value = waves(place[None], 3)[0]
        for layer in range(2):
            value = (parts[f"weight_{layer}"] @ value + parts[f"bias_{layer}"]).clamp_min(0)
        value = parts["weight_2"] @ value + parts["bias_2"]
        torch.testing.assert_close(
            field.density[i, j, k], value[0] + base.density[i, j, k], rtol=0, atol=1e-5
        )
        torch.testing.assert_close(field.colour[i, j, k], value[1:], rtol=0, atol=1e-5)


def test_first_field_is_near_the_ball():
    parts = new_mlp_parts(OPTIONS, torch.Generator().manual_seed(0))
    base = ball_base(OPTIONS)
    field = mlp_as_voxels(parts, OPTIONS, base)
    assert float((field.density - base.density).abs().max()) < 0.2
