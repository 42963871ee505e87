import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from common.cameras import Cameras, orbit_cameras, project
from common.errors import InputError
from tests.reference.splat_scipy import draw
from tests.threed.splats.clouds import CAMERAS, cloud_of
from threed.nerfstudio.transforms import (
    load_pictures,
    read_transforms,
    transforms_document,
    write_transforms,
)

FRONT = orbit_cameras(0.0, 0.0, 4.0, 45.0, 16, 24, dtype=torch.float64)


def pictures_of(cloud, cameras=CAMERAS):
    return draw(cloud, cameras).clamp(0, 1).float()


def edited(path, change):
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def dataset(tmp_path):
    return write_transforms(tmp_path / "scene", CAMERAS, pictures_of(cloud_of(30, 1)))


def test_front_camera_stands_where_nerfstudio_puts_the_front():
    """By hand: 4 m before the object is (0, -4, 0) in a world with z up, looking along +y."""
    (frame,) = transforms_document(FRONT, ["a.png"])["frames"]
    expected = [[1, 0, 0, 0], [0, 0, -1, -4], [0, 1, 0, 0], [0, 0, 0, 1]]
    assert np.allclose(frame["transform_matrix"], expected, atol=1e-12)


def test_dataset_comes_back(dataset):
    cloud = cloud_of(30, 1)
    posed = read_transforms(dataset.parent)
    assert len(posed) == 3
    assert torch.allclose(posed.cameras.w2c, CAMERAS.w2c, atol=1e-12)
    assert torch.allclose(posed.cameras.intrinsics, CAMERAS.intrinsics, atol=1e-12)
    assert torch.equal(posed.applied_transform, torch.eye(4, dtype=torch.float64)[:3])
    # 8 bits of straight colour and of alpha
    assert (load_pictures(posed) - pictures_of(cloud)).abs().max() < 1.5 / 255
    # before and after the border: the cameras read show what the cameras written showed
    seen = draw(cloud, posed.cameras)
    assert torch.allclose(seen, draw(cloud, CAMERAS), rtol=0, atol=1e-9)
    assert json.loads(dataset.read_text())["camera_model"] == "PINHOLE"
    assert "fl_x" in json.loads(dataset.read_text())


def test_opaque_pictures_have_no_alpha_channel(tmp_path):
    pictures = torch.rand(3, 32, 32, 4, generator=torch.Generator().manual_seed(0))
    pictures[..., 3] = 1
    path = write_transforms(tmp_path / "scene", CAMERAS, pictures)
    data = (path.parent / "images" / "frame_00001.png").read_bytes()
    assert data[25] == 2  # PNG's colour type: RGB
    assert (load_pictures(read_transforms(path)) - pictures).abs().max() < 0.6 / 255


def test_intrinsics_of_each_view_stand_with_its_frame(tmp_path):
    intrinsics = CAMERAS.intrinsics.clone()
    intrinsics[1, 0, 0], intrinsics[2, 1, 2] = 77.5, 14.25
    cameras = Cameras(CAMERAS.w2c, intrinsics, 32, 32)
    path = write_transforms(tmp_path / "scene", cameras, pictures_of(cloud_of(5, 0)))
    content = json.loads(path.read_text())
    assert "fl_x" not in content
    assert "fl_y" in content
    assert content["frames"][1]["fl_x"] == 77.5
    assert torch.allclose(read_transforms(path).cameras.intrinsics, intrinsics, atol=1e-12)


def test_skewed_cameras_and_existing_folders_are_refused(tmp_path, dataset):
    intrinsics = CAMERAS.intrinsics.clone()
    intrinsics[0, 0, 1] = 0.5
    pictures = pictures_of(cloud_of(5, 0))
    with pytest.raises(InputError, match="skewed"):
        write_transforms(tmp_path / "new", Cameras(CAMERAS.w2c, intrinsics, 32, 32), pictures)
    assert not (tmp_path / "new").exists()
    with pytest.raises(InputError, match="exists already"):
        write_transforms(dataset.parent, CAMERAS, pictures)
    with pytest.raises(InputError, match="2 pictures of 32 x 32 do not go with 3 cameras"):
        write_transforms(tmp_path / "new", CAMERAS, pictures[:2])


def test_a_point_projects_as_nerfstudios_ray_through_the_pixel_says(dataset):
    """The published generation of rays, by hand: d = ((u - cx)/fx, -(v - cy)/fy, -1), turned."""
    content = json.loads(dataset.read_text())
    matrix = np.array(content["frames"][1]["transform_matrix"])
    u, v, distance = 20.5, 7.5, 2.5
    direction = [(u - content["cx"]) / content["fl_x"], -(v - content["cy"]) / content["fl_y"], -1]
    x, y, z = matrix[:3, 3] + distance * matrix[:3, :3] @ direction
    ours = torch.tensor([[x, z, -y]], dtype=torch.float64)  # z up, front -y: to y up, front +z
    pixel, depth = project(read_transforms(dataset).cameras[1], ours)
    assert pixel[0, 0].tolist() == pytest.approx([u, v], abs=1e-9)
    assert float(depth) == pytest.approx(distance, abs=1e-9)


def test_blenders_synthetic_scenes_are_read(dataset):
    def synthetic(content):
        for name in ("fl_x", "fl_y", "cx", "cy", "w", "h", "camera_model"):
            del content[name]
        content["camera_angle_x"] = 2 * math.atan(0.5 * 32 / 40.0)
        for frame in content["frames"]:
            frame["file_path"] = "./" + frame["file_path"].removesuffix(".png")

    posed = read_transforms(edited(dataset, synthetic))
    expected = torch.tensor([[40.0, 0, 16], [0, 40, 16], [0, 0, 1]], dtype=torch.float64)
    assert torch.allclose(posed.cameras.intrinsics[2], expected)
    assert load_pictures(posed).shape == (3, 32, 32, 4)


def test_what_the_dataset_applied_is_kept_and_moves_no_camera(dataset):
    applied = [[0, 1, 0, 0.5], [1, 0, 0, 0], [0, 0, -1, 2]]

    def change(content):
        content.update(applied_transform=applied, ply_file_path="sparse_pc.ply", k1=0, p2=0.0)
        content["frames"][0].update(mask_path="masks/a.png", depth_file_path="depths/a.png")

    posed = read_transforms(edited(dataset, change))
    assert posed.applied_transform.tolist() == applied
    assert torch.allclose(posed.cameras.w2c, CAMERAS.w2c, atol=1e-12)
    assert posed.points == dataset.parent / "sparse_pc.ply"
    assert posed.masks == (dataset.parent / "masks/a.png", None, None)
    assert posed.depths[0] == dataset.parent / "depths/a.png"


def changes():
    def frame(content):
        return content["frames"][1]

    yield lambda c: c.update(k1=0.1), r"k1 = 0.1; undistort"
    yield lambda c: frame(c).update(p2=-0.01), r"frame 1: .*p2 = -0.01"
    yield lambda c: c.update(distortion_params=[0, 0, 1e-3]), r"distortion_params\[2\]"
    yield lambda c: c.update(camera_model="OPENCV_FISHEYE"), "OPENCV_FISHEYE"
    yield lambda c: c.update(frames=[]), "no frames"
    yield lambda c: frame(c).update(file_path="../secret.png"), "leaves the dataset"
    yield lambda c: frame(c).update(file_path="/etc/passwd"), "leaves the dataset"
    yield lambda c: frame(c).update(file_path=7), "no path"
    yield lambda c: frame(c).update(mask_path="images/../../x.png"), "mask_path leaves"
    yield lambda c: c.update(ply_file_path="../points.ply"), "ply_file_path leaves"
    yield lambda c: frame(c).pop("transform_matrix"), "transform_matrix is no matrix"
    yield lambda c: frame(c)["transform_matrix"].__setitem__(0, [2, 0, 0, 0]), "not a rotation"
    yield lambda c: frame(c)["transform_matrix"].__setitem__(3, [0, 0, 1, 1]), "last row"
    yield lambda c: frame(c)["transform_matrix"][0].__setitem__(1, None), "no number"
    yield lambda c: c.update(fl_x="wide"), "fl_x is wide"
    yield lambda c: c.update(fl_y=-3), "above 0"
    yield lambda c: c.pop("fl_x"), "neither fl_x nor camera_angle_x"
    yield lambda c: c.update(w=32.5), "no size of a picture"
    yield lambda c: (c.pop("w"), [f.update(w=8 + i) for i, f in enumerate(c["frames"])]), "3 sizes"
    yield lambda c: c.update(applied_scale=0), "applied_scale"
    yield lambda c: c.update(applied_transform=[[1]]), "applied_transform is no matrix"
    yield lambda c: c["frames"].__setitem__(1, "hello"), "frame 1: is no object"


@pytest.mark.parametrize(("change", "reason"), list(changes()))
def test_what_cannot_be_used_is_refused_with_the_reason(dataset, change, reason):
    with pytest.raises(InputError, match=reason):
        read_transforms(edited(dataset, change))


def test_other_files_are_refused(tmp_path, dataset):
    with pytest.raises(InputError, match="no such file"):
        read_transforms(tmp_path)
    (tmp_path / "transforms.json").write_text("[1, 2")
    with pytest.raises(InputError, match="JSON"):
        read_transforms(tmp_path)
    small = read_transforms(edited(dataset, lambda c: c.update(w=31)))
    with pytest.raises(InputError, match="32 x 32 pixels, and the dataset says 31 x 32"):
        load_pictures(small)


def test_links_that_leave_the_folder_are_refused(tmp_path, dataset):
    outside = tmp_path / "outside.png"
    outside.write_bytes((dataset.parent / "images" / "frame_00001.png").read_bytes())
    (dataset.parent / "images" / "link.png").symlink_to(outside)
    with pytest.raises(InputError, match="leaves the dataset"):
        read_transforms(
            edited(dataset, lambda c: c["frames"][0].update(file_path="images/link.png"))
        )
    assert Path(outside).exists()
