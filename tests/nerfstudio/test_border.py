"""Cameras and pictures on both sides of the border to nerfstudio."""

import json

import pytest
import torch
from nerfstudio.data.scene_box import SceneBox
from nerfstudio.model_components.renderers import background_color_override_context

from common.cameras import Cameras, rays
from common.errors import InputError
from tests.nerfstudio.object_dataset import (
    CENTRE,
    cameras_round,
    lopsided,
    write_object,
)
from threed.nerfstudio.training_world import ours_of_training
from threed.nerfstudio_plugin.cameras import ours, theirs
from threed.nerfstudio_plugin.dataparser import ExtrudeDataParserConfig
from threed.nerfstudio_plugin.model_config import ExtrudeModelConfig
from threed.rendering.volume import render


def uneven(count=3):
    """Cameras whose picture is not square, whose axis is off its middle, each with its lens."""
    cameras = cameras_round(count)
    intrinsics = cameras.intrinsics.clone()
    intrinsics[:, 0, 0] *= torch.linspace(0.9, 1.2, count)
    intrinsics[:, 0, 2] += 3.5
    return Cameras(cameras.w2c, intrinsics, 40, 56)


def model_of(field, **keys):
    box = SceneBox(aabb=torch.tensor([[-0.6] * 3, [0.6] * 3]))
    model = ExtrudeModelConfig(num_cells=40, refine_at=(), **keys).setup(
        scene_box=box, num_train_data=1
    )
    model.load_state_dict(model.state_dict() | {
        "voxel_density": field.density, "voxel_colour": field.colour,
    })  # fmt: skip
    return model.eval()


def test_rays_are_the_same_on_both_sides():
    cameras = uneven()
    origins, directions = rays(cameras)
    for view in range(len(cameras)):
        bundle = theirs(cameras).generate_rays(camera_indices=view)
        assert torch.allclose(ours_of_training(bundle.origins), origins[view], atol=1e-6)
        assert torch.allclose(ours_of_training(bundle.directions), directions[view], atol=1e-6)


def test_cameras_come_back():
    cameras = uneven()
    back = ours(theirs(cameras))
    assert (back.height, back.width) == (40, 56)
    assert torch.allclose(back.w2c, cameras.w2c, atol=1e-6)
    assert torch.allclose(back.intrinsics, cameras.intrinsics, atol=1e-5)


def test_model_draws_what_our_renderer_draws():
    """The whole way: our cameras to theirs, their rays, the model's field, their picture."""
    field, cameras = lopsided(), uneven()
    seen = render(field, cameras)
    model = model_of(field)
    _, directions = rays(cameras)
    for view in range(len(cameras)):
        outputs = model.get_outputs_for_camera(theirs(cameras)[view : view + 1])
        white = seen.rgb[view] + 1 - seen.opacity[view][..., None]
        assert torch.allclose(outputs["rgb"], white, atol=2e-4)
        assert torch.allclose(outputs["accumulation"][..., 0], seen.opacity[view], atol=2e-4)
        slope = directions[view] @ cameras.w2c[view, 2, :3]
        solid = seen.opacity[view] > 0.5
        z = outputs["depth"][..., 0] * slope
        assert torch.allclose(z[solid], seen.depth[view][solid], atol=1e-3)
        rgba = model.get_rgba_image(outputs)
        assert torch.allclose(rgba[..., 3], seen.opacity[view], atol=2e-4)
        straight = seen.rgb[view] / seen.opacity[view][..., None]
        assert torch.allclose(rgba[solid][:, :3], straight[solid], atol=2e-3)


def test_background_is_the_commands_own_where_they_say():
    model = model_of(lopsided(), background="black")
    camera = theirs(uneven(1))
    blue = torch.tensor([0.0, 0.0, 1.0])
    assert model.get_outputs_for_camera(camera)["rgb"][0, 0].tolist() == [0, 0, 0]
    with background_color_override_context(blue):
        corner = model.get_outputs_for_camera(camera)["rgb"][0, 0]
    assert torch.allclose(corner, blue)


def outputs_of(folder, split="train", **keys):
    return ExtrudeDataParserConfig(data=folder, **keys).setup().get_dataparser_outputs(split)


def test_dataset_comes_to_the_origin_and_its_front_stays(tmp_path):
    """The field placed where the training world has the object shows the dataset's pictures."""
    folder = write_object(tmp_path / "object", 10)
    parsed = outputs_of(folder, hold_out=0)
    written = [frame["transform_matrix"] for frame in
               json.loads((folder / "transforms.json").read_text())["frames"]]  # fmt: skip
    places = torch.tensor(written)[:, :3, 3]
    moved = parsed.dataparser_scale * (places + parsed.dataparser_transform[:, 3])
    assert torch.allclose(parsed.cameras.camera_to_worlds[:, :, 3], moved, atol=1e-5)
    turns = torch.tensor(written)[:, :3, :3]
    assert torch.allclose(parsed.cameras.camera_to_worlds[:, :, :3], turns, atol=1e-5)
    x, y, z = CENTRE
    centre = torch.tensor([x, -z, y]) + parsed.dataparser_transform[:, 3]  # by hand
    assert float(centre.norm()) < 0.5  # the middle of what is seen, near the body's


def test_splits_are_those_of_reconstruct(tmp_path):
    folder = write_object(tmp_path / "object", 16)
    names = {split: [path.name for path in outputs_of(folder, split).image_filenames]
             for split in ("train", "val", "test")}  # fmt: skip
    assert names["test"] == names["val"] == ["frame_00005.png", "frame_00013.png"]
    assert len(names["train"]) == 14
    assert len(outputs_of(folder, "test", hold_out=0).image_filenames) == 16
    left = outputs_of(folder, centred=False)
    assert left.dataparser_scale == 1
    assert torch.equal(left.dataparser_transform, torch.eye(4)[:3])


def test_foreign_values_are_refused(tmp_path):
    folder = write_object(tmp_path / "object", 4)
    with pytest.raises(InputError, match="hold_out=1 leaves none of 4"):
        outputs_of(folder, hold_out=1)
    content = json.loads((folder / "transforms.json").read_text())
    content["frames"][0]["mask_path"] = "images/frame_00001.png"
    (folder / "transforms.json").write_text(json.dumps(content))
    with pytest.raises(InputError, match="1 of 4 frames have a mask_path"):
        outputs_of(folder, hold_out=0)
