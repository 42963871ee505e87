import json

import numpy as np
import pytest
import torch

from common.control.followed_config import FollowedConfig
from common.control.pose import COLOURS, LIMB_SHARE, read_poses, skeleton
from common.control.read import read_followed
from common.errors import InputError

SIZE = (256, 256)
STANDING = {
    0: (128, 40), 1: (128, 70), 2: (100, 72), 3: (80, 110), 4: (70, 150), 5: (156, 72),
    6: (176, 110), 7: (186, 150), 8: (110, 150), 9: (105, 190), 10: (102, 235), 11: (146, 150),
    12: (151, 190), 13: (154, 235), 14: (120, 34), 15: (136, 34), 16: (112, 40), 17: (144, 40),
}  # fmt: skip
"""OpenPose's 18 joints of COCO, in pixels."""
BODY_25 = (0, 1, 2, 3, 4, 5, 6, 7, None, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, *[None] * 6)
"""The joint of COCO at each place of BODY_25."""


def keypoints(places=range(18), joints=STANDING, shift=0):
    row = []
    for place in places:
        x, y = joints.get(place, (0, 0)) if place is not None else (50, 50)
        row += [x + shift, y, 0.9] if place in joints or place is None else [0, 0, 0]
    return row


def written(path, *people, **canvas):
    sides = {"canvas_width": 256, "canvas_height": 256} | canvas
    frame = {"version": 1.3, "people": [{"pose_keypoints_2d": row} for row in people]} | sides
    path.write_text(json.dumps({key: side for key, side in frame.items() if side is not None}))
    return path


def drawn(path, size=SIZE, fit="contain"):
    (pose,) = read_poses(path)
    return skeleton(pose, size, fit)


def test_joints_have_their_colours_where_they_are_and_limbs_are_dimmer(tmp_path):
    made = drawn(written(tmp_path / "one.json", keypoints())) * 255
    for joint, (x, y) in STANDING.items():
        assert made[:, y, x].tolist() == list(COLOURS[joint]), joint
    elbow_to_wrist = made[:, 130, 75]  # halfway between joints 3 and 4
    np.testing.assert_allclose(elbow_to_wrist, np.array(COLOURS[3]) * LIMB_SHARE, atol=0.01)
    assert not made[:, :20].any(), "black where nobody is"


def test_limbs_are_ellipses_from_joint_to_joint(tmp_path):
    two = {2: (40, 128), 3: (216, 128)}
    made = drawn(written(tmp_path / "one.json", keypoints(joints=two)))
    limb = np.allclose(made[:, 128, 128] * 255, np.array(COLOURS[2]) * LIMB_SHARE, atol=0.01)
    assert limb
    covered = int((made.sum(0) > 0).sum())
    # Area of an ellipse, with what the two disks add beyond it; half axes 88 and 2.
    assert covered == pytest.approx(np.pi * 88 * 2 + 2 * np.pi * 2**2 * 0.75, rel=0.05)


def test_body_25_is_drawn_as_its_joints_of_coco_and_shares_as_pixels(tmp_path):
    expected = drawn(written(tmp_path / "coco.json", keypoints()))
    assert torch.equal(drawn(written(tmp_path / "body.json", keypoints(BODY_25))), expected)
    row = np.array(keypoints()).reshape(-1, 3) / (256, 256, 1)
    shares = written(tmp_path / "shares.json", row.ravel().tolist())
    assert torch.equal(drawn(shares), expected)


def test_missing_joints_take_their_limbs_with_them(tmp_path):
    some = {joint: place for joint, place in STANDING.items() if joint != 3}
    made = drawn(written(tmp_path / "one.json", keypoints(joints=some)))
    assert not made[:, 110, 80].any()
    assert not made[:, 130, 75].any()
    assert made[:, 150, 70].any(), "the wrist itself is there"
    nobody = written(tmp_path / "none.json", [])
    assert not drawn(nobody).any()


def test_canvas_is_fitted_as_pictures_are(tmp_path):
    path = written(tmp_path / "one.json", keypoints(), canvas_width=512)
    made = drawn(path, (128, 256), "contain")
    x, y = STANDING[1]
    assert (made[:, y // 2, x // 2] * 255).tolist() == list(COLOURS[1])
    cut = drawn(path, (256, 256), "cover")
    assert (cut[:, 72, 28] * 255).tolist() == list(COLOURS[5]), "128 columns are cut on the left"
    assert not cut[:, :, 64:].any()


def test_frames_are_followed_one_by_one_or_one_by_all(tmp_path):
    (tmp_path / "poses").mkdir()
    for number in range(3):
        written(tmp_path / "poses" / f"{number}.json", keypoints(shift=9 * number))

    def followed(path, frames):
        return read_followed(FollowedConfig(image=path, preprocessor="pose"), (frames, *SIZE))

    made = followed(tmp_path / "poses", 2).pictures
    assert made.shape == (2, 3, *SIZE)
    assert torch.equal(torch.roll(made[0], 9, -1), made[1])
    frames = [json.loads((tmp_path / "poses" / f"{n}.json").read_text()) for n in range(3)]
    (tmp_path / "list.json").write_text(json.dumps(frames))
    assert torch.equal(followed(tmp_path / "list.json", 2).pictures, made)
    assert len(followed(tmp_path / "poses" / "1.json", 4).pictures) == 1
    with pytest.raises(InputError, match="has 3 frames, and 4 are drawn"):
        followed(tmp_path / "poses", 4)


@pytest.mark.parametrize(("content", "message"), [
    ("{", "cannot be read as JSON"),
    ("[]", "has no frame"),
    ('{"bodies": []}', "has no list of at most 100 people"),
    ('{"people": [], "canvas_width": 0, "canvas_height": 8}', "add canvas_width and canvas_height"),
    ('{"people": []}', "add canvas_width and canvas_height"),
    ('{"people": [{"pose_keypoints_2d": [1, 2, 3]}], "canvas_width": 8, "canvas_height": 8}',
     "has 3 values"),
    ('{"people": [{"pose_keypoints_2d": [NaN]}], "canvas_width": 8, "canvas_height": 8}',
     "has something else"),
    ('{"people": [7], "canvas_width": 8, "canvas_height": 8}', "has something else"),
])  # fmt: skip
def test_what_are_no_keypoints_is_refused(tmp_path, content, message):
    (tmp_path / "wrong.json").write_text(content)
    with pytest.raises(InputError, match=message):
        read_poses(tmp_path / "wrong.json")


def test_missing_files_and_empty_folders_are_refused(tmp_path):
    with pytest.raises(InputError, match="is missing: preprocessor pose"):
        read_poses(tmp_path / "none.json")
    with pytest.raises(InputError, match="no JSON file with keypoints"):
        read_followed(FollowedConfig(image=tmp_path, preprocessor="pose"), SIZE)
