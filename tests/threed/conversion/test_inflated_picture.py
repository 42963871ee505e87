"""Outlines of pictures, blown up."""

import numpy as np
import pytest
import torch
import trimesh

from common.embedded.image_unet import View
from common.embedded.orbit import cameras_on_orbit
from common.errors import InputError
from common.media.images import write_picture
from threed.conversion.inflated_picture import closed_sheets, heights, inflated_picture
from threed.conversion.placed_source import check_start, placed_source
from threed.scenes.start_config import AssetStart


def disc(size=201, radius=80.0, stretch=1.0):
    """Red to the left and blue to the right."""
    rows, columns = np.mgrid[:size, :size] - (size - 1) / 2
    inside = (rows / stretch) ** 2 + columns**2 <= radius**2
    picture = np.zeros((size, size, 4), np.uint8)
    picture[inside] = (255, 0, 0, 255)
    picture[inside & (columns > 0)] = (0, 0, 255, 255)
    return picture


@pytest.fixture
def ball_file(tmp_path):
    write_picture(tmp_path / "disc.png", disc())
    return tmp_path / "disc.png"


def test_disc_becomes_a_ball():
    mask = disc()[..., 3] > 0
    z = heights(mask)
    rows, columns = np.mgrid[:201, :201] - 100
    expected = np.sqrt(np.maximum(80.5**2 - rows**2 - columns**2, 0))
    # a pixel's error of the outline, steep at the edge
    inner = rows**2 + columns**2 < 70**2
    assert np.abs(z - expected)[inner].max() < 1.0
    assert (z[~mask] == 0).all()


def test_bar_is_as_thick_as_its_law_says():
    """Far from its ends a bar of half width w has ``z^2 = 2 (w^2 - x^2)``."""
    mask = np.zeros((240, 30), bool)
    mask[5:235, 5:25] = True
    w, x = 10.5, np.arange(5, 25) - 14.5
    np.testing.assert_allclose(heights(mask)[120, 5:25] ** 2, 2 * (w**2 - x**2), rtol=1e-3)


def test_sheets_are_closed_and_wound_outward():
    mask = disc(41, 15.0)[..., 3] > 0
    points, faces = closed_sheets(mask, heights(mask))
    # rows go down: turned up, what was wound to the left is wound to the right
    mesh = trimesh.Trimesh(points * [1, -1, 1], faces, process=False)
    assert mesh.is_watertight
    assert mesh.is_winding_consistent
    assert mesh.volume == pytest.approx(4 / 3 * np.pi * 15.5**3, rel=0.05)


def test_mesh_is_a_metre_long_and_shows_the_picture(ball_file):
    mesh = inflated_picture(ball_file)
    extent = mesh.vertices.amax(0) - mesh.vertices.amin(0)
    assert extent.tolist() == pytest.approx([1.0, 1.0, 1.0], abs=0.03)
    start = AssetStart(input=ball_file)
    check_start(start)
    source = placed_source(start, torch.Generator(), 100)
    views = [View(0.0, 0.0), View(180.0, 0.0)]
    front, back = source.pictures(cameras_on_orbit(views, 64))
    for picture, left, right in ((front, 0, 2), (back, 2, 0)):
        assert float(picture[32, 20, left]) > 0.9
        assert float(picture[32, 44, right]) > 0.9
        assert float(picture[2, 2, 3]) == 0.0


def test_thickness_makes_it_flat(ball_file):
    flat = inflated_picture(ball_file, 0.25)
    extent = flat.vertices.amax(0) - flat.vertices.amin(0)
    assert float(extent[2] / extent[0]) == pytest.approx(0.25, rel=0.05)


@pytest.mark.parametrize(("keys", "message"), [
    ({"up": "+z"}, "picture of the front"), ({"axes": "RUB"}, "picture of the front"),
])  # fmt: skip
def test_keys_of_other_files_are_refused(ball_file, keys, message):
    with pytest.raises(InputError, match=message):
        check_start(AssetStart(input=ball_file, **keys))


def test_pictures_without_an_outline_are_refused(tmp_path):
    write_picture(tmp_path / "whole.png", np.full((8, 8, 3), 200, np.uint8))
    with pytest.raises(InputError, match="nothing transparent"):
        check_start(AssetStart(input=tmp_path / "whole.png"))
    with pytest.raises(InputError, match="no such file"):
        check_start(AssetStart(input=tmp_path / "none.webp"))


def test_thickness_of_a_mesh_is_refused(tmp_path):
    trimesh.creation.box().export(tmp_path / "box.ply")
    with pytest.raises(InputError, match="thickness is of pictures"):
        check_start(AssetStart(input=tmp_path / "box.ply", thickness=2.0))
