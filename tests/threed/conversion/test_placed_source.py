"""Files brought into a scene's box, and back."""

import numpy as np
import pytest
import torch
import trimesh

from common.errors import InputError
from threed.conversion.placed_source import cameras_about, check_start, placed_source
from threed.drawable import drawable_mesh
from threed.scenes.start_config import AssetStart


def box(tmp_path, extents=(2.0, 4.0, 1.0), at=(5.0, -3.0, 2.0), name="box.ply"):
    mesh = trimesh.creation.box(extents)
    mesh.apply_translation(at)
    mesh.visual = trimesh.visual.ColorVisuals(mesh, vertex_colors=[200, 40, 20, 255])
    path = tmp_path / name
    mesh.export(path)
    return path, mesh


def placed(path, most=1000, **keys):
    return placed_source(AssetStart(input=path, **keys), torch.Generator().manual_seed(0), most)


@pytest.mark.parametrize("up", ["+y", "+z"])
def test_mesh_is_a_metre_long_about_the_origin_and_comes_back(tmp_path, up):
    path, mesh = box(tmp_path)
    source = placed(path, up=up)
    low, high = source.mesh.vertices.amin(0), source.mesh.vertices.amax(0)
    assert float((high - low).max()) == pytest.approx(1.0, rel=1e-5)
    assert torch.allclose(low + high, torch.zeros(3), atol=1e-5)
    longest = {"+y": 1, "+z": 2}[up]  # of the file, y; upright, its y is the scene's -z
    assert int((high - low).argmax()) == longest
    back = source.placement.back(source.mesh)
    # float32 of coordinates up to 6.
    assert np.allclose(back.vertices.numpy(), mesh.vertices, atol=1e-5)
    own = drawable_mesh(trimesh.load(path))
    assert torch.allclose(back.normals, own.normals, atol=1e-5)


def test_z_up_stands_with_minus_y_to_the_front(tmp_path):
    path, _ = box(tmp_path, (1.0, 1.0, 3.0), (0.0, 0.0, 0.0))
    turn = placed(path, up="+z").placement.turn
    up, front = turn[:, 2].tolist(), (-turn[:, 1]).tolist()  # where +z and -y go
    assert (up, front) == ([0.0, 1.0, 0.0], [0.0, 0.0, 1.0])


def test_own_size_must_fit_into_the_box(tmp_path):
    path, _ = box(tmp_path, (0.4, 0.5, 0.3), (0.1, 0.0, 0.0))
    source = placed(path, size_m=None)
    assert source.placement.scale == 1.0
    assert float(source.mesh.vertices[:, 0].max()) == pytest.approx(0.3, rel=1e-5)
    path, _ = box(tmp_path)
    with pytest.raises(InputError, match=r"reaches 6 m from the origin; scenes reach 0.6"):
        placed(path, size_m=None)


def test_point_cloud_becomes_gaussians_of_its_colours(tmp_path):
    rng = np.random.default_rng(0)
    points = rng.uniform(-2, 2, (500, 3))
    colours = np.tile(np.array([[255, 0, 51, 255]], np.uint8), (500, 1))
    path = tmp_path / "points.ply"
    trimesh.PointCloud(points, colours).export(path)
    source = placed(path)
    assert (source.mesh, len(source.cloud), source.losses) == (None, 500, ())
    seen = source.pictures(cameras_about(3, 32))
    solid = seen[..., 3] > 0.9
    straight = seen[solid][:, :3] / seen[solid][:, 3:]
    assert torch.allclose(straight.mean(0), torch.tensor([1.0, 0.0, 0.2]), atol=0.02)
    back = source.placement.cloud_back(source.cloud)
    assert np.allclose(back.means.numpy(), points, atol=1e-4)
    fewer = placed(path, most=100)
    assert len(fewer.cloud) == 100
    assert fewer.losses == ("400 of 500 points are left out",)


def test_what_cannot_begin_a_scene_is_refused(tmp_path):
    with pytest.raises(InputError, match="there is no such file"):
        check_start(AssetStart(input=tmp_path / "none.glb"))
    path = tmp_path / "three.ply"
    trimesh.PointCloud(np.eye(3)).export(path)
    with pytest.raises(InputError, match="has 3 points; a scene needs at least 4"):
        placed(path)
    (tmp_path / "step-1.ckpt").write_bytes(b"x")
    with pytest.raises(InputError, match="make a splat file of it"):
        check_start(AssetStart(input=tmp_path / "step-1.ckpt"))
