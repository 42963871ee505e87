"""The part of a texture that is painted anew."""

import numpy as np
import pytest
import torch

from common.errors import InputError
from common.media.images import write_picture
from common.raster.mesh import TriangleMesh
from threed.painting.region import material_region, picture_region

SIZE = 32


@pytest.fixture(scope="module")
def halves():
    """Two triangles of different materials, on the left and on the right of the page."""
    uvs = torch.tensor([[0.0, 0], [0.4, 0], [0, 1], [0.6, 0], [1, 0], [1, 1]])
    faces = torch.tensor([[0, 1, 2], [3, 4, 5]])
    vertices = torch.cat([uvs, torch.zeros(6, 1)], 1)
    return TriangleMesh(vertices, faces, uvs=uvs, texture=torch.zeros(SIZE, SIZE, 3))


def test_texels_of_a_material_and_those_nearest_to_them_are_painted(halves, tmp_path):
    found = material_region(halves, (("body", 1), ("glass", 1)), ("glass",), tmp_path)
    assert found[:, SIZE // 2 + 4 :].any(0).all()
    assert found[-1, 20:].all()
    assert not found[-1, :14].any()
    other = material_region(halves, (("body", 1), ("glass", 1)), ("body",), tmp_path)
    assert not (found & other).any()
    assert (found | other).all()


def test_a_texel_that_two_materials_share_stays(halves, tmp_path):
    shared = TriangleMesh(
        halves.vertices, halves.faces, uvs=torch.tensor([[0.0, 0], [1, 0], [0, 1], [1, 0], [1, 1],
                                                         [0, 1]]), texture=halves.texture,
    )  # fmt: skip
    both = [material_region(shared, (("a", 1), ("b", 1)), (name,), tmp_path) for name in "ab"]
    assert not (both[0] & both[1]).any()
    assert int((~(both[0] | both[1])).sum()) == pytest.approx(SIZE, abs=3)  # the diagonal


def test_unknown_material_is_refused_with_those_there_are(halves, tmp_path):
    with pytest.raises(InputError, match="its materials are body, glass"):
        material_region(halves, (("body", 1), ("glass", 1)), ("wheel",), tmp_path)


def test_white_is_painted(tmp_path):
    pixels = np.zeros((SIZE, SIZE, 3), np.uint8)
    pixels[4:9] = 255
    write_picture(tmp_path / "mask.png", pixels)
    found = picture_region(tmp_path / "mask.png", (SIZE, SIZE))
    assert np.array_equal(found, pixels[..., 0] > 0)
    with pytest.raises(InputError, match="a pixel for each texel"):
        picture_region(tmp_path / "mask.png", (SIZE, 64))


def test_black_mask_is_refused(tmp_path):
    write_picture(tmp_path / "mask.png", np.zeros((SIZE, SIZE, 3), np.uint8))
    with pytest.raises(InputError, match="nothing would be painted"):
        picture_region(tmp_path / "mask.png", (SIZE, SIZE))
