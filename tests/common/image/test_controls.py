"""Pictures to follow on the embedded prior, end to end on untrained models."""

import json
import shutil

import numpy as np
import pytest

from common.control.followed_config import FollowedConfig
from common.control.read import read_followed
from common.media.images import write_picture
from common.media.pixels import to_picture
from tests.common.image.test_embedded_run import pixels
from tests.common.zoo.small_zoo import store_control_net


@pytest.fixture(scope="module")
def controlled(models, tmp_path_factory):
    """The models with a ControlNet."""
    folder = tmp_path_factory.mktemp("controlled")
    for path in models.iterdir():
        shutil.copy(path, folder)
    store_control_net(folder)
    return folder


@pytest.fixture
def given(tmp_path):
    picture = np.zeros((64, 72, 4), np.uint8)
    picture[20:50, 20:50] = [255, 200, 0, 255]
    write_picture(tmp_path / "given.png", picture)
    return tmp_path / "given.png"


def controls(*rows):
    return "prior.controls=" + json.dumps(rows)


def test_pictures_follow_what_is_given_and_weight_0_is_no_control(draw, controlled, given):
    def drawn(*rows):
        code, paths, said = draw("num_samples=1", controls(*rows), models_dir=controlled)
        assert code == 0, said
        return pixels(paths)[0]

    canny = {"kind": "canny", "image": str(given), "preprocessor": "canny"}
    plain, made = drawn(), drawn(canny)
    assert np.abs(made - plain).max() > 2
    assert np.array_equal(drawn(canny | {"weight": 0}), plain)
    assert np.abs(drawn(canny, {"kind": "depth", "image": str(given)}) - made).max() > 2
    assert np.abs(drawn(canny | {"interval": [0.0, 0.6]}) - made).max() > 0


@pytest.mark.parametrize("kind", ["depth", "normals", "pose"])
def test_estimated_maps_are_followed_as_the_same_maps_given(draw, controlled, given, kind):
    def drawn(image, preprocessor):
        row = {"kind": kind, "image": str(image), "preprocessor": preprocessor}
        code, paths, said = draw("num_samples=1", controls(row), models_dir=controlled)
        assert code == 0, said
        return pixels(paths)[0]

    config = FollowedConfig(image=given, preprocessor=kind)
    estimated = read_followed(config, (64, 72), "estimated").pictures[0]
    write_picture(given.parent / "map.png", to_picture(estimated * 2 - 1))
    made = drawn(given, kind)
    # The map in the file is rounded to 8 bits.
    assert np.abs(made - drawn(given.parent / "map.png", "none")).max() <= 2
    assert np.abs(made - drawn(given, "none")).max() > 2, "the picture is no map of itself"


@pytest.mark.parametrize(("row", "message"), [
    ({"kind": "depth", "image": "none.png"}, "there is no such file"),
    ({"kind": "scribble", "image": "given.png"}, "kind"),
    ({"kind": "pose", "image": "people.json", "preprocessor": "pose"},
     "follows poses of things in pictures"),
    ({"image": "given.png"}, "kind"),
    ({"kind": "canny", "image": "given.png", "preprocessor": "silhouette"},
     "makes pictures of kind segmentation, not canny"),
    ({"kind": "normals", "image": "given.png", "preprocessor": "depth"},
     "makes pictures of kind depth, not normals"),
    ({"kind": "depth", "image": "given.png", "preprocessor": "pose"},
     "makes pictures of kind pose, not depth"),
    ({"kind": "depth", "image": "given.png", "weight": [1.0, 0.5]}, "2 weights are given"),
    ({"kind": "depth", "image": "given.png", "weight": 11}, "weight"),
])  # fmt: skip
def test_what_cannot_be_followed_ends_with_code_2(draw, controlled, given, row, message):
    before = sorted(given.parent.iterdir())
    code, paths, said = draw(controls(row), models_dir=controlled)
    assert (code, paths) == (2, [])
    assert message in said
    assert "Traceback" not in said
    assert sorted(given.parent.iterdir()) == before


def test_a_missing_control_net_ends_with_code_2(draw, models, given):
    code, paths, said = draw(controls({"kind": "depth", "image": str(given)}))
    assert (code, paths) == (2, [])
    assert "has no controlnet" in said
