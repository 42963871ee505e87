"""Datasets brought to where our nerfstudio plugin trains, and its checkpoints back."""

import json
import shutil

import pytest
import torch

from common.cameras import nerfstudio_c2w, rays
from common.errors import InputError
from common.media.images import read_picture, write_picture
from tests.nerfstudio.object_dataset import CENTRE, SIZE, cameras_round, lopsided, write_object
from tests.threed.nerfstudio.test_checkpoints import saved
from threed.measures.cloud_views import Frame
from threed.nerfstudio.checkpoint import read_checkpoint
from threed.nerfstudio.dataparser import read_dataparser_transform
from threed.nerfstudio.description import described_checkpoint
from threed.nerfstudio.training_world import our_box, ours_of_training, training_world
from threed.nerfstudio.transforms import load_pictures, read_transforms
from threed.nerfstudio.voxel_checkpoint import trained_field
from threed.rendering.volume import render
from threed.scenes.voxel_field import EMPTY_RAW, VoxelField


@pytest.fixture(scope="module")
def dataset(tmp_path_factory):
    return write_object(tmp_path_factory.mktemp("world") / "object", 10)


def written(folder, world):
    """A run's ``dataparser_transforms.json``, as nerfstudio keeps what a dataparser says."""
    path = folder / "dataparser_transforms.json"
    path.write_text(json.dumps({"transform": world.transform.tolist(), "scale": world.scale}))
    return path


def test_a_field_that_follows_the_dataset_shows_its_pictures(dataset, tmp_path):
    """Rendered before and after: the field goes where points go, the cameras where they go."""
    posed = read_transforms(dataset)
    world = training_world(posed, centred=True)
    moved = read_dataparser_transform(written(tmp_path, world), posed)
    # the field's box is the object's own, in the dataset's world at SIZE x + CENTRE
    field = lopsided()
    centre = world.scale * (torch.tensor(CENTRE).double() + ours_of_training(moved.shift))
    half = world.scale * SIZE * 0.6
    low, high = (centre - half).tolist(), (centre + half).tolist()
    # what a metre of it hides is less in a larger world: softplus is linear where it is dense
    dense = field.density / (world.scale * SIZE)
    there = VoxelField(torch.where(dense > 3, dense, field.density), field.colour,
                       tuple(low), tuple(high))  # fmt: skip
    seen = render(there, world.cameras.to(torch.float32)).rgba
    error = (seen - load_pictures(posed)).square().mean()
    assert -10 * error.log10() > 25
    off = float((centre**2).sum() ** 0.5)
    assert off < 0.15  # the middle of what is seen is near that of the body
    mirrored = VoxelField(there.density.flip(0), there.colour.flip(0), there.low, there.high)
    wrong = (render(mirrored, world.cameras.to(torch.float32)).rgba - load_pictures(posed)).square()
    assert -10 * wrong.mean().log10() < 22


def test_axes_by_hand():
    assert ours_of_training(torch.tensor([[1.0, 2.0, 3.0]])).tolist() == [[1.0, 3.0, -2.0]]
    low, high = our_box(torch.tensor([[-1.0, -2.0, -3.0], [4.0, 5.0, 6.0]]))
    assert (low, high) == ((-1.0, -3.0, -5.0), (4.0, 6.0, 2.0))


def test_turning_theirs_into_ours_undoes_the_border():
    """Rays of a camera, written for nerfstudio and read by the plugin."""
    cameras = cameras_round(3)
    c2w = nerfstudio_c2w(cameras)
    origins, directions = rays(cameras)
    assert torch.allclose(ours_of_training(c2w[:, :3, 3]), origins[:, 0, 0], atol=1e-6)
    forward = ours_of_training(-c2w[:, :3, 2])  # OpenGL looks along -z
    middle = directions[:, 23:25, 23:25].mean((1, 2))
    assert torch.allclose(forward, middle / middle.norm(dim=-1, keepdim=True), atol=1e-5)


def test_a_dataset_left_in_its_place_stays(dataset):
    posed = read_transforms(dataset)
    world = training_world(posed, centred=False)
    assert world.scale == 1
    assert torch.equal(world.cameras.w2c, posed.cameras.w2c)
    assert torch.equal(world.transform, torch.eye(4, dtype=torch.float64)[:3])


def test_applied_transform_is_part_of_the_transform(dataset, tmp_path):
    copied = shutil.copytree(dataset, tmp_path / "copied")
    content = json.loads((copied / "transforms.json").read_text())
    applied = [[0, 1, 0, 0.25], [1, 0, 0, -1], [0, 0, -1, 0.5]]
    (copied / "transforms.json").write_text(json.dumps(content | {"applied_transform": applied}))
    posed = read_transforms(copied)
    with_it = training_world(posed, centred=True)
    without = training_world(read_transforms(dataset), centred=True)
    assert torch.equal(with_it.cameras.w2c, without.cameras.w2c)
    moved = read_dataparser_transform(written(tmp_path, with_it), posed)
    assert torch.allclose(moved.turn, torch.eye(3, dtype=torch.float64), atol=1e-12)
    assert torch.allclose(moved.shift, without.transform[:, 3], atol=1e-12)


def test_opaque_pictures_have_no_place_of_their_own(tmp_path):
    folder = write_object(tmp_path / "object", 4)
    for path in (folder / "images").iterdir():
        write_picture(path, read_picture(path)[..., :3].copy())
    posed = read_transforms(folder)
    with pytest.raises(InputError, match=r"opaque all over, as are 3 others.*--centred False"):
        training_world(posed, centred=True)
    assert training_world(posed, centred=False).scale == 1


def state_of(field, **changed):
    tensors = {
        "voxel_density": field.density, "voxel_colour": field.colour,
        "voxel_box": torch.tensor([field.low, field.high], dtype=torch.float64),
        "voxel_allowed": torch.ones_like(field.density, dtype=torch.bool),
    }  # fmt: skip
    return {f"_model.{name}": value for name, value in (tensors | changed).items()}


def test_checkpoint_is_read(tmp_path):
    field = lopsided()
    allowed = torch.ones_like(field.density, dtype=torch.bool)
    allowed[:3] = False
    path = saved(tmp_path / "step-000000040.ckpt", state_of(field, voxel_allowed=allowed))
    read = read_checkpoint(path)
    assert read.method == "extrude"
    found = trained_field(read)
    assert torch.equal(found.colour, field.colour)
    assert torch.equal(found.density[3:], field.density[3:])
    assert bool((found.density[:3] == EMPTY_RAW).all())
    assert found.low == pytest.approx(field.low)
    lines = described_checkpoint(path)
    assert lines[0] == "nerfstudio checkpoint of extrude, step 29,999"
    assert "40 x 40 x 40 cells from (-0.6, -0.6, -0.6)" in lines[1]


@pytest.mark.parametrize(("changed", "said"), [
    ({"voxel_colour": torch.zeros(41, 41, 40, 3)}, "voxel_colour is"),
    ({"voxel_density": torch.zeros(41, 41)}, "voxel_density is"),
    ({"voxel_density": torch.full((41, 41, 41), float("nan"))}, "no numbers"),
    ({"voxel_box": torch.tensor([[0.6] * 3, [-0.6] * 3])}, "box"),
])  # fmt: skip
def test_damaged_fields_are_refused(tmp_path, changed, said):
    path = saved(tmp_path / "a.ckpt", state_of(lopsided(), **changed))
    with pytest.raises(InputError, match=said):
        trained_field(read_checkpoint(path))


def test_frames_are_where_the_object_is(dataset):
    """The frame's sphere holds the object: its middle to a tenth of its size."""
    world = training_world(read_transforms(dataset), centred=True)
    shift = ours_of_training(world.transform[:, 3])
    frame = Frame(tuple((-shift).tolist()), 0.5 / world.scale)
    assert torch.tensor(frame.centre).sub(torch.tensor(CENTRE)).norm() < 0.35 * SIZE * 0.5
    assert 0.25 * SIZE < frame.radius_m < 0.6 * SIZE
