"""Views that follow pictures of views, end to end on untrained models."""

import json
import shutil

import numpy as np
import pytest

from common.media.images import read_picture, write_picture
from tests.common.generation.conftest import lifting_models, models  # noqa: F401
from tests.common.zoo.small_zoo import store_control_net
from tests.threed.test_text_to_3d import make  # noqa: F401


@pytest.fixture(scope="module")
def controlled(lifting_models, tmp_path_factory):  # noqa: F811
    folder = tmp_path_factory.mktemp("controlled")
    for path in lifting_models.iterdir():
        shutil.copy(path, folder)
    store_control_net(folder)
    return folder


@pytest.fixture
def depths(tmp_path):
    """A folder with a depth map of each of the four views."""
    folder = tmp_path / "depths"
    folder.mkdir()
    for number in range(4):
        shown = np.zeros((64, 64, 3), np.uint8)
        shown[10:54, 10 + 5 * number : 40 + 5 * number] = 180
        write_picture(folder / f"{number}.png", shown)
    return folder


def controls(folder, **settings):
    row = {"kind": "depth", "image": str(folder)} | settings
    return "prior.controls=" + json.dumps([row])


def test_views_follow_a_picture_each(make, controlled, depths):  # noqa: F811
    def views(*changes):
        code, paths, said = make("method.distil.num_steps=0", *changes, models_dir=controlled)
        assert code == 0, said
        return read_picture(next(p for p in paths if p.name == "views.png")).astype(int)

    plain, made = views(), views(controls(depths))
    assert np.abs(made - plain).max() > 2
    assert np.array_equal(views(controls(depths, weight=[0.0] * 4)), plain)


@pytest.mark.parametrize(("changes", "message"), [
    (("method.distil.num_steps=2",), "set method.distil.num_steps=0"),
    (("method.distil.num_steps=0", "method.num_views=6"), "has 4 frames, and 6 are drawn"),
])  # fmt: skip
def test_cameras_without_a_picture_end_with_code_2(
    make, controlled, depths, changes, message  # noqa: F811
):  # fmt: skip
    code, paths, said = make(controls(depths), *changes, models_dir=controlled)
    assert (code, paths) == (2, [])
    assert message in said
