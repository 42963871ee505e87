import numpy as np
import pytest
import torch

from common.control.edges import canny
from common.control.followed_config import FollowedConfig
from common.control.preprocess import preprocessed
from common.control.read import read_followed
from common.errors import InputError
from common.media.clips import write_clip
from common.media.images import write_picture

SIZE = (64, 72)


@pytest.fixture
def given(tmp_path):
    """A picture with transparency, one without, a clip of three frames and a folder of two."""
    rng = np.random.default_rng(0)
    cut = np.zeros((*SIZE, 4), np.uint8)
    cut[16:48, 20:50] = [200, 90, 30, 255]
    write_picture(tmp_path / "cut.png", cut)
    write_picture(tmp_path / "whole.png", rng.integers(0, 256, (*SIZE, 3)).astype(np.uint8))
    frames = np.zeros((3, *SIZE, 4), np.uint8)
    for number in range(3):
        frames[number, :, : 20 * (number + 1)] = 255
    write_clip(tmp_path / "clip.webp", frames, 8.0)
    (tmp_path / "views").mkdir()
    for number in range(2):
        write_picture(tmp_path / "views" / f"{number}.png", np.roll(cut, 9 * number, 1))
    return tmp_path


def followed(path, size=SIZE, **settings):
    return read_followed(FollowedConfig(image=path, **settings), size)


def test_a_picture_of_the_size_is_followed_as_it_is_with_black_for_transparency(given):
    made = followed(given / "cut.png").pictures
    assert made.shape == (1, 3, *SIZE)
    assert not made[0, :, :16].any()
    torch.testing.assert_close(made[0, :, 30, 30], torch.tensor([200.0, 90.0, 30.0]) / 255)


def test_other_shapes_are_fitted(given):
    assert followed(given / "cut.png", (64, 64)).pictures.shape == (1, 3, 64, 64)
    contained = followed(given / "whole.png", (64, 128), fit="contain").pictures
    assert not contained[..., :20].any()
    assert contained[..., 40:80].any()


def test_a_clip_is_followed_frame_by_frame_and_the_rest_of_it_left(given):
    made = followed(given / "clip.webp", (2, *SIZE))
    assert made.pictures.shape == (2, 3, *SIZE)
    # Lossless pictures in the file; white is white.
    assert torch.equal(made.pictures[0, 0, 0] > 0.5, torch.arange(72) < 20)
    assert torch.equal(made.pictures[1, 0, 0] > 0.5, torch.arange(72) < 40)
    views = followed(given / "views", (2, *SIZE)).pictures
    assert torch.equal(views[1], torch.roll(views[0], 9, -1))


def test_one_picture_and_weights_for_each_frame(given):
    made = followed(given / "cut.png", (3, *SIZE), weight=(1.0, 0.5, 0.0))
    assert made.pictures.shape[0] == 3
    times = torch.full((6,), 0.5)
    assert made.shares(times).tolist() == [1.0, 0.5, 0.0] * 2
    assert torch.equal(made.rows(6)[0], made.rows(6)[5])
    assert followed(given / "cut.png", (3, *SIZE), weight=0.5).shares(times).tolist() == [0.5] * 6


def test_what_acts_only_at_some_times_has_no_share_at_others(given):
    made = followed(given / "cut.png", interval=(0.4, 0.8))
    assert made.shares(torch.tensor([0.3, 0.4, 0.8, 0.9])).tolist() == [0, 1, 1, 0]


@pytest.mark.parametrize("preprocessor", ["canny", "soft_edge", "silhouette"])
def test_preprocessors_work_on_the_fitted_picture(given, preprocessor):
    made = followed(given / "cut.png", preprocessor=preprocessor).pictures[0]
    assert torch.equal(made[0], made[2]), "grey"
    assert 0 < float(made.mean()) < 1
    if preprocessor == "silhouette":
        assert float(made.mean()) == pytest.approx(32 * 30 / (64 * 72))


@pytest.mark.parametrize("preprocessor", ["depth", "normals"])
def test_maps_are_estimated_of_each_frame_where_the_thing_is(given, preprocessor):
    still = followed(given / "cut.png", preprocessor=preprocessor).pictures[0]
    there = torch.zeros(SIZE, dtype=torch.bool)
    there[16:48, 20:50] = True
    assert torch.equal((still > 0).any(0), there)
    assert torch.equal(still[0], still[2]) == (preprocessor == "depth")
    views = followed(given / "views", (2, *SIZE), preprocessor=preprocessor).pictures
    assert torch.equal(views[0], still)
    assert torch.equal(views[1], torch.roll(still, 9, -1)), "framed alike wherever it is"


def test_preprocessed_canny_is_canny():
    image = torch.rand(3, 32, 32, generator=torch.Generator().manual_seed(0))
    lines = torch.from_numpy(canny(np.ascontiguousarray(image.permute(1, 2, 0).numpy())))
    assert torch.equal(preprocessed(image, "canny")[0] > 0.5, lines)


@pytest.mark.parametrize(("name", "size", "settings", "message"), [
    ("none.png", SIZE, {}, "there is no such file"),
    ("clip.webp", (4, *SIZE), {}, "has 3 frames, and 4 are drawn"),
    ("views", (3, *SIZE), {}, "has 2 frames, and 3 are drawn"),
    ("cut.png", (3, *SIZE), {"weight": (1.0, 0.5)}, "2 weights are given for it, and 3 frames"),
    ("whole.png", SIZE, {"preprocessor": "silhouette"}, "has no transparent pixels"),
    ("whole.png", SIZE, {"preprocessor": "depth"},
     "depth can be estimated of a thing that is cut out, .* no transparent pixels"),
    ("whole.png", SIZE, {"preprocessor": "normals"}, "give its map of normals with preprocessor"),
    ("cut.png", SIZE, {"preprocessor": "pose"}, "cannot be read as JSON"),
])  # fmt: skip
def test_what_cannot_be_followed_is_refused(given, name, size, settings, message):
    with pytest.raises(InputError, match=message):
        followed(given / name, size, **settings)


def test_an_empty_folder_and_text_are_refused(tmp_path):
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="no picture in this folder"):
        followed(tmp_path / "empty")
    (tmp_path / "text.png").write_text("hello")
    with pytest.raises(InputError, match="of no known format"):
        followed(tmp_path / "text.png")


@pytest.mark.parametrize("interval", [(0.5, 0.5), (0.8, 0.2), (-0.1, 1.0)])
def test_intervals_are_checked(interval, tmp_path):
    with pytest.raises(ValueError, match="interval must be"):
        FollowedConfig(image=tmp_path, interval=interval)
