"""What the estimator in the repository tells of things it has never seen."""

from pathlib import Path

import pytest
import torch
import trimesh
from einops import rearrange

from common.cameras import orbit_cameras
from common.control.estimated_maps import GeometryMaps, estimated_maps
from common.control.followed_config import FollowedConfig
from common.control.geometry_maps import depth_map, normal_map
from common.raster.mesh import TriangleMesh
from common.raster.render import render_mesh
from common.training.control.control_truth import control_truth
from common.training.geometry.geometry_scores import BASELINES, TruePicture, geometry_scores
from common.zoo.estimators import estimator_bytes
from common.zoo.geometry_estimator import load_geometry_estimator

CATEGORIES = (
    "car",
    "teapot",
    "chair",
    "guitar",
    "cactus",
    "anchor",
    "apple",
    "star",
    "mug",
    "house",
)


def rendered(mesh, azimuth=0.0, elevation=0.0, size=128):
    """A matte mesh with its true maps."""
    camera = orbit_cameras(azimuth, elevation, 4.0, 40.0, size, size)
    triangles = TriangleMesh(
        torch.from_numpy(mesh.vertices.copy()).float(), torch.from_numpy(mesh.faces.copy()),
        vertex_colors=torch.tensor([0.8, 0.5, 0.3]).expand(len(mesh.vertices), 3).clone(),
    )  # fmt: skip
    made = render_mesh(triangles, camera)
    normals = rearrange(normal_map(made.normal, camera.w2c)[0], "h w c -> c h w")
    picture = rearrange(made.rgba[0], "h w c -> c h w").contiguous()
    return TruePicture(picture, GeometryMaps(depth_map(made.depth)[0], normals))


@pytest.fixture(scope="module")
def told():
    net = load_geometry_estimator()
    return lambda truth: estimated_maps(net, [truth.picture])[0]


@pytest.mark.parametrize("size", [64, 128, 201])
def test_a_ball_is_round_in_the_axes_of_the_maps(told, size):
    truth = rendered(trimesh.creation.icosphere(4), size=size)
    made = told(truth)

    there, middle = truth.there, size // 2
    red, green, blue = made.normals
    assert float(red[middle, size - 1 - int(0.2 * size)]) > 0.6, "right"
    assert float(red[middle, int(0.2 * size)]) < 0.4
    assert float(green[int(0.2 * size), middle]) > 0.6, "up"
    assert float(green[size - 1 - int(0.2 * size), middle]) < 0.4
    assert float(blue[middle, middle]) > 0.85, "towards the viewer"
    edge = there & (truth.maps.depth < 0.5)
    assert float(made.depth[edge].mean()) < float(made.depth[middle, middle]) - 0.2
    scores = geometry_scores([made], [truth])
    flat = geometry_scores([BASELINES["best constant"](truth)], [truth])
    assert scores["normals/mean_deg"] < 0.6 * flat["normals/mean_deg"]
    assert scores["depth/l1"] < 0.7 * flat["depth/l1"]


def held_out(category):
    """An instance that training never showed, in a view at random."""
    one = control_truth(category, ("depth", "normals"), 0, 128)
    maps = GeometryMaps(one.controls["depth"][0], one.controls["normals"])
    return TruePicture((one.picture + 1) / 2, maps)


def test_held_out_objects_are_told_better_than_without(told):
    truths = [held_out(name) for name in CATEGORIES]
    made = geometry_scores([told(one) for one in truths], truths)
    for name, baseline in BASELINES.items():
        without = geometry_scores([baseline(one) for one in truths], truths)
        # Measured over 516 pictures: 21 degrees against 30 and more, even of what is told truths.
        assert made["normals/mean_deg"] < 0.92 * without["normals/mean_deg"], name
        if not name.startswith("best"):
            # 0.10 against 0.15 and more.
            assert made["depth/l1"] < 0.92 * without["depth/l1"], name
    assert made["normals/below_30_deg"] > 0.6


def test_its_size_is_counted_where_it_is_needed():
    followed = [FollowedConfig(image=Path("a.png"), preprocessor=how) for how in ("canny", "none")]
    assert estimator_bytes(followed) == 0
    followed.append(FollowedConfig(image=Path("a.png"), preprocessor="normals"))
    assert 100_000 < estimator_bytes(followed) < 700_000
