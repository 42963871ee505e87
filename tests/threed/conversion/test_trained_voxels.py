import json

import pytest
import torch

from common.cameras import orbit_cameras
from common.raster.mesh import TriangleMesh
from tests.nerfstudio.object_dataset import CENTRE, SIZE, lopsided, write_object
from tests.threed.nerfstudio.test_checkpoints import saved
from tests.threed.nerfstudio.test_training_world import state_of
from threed.conversion.options import Meshing
from threed.conversion.trained_voxels import in_dataset, in_unit_sphere
from threed.convert import Convert
from threed.nerfstudio.dataparser import DataparserTransform
from threed.nerfstudio.training_world import training_world
from threed.nerfstudio.transforms import read_transforms
from threed.rendering.volume import March, render
from threed.scenes.voxel_field import VoxelField

CAMERAS = orbit_cameras([20.0, 200.0], [10.0, 30.0], 3.0, 40.0, 40, 40)


def test_unit_sphere_shows_the_same():
    field = lopsided()
    wide = VoxelField(field.density, field.colour, (0.4, -1.6, 1.0), (2.8, 0.8, 3.4))
    placed, frame = in_unit_sphere(wide)
    assert frame.centre == pytest.approx((1.6, -0.4, 2.2))
    assert frame.radius_m == pytest.approx(1.2 * 3**0.5)
    corner = torch.tensor(placed.high)
    assert float(corner.norm()) == pytest.approx(1)
    seen = render(placed, CAMERAS).rgba
    w2c = CAMERAS.w2c.clone()
    centre = torch.tensor(frame.centre)
    w2c[:, :3, 3] = frame.radius_m * w2c[:, :3, 3] - w2c[:, :3, :3] @ centre
    there = type(CAMERAS)(w2c, CAMERAS.intrinsics, 40, 40)
    # raw values are interpolated before their activation, so soft edges differ a little
    assert (render(wide, there, march=March(0.1)).rgba - seen).abs().mean() < 5e-3


def test_mesh_goes_where_the_dataset_is_by_hand():
    """``x_train = 0.5 (R x + t)`` with R a quarter turn about nerfstudio's up."""
    turn = torch.tensor([[0.0, -1, 0], [1, 0, 0], [0, 0, 1]], dtype=torch.float64)
    shift = torch.tensor([1.0, 2.0, 3.0], dtype=torch.float64)
    x_file = torch.tensor([[0.3, -0.7, 0.2], [1.0, 0.0, 0.0], [0.0, 0.0, 1.0]]).double()
    x_train = 0.5 * (x_file @ turn.T + shift)

    def ours(points):
        return torch.stack([points[:, 0], points[:, 2], -points[:, 1]], -1)

    mesh = TriangleMesh(ours(x_train).float(), torch.tensor([[0, 1, 2]]),
                        normals=ours(x_file @ turn.T).float())  # fmt: skip
    moved = in_dataset(mesh, DataparserTransform(turn, shift, 0.5))
    assert torch.allclose(moved.vertices.double(), ours(x_file), atol=1e-6)
    assert torch.allclose(moved.normals.double(), ours(x_file), atol=1e-6)


def test_checkpoint_becomes_a_mesh_in_its_dataset(tmp_path):
    dataset = write_object(tmp_path / "object", 10)
    world = training_world(read_transforms(dataset), centred=True)
    (tmp_path / "run" / "nerfstudio_models").mkdir(parents=True)
    (tmp_path / "run" / "dataparser_transforms.json").write_text(
        json.dumps({"transform": world.transform.tolist(), "scale": world.scale})
    )
    field = lopsided()
    x, y, z = (torch.tensor([CENTRE[0], -CENTRE[2], CENTRE[1]]) + world.transform[:, 3]).tolist()
    centre = world.scale * torch.tensor([x, z, -y])
    half = world.scale * SIZE * 0.6
    placed = VoxelField(field.density, field.colour, tuple((centre - half).tolist()),
                        tuple((centre + half).tolist()))  # fmt: skip
    path = saved(tmp_path / "run/nerfstudio_models/step-000000040.ckpt", state_of(placed))
    quick = Meshing(num_cells=40, num_pictures=8, picture_px=96, fit_steps=0)
    told = {"meshing": quick, "texture_px": 256}
    mesh = Convert(input=path, dataset=dataset, **told).make().mesh
    low, high = mesh.bounds - torch.tensor(CENTRE).numpy()
    # body of radius 0.25, arm to +x, nose to +z; soft edges are half opaque a little outside
    assert low / SIZE == pytest.approx([-0.25, -0.25, -0.25], abs=0.05)
    assert high / SIZE == pytest.approx([0.4, 0.25, 0.44], abs=0.05)
    there = Convert(input=path, **told).make().mesh
    assert there.extents == pytest.approx(world.scale * mesh.extents, rel=1e-3)
