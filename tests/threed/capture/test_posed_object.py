import json

import pytest
import torch
from PIL import Image

from common.cameras import Cameras, orbit_cameras, project
from common.errors import InputError
from threed.capture.posed_object import (
    RADIUS_M,
    capture_of,
    check_capture,
    framed_cameras,
    held_out_of,
    object_frame,
)
from threed.measures.cloud_views import Frame
from threed.nerfstudio.transforms import write_transforms
from threed.reconstruct import Reconstruct

CENTRE = (3.0, -1.0, 2.0)
CAMERAS = orbit_cameras(
    [0.0, 60.0, 130.0, 200.0, 290.0], [5.0, 40.0, -10.0, 20.0, 0.0], 30.0, 20.0, 64, 80,
    target=CENTRE, dtype=torch.float64,
)  # fmt: skip


def discs(cameras: Cameras, radius: float) -> torch.Tensor:
    """Orange silhouettes of a ball at the centre."""
    middle, depth = project(cameras, torch.tensor([CENTRE], dtype=torch.float64))
    reach = cameras.intrinsics[:, 0, 0] * radius / (depth[:, 0] ** 2 - radius**2).sqrt()
    rows, columns = torch.meshgrid(torch.arange(64) + 0.5, torch.arange(80) + 0.5, indexing="ij")
    away = torch.stack([columns, rows], -1) - middle[:, None]
    alpha = (away.norm(dim=-1) <= reach[:, None, None]).float()
    return torch.cat([alpha[..., None] * torch.tensor([1.0, 0.5, 0.0]), alpha[..., None]], -1)


@pytest.fixture
def dataset(tmp_path):
    return write_transforms(tmp_path / "scene", CAMERAS, discs(CAMERAS, 4.0)).parent


def edited(folder, change):
    path = folder / "transforms.json"
    content = json.loads(path.read_text())
    change(content)
    path.write_text(json.dumps(content))
    return folder


def test_frame_is_the_ball_that_was_photographed():
    frame = object_frame(discs(CAMERAS, 4.0)[..., 3], CAMERAS)
    assert frame.centre == pytest.approx(CENTRE, abs=0.05)  # a pixel is 0.17 here
    assert frame.radius_m == pytest.approx(1.05 * 4.0, abs=0.2)


def test_framed_cameras_see_the_moved_world_alike():
    frame = Frame(CENTRE, 4.0)
    points = torch.randn(20, 3, dtype=torch.float64)
    pixels, _ = project(CAMERAS, points)
    moved = RADIUS_M * (points - torch.tensor(CENTRE)) / 4.0
    again, _ = project(framed_cameras(CAMERAS, frame, RADIUS_M), moved)
    assert torch.allclose(again, pixels, atol=1e-9)


def test_capture_is_scaled_and_split(dataset):
    capture = capture_of(Reconstruct(input=dataset, picture_px=40, hold_out=5))
    assert capture.fitted.rgba.shape == (4, 32, 40, 4)
    assert capture.held_out.rgba.shape == (1, 32, 40, 4)
    assert "80 x 64 were scaled to 40 x 32" in capture.notes[0]
    # the ball fills the same share of smaller pictures
    assert float(capture.fitted.rgba[0, ..., 3].mean()) == pytest.approx(
        float(discs(CAMERAS, 4.0)[0, ..., 3].mean()), abs=1e-3
    )
    origin, _ = project(capture.fitted.cameras, torch.zeros(1, 3))
    assert torch.allclose(origin, torch.tensor([20.0, 16.0]), atol=0.3)


def test_held_out_pictures_are_spread_and_none_for_zero():
    assert held_out_of(20, 8) == [4, 12]
    assert held_out_of(20, 0) == []


def test_masks_cut_the_object_out(dataset):
    """Opaque pictures, whose outlines stand in files of their own."""
    masks = dataset / "masks"
    masks.mkdir()
    for view, one in enumerate(sorted((dataset / "images").iterdir())):
        with Image.open(one) as picture:
            picture.getchannel("A").save(masks / f"{view}.png")
            picture.convert("RGB").save(one)
    with pytest.raises(InputError, match="opaque all over"):
        capture_of(Reconstruct(input=dataset))

    def add(content):
        for view, frame in enumerate(content["frames"]):
            frame["mask_path"] = f"masks/{view}.png"

    edited(dataset, add)
    with pytest.raises(InputError, match="which outline=mask uses"):
        capture_of(Reconstruct(input=dataset))
    cut = capture_of(Reconstruct(input=dataset, outline="mask", hold_out=0))
    assert torch.allclose(cut.fitted.rgba, discs(CAMERAS, 4.0), atol=1 / 255)


@pytest.mark.parametrize(
    ("change", "more", "words"),
    [
        (lambda c: c["frames"][1].update(file_path="images/gone.png"), {}, "gone.png: there is no"),
        (lambda c: c["frames"][1].update(file_path="../x.png"), {}, "leaves the dataset's folder"),
        (lambda c: c.update(k1=0.1), {}, "lens distortion"),
        (lambda c: c.update(frames=c["frames"][:3]), {}, "leaves 3 pictures to fit"),
        (lambda c: None, {"outline": "mask"}, "no mask_path"),
        (lambda c: None, {"hold_out": 2}, "leaves 3 pictures to fit, of 5 with hold_out=2"),
        (lambda c: c.update(frames=c["frames"] * 500), {}, "lists 2,500 pictures"),
    ],
)
def test_dataset_that_cannot_be_fitted_is_refused(dataset, change, more, words):
    with pytest.raises(InputError, match=words):
        check_capture(Reconstruct(input=edited(dataset, change), **more))


def test_pictures_of_nothing_and_from_one_side_are_refused():
    alpha = discs(CAMERAS, 4.0)[..., 3]
    alpha[2] = 0
    with pytest.raises(InputError, match="nothing is half opaque in picture 2"):
        object_frame(alpha, CAMERAS)
    one = CAMERAS[[0, 0, 0, 0]]
    with pytest.raises(InputError, match="look in one direction"):
        object_frame(discs(one, 4.0)[..., 3], one)
