import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from common.control.estimated_maps import GeometryMaps
from common.training.geometry.geometry_losses import depth_loss, normal_loss, slope_loss
from common.training.geometry.geometry_scores import (
    BASELINES,
    TruePicture,
    angles_deg,
    best_plane,
    geometry_scores,
    stretched,
)

SIZE = 32


def ball(size=SIZE, radius=0.9):
    """A ball seen from afar: its silhouette is a disk, its normals are where the pixels are."""
    y, x = torch.meshgrid(*[(torch.arange(size) + 0.5) / size * 2 - 1] * 2, indexing="ij")
    x, y = x / radius, -y / radius
    there = x**2 + y**2 < 1
    z = (1 - x**2 - y**2).clamp(min=0).sqrt()
    normals = torch.where(there, (torch.stack([x, y, z]) + 1) / 2, 0.0)
    picture = torch.stack([z, z, z, there.float()]) * there
    return TruePicture(picture, GeometryMaps(stretched(z, there), normals))


@settings(max_examples=25, deadline=None)
@given(shift=st.floats(-0.5, 0.5), seed=st.integers(0, 1000))
def test_losses_of_a_shift_and_outside_of_the_thing(shift, seed):
    generator = torch.Generator().manual_seed(seed)
    true = torch.rand(2, 8, 9, generator=generator)
    there = torch.rand(2, 8, 9, generator=generator) > 0.4
    made = torch.where(there, true + shift, 7.0)
    # float32 sums of a hundred values
    assert float(depth_loss(made, true, there)) == pytest.approx(abs(shift), abs=1e-5)
    assert float(slope_loss(made, true, there)) == pytest.approx(0, abs=1e-5)
    assert float(slope_loss(2 * made, true, there)) > 0
    nothing = torch.zeros_like(there)
    assert float(depth_loss(made, true, nothing)) == 0


@settings(max_examples=25, deadline=None)
@given(angle=st.floats(0.0, math.pi), length=st.floats(0.1, 10))
def test_normal_loss_is_one_minus_the_cosine_whatever_the_length(angle, length):
    true = torch.tensor([0.0, 0.0, 1.0])[None, :, None, None].expand(1, 3, 4, 4)
    vector = torch.tensor([math.sin(angle), 0.0, math.cos(angle)]) * length
    made = vector[None, :, None, None].expand(1, 3, 4, 4)
    there = torch.ones(1, 4, 4, dtype=torch.bool)
    assert float(normal_loss(made, true, there)) == pytest.approx(1 - math.cos(angle), abs=1e-5)
    degrees = angles_deg((made[0] / length + 1) / 2, (true[0] + 1) / 2)
    # The arc cosine of a float32 next to 1 is off by a few hundredths of a degree.
    assert float(degrees.mean()) == pytest.approx(math.degrees(angle), abs=0.05)


def test_true_maps_have_no_error_and_the_worst_ones_all():
    truth = ball()
    perfect = geometry_scores([truth.maps], [truth])
    assert perfect["depth/l1"] == perfect["depth/abs_rel"] == 0
    assert perfect["normals/mean_deg"] < 0.1
    assert perfect["normals/below_11.25_deg"] == 1
    turned = truth.maps._replace(normals=1 - truth.maps.normals)
    assert geometry_scores([turned], [truth])["normals/mean_deg"] == pytest.approx(180, abs=0.1)


def test_baselines_say_what_they_are_told():
    truth = ball(128)
    scores = {
        name: geometry_scores([told(truth)], [truth]) for name, told in BASELINES.items()
    }  # fmt: skip
    # A balloon of a disk is the ball, but for distances to centres of pixels: half a pixel of 58
    # at the outline, where a ball's height falls from nothing to a fifth.
    assert scores["balloon"]["depth/l1"] < 0.04
    assert scores["balloon"]["normals/mean_deg"] < 6
    # The median is the best of all constants.
    assert scores["constant"]["depth/l1"] >= scores["best constant"]["depth/l1"]
    assert scores["plane"]["depth/l1"] == pytest.approx(scores["constant"]["depth/l1"], abs=0.03)
    # No plane fits a ball better than a constant does; all its normals look at the viewer.
    assert scores["best plane"]["depth/l1"] > 0.1
    # The mean over the disk of asin(r): 2 r dr asin(r) from 0 to 1 is pi / 4.
    assert scores["best constant"]["normals/mean_deg"] == pytest.approx(45, abs=0.5)


def test_best_plane_is_the_plane():
    truth = ball()
    slope = torch.linspace(0.3, 0.9, SIZE).expand(SIZE, SIZE)
    there = truth.maps.depth > 0
    flat = TruePicture(truth.picture, truth.maps._replace(depth=torch.where(there, slope, 0.0)))
    torch.testing.assert_close(best_plane(flat).depth, flat.maps.depth, rtol=0, atol=1e-4)
