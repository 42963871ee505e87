"""Fronts that are given: read from files, drawn as pictures, put where the cameras see them."""

import numpy as np
import pytest
import torch
from PIL import Image

from common.cli.main import main
from common.embedded.image_unet import FRONT
from common.embedded.orbit import cameras_on_orbit
from common.errors import InputError
from common.media.images import read_picture
from common.report.asset_check import check_glb
from run import APPS
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.stopped_runs import stopped_at
from tests.threed.test_text_to_3d import SMALL
from threed.front import from_picture_first, names_a_thing, read_front
from threed.front_place import on_orbit
from threed.rendering.volume import render
from threed.scenes.voxel_field import VoxelField, node_positions, uniform_field
from threed.text_to_3d import TextTo3D


@pytest.mark.parametrize(("prompt", "known"), [
    ("a red car", True), ("two yellow soccer balls", True), ("一辆红色的汽车", True),
    ("a purple house with a red roof", True), ("a dragon face", False), ("an elephant", False),
    ("bubble tea", False), ("一头大象", False),
])  # fmt: skip
def test_things_of_the_kit_are_known_by_name(prompt, known):
    assert names_a_thing(prompt) is known
    assert from_picture_first(TextTo3D(), prompt) is not known


def test_front_can_be_asked_for():
    assert from_picture_first(TextTo3D(front="picture"), "a red car")
    assert not from_picture_first(TextTo3D(front="together"), "a dragon")


@pytest.mark.parametrize("size", [(50, 20), (20, 50), (128, 128)])
def test_object_is_a_metre_long_in_the_middle_of_the_view(size):
    """As long as a metre-wide slab that the cameras of the orbit see from the front."""
    picture = torch.zeros(4, 200, 160)
    picture[:, 30 : 30 + size[0], 7 : 7 + size[1]] = 1.0
    field = uniform_field((49, 49, 49))
    x, y, z = node_positions(field).abs().unbind(-1)
    slab = (x < 0.5) & (y < 0.1) & (z < 0.02)
    solid = VoxelField(torch.where(slab, 20.0, -10.0), field.colour, field.low, field.high)
    seen = render(solid, cameras_on_orbit([FRONT], 128)).opacity[0] > 0.5

    alpha = on_orbit(picture, 128)[3]

    rows, columns = (alpha > 0.5).any(1).nonzero(), (alpha > 0.5).any(0).nonzero()
    sides = [int(one[-1] - one[0]) + 1 for one in (rows, columns)]
    wide = seen.any(0).nonzero()
    assert max(sides) == pytest.approx(int(wide[-1] - wide[0]) + 1, abs=2)
    assert sides[0] / sides[1] == pytest.approx(size[0] / size[1], rel=0.06)
    for one in (rows, columns):
        assert float(one.float().mean()) == pytest.approx(63.5, abs=1)


def test_pictures_that_are_no_fronts_are_refused(tmp_path):
    opaque, empty = tmp_path / "opaque.png", tmp_path / "empty.png"
    Image.new("RGB", (9, 9)).save(opaque)
    Image.new("RGBA", (9, 9)).save(empty)
    with pytest.raises(InputError, match="cut the object out first"):
        read_front(opaque)
    with pytest.raises(InputError, match="transparent everywhere"):
        read_front(empty)
    with pytest.raises(InputError, match="no such file"):
        read_front(tmp_path / "gone.png")
    with pytest.raises(InputError, match="nothing of it is opaque"):
        on_orbit(torch.zeros(4, 8, 8), 64)


@pytest.fixture
def cut_out(tmp_path):
    """A red disc on nothing."""
    y, x = np.mgrid[:60, :60] - 29.5
    pixels = np.zeros((60, 60, 4), np.uint8)
    pixels[x**2 + y**2 < 25**2] = (220, 30, 20, 255)
    path = tmp_path / "disc.png"
    Image.fromarray(pixels).save(path)
    return path


@pytest.mark.parametrize("prompt", ["a red ball", ""])
def test_picture_becomes_an_asset_whose_first_view_is_the_picture(
    cut_out,
    tmp_path,
    monkeypatch,
    capsys,
    lifting_models,  # noqa: F811
    prompt,
):
    monkeypatch.chdir(tmp_path)
    code = main(
        ["threed/image_to_3d", *SMALL[2:], f"prior.models_dir={lifting_models}",
         f"prompt={prompt}", f"method.input={cut_out}"], APPS,
    )  # fmt: skip

    said = capsys.readouterr()
    assert code == 0, said.err
    assert ("method.distil has no effect" in said.err) is (not prompt)
    paths = [tmp_path / line for line in said.out.splitlines()]
    check_glb(paths[0])
    assert read_picture(paths[2]).ndim == 3


@pytest.mark.parametrize("step", [1, 3, 7])
def test_run_that_is_stopped_in_any_phase_ends_in_the_same_asset(
    cut_out,
    tmp_path,
    monkeypatch,
    lifting_models,  # noqa: F811
    step,
):
    """Of 8 steps the first 2 draw, 4 fit and 2 distil."""
    monkeypatch.chdir(tmp_path)
    arguments = ["threed/image_to_3d", *SMALL[2:], f"prior.models_dir={lifting_models}",
                 "prompt=a red ball", f"method.input={cut_out}", "method.outline_steps=3",
                 "embed_provenance=false"]  # fmt: skip
    assert main([*arguments, "name=whole"], APPS) == 0
    with stopped_at(step):
        assert main([*arguments, "name=stopped"], APPS) == 130
    whole, stopped = (
        next((tmp_path / "outputs" / name).glob("2*")) for name in ("whole", "stopped")
    )

    assert main(["resume", str(stopped)], APPS) == 0

    written = [folder / "samples" / "asset.glb" for folder in (whole, stopped)]
    assert written[0].read_bytes() == written[1].read_bytes()


def test_missing_picture_ends_with_code_2(tmp_path, monkeypatch, capsys, lifting_models):  # noqa: F811
    monkeypatch.chdir(tmp_path)
    code = main(["threed/image_to_3d", f"prior.models_dir={lifting_models}",
                 "method.input=gone.png"], APPS)  # fmt: skip
    assert code == 2
    assert "gone.png" in capsys.readouterr().err
    assert not any(tmp_path.iterdir())
