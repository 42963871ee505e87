"""nerfacto's field on a grid, against the field itself, and as an asset."""

import math

import pytest
import torch

from tests.threed.nerfstudio import nerfacto_twin
from tests.threed.nerfstudio.test_checkpoints import saved
from threed.conversion.nerfacto_grid import nerfacto_grid
from threed.conversion.options import Meshing
from threed.convert import Convert
from threed.nerfstudio.checkpoint import read_checkpoint
from threed.nerfstudio.nerfacto import NerfactoSettings, nerfacto_field
from threed.scenes.voxel_field import density_of, node_positions


def test_nodes_hide_as_much_light_as_the_field_where_they_stand(tmp_path):
    read = read_checkpoint(saved(tmp_path / "a.ckpt", nerfacto_twin.state()))
    field = nerfacto_field(read, NerfactoSettings(nerfacto_twin.BASE))
    grid = nerfacto_grid(field, 8, half_side=0.5)
    nodes = node_positions(grid).reshape(-1, 3)
    x, y, z = (nodes * 0.5 * math.sqrt(3)).unbind(-1)
    # ours is x right, y up, z to the viewer; theirs x right, y forward, z up
    wanted = field.density_and_features(torch.stack([x, -z, y], -1))[0]
    # a length here is half a side of theirs over 1 / sqrt 3: as much light is lost along it
    found = density_of(grid.density).reshape(-1) / (0.5 * math.sqrt(3))
    # float32 positions times hash levels
    torch.testing.assert_close(found, wanted, rtol=1e-3, atol=1e-4)


@pytest.mark.slow
def test_a_checkpoint_of_nerfacto_becomes_a_mesh(tmp_path):
    path = saved(tmp_path / "step-000000001.ckpt", nerfacto_twin.state())
    meshing = Meshing(num_cells=24, num_pictures=6, picture_px=96)
    asset = Convert(input=path, meshing=meshing, max_faces=3000, texture_px=256).make()
    assert asset.cloud is None
    assert 100 < len(asset.mesh.faces) <= 3000
    assert asset.mesh.visual.material.baseColorTexture.size == (256, 256)
    assert "beyond the middle of the training world" in asset.losses[0]
