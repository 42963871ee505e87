import pytest
import torch

from common.kit.catalogue import category_named
from common.kit.instances import instance
from common.kit.split import is_instance_held_out
from common.kit.textured import textured_mesh
from common.training.kit.asset_truth import true_shapes
from threed.evaluation.asset_look import asset_look


def first_held_out(name):
    seed = next(seed for seed in range(1000) if is_instance_held_out(name, seed))
    return textured_mesh(instance(category_named(name), seed).parts)


def test_true_shapes_are_held_out_instances_of_usual_size():
    shapes = list(true_shapes("chair", 3))
    assert len(shapes) == 3
    for shape in shapes:
        low, high = shape.vertices.amin(0), shape.vertices.amax(0)
        assert float((high - low).max()) == pytest.approx(1.0, abs=1e-5)
    assert torch.equal(shapes[0].vertices, next(true_shapes("chair", 1)).vertices)
    expected = first_held_out("chair")
    assert torch.allclose(shapes[0].vertices.amax(0), expected.vertices.amax(0), atol=1e-6)


def test_true_instance_overlaps_with_itself_and_beats_the_best_ellipsoid():
    mesh = first_held_out("chair")
    look = asset_look(mesh, 0.9, true_shapes("chair", 3), 64)
    assert look.outlines.iou > 0.99
    assert look.outlines.ellipsoid_iou < 0.75
    assert look.true_outlines.ellipsoid_iou < look.true_outlines.iou < look.outlines.iou
    assert look.silhouette_iou == 0.9
    assert not look.is_billboard
    assert look.sides.shape == (4, 4, 64, 64)


def test_wrong_thing_overlaps_less_than_a_true_instance():
    mesh = first_held_out("chair")
    right = asset_look(mesh, 0.9, true_shapes("chair", 3), 64)
    wrong = asset_look(mesh, 0.9, true_shapes("car", 3), 64)
    assert wrong.outlines.iou < right.outlines.iou - 0.3


def test_nothing_is_said_of_outlines_without_true_shapes():
    assert asset_look(first_held_out("mug"), 0.9, (), 64).outlines is None
